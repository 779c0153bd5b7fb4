"""What happens to such systems. Each fault ends by itself, and what should mend itself is not mended by hand."""

import asyncio
import contextlib
import json
import os
import re
import resource
import shutil
import signal
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from actors import Browser
from machines import Proxy, ready, until
from redis.exceptions import RedisError

from chaos.house import House, Letters
from chaos.people import FAILS, Diner, Evening

Fault = Callable[[Evening], Awaitable[None]]

READY = 20.0  # seconds within which whatever was killed must be there again
TRANSACTION, DONE = b"*1\r\n$5\r\nMULTI\r\n", b"*1\r\n$4\r\nEXEC\r\n"
ENTRY = re.compile(rb"\r\n(\d+)-0\r\n\$5\r\nentry\r\n\$\d+\r\n([^\r]*)\r\n")


# ---- the ports


async def port_killed(evening: Evening) -> None:
    """SIGKILL; `run.py` starts another one on the same socket."""
    _signal(evening.rng.choice(evening.house.children()), signal.SIGKILL)
    await _ready(evening.house)


async def port_frozen(evening: Evening) -> None:
    """SIGSTOP: connected to everybody, and silent."""
    with evening.house.frozen(evening.rng.choice(evening.house.children())):
        await asyncio.sleep(evening.rng.uniform(0.5, 4))


async def ports_restarted(evening: Evening) -> None:
    """One after the other, as an operator does it."""
    for pid in evening.house.children():
        _signal(pid, signal.SIGTERM)
        await _until(lambda pid=pid: not Path(f"/proc/{pid}/fd").exists() or _zombie(pid), "a port ends")
        await _ready(evening.house)


async def port_without_files(evening: Evening) -> None:
    """A port that can open nothing more: no phone comes in, those that are in stay."""
    house, place = evening.house, evening.rng.randrange(len(evening.house.ports))
    port, pid = house.ports[place], house.serving(place)
    with contextlib.suppress(OSError):
        few = len(os.listdir(f"/proc/{pid}/fd")) + 2
        soft, hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (few, hard))
        crowd = [socket.create_connection(("127.0.0.1", port), 1) for _ in range(20)]
        await asyncio.sleep(1.5)
        for each in crowd:
            each.close()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (soft, hard))
    await _ready(house)


# ---- the store


async def store_killed(evening: Evening) -> None:
    """SIGKILL: what was acknowledged is in its file."""
    async with evening.files:
        _signal(evening.house.store_pid(), signal.SIGKILL)
        await _ready(evening.house)


async def store_frozen(evening: Evening) -> None:
    """SIGSTOP: connections stay, answers don't come."""
    async with evening.files:
        with evening.house.frozen(evening.house.store_pid()):
            await asyncio.sleep(evening.rng.uniform(0.5, 5))


async def scripts_forgotten(evening: Evening) -> None:
    """SCRIPT FLUSH: the store knows no script any more."""
    await _tell(evening.house, "SCRIPT", "FLUSH")


async def store_read_only(evening: Evening) -> None:
    """The store has become the replica of a master that is not there."""
    async with evening.files:
        await _tell(evening.house, "REPLICAOF", "127.0.0.1", "1")
        await asyncio.sleep(evening.rng.uniform(0.5, 3))
        await _tell(evening.house, "REPLICAOF", "NO", "ONE")


