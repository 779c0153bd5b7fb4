"""An evening in many restaurants, replayed: `make dinner`. What it costs, and how many restaurants one core carries.

    python tests/bench/dinner.py                        100 shops × 30 tables × 4 guests, within ten minutes
    python tests/bench/dinner.py --shops=2 --minutes=1  to try it

Every shop is a `run.py --shop=NAME` of its own; all share one store, the bundled one, which syncs each commit to disk
before it answers. Parties come over the evening, open the page (gzip; style, scripts and the first pictures with it),
hold a socket, look around, choose, change their minds, write notes, send rounds; the kitchen makes and carries them;
the bill is paid and closed, and the next party sits down. Each shop has a kitchen display and a floor plan open.

The evening is played faster than life. What time alone costs (pings, signs of life, displays that say how fresh they
are) does not go faster: it is measured in the middle, with the house full and everybody still, and the rest is what
the evening's work costs. nginx and TLS are not in it, nor the dishes' other pictures.
"""

import argparse
import asyncio
import os
import random
import socket
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent), str(HERE)]

from diners import EVENING, FIRST_COME, LAST_COME, Clock, Evening, Shop, Tally, arrive, signs, simple_dishes  # noqa: E402
from machines import Server, short_folder  # noqa: E402
from meter import BareStore, bare_store, machine, many_descriptors, percentile, processor, proportional  # noqa: E402
from redis import Redis  # noqa: E402
from swarm import Line, run, together  # noqa: E402

MIDDLE = (FIRST_COME + LAST_COME) / 2  # minutes; every table is taken then
SHOP = "dinner-"
STARTING = 3  # servers that start at a time
BUSY = 0.85  # of the machine: from there on it is the machine that is waited for
STILL = 2.0  # seconds until all that was under way is done
LOOK = 30  # pages, and arrivals of phones, that one shop is asked for while all is still


class Used(NamedTuple):
    """Seconds that have passed, and of a processor that all servers and the store have used."""

    at: float
    server: float
    store: float
    machine: float  # everything, others' work included

    def since(self, other: "Used") -> "Used":
        """The difference."""
        return Used(*(now - then for now, then in zip(self, other, strict=True)))


def used(shops: Sequence[Shop], store: BareStore) -> Used:
    """By now."""
    servers = processor(pid for shop in shops for pid in shop.pids)
    return Used(time.monotonic(), servers, processor([store.pid]), machine())


class Middle(NamedTuple):
    """The full house, standing still; `page` and `arrival` are seconds of a processor, memory is in bytes."""

    used: Used
    silent: Used  # without the signs of life of phones that are looked at
    page: float
    arrival: float
    sockets: int
    memory: int
    store_memory: int
    keys_memory: int


class Played(NamedTuple):
    """What an evening was."""

    tally: Tally
    used: Used  # without what was done while all stood still
    middle: Middle
    file: int  # bytes
    memory: int  # at the end


async def standing_still(shops: Sequence[Shop], store: BareStore, clock: Clock, seconds: float) -> tuple[Middle, Used]:
    """Stops the evening for so long, twice: without and with signs of life. Says what that costs, and what was used
    meanwhile."""
    began = used(shops, store)
    clock.stop()
    spans = []
    for clock.silent in (True, False):
        await asyncio.sleep(min(STILL, seconds))
        before = used(shops, store)
        await asyncio.sleep(seconds)
        spans.append(used(shops, store).since(before))
    silent, quiet = spans
    shop, idle = shops[0], quiet.server / quiet.at / len(shops)
    codes = [shop.tables[number % len(shop.tables)]["code"] for number in range(LOOK)]
    page = await _cost(shop, idle, [_page(shop, code) for code in codes])
    arrival = await _cost(shop, idle, [_come_and_go(shop, code) for code in codes])
    with Redis(unix_socket_path=str(store.folder / "store.sock")) as asked:
        keys = asked.info("memory")["used_memory"]
    memory = proportional(pid for each in shops for pid in each.pids)
    sockets = sum(len(each.pages) + 2 for each in shops)
    clock.go_on()
    middle = Middle(quiet, silent, page, arrival, sockets, memory, proportional([store.pid]), keys)
    return middle, used(shops, store).since(began)


