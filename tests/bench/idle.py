"""What a phone that only listens costs, and whether ten thousand of them hold: one process of the server.

    python tests/bench/idle.py [--phones=5000] [--many=10000] [--hold=45]

- KiB of memory that each of 5,000 sockets adds, guests at tables of four to eight who have ordered something; beside
  it the same number of sockets at a Tornado that does nothing, the baseline
- 10,000 sockets on one process that answer pings: how many were closed meanwhile (none should be)
- all of them cut at one instant: how long until the last one shows its table again, when all come back at once

The client is a process of its own; sockets here are twice the phones, so `ulimit -n` must allow them.
"""

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent), str(HERE)]

from machines import Server, free_ports, short_folder, until  # noqa: E402
from meter import many_descriptors, processor, resident  # noqa: E402
from ratios import note  # noqa: E402
from swarm import Phone, guests, listed, loopback, run, together  # noqa: E402

SMALLEST, LARGEST = 4, 8  # guests at a table
FIRST = 200  # sockets that are there before the first look: what the process needs anyway is not counted
BUDGET = 12.0  # KiB for each phone
BACK = 10.0  # seconds in which all have come back
LINES = 2  # in each table's cart
SETTLE = 2.0  # seconds after the last socket before memory is read

PLAIN = """
import asyncio, sys
from tornado.web import Application
from tornado.websocket import WebSocketHandler
class Socket(WebSocketHandler):
    def open(self): self.write_message("{}")
    def select_subprotocol(self, offered): return offered[0] if offered else None
    def get_compression_options(self): return None
async def main():
    Application([("/live", Socket)], websocket_ping_interval=20).listen(int(sys.argv[1]), "127.0.0.1", backlog=8192)
    await asyncio.Event().wait()
try:
    import uvloop
    uvloop.run(main())
except ImportError:
    asyncio.run(main())
"""


def diners(table: int) -> int:
    """How many sit there."""
    return SMALLEST + table % (LARGEST - SMALLEST + 1)


