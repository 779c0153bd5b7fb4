"""What a guest with a bad line has to wait for: 120 dishes in few requests and few bytes."""

from urllib.parse import urlsplit

from long_menu import long_menu
from machines import Server, short_folder
from phones import first_load, room, tell

REQUESTS_MOST = 4
BYTES_MOST = 60_000
SCRIPT_MOST = 12_000


def test_120_dishes_are_few_requests_and_few_bytes_from_one_host() -> None:
    async def story(server: Server) -> None:
        async with room(server) as here:
            link = await here.link(0)
            sizes = await first_load(await (await here.context()).new_page(), link)
            assert len(sizes) <= REQUESTS_MOST, sizes
            assert sum(sizes.values()) <= BYTES_MOST, sizes
            assert sum(size for name, size in sizes.items() if name.endswith(".js")) <= SCRIPT_MOST, sizes
            assert {urlsplit(name).netloc for name in sizes} == {urlsplit(link).netloc}

    with short_folder() as folder:
        server = Server(folder, 1, f"--restaurant={long_menu(folder)}").start()
        try:
            tell(story(server))
        finally:
            server.stop()