async def _cost(shop: Shop, idle: float, work: list[Any]) -> float:
    """Seconds of a shop's processor for each, one after the other; `idle` is what it takes a second anyway."""
    began, before = time.monotonic(), processor(shop.pids)
    await together(work, 1)
    spent = processor(shop.pids) - before - idle * (time.monotonic() - began)
    return max(0.0, spent / len(work))


async def _page(shop: Shop, code: str) -> None:
    line = Line(shop.server.port)
    await line.ask("GET", f"/t/{code}", Accept_Encoding="gzip", Accept="text/html")
    line.close()


async def _come_and_go(shop: Shop, code: str) -> None:
    (await arrive(Tally(), shop.server.port, code)).leave()


async def play(servers: Sequence[Server], store: BareStore, given: argparse.Namespace) -> Played:
    """The evening of all shops."""
    evening = Evening(Clock(given.speed), Tally(), given.guests, simple_dishes())
    shops = await together([Shop(server, evening).open() for server in servers], 2)
    evening.clock.start()
    begun = used(shops, store)
    signing = asyncio.create_task(signs(shops, evening))
    dining = asyncio.gather(*(shop.dinner() for shop in shops))
    await evening.clock.sleep(MIDDLE)
    middle, meanwhile = await standing_still(shops, store, evening.clock, given.still)
    await dining
    spent = used(shops, store).since(begun).since(meanwhile)
    signing.cancel()
    memory = proportional(pid for shop in shops for pid in shop.pids)
    for shop in shops:
        shop.close()
    return Played(evening.tally, spent, middle, store.size(), memory)


def report(given: argparse.Namespace, played: Played) -> Iterator[str]:
    """The lines of the report."""
    counts, middle, shops = played.tally.counts, played.middle, given.shops
    guests, commands = max(1, counts["guests"]), max(1, counts["commands"])
    quiet = {name: getattr(middle.used, name) / middle.used.at for name in ("server", "store")}  # cores
    work = {name: max(0.0, getattr(played.used, name) - quiet[name] * played.used.at) for name in quiet}  # seconds
    rest = max(0.0, work["server"] - middle.arrival * counts["guests"])

    def row(what: str, number: float, form: str = "{:,.0f}", guest: bool = True) -> str:
        cells = (number, number / shops, number / guests if guest else None)
        return f"| {what} | " + " | ".join("–" if each is None else form.format(each) for each in cells) + " |"

    yield f"{shops} shops, {given.tables} tables in each, {given.guests} guests at a table; {EVENING:.0f} minutes in"
    yield f"{played.used.at:.0f} s: {counts['parties']:,} parties, {guests:,} guests"
    yield ""
    yield "| | all | a shop | a guest |"
    yield "|---|--:|--:|--:|"
    for what in ("commands", "pushes", "pages", "files", "signs of life"):
        yield row(what, counts[what], "{:,.1f}")
    for name, spent in work.items():
        yield row(f"the {name}'s processor for what people do, ms", spent * 1000, "{:,.1f}")
    for name, cores in quiet.items():
        yield row(f"the {name}'s processor for time that passes, ms a second", cores * 1000, "{:,.2f}", guest=False)
        silent = getattr(middle.silent, name) / middle.silent.at
        yield row("… of these without signs of life", silent * 1000, "{:,.2f}", guest=False)
    yield row("KB to phones", played.tally.received / 1e3, "{:,.1f}")
    yield row("KB from phones", played.tally.sent / 1e3, "{:,.1f}")
    yield row(f"memory with {middle.sockets:,} sockets, MB", middle.memory / 1e6, "{:,.1f}", guest=False)
    yield row("memory at the end, MB", played.memory / 1e6, "{:,.1f}", guest=False)
    yield row("the store's memory, MB", middle.store_memory / 1e6, "{:,.2f}", guest=False)
    yield row("of these its keys, MB", middle.keys_memory / 1e6, "{:,.2f}", guest=False)
    yield row("the store's file, MB", played.file / 1e6, "{:,.2f}", guest=False)
    yield ""
    yield "| takes of a processor | the server's | the store's |"
    yield "|---|--:|--:|"
    yield f"| a page | {middle.page * 1000:.2f} ms | |"
    yield f"| a phone's arrival: page, files, socket | {middle.arrival * 1000:.2f} ms | |"
    yield f"| a command with its pushes | {rest / commands * 1000:.2f} ms | {work['store'] / commands * 1000:.2f} ms |"
    yield ""
    yield "| | median | 99 % | n |"
    yield "|---|--:|--:|--:|"
    for what, took in played.tally.took.items():
        yield f"| {what} | {statistics.median(took):.1f} ms | {percentile(took, 0.99):.1f} ms | {len(took):,} |"
    yield ""
    doing = sum(work.values()) / (EVENING * 60) / shops
    passing = sum(quiet.values()) / shops
    yield f"At the pace of life a shop takes {doing:.3%} of a core for what people do, and {passing:.3%} for time"
    yield f"that passes: one core carries {1 / (doing + passing):,.0f} such restaurants."
    busy = played.used.machine / played.used.at / (os.cpu_count() or 1)
    much = ": the waiting times say little" if busy > BUSY else ""
    yield f"The machine was busy for {busy:.0%} of the time, phones and whatever else ran on it included{much}."
    apart = " ".join(f"{what.capitalize()}: {counts[what]}." for what in ("refused by a rule", "busy, then taken"))
    yield f"Errors: {counts['errors']}. {apart}"