async def disk_full(evening: Evening) -> None:
    """The store can write a little more, and then nothing: it ends, and its file ends within a record."""
    house = evening.house
    async with evening.files:
        for _ in range(evening.rng.randint(1, 3)):
            with contextlib.suppress(OSError, ValueError):
                room = _newest(house).stat().st_size + evening.rng.randint(100, 20_000)
                resource.prlimit(house.store_pid(), resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
            await asyncio.sleep(1)
        with contextlib.suppress(OSError, ValueError):
            resource.prlimit(house.store_pid(), resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
        await _ready(house)


async def file_cut_short(evening: Evening) -> None:
    """The store dies and its file ends within the last record, as when power is lost on a disk that lied."""
    house, record = evening.house, evening.record
    async with evening.files:
        with _stopped_for_good(house):
            path = _newest(house)
            content = path.read_bytes()
            at = content.rfind(TRANSACTION)
            end = content.find(DONE, at) + len(DONE)
            with path.open("r+b") as file:
                file.truncate(evening.rng.randint(at + 1, end - 1))
            lost = _entries(content[at:])
            before = _entries(content[:at])
        put = record.note("put", until=record.t, next=before[-1]["s"] + 1, lost=lost)
        await _ready(house)
        put["until"] = record.t


async def versions_come_again(evening: Evening) -> None:
    """The store is put back to an older file, and others commit until its numbers are those that a frozen port still
    has at hand, with other contents; then that port wakes with a command to carry out."""
    house, record = evening.house, evening.record
    guest = Diner(evening, f"guest-again-{record.t:.0f}", [evening.spare])
    while not guest.id:
        with contextlib.suppress(*FAILS):
            await guest.sit_down()
    sleeper, other = evening.rng.sample(range(len(house.ports)), 2)
    async with evening.files:
        await _add(guest, "soup", house.ports[other])
        kept = house.folder / "kept"
        with house.frozen(house.store_pid()):
            await asyncio.sleep(0.05)
            shutil.copytree(house.data / "appendonlydir", kept)
            before = _entries(_newest(house).read_bytes())[-1]["s"]
        try:
            await _add(guest, "pie", house.ports[sleeper])
            v = (await _add(guest, "wine", house.ports[sleeper])).get("v", 0)
            with house.frozen(house.serving(sleeper)):
                with _stopped_for_good(house):
                    lost = [entry for entry in _entries(_newest(house).read_bytes()) if entry["s"] > before]
                    shutil.rmtree(house.data / "appendonlydir")
                    shutil.copytree(kept, house.data / "appendonlydir")
                put = record.note("put", until=record.t, next=before + 1, lost=lost)
                await _until(lambda: ready(house.ports[other]), "the store is there again")
                put["until"] = record.t
                for note in range(10):
                    if (await _add(guest, "soup", house.ports[other], f"again {note}")).get("v", v) >= v:
                        break
                waiting = asyncio.create_task(_add(guest, "fish", house.ports[sleeper]))
                await asyncio.sleep(0.2)
            await waiting
        finally:
            shutil.rmtree(kept)
        await _ready(house)


async def _add(guest: Diner, item: str, port: int, note: str = "") -> dict[str, Any]:
    """One portion through this port; tried once."""
    op = f"{guest.rng.getrandbits(64):016x}"
    command = {"do": "add", "item": item, "qty": 1, "modifiers": [], "note": note}
    return await guest.say(op, command, port)


# ---- the subscriber's connections


async def subscribers_cut(evening: Evening) -> None:
    """Every 50 ms, while tables open and close."""
    for _ in range(evening.rng.randint(5, 40)):
        with contextlib.suppress(RedisError, OSError), evening.house.store() as store:
            store.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
        await asyncio.sleep(0.05)


async def subscriber_buffer_full(evening: Evening) -> None:
    """A port reads nothing for a while, and the store cuts its subscriber for what it would have to keep for it."""
    await _tell(evening.house, "CONFIG", "SET", "client-output-buffer-limit", "pubsub 32kb 16kb 1")
    try:
        await port_frozen(evening)
    finally:
        await _tell(evening.house, "CONFIG", "SET", "client-output-buffer-limit", "pubsub 32mb 8mb 60")


async def messages(evening: Evening) -> None:
    """Messages are dropped, doubled and mixed up between the store and the ports."""
    Letters.loose = True
    await asyncio.sleep(evening.rng.uniform(1, 4))
    Letters.loose = False
    await asyncio.sleep(5.5)  # what only a look finds


# ---- the lines


async def street_cut(evening: Evening) -> None:
    """All phones that come through nginx lose their connection at once."""
    evening.house.street.cut()


async def street_silent(evening: Evening) -> None:
    """What is connected stays connected, and nothing gets through; after a while it is cut."""
    evening.house.street.swallow()
    await asyncio.sleep(evening.rng.uniform(1, 4))
    evening.house.street.cut()


async def street_slow(evening: Evening) -> None:
    """A basement: a third of a second longer, and 20 KB a second."""
    await _slow(evening, evening.house.street, 0.3, 20_000)


async def store_line_slow(evening: Evening) -> None:
    """One port is far from the store."""
    await _slow(evening, evening.rng.choice(evening.house.store_lines), 0.1, 0)


async def store_line_silent(evening: Evening) -> None:
    """One port's connections to the store are half-open: nothing comes, and nobody says that it is over."""
    evening.rng.choice(evening.house.store_lines).swallow()
    await asyncio.sleep(4)


async def store_line_cut(evening: Evening) -> None:
    """One port's connections to the store end."""
    evening.rng.choice(evening.house.store_lines).cut()


async def _slow(evening: Evening, line: Proxy, delay: float, rate: float) -> None:
    line.slow(delay, rate)
    await asyncio.sleep(evening.rng.uniform(1, 4))
    line.slow()


# ---- nginx


async def nginx_reloaded(evening: Evening) -> None:
    """New workers; the old ones keep their sockets."""
    evening.house.nginx.process.send_signal(signal.SIGHUP)
    await asyncio.sleep(0.5)


async def nginx_restarted(evening: Evening) -> None:
    """It dies, and is started again."""
    await asyncio.to_thread(evening.house.nginx.stop)
    await asyncio.sleep(evening.rng.uniform(0, 1))
    await asyncio.to_thread(evening.house.nginx.start)


async def crowd(evening: Evening) -> None:
    """Two hundred phones load the page at once, over nginx."""
    code = evening.rng.choice(evening.codes)
    port = evening.house.street.port
    await asyncio.gather(*(Browser(port).ask("GET", f"/t/{code}") for _ in range(200)), return_exceptions=True)


EVERYWHERE: tuple[Fault, ...] = (
    port_killed,
    port_frozen,
    ports_restarted,
    port_without_files,
    store_killed,
    store_frozen,
    scripts_forgotten,
    store_read_only,
    disk_full,
    file_cut_short,
    versions_come_again,
    subscribers_cut,
    subscriber_buffer_full,
    street_cut,
    street_silent,
    street_slow,
    nginx_reloaded,
    nginx_restarted,
    crowd,
)
IN_PARTS: tuple[Fault, ...] = (*EVERYWHERE, messages, store_line_slow, store_line_silent, store_line_cut)
"""The faults of a house whose store is reached by lines of its own."""


def _signal(pid: int, number: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _zombie(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    return True


async def _until(holds: Callable[[], Any], what: str) -> None:
    await asyncio.to_thread(until, holds, READY, what)


async def _ready(house: House) -> None:
    await _until(lambda: all(map(ready, house.ports)), "every port is ready")


async def _tell(house: House, *words: Any) -> None:
    await asyncio.to_thread(house.tell_store, *words)


def _newest(house: House) -> Path:
    """The file to which the store appends."""
    return max((house.data / "appendonlydir").glob("*.incr.aof"), key=lambda path: path.name)


@contextlib.contextmanager
def _stopped_for_good(house: House) -> Iterator[None]:
    """The store stands still, and is killed afterwards; whoever looks after it starts it on what is there then."""
    pid = house.store_pid()
    _signal(pid, signal.SIGSTOP)
    try:
        until(lambda: _stands(pid), 2, "the store stands still")
        yield
    finally:
        _signal(pid, signal.SIGKILL)


def _stands(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] in "TZ"


def _entries(content: bytes) -> list[dict[str, Any]]:
    """The log's entries in a part of the store's file."""
    return [{"s": int(s), "in": [], **json.loads(entry)} for s, entry in ENTRY.findall(content)]
