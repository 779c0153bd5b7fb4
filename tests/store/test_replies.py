"""Every way in which a real store says no: to a commit, to a load, and to a guest over HTTP and over a socket.

Each is met by the same story: nothing is done and nobody is told that it was, nothing hangs, and when the store is
well again the same op is done once and the page that stayed open is live within a second.
"""

import asyncio
import contextlib
import socket
import subprocess
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from actors import Answer, Guest, new_op, tables, tell
from machines import Proxy, Server, bundled_store, short_folder, until
from redis import Redis
from redis.exceptions import RedisError

from ordering.documents import STOCK
from ordering.embedded import _program
from ordering.replies import ADVICE
from ordering.stock import Stock
from ordering.store import Committed, Keys, Store, StoreAway, StoreUnfit

PORK = "dongpo-pork"
TIMEOUT = 0.4  # seconds that a command waits for this store
HEALED = 1.0  # seconds after the store is well again within which a page must be live
KEYS = Keys("main")


class House:
    """A store of one's own, as an operator might have set it up, and a process that uses it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = folder / "s"
        self.options = ["--port", "0", "--unixsocket", str(self.socket), "--dir", str(folder), "--logfile", "log"]
        self.options += ["--save", "3600 1000000", "--busy-reply-threshold", "20"]
        self.options += ["--user", "operator", "on", ">theirs", "~*", "&*", "+@all"]
        self.server: subprocess.Popen[bytes] | None = None

    def start(self, *more: str) -> None:
        """Starts the store; returns when it takes connections."""
        self.server = subprocess.Popen([_program(), *self.options, *more], cwd=self.folder)
        until(self._connects)

    def kill(self) -> None:
        """Ends the store."""
        assert self.server
        self.server.kill()
        self.server.wait()

    def operator(self, *words: Any) -> Any:
        """A command of somebody who may do everything, whatever the others may."""
        with Redis(unix_socket_path=str(self.socket), username="operator", password="theirs") as raw:
            return raw.execute_command(*words)

    def persistence(self) -> dict[str, Any]:
        """What it says of its file."""
        return dict(self.operator("INFO", "persistence"))

    def _connects(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(str(self.socket)) == 0


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """The store."""
    with short_folder() as folder:
        made = House(folder)
        made.start()
        try:
            yield made
        finally:
            made.kill()


@pytest.fixture(scope="module")
def process(house: House) -> Iterator[Server]:
    """A process that serves the demo from it."""
    with short_folder() as folder:
        running = Server(folder, 1, f"--store=unix://{house.socket}", f"--store_timeout={TIMEOUT}").start()
        try:
            yield running
        finally:
            running.stop()


# ---- what can be wrong with a store


def settings(wrong: tuple[str, ...], well: tuple[str, ...]) -> Callable[[House], AbstractContextManager[None]]:
    """A trouble that comes and goes by one command of the operator's."""

    @contextmanager
    def trouble(house: House) -> Iterator[None]:
        house.operator(*wrong)
        try:
            yield
        finally:
            house.operator(*well)

    return trouble


def set_to(name: str, wrong: str, well: str) -> Callable[[House], AbstractContextManager[None]]:
    """A trouble that is one setting."""
    return settings(("CONFIG", "SET", name, wrong), ("CONFIG", "SET", name, well))


def may_not(*rules: str) -> Callable[[House], AbstractContextManager[None]]:
    """The process's user may not do everything."""
    return settings(
        ("ACL", "SETUSER", "default", *rules), ("ACL", "SETUSER", "default", "on", "resetkeys", "~*", "&*", "+@all")
    )


def another_kind(key: str) -> Callable[[House], AbstractContextManager[None]]:
    """A set in the place of a key, which is kept aside."""

    @contextmanager
    def trouble(house: House) -> Iterator[None]:
        aside = bool(house.operator("EXISTS", key))
        if aside:
            house.operator("RENAME", key, key + "-aside")
        house.operator("SADD", key, "of another kind")
        try:
            yield
        finally:
            house.operator("DEL", key)
            if aside:
                house.operator("RENAME", key + "-aside", key)

    return trouble


@contextmanager
def unsaved(house: House) -> Iterator[None]:
    """A folder stands where its file should be: saving fails, and it takes no writes until one succeeds."""

    def saved(state: str) -> None:
        house.operator("BGSAVE")
        until(lambda: house.persistence()["rdb_last_bgsave_status"] == state)

    (house.folder / "dump.rdb").unlink(missing_ok=True)
    (house.folder / "dump.rdb" / "full").mkdir(parents=True)
    saved("err")
    try:
        yield
    finally:
        (house.folder / "dump.rdb" / "full").rmdir()
        (house.folder / "dump.rdb").rmdir()
        saved("ok")