def founded(folder: Path, store: BareStore, given: argparse.Namespace) -> None:
    """All shops, as if they had been there for long: one is filled with the demo and copied. A `run.py` that has just
    filled one keeps the memory that its pictures took."""
    (folder / "first").mkdir()
    shop_of(0, folder / "first", ports(1)[0], store, given).start().stop()
    with Redis(unix_socket_path=str(store.folder / "store.sock")) as asked:
        for key in asked.keys(f"ordering:{{{SHOP}0}}:*"):
            kept = asked.dump(key)
            for number in range(1, given.shops):
                asked.restore(key.decode().replace(f"{SHOP}0", f"{SHOP}{number}"), 0, kept)


def shop_of(number: int, home: Path, port: int, store: BareStore, given: argparse.Namespace) -> Server:
    """A shop's server, not started yet."""
    options = (f"--store={store.url}", f"--shop={SHOP}{number}", "--address=127.0.0.1")
    server = Server(home, 1, *options, tables=given.tables)
    server.port = port
    return server


def started(folder: Path, store: BareStore, given: argparse.Namespace) -> list[Server]:
    """All shops' servers."""
    founded(folder, store, given)
    servers = []
    for number, port in enumerate(ports(given.shops)):
        (folder / f"{number}").mkdir()
        servers.append(shop_of(number, folder / f"{number}", port, store, given))
    try:
        with ThreadPoolExecutor(STARTING) as starting:
            list(starting.map(Server.start, servers))
    except BaseException:
        ended(servers)
        raise
    return servers


def ports(count: int) -> list[int]:
    """So many different ones that are free, below those that the system gives to whoever connects somewhere: with so
    many phones on the machine, one of them would have it before its server does."""
    first, *_ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    found: list[int] = []
    for port in random.sample(range(first // 2, first), first // 2):
        if len(found) == count:
            break
        with socket.socket() as door, suppress(OSError):
            door.bind(("127.0.0.1", port))
            found.append(port)
    return found


def ended(servers: Sequence[Server]) -> None:
    """All that were started are stopped."""
    with ThreadPoolExecutor(8) as ending:
        list(ending.map(Server.stop, (server for server in servers if server.process)))


def main() -> None:
    """Exit status 1 when there was an error."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shops", type=int, default=100)
    parser.add_argument("--tables", type=int, default=30, help="of each shop")
    parser.add_argument("--guests", type=int, default=4, help="at each table")
    parser.add_argument("--minutes", type=float, default=7.0, help="in which the evening is played")
    parser.add_argument("--speed", type=float, help="how much faster than life, instead of --minutes")
    parser.add_argument(
        "--still", type=float, default=30.0, help="seconds for which all stand still in the middle, twice"
    )
    given = parser.parse_args()
    given.speed = given.speed or EVENING / given.minutes
    given.minutes = EVENING / given.speed
    many_descriptors()
    with short_folder() as folder, bare_store(folder / "store", synced=True) as store:
        began = time.monotonic()
        servers = started(folder, store, given)
        try:
            print(f"{given.shops} shops are open after {time.monotonic() - began:.0f} s", flush=True)
            played = run(play(servers, store, given))
        finally:
            ended(servers)
    print("\n".join(report(given, played)))
    for error in played.tally.errors:
        print("  error:", error)
    if played.tally.counts["errors"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