def tables_for(phones: int) -> int:
    """So many tables seat them."""
    return -(-phones * 2 // (SMALLEST + LARGEST)) + 1


async def parties(port: int, phones: int) -> list[Phone]:
    """Everybody who sits there with a page, not connected yet; each table has something in its cart."""
    codes = [place["code"] for place in (await listed(port))[: tables_for(phones)]]
    seated = await guests(port, codes, diners)

    async def order(table: int) -> None:
        line = seated[table][0]
        for number in range(LINES):
            command = {"op": f"o{table}-{number}", "do": "add", "item": "dongpo-pork", "note": f"note {number}"}
            answer = await line.do(f"/t/{codes[table]}/do", **command)
            assert answer.get("ok"), answer
        line.close()

    await together([order(table) for table in range(len(codes))], 8)
    return [
        Phone(port, f"/t/{code}/live", guest.cookie())
        for code, party in zip(codes, seated, strict=True)
        for guest in party
    ][:phones]


async def cost(phones: list[Phone], pids: list[int]) -> float:
    """KiB that each phone adds to these processes."""
    await together([phone.arrive() for phone in phones[:FIRST]])
    await asyncio.sleep(SETTLE)
    before = resident(pids)
    await together([phone.arrive() for phone in phones[FIRST:]])
    await asyncio.sleep(SETTLE)
    return (resident(pids) - before) / 1024 / (len(phones) - FIRST)


async def hold(phones: list[Phone], seconds: float, pids: list[int]) -> None:
    """Says what happens to so many while nothing happens."""
    for phone in phones:
        phone.pings = 0
    before, began = processor(pids), time.monotonic()
    await asyncio.sleep(seconds)
    share = (processor(pids) - before) / (time.monotonic() - began)
    pings = sum(phone.pings for phone in phones)
    closed = sum(not phone.open for phone in phones)
    print(f"{len(phones):,} sockets held for {seconds:.0f} s: {closed} closed, {pings:,} pings answered,")
    print(f"  {share:.0%} of a processor for these and the signs of life")
    if closed:
        sys.exit(f"{closed} sockets were closed")


async def come_back(phones: list[Phone], pids: list[int]) -> tuple[float, float]:
    """All are cut at one moment: seconds until the last one shows its table again, and ms of a processor for each."""
    for phone in phones:
        phone.cut()
    began, before = time.monotonic(), processor(pids)
    again = sum(await asyncio.gather(*(phone.arrive(loopback(number)) for number, phone in enumerate(phones))))
    took, spent = time.monotonic() - began, processor(pids) - before
    print(f"{len(phones):,} sockets cut at once: all back after {took:.1f} s, turned away {again} times;")
    print(f"  {spent:.1f} s of a processor")
    return took, spent / len(phones) * 1000


@contextmanager
def plain_tornado(port: int) -> Iterator[int]:
    """A Tornado whose sockets say one word; its process."""
    process = subprocess.Popen([sys.executable, "-c", PLAIN, str(port)])
    try:
        until(lambda: _answers(port), 10, "plain Tornado")
        yield process.pid
    finally:
        process.terminate()
        process.wait(10)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


async def baseline(port: int, pid: int, number: int) -> tuple[float, float]:
    """KiB of a socket at the plain Tornado, and ms of a processor for its return."""
    print("A plain Tornado:")
    phones = [Phone(port, "/live") for _ in range(number)]
    found = await cost(phones, [pid])
    _, back = await come_back(phones, [pid])
    for phone in phones:
        phone.cut()
    return found, back


async def ours(server: Server, number: int) -> float:
    """KiB of a guest's socket."""
    phones = await parties(server.port, number)
    found = await cost(phones, server.children())
    for phone in phones:
        phone.cut()
    return found


async def many(server: Server, number: int, seconds: float) -> tuple[float, float]:
    """Holds so many, cuts them, lets them come back; as `come_back`."""
    phones = await parties(server.port, number)
    began = time.monotonic()
    await together([phone.arrive(loopback(place)) for place, phone in enumerate(phones)])
    print(f"{number:,} sockets opened in {time.monotonic() - began:.1f} s")
    await hold(phones, seconds, server.children())
    found = await come_back(phones, server.children())
    await asyncio.sleep(1)
    assert all(phone.open for phone in phones)
    for phone in phones:
        phone.cut()
    return found


def main() -> None:
    """Exit status 1 when a budget is not kept."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--phones", type=int, default=5000, help="whose memory is read")
    parser.add_argument("--many", type=int, default=10_000, help="that are held (0: none)")
    parser.add_argument("--hold", type=float, default=45, help="seconds")
    parser.add_argument("--json", help="write the numbers here")
    given = parser.parse_args()
    allowed = many_descriptors()
    if max(given.phones, given.many) + 200 > allowed:
        sys.exit(f"{allowed} descriptors are allowed for each process: raise `ulimit -n`, or ask for fewer phones")
    failed = []
    port = free_ports(1)
    with plain_tornado(port) as pid:
        plain, plain_back = run(baseline(port, pid, given.phones))
    with short_folder() as folder:
        server = Server(folder, 1, tables=tables_for(given.phones)).start()
        try:
            each = run(ours(server, given.phones))
        finally:
            server.stop()
    print(f"{given.phones:,} sockets, one process: {each:.1f} KiB for each guest's; {plain:.1f} at a plain Tornado")
    note("idle: KiB of a phone by a plain Tornado's", each / plain)
    failed += [f"{each:.1f} KiB for each phone: over {BUDGET}"] if each > BUDGET else []
    took = 0.0
    if given.many:
        with short_folder() as folder:
            server = Server(folder, 1, tables=tables_for(given.many)).start()
            try:
                took, back = run(many(server, given.many, given.hold))
            finally:
                server.stop()
        note("idle: processor of a return by a plain Tornado's", back / plain_back)
        failed += [f"{took:.1f} s until all were back: over {BACK:.0f}"] if took > BACK else []
    if given.json:
        Path(given.json).write_text(json.dumps({"KiB": each, "plain KiB": plain, "back s": took}))
    if failed:
        sys.exit("; ".join(failed))


if __name__ == "__main__":
    main()