@contextmanager
def busy(house: House) -> Iterator[None]:
    """Somebody's script does not end."""

    def spin() -> None:
        with contextlib.suppress(RedisError):
            house.operator("EVAL", "while true do end", 0)

    spinning = threading.Thread(target=spin)
    spinning.start()
    time.sleep(0.1)
    try:
        yield
    finally:
        until(lambda: not _is_busy(house) or house.operator("SCRIPT", "KILL"))
        spinning.join(5)


def _is_busy(house: House) -> bool:
    try:
        house.operator("PING")
    except RedisError as error:
        return "script" in str(error)
    return False


@contextmanager
def a_password(house: House) -> Iterator[None]:
    """It wants a password that the process does not have; the connections that there were are cut."""
    house.operator("CONFIG", "SET", "requirepass", "open sesame")
    house.operator("CLIENT", "KILL", "USER", "default", "SKIPME", "yes")
    try:
        yield
    finally:
        house.operator("CONFIG", "SET", "requirepass", "")


@contextmanager
def loading(house: House) -> Iterator[None]:
    """It has died, and reads its file for a while."""
    with Redis(unix_socket_path=str(house.socket)) as raw, raw.pipeline() as many:
        for number in range(1800):
            many.set(f"filler:{number}", "x" * 200)
        many.execute()
    house.operator("SAVE")
    house.kill()
    house.start("--key-load-delay", "1000", "--loading-process-events-interval-bytes", "1024")
    try:
        yield
    finally:
        until(lambda: not house.persistence()["loading"])


class Trouble(NamedTuple):
    """`says` is how the reply begins; `reads`: whether pages can still be read."""

    says: str
    comes: Callable[[House], AbstractContextManager[None]]
    reads: bool = True


TROUBLES = {
    "full": Trouble("OOM", set_to("maxmemory", "1", "0")),
    "file not saved": Trouble("MISCONF", unsaved),
    "loading": Trouble("LOADING", loading, reads=False),
    "a replica": Trouble("READONLY", settings(("REPLICAOF", "127.0.0.1", "1"), ("REPLICAOF", "NO", "ONE"))),
    "too few replicas": Trouble("NOREPLICAS", set_to("min-replicas-to-write", "1", "0")),
    "may run no scripts": Trouble("NOPERM", may_not("-@scripting"), reads=False),
    "may not write": Trouble("NOPERM", may_not("-@write"), reads=True),
    "may not write hashes": Trouble("NOPERM", may_not("-hset")),
    "may not publish": Trouble("NOPERM", may_not("resetchannels")),
    "may not write documents": Trouble(
        "NOPERM", may_not("resetkeys", "%R~*", "%W~*:seq", "%W~*:log", "%W~*:op:*"), reads=False
    ),
    # To a long command of a stranger the server only says that it has too many words, and closes.
    "wants a password": Trouble(
        r"NOAUTH|ERR Protocol error: unauthenticated|\[Errno|the store closed", a_password, reads=False
    ),
    "busy": Trouble("BUSY", busy, reads=False),
    "log of another kind": Trouble("WRONGTYPE", another_kind(KEYS.log)),
    "number of another kind": Trouble("WRONGTYPE", another_kind(KEYS.sequence), reads=False),
    "document of another kind": Trouble("WRONGTYPE", another_kind(KEYS.document(STOCK)), reads=False),
}


# ---- the story


@asynccontextmanager
async def a_store(house: House) -> AsyncIterator[Store]:
    store = Store(f"unix://{house.socket}", "main", TIMEOUT)
    try:
        yield store
    finally:
        await store.close()


