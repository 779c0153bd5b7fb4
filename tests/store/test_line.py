"""The store's connections for commands, against a real store that is frozen, killed or picky."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import pytest
from machines import Proxy, on_a_shop, short_folder
from redis.asyncio import Redis

from ordering.address import seed_servers
from ordering.embedded import Embedded
from ordering.resp import Line, ReplyError, connect
from ordering.store import CROWD, Store, StoreAway, StoreUnfit


@contextmanager
def frozen(embedded: Embedded) -> Iterator[None]:
    """The store answers nothing meanwhile."""
    pid = int(Path(embedded.url.removeprefix("unix://")).with_name("store.pid").read_text())
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@asynccontextmanager
async def a_line(embedded: Embedded) -> AsyncIterator[Line]:
    line = await connect(seed_servers(embedded.url, None)[0], lambda: Line(2.0))
    try:
        yield line
    finally:
        line.close()
        await asyncio.sleep(0)  # the transport closes in the loop's next round


def test_commands_are_answered_in_their_order_without_waiting_for_each_other(embedded: Embedded) -> None:
    async def story() -> None:
        async with a_line(embedded) as line:
            answers = [line.ask("ECHO", str(number)) for number in range(500)]
            assert len(line.waiting) == 500
            assert await asyncio.gather(*answers) == [str(number).encode() for number in range(500)]
            assert not line.waiting

    asyncio.run(story())


def test_whoever_gives_up_leaves_the_answers_of_the_others_in_place(embedded: Embedded) -> None:
    async def story() -> None:
        async with a_line(embedded) as line:
            answers = [line.ask("ECHO", str(number)) for number in range(10)]
            for answer in answers[::2]:
                answer.cancel()
            assert await asyncio.gather(*answers[1::2]) == [b"1", b"3", b"5", b"7", b"9"]

    asyncio.run(story())


def test_an_error_is_the_answer_of_its_own_command_only(embedded: Embedded) -> None:
    async def story() -> None:
        async with a_line(embedded) as line:
            wrong, right = await asyncio.gather(line.ask("NO", "SUCH"), line.ask("ECHO", "x"))
            assert isinstance(wrong, ReplyError)
            assert right == b"x"

    asyncio.run(story())


def test_everybody_who_waits_on_a_lost_connection_knows_at_once(embedded: Embedded) -> None:
    async def story() -> None:
        async with a_line(embedded) as line:
            with frozen(embedded):
                answers = [line.ask("PING") for _ in range(5)]
                line.close("enough")
                told = await asyncio.gather(*answers, return_exceptions=True)
            assert [str(each) for each in told] == ["enough"] * 5
            with pytest.raises(ConnectionError):
                await line.ask("PING")

    asyncio.run(story())


def test_a_command_to_a_frozen_store_ends_with_its_time_and_the_next_one_works(embedded: Embedded) -> None:
    async def story() -> None:
        store = Store(embedded.url, "frozen", timeout=0.3)
        await store.ping()
        loop = asyncio.get_running_loop()
        for _ in range(20):
            with frozen(embedded):
                began = loop.time()
                told = await asyncio.gather(*(store.ping() for _ in range(8)), return_exceptions=True)
                assert loop.time() - began < 1.5
                assert all(isinstance(each, StoreAway) for each in told), told
            await store.ping()
        await store.close()

    asyncio.run(story())


def test_a_connection_that_answers_nothing_any_more_is_given_up(embedded: Embedded) -> None:
    async def story() -> None:
        with Proxy(embedded.url.removeprefix("unix://")) as proxy:
            store = Store(f"redis://127.0.0.1:{proxy.port}", "half-open", timeout=0.3)
            await store.ping()
            proxy.swallow()
            with pytest.raises(StoreAway, match=r"no answer within 0\.3 s"):
                await store.ping()
            await store.ping()
            await store.close()

    asyncio.run(story())


def test_a_task_that_waits_for_the_store_can_be_cancelled(embedded: Embedded) -> None:
    """redis-py forgot a cancellation that came in the round of the loop in which the answer did."""

    async def story(store: Store) -> None:
        await store.ping()
        for rounds in range(300):

            async def ask_for_ever() -> None:
                while True:
                    await store.ping()

            task = asyncio.create_task(ask_for_ever())
            for _ in range(rounds % 7):
                await asyncio.sleep(0)
            task.cancel()
            done, _ = await asyncio.wait([task], timeout=1)
            assert done, f"still at work after round {rounds}"

    on_a_shop(embedded, story)


def test_a_crowd_gets_another_connection_and_never_more_than_the_limit(embedded: Embedded) -> None:
    async def connections(raw: Redis) -> int:
        return len(await raw.client_list()) - 1

    async def story() -> None:
        async with Redis(unix_socket_path=embedded.url.removeprefix("unix://")) as raw:
            before = await connections(raw)
            store = Store(embedded.url, "crowd", connections=2)
            await asyncio.gather(*(store.ping() for _ in range(CROWD)))
            assert await connections(raw) == before + 1
            for _ in range(3):
                await asyncio.gather(*(store.ping() for _ in range(CROWD * 5)))
            assert await connections(raw) == before + 2
            await store.close()

    asyncio.run(story())


def test_the_database_of_the_address_is_used(embedded: Embedded) -> None:
    async def story() -> None:
        store = Store(f"{embedded.url}?db=3", "elsewhere")
        assert await store.signing_keys()
        await store.close()
        path = embedded.url.removeprefix("unix://")
        async with Redis(unix_socket_path=path, db=3) as third, Redis(unix_socket_path=path) as first:
            assert await third.exists(store.keys.signing)
            assert not await first.exists(store.keys.signing)

    asyncio.run(story())


def test_a_refused_password_says_where_it_belongs() -> None:
    async def story() -> None:
        with short_folder() as folder:
            picky = Embedded(folder / "data")
            picky.start()
            try:
                async with Redis(unix_socket_path=picky.url.removeprefix("unix://")) as raw:
                    await raw.config_set("requirepass", "open sesame")
                for password in (None, "wrong"):
                    store = Store(picky.url, "main", password=password)
                    with pytest.raises(StoreUnfit, match=r"refuses the password.*ORDERING_STORE_PASSWORD"):
                        await store.check()
                    await store.close()
                right = Store(picky.url, "main", password="open sesame")
                assert "append-only" in await right.check()
                await right.close()
            finally:
                os.kill(int((folder / "data" / "store.pid").read_text()), signal.SIGKILL)
                picky.stop()

    asyncio.run(story())
