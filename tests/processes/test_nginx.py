"""Through nginx, with the configuration that operators get."""

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest
from actors import Browser, Guest, Staff, tables, tell
from machines import Nginx, Server, short_folder, until

PORK = "dongpo-pork"


@pytest.fixture(scope="module")
def front() -> Iterator[tuple[Nginx, Server]]:
    """Three ports behind nginx."""
    with short_folder() as folder, short_folder() as site:
        server = Server(folder, processes=3).start()
        nginx = Nginx(site, server.ports).start()
        try:
            yield nginx, server
        finally:
            nginx.stop()
            server.stop()


async def party(port: int, table: int, guests: int) -> list[Guest]:
    """Guests of one table who come through this port."""
    code = (await tables(port))[table]["code"]
    made = [Guest(port, code) for _ in range(guests)]
    for guest in made:
        await guest.scan()
    return made


def test_diners_see_each_other_through_nginx(front: tuple[Nginx, Server]) -> None:
    nginx, server = front

    async def story() -> None:
        lin, jo = await party(nginx.port, 0, 2)
        one, other = await lin.look(), await jo.look("html")
        answer = await one.do("add", item=PORK)
        await other.at(answer["v"])
        assert (await jo.do("add", item=PORK))["ok"]
        # And with somebody who comes to a port directly.
        beside = Guest(server.ports[2], lin.code)
        await beside.scan()
        answer = await beside.do("add", item=PORK)
        await one.at(answer["v"])
        assert one.blocks["totals"]["cart_portions"] == 3
        staff = await Staff(nginx.port).login()
        assert (await staff.look("kitchen")).v > 0

    tell(story())


def test_the_phones_of_a_table_meet_on_one_process(front: tuple[Nginx, Server]) -> None:
    nginx, server = front

    async def phones(port: int) -> int:
        text = await Browser(port).page("/metrics")
        return int(float(text.split("\nordering_phones ")[1].split()[0]))

    async def story() -> None:
        for table in range(4, 8):
            before = [await phones(port) for port in server.ports]
            guests = await party(nginx.port, table, 4)
            pages = [await guest.look() for guest in guests]
            after = [await phones(port) for port in server.ports]
            assert sorted(now - was for now, was in zip(after, before, strict=True)) == [0, 0, 4]
            for page in pages:
                page.close()
            async with asyncio.timeout(10):  # until they have been missed
                while [await phones(port) for port in server.ports] != before:
                    await asyncio.sleep(0.05)

    tell(story())


def test_a_dead_port_is_passed_over_for_pages_posts_and_sockets(front: tuple[Nginx, Server]) -> None:
    nginx, server = front

    async def story() -> None:
        guests = [(await party(nginx.port, table, 1))[0] for table in range(8, 12)]
        frozen = server.children()
        for pid in frozen[:2]:
            os.kill(pid, signal.SIGKILL)
        for guest in guests:
            answer = await guest.do("add", item=PORK)
            assert answer["ok"], answer
            page = await guest.look()
            assert page.blocks["totals"]["cart_portions"] == 1
            page.close()
        until(lambda: not set(server.children()) & set(frozen[:2]), what="run.py starts them again")

    tell(story())


def test_another_sites_origin_gets_no_socket_through_nginx(front: tuple[Nginx, Server]) -> None:
    nginx, _ = front

    async def story() -> None:
        [guest] = await party(nginx.port, 1, 1)
        upgrade = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
            "Sec_WebSocket_Version": "13",
        }
        path = f"/t/{guest.code}/live"
        assert (await guest.ask("GET", path, Origin="http://evil.example", **upgrade)).code == 403
        socket = await guest.socket(path, Origin=f"http://127.0.0.1:{nginx.port}")
        assert await socket.read_message()
        socket.close()

    tell(story())


def test_codes_of_tables_stay_out_of_the_log(front: tuple[Nginx, Server]) -> None:
    nginx, _ = front

    async def story() -> str:
        [guest] = await party(nginx.port, 2, 1)
        return guest.code

    code = tell(story())
    log = (nginx.folder / "logs" / "access.log").read_text()
    assert "/t/-" in log
    assert code not in log