async def commit(store: Store, op: str) -> Any:
    """The stock as it is, written again."""
    seen = (await store.load([STOCK])).documents
    return await store.commit("lin", op, "same", b"{}", {"op": op}, seen, {STOCK: seen[STOCK].value or Stock()})


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_a_commit_and_a_load_that_the_store_refuses_are_refused_and_change_nothing(
    house: House, process: Server, trouble: Trouble
) -> None:
    async def story() -> None:
        async with a_store(house) as store:
            before, op = await store.load([STOCK]), new_op()
            stock = before.documents
            with trouble.comes(house):
                with contextlib.suppress(StoreAway):
                    await store.ping()  # where the connection was cut, this is who notices
                with pytest.raises(StoreAway, match=f"^({trouble.says})"):
                    await store.commit("lin", op, "same", b"{}", {"op": op}, stock, {STOCK: Stock()})
                if trouble.reads:
                    assert await store.load([STOCK], op=("lin", op)) == before
                else:
                    with pytest.raises(StoreAway, match=f"^({trouble.says})"):
                        await store.load([STOCK])
            again = await store.load([STOCK], op=("lin", op))
            assert (again.record, again.documents) == (None, stock)
            assert op not in [entry.get("op") for _, entry in await store.log(20)], "half a commit"
            assert isinstance(await commit(store, op), Committed)

    asyncio.run(story())


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
def test_a_guest_is_told_to_try_again_and_the_same_op_is_done_once(
    house: House, process: Server, trouble: Trouble
) -> None:
    async def story() -> None:
        table = list(TROUBLES.values()).index(trouble) % 12
        guest = Guest(process.port, (await tables(process.port))[table]["code"])
        await guest.scan()
        page, op, by_socket = await guest.look(), new_op(), new_op()
        portions = page.blocks["totals"]["cart_portions"]
        with trouble.comes(house):
            began = time.monotonic()
            refused, told = await asyncio.gather(guest.do("add", op, item=PORK), page.do("add", by_socket, item=PORK))
            read = await guest.scan()
            ready = await guest.json("/readyz")
            assert ready.get("ok") or ready["why"] in (*ADVICE, "no answer"), "who asks learns no address"
            assert time.monotonic() - began < 3 * TIMEOUT + 1
            assert (refused.status, refused["error"], told["error"]) == (503, "store_away", "store_away")
            assert "try again" in refused["message"] or "再试" in refused["message"], refused
            assert read.status == (200 if trouble.reads else 503), read
            if trouble.reads:
                assert read["sitting"]["blocks"]["totals"]["cart_portions"] == portions
        healed = time.monotonic()
        answer, again = await until_done(guest, op), await until_done(guest, by_socket)
        await page.at(max(answer["v"], again["v"]))
        await page.sees(lambda page: not page.beats or page.beats[-1]["live"])
        assert time.monotonic() - healed < HEALED
        assert page.blocks["totals"]["cart_portions"] == portions + 2, "each sent twice, done once"
        assert await until_done(guest, op) == answer
        assert "Traceback" not in process.said()
        assert not page.closed

    tell(story())


async def until_done(guest: Guest, op: str) -> Answer:
    """Sends the command again, as a page does, until it is done."""
    while not (answer := await guest.do("add", op, item=PORK)).get("ok"):
        assert answer["error"] == "store_away", answer
        await asyncio.sleep(0.05)
    return answer


def test_a_start_says_what_is_wrong_with_the_store(house: House) -> None:
    async def story() -> None:
        async with a_store(house) as store:
            with TROUBLES["loading"].comes(house):
                await store.check()
                with pytest.raises(StoreAway, match=r"LOADING.*answer by itself"):
                    await store.signing_keys()
            with TROUBLES["may not publish"].comes(house), pytest.raises(StoreUnfit, match="not publish"):
                await store.check()

    asyncio.run(story())


def test_where_the_primary_has_become_a_replica_the_next_connection_may_lead_to_the_new_one(house: House) -> None:
    """An address often names whoever is the primary now; a connection that stays open leads to the old one."""

    async def story() -> None:
        with bundled_store() as old, Proxy(old.url.removeprefix("unix://")) as address:
            store = Store(f"redis://127.0.0.1:{address.port}", "moved", TIMEOUT)
            assert isinstance(await commit(store, "1"), Committed)
            address.lead_to(str(house.socket))
            with Redis(unix_socket_path=old.url.removeprefix("unix://")) as raw:
                raw.replicaof("127.0.0.1", "1")
            with pytest.raises(StoreAway, match=r"READONLY.*name the primary"):
                await commit(store, "2")
            assert isinstance(await commit(store, "2"), Committed)
            await store.close()

    asyncio.run(story())


def test_the_log_says_why_and_what_to_do_but_not_for_every_command(house: House, process: Server) -> None:
    said = process.said()
    for word in ("OOM", "MISCONF", "READONLY", "NOREPLICAS", "NOPERM", "WRONGTYPE"):
        lines = [line for line in said.splitlines() if f"the store refuses: {word}" in line]
        assert 1 <= len(lines) <= 10, (word, lines)
        assert all("(it" in line or "(too few" in line or "(another" in line for line in lines), lines
