"""What an update costs as the house grows, how soon it is on the other phones, and what the disk has to do with it.

    python tests/bench/growth.py [tables] [processes] [latency] [syncs]    all four, about 25 minutes

- tables: microseconds of the server for each update that a phone got, 1,000 a second of them, in shops of 10 to 1,000
  tables of four who all order. What their sockets cost when nobody orders (pings, signs of life) is told apart
- processes: the same with tables of eight on 1, 2 and 4 processes, with as much to do for each process, or the same for
  all together; a table's guests meet on one (as nginx's hash of the code arranges it), or are spread over all
  Both beside a Tornado that only relays (`relay.py`), in all sizes of shops and with guests together on one process and
  on four: what grows there as well is the machine's.
  What is compared is measured in turns, and the median of the ratios of neighbours counts: the machine moves by more
  from minute to minute than what is asked
- latency: from the tap to each other phone of the table, at 500 updates a second; the store keeps nothing, or syncs
  each commit to disk before it answers: the difference is the sync
- syncs: how many commits share one sync to disk, with 32 and with 128 tables that each order as soon as they may

The store is the bundled one, on a socket; the phones are a process of their own (`swarm.py`).
"""

import argparse
import asyncio
import itertools
import json
import random
import re
import socket
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent), str(HERE)]

from machines import Server, free_ports, short_folder, until  # noqa: E402
from meter import BareStore, Noise, bare_store, many_descriptors, percentile, processor  # noqa: E402
from ratios import note  # noqa: E402
from redis import Redis  # noqa: E402
from swarm import Line, Phone, guests, listed, run, together  # noqa: E402

OFFERED = 1000.0  # updates a second that phones get, all together: a busy machine of two cores can still take it
MODERATE = 500.0  # of a full house: 50 tables, each with a tap every second or so
SHOPS = (10, 100, 1000)  # tables
FOUR, EIGHT = 4, 8  # guests at a table
HALL = 50  # tables where it is not the number of tables that is looked at
SETTLED = 15.0  # seconds in which all pages show the last order
WARM = 1.0  # seconds before a window
QUIET = 5.0  # seconds in which nobody orders
BEATS = 15.0  # seconds: a window in which each page gets one sign of life, however many pages there are
PAIRS = 7  # turns of what is compared
FLAT = 0.10  # what an update may cost more in a larger house
MEDIAN, LAST = 1.0, 5.0  # ms from the tap to the other phone: half of them, and 99 %, without the sync
VERSION = re.compile(rb'"v":\s*(\d+)')


class Party:
    """The guests of a table, who order in turn; each order changes the number of one line's portions."""

    def __init__(self, line: str, phones: list[Phone], hall: "Hall") -> None:
        self.line, self.phones, self.hall = line, phones, hall
        self.base = -1
        self.at: list[float] = []  # when each order was sent
        self.tops = dict.fromkeys(phones, 0)
        self.turn = 0
        self.senders: list[Phone] = []
        self.ops: list[bytes] = []
        self.eager = False  # orders again as soon as it may
        for phone in phones:
            phone.heard = self.hear

    def behind(self) -> str:
        """How far each page is, "" when all show the last order."""
        tops = sorted(self.tops.values())
        return "" if tops[0] == tops[-1] == len(self.at) else f"{len(self.at)} orders, pages at {tops}"

    def order(self) -> None:
        """One portion more, or one fewer."""
        by = 1 if len(self.at) % 2 == 0 else -1
        sender = self.phones[len(self.at) % len(self.phones)]
        self.at.append(time.perf_counter())
        self.senders.append(sender)
        self.ops.append(self.hall.op())
        sender.send(b'{"op":"%s","do":"change","line":"%s","by":%d}' % (self.ops[-1], self.line.encode(), by))

    def hear(self, phone: Phone, message: bytes) -> None:
        """A push, or the answer to an order."""
        if b'"set"' not in message:
            if b'"op"' in message:
                self.hall.answers += 1
                if b'"error"' in message:
                    self._refused(message)
                if self.eager:
                    self.order()
            return
        now, found = time.perf_counter(), VERSION.search(message)
        v = int(found[1]) if found else 0
        if self.base < 0:
            self.base = v
        number = v - self.base
        if number > self.tops[phone]:
            self.tops[phone] = number
            if number <= len(self.at):
                self.hall.delivered += 1
                if self.senders[number - 1] is not phone:
                    self.hall.took.append((now - self.at[number - 1]) * 1000)

    def _refused(self, message: bytes) -> None:
        """An order that came to nothing: no version will be its."""
        told = json.loads(message)
        assert told["error"] == "busy", told
        self.hall.refused += 1
        place = self.ops.index(told["op"].encode())
        for each in (self.ops, self.at, self.senders):
            del each[place]


class Hall:
    """All parties at a server, and what they saw since the last look."""

    def __init__(self) -> None:
        self.parties: list[Party] = []
        self.delivered = self.answers = self.refused = 0
        self.took: list[float] = []  # ms
        self._ops = itertools.count()

    def op(self) -> bytes:
        """Never the same one."""
        return b"g%d" % next(self._ops)

    def forget(self) -> None:
        """A new window begins."""
        self.delivered = self.answers = self.refused = 0
        self.took = []

    async def seat(
        self, server: Server, tables: int, diners: int, place: Callable[[int, int], int], first: int = 0
    ) -> "Hall":
        """Everybody comes in, to the tables from the `first` one on, and orders once: that makes them guests of the
        table, which is more work than an order. `place(table, diner)` says on which port."""
        codes = [each["code"] for each in (await listed(server.port))[first : first + tables]]
        seated = await guests(server.port, codes, lambda _: diners)

        async def party(code: str, number: int, lines: list[Line]) -> Party:
            first = await lines[0].do(f"/t/{code}/do", op=f"first-{number}", do="add", item="dongpo-pork", qty=50)
            lines[0].close()
            phones = [
                Phone(place(number, diner), f"/t/{code}/live", each.cookie(), "json")
                for diner, each in enumerate(lines)
            ]
            found = Party(first["line"], phones, self)
            for phone in phones:
                await phone.arrive()
            for _ in phones:
                found.order()
            return found

        waiting = [party(code, number, lines) for number, (code, lines) in enumerate(zip(codes, seated, strict=True))]
        self.parties = await together(waiting, 16)
        await self.must_be_sound()
        assert not self.refused, f"{self.refused} first orders were refused as busy"
        return self

    async def seat_at_relay(self, ports: list[int], tables: int, diners: int) -> "Hall":
        """As `seat`, at the server that only relays (`relay.py`); a table's guests meet on one of its ports."""
        for table in range(tables):
            phones = [Phone(ports[table % len(ports)], f"/table/{table}") for _ in range(diners)]
            self.parties.append(Party("relayed", phones, self))
            await asyncio.gather(*(phone.arrive() for phone in phones))
        return self

    async def order(self, rate: float, seconds: float) -> None:
        """So many orders a second, of all parties in a random order."""
        began, sent = time.perf_counter(), 0
        line: list[Party] = []
        while (now := time.perf_counter() - began) < seconds:
            while sent < now * rate:
                if not line:
                    line = random.sample(self.parties, len(self.parties))
                line.pop().order()
                sent += 1
            await asyncio.sleep(max(0.0, sent / rate - (time.perf_counter() - began)))

    async def must_be_sound(self) -> None:
        """Raises AssertionError when a page does not show the newest state in the end."""
        end = time.perf_counter() + SETTLED
        while (behind := [party for party in self.parties if party.behind()]) and time.perf_counter() < end:
            await asyncio.sleep(0.1)
        assert not behind, f"{len(behind)} tables do not show their last order: {behind[0].behind()}"

    def leave(self) -> None:
        """Everybody goes."""
        for party in self.parties:
            for phone in party.phones:
                phone.cut()


class Window(NamedTuple):
    """What was seen while orders came at a steady rate."""

    each: float  # µs of the server's for each update
    store: float  # µs of the store's
    took: list[float]  # ms from the tap to another phone
    others: float  # processors that others used
    refused: int  # orders, because the server was too busy


async def window(hall: Hall, server: "Server | Relay", store: BareStore, rate: float, seconds: float) -> Window:
    """Orders for a while; `rate` counts updates."""
    diners = len(hall.parties[0].phones)
    pids = server.children()
    await hall.order(rate / diners, WARM)
    noise = Noise([*pids, store.pid])
    hall.forget()
    before, kept = processor(pids), processor([store.pid])
    await hall.order(rate / diners, seconds)
    spent, keeping, delivered = processor(pids) - before, processor([store.pid]) - kept, hall.delivered
    loud = noise.cores()
    await hall.must_be_sound()
    return Window(spent / delivered * 1e6, keeping / delivered * 1e6, hall.took, loud, hall.refused)


@contextmanager
def serving(
    tables: int, processes: int, synced: bool = False, program: str = "run.py"
) -> Iterator[tuple[Server, BareStore]]:
    """A server on a store of its own."""
    with short_folder() as folder, bare_store(folder / "store", synced) as store:
        server = Server(folder, processes, f"--store={store.url}", tables=tables, program=(program,)).start()
        try:
            yield server, store
        finally:
            server.stop()


class Relay:
    """`relay.py` on some ports, for a store of its own; as much of `Server` as is needed here."""

    def __init__(self, store: BareStore, processes: int) -> None:
        first = free_ports(processes)
        self.ports = [first + number for number in range(processes)]
        command = [sys.executable, str(HERE / "relay.py")]
        socket = str(store.folder / "store.sock")
        self._processes = [subprocess.Popen([*command, str(port), socket]) for port in self.ports]

    def start(self) -> None:
        """Waits until every port is ready."""
        for port in self.ports:
            until(partial(_accepts, port), 20, f"the relay on port {port}")

    def children(self) -> list[int]:
        """The processes that serve the ports."""
        return [process.pid for process in self._processes]

    def stop(self) -> None:
        """Ends them."""
        for process in self._processes:
            process.kill()
            process.wait(20)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


@contextmanager
def relaying(processes: int) -> Iterator[tuple[Relay, BareStore]]:
    """A server that only relays, on a store of its own."""
    with short_folder() as folder, bare_store(folder / "store") as store:
        relay = Relay(store, processes)
        try:
            relay.start()
            yield relay, store
        finally:
            relay.stop()


def _loud(windows: list[Window]) -> str:
    most = max(each.others for each in windows)
    return f"   (others used up to {most:.1f} processors)" if most > 0.3 else ""


def _grown(small: list[float], large: list[float]) -> tuple[float, str]:
    """By how much the large one costs more: the median of the pairs, and in words with the lowest and the highest."""
    ratios = sorted(more / less for less, more in zip(small, large, strict=True))
    middle = statistics.median(ratios)
    return middle, f"{middle:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f} in {len(ratios)} pairs)"


async def tables(given: argparse.Namespace) -> list[str]:
    """Shops of different sizes, all open at once and measured in turn, and relays of the same sizes."""
    with ExitStack() as stack:
        ours = [(size, *stack.enter_context(serving(size, 1))) for size in SHOPS]
        relays = [(size, *stack.enter_context(relaying(1))) for size in SHOPS]
        halls = [await Hall().seat(server, size, FOUR, lambda *_, port=server.port: port) for size, server, _ in ours]
        around = [await Hall().seat_at_relay(relay.ports, size, FOUR) for size, relay, _ in relays]
        seen: list[list[Window]] = [[] for _ in SHOPS]
        relayed: list[list[Window]] = [[] for _ in SHOPS]
        idle: list[list[float]] = [[] for _ in SHOPS]
        for turn in range(given.pairs):
            before = [processor(server.children()) for _, server, _ in ours]
            await asyncio.sleep(BEATS)
            for place, (_, server, _) in enumerate(ours):
                idle[place].append((processor(server.children()) - before[place]) / BEATS)
            for place in list(range(len(SHOPS)))[:: 1 if turn % 2 == 0 else -1]:
                _, server, store = ours[place]
                seen[place].append(await window(halls[place], server, store, given.offered, BEATS))
            for place in list(range(len(SHOPS)))[:: 1 if turn % 2 == 0 else -1]:
                _, relay, store = relays[place]
                relayed[place].append(await window(around[place], relay, store, given.offered, given.seconds))
        for hall in (*halls, *around):
            hall.leave()
    missed = []
    print(f"\nShops of tables of {FOUR}, one process, {given.offered:,.0f} updates a second; medians of {given.pairs}")
    costs = []
    for size, windows, others, quiet in zip(SHOPS, seen, relayed, idle, strict=True):
        costs.append([each.each - idly / given.offered * 1e6 for each, idly in zip(windows, quiet, strict=True)])
        print(
            f"  {size:5,} tables: {statistics.median(costs[-1]):6.1f} µs for an update, and "
            f"{statistics.median(quiet) * 1000:5.1f} ms a "
            f"second for {size * FOUR:,} sockets; the store {statistics.median(each.store for each in windows):5.1f} "
            f"µs; the relay {statistics.median(each.each for each in others):6.1f} µs{_loud(windows)}"
        )
        waited = [took for window in windows for took in window.took]
        print(f"         tap to other phone: 99 % {percentile(waited, 0.99):.1f} ms, most {max(waited):,.0f} ms")
        if refused := sum(window.refused for window in windows):
            missed.append(f"{refused} orders were refused as busy at {size:,} tables")
    plain = [[each.each for each in windows] for windows in relayed]
    for place, size in enumerate(SHOPS[1:], 1):
        grown, words = _grown(costs[0], costs[place])
        print(f"  {size:,} by {SHOPS[0]} tables: {words}; the relay {_grown(plain[0], plain[place])[1]}")
        if grown > 1 + FLAT:
            missed.append(f"an update costs {grown - 1:+.0%} at {size:,} tables: over {FLAT:.0%}")
    note(f"growth: µs at {SHOPS[-1]:,} tables by {SHOPS[0]}", _grown(costs[0], costs[-1])[0])
    return missed


class Way(NamedTuple):
    """How guests are served: by how many processes, a table's guests `together` on one or spread over all, so many
    tables, and so many updates a second of all of them; `relayed` is by a server that only relays."""

    processes: int
    together: bool
    tables: int
    offered: float
    relayed: bool = False

    def place(self, ports: list[int], table: int, diner: int) -> int:
        """On which port a guest is."""
        return ports[(table + (0 if self.together else diner)) % self.processes]


async def processes(given: argparse.Namespace) -> list[str]:
    """One, two and four processes: with as much to do for each as one alone has, and with the same for all."""
    grown = [Way(number, True, number * HALL // 4, number * given.offered / 4) for number in (1, 2, 4)]
    shared = [Way(number, True, HALL, given.offered) for number in (1, 2, 4)]
    spread = Way(4, False, HALL, given.offered)
    plain = [way._replace(relayed=True) for way in (grown[0], shared[0], shared[2])]
    ways = list(dict.fromkeys([*grown, *shared, spread, *plain]))  # the last of the first three is that of the others
    seen: dict[Way, list[tuple[float, Window]]] = {way: [] for way in ways}
    used: Counter[int] = Counter()  # tables: nobody sits down at one that others have left
    with ExitStack() as stack:
        tables = 2 * HALL * given.pairs
        open_ones = {number: stack.enter_context(serving(tables, number)) for number in (1, 2, 4)}
        relays = {number: stack.enter_context(relaying(number)) for number in (1, 4)}
        for turn in range(given.pairs):
            for way in ways if turn % 2 == 0 else ways[::-1]:
                server, store = (relays if way.relayed else open_ones)[way.processes]
                if way.relayed:
                    hall = await Hall().seat_at_relay(server.ports, way.tables, EIGHT)
                else:
                    place = partial(way.place, server.ports)
                    hall = await Hall().seat(server, way.tables, EIGHT, place, used[way.processes])
                    used[way.processes] += way.tables
                before = processor(server.children())
                await asyncio.sleep(QUIET)
                quiet = (processor(server.children()) - before) / QUIET
                seen[way].append((quiet, await window(hall, server, store, way.offered, given.seconds)))
                hall.leave()
                await asyncio.sleep(0.5)
    cost: dict[Way, list[float]] = {}
    print(
        f"\nTables of {EIGHT}; µs for an update without what time costs, which is told apart; medians of {given.pairs}"
    )
    for way, found in seen.items():
        windows = [each for _, each in found]
        cost[way] = [each.each - quiet / way.offered * 1e6 for quiet, each in found]
        print(
            f"  {'relay: ' if way.relayed else ''}{way.processes} process{'es' if way.processes > 1 else '  '}, "
            f"{way.tables:3} tables {'together' if way.together else 'spread  '}, {way.offered:5,.0f} a second: "
            f"{statistics.median(cost[way]):6.1f} µs, and "
            f"{statistics.median(quiet for quiet, _ in found) * 1000:4.1f} ms a second; "
            f"the store {statistics.median(each.store for each in windows):5.1f} µs{_loud(windows)}"
        )
    missed = []
    for title, of_ours, of_relay in (("as much for each", grown, plain[0]), ("the same for all", shared, plain[1])):
        for way in of_ours[1:]:
            ratio, words = _grown(cost[of_ours[0]], cost[way])
            beside = f"; the relay {_grown(cost[of_relay], cost[plain[2]])[1]}" if way.processes == 4 else ""
            print(f"  {way.processes} by 1, {title}: {words}{beside}")
            if ratio > 1 + FLAT:
                missed.append(f"an update costs {ratio - 1:+.0%} on {way.processes} processes, {title}")
        note(f"growth: µs on 4 processes by 1, {title}", _grown(cost[of_ours[0]], cost[of_ours[2]])[0])
    note("growth: µs on 4 processes, spread by together", _grown(cost[shared[2]], cost[spread])[0])
    return missed


async def latency(given: argparse.Namespace) -> list[str]:
    """Without and with the sync to disk."""
    found: dict[bool, list[float]] = {False: [], True: []}
    windows = []
    with ExitStack() as stack:
        halls = {}
        for synced in found:
            server, store = stack.enter_context(serving(HALL, 1, synced))
            halls[synced] = await Hall().seat(server, HALL, EIGHT, lambda *_, port=server.port: port), server, store
        for _ in range(given.rounds):
            for synced, (hall, server, store) in halls.items():
                windows.append(await window(hall, server, store, MODERATE, given.seconds))
                found[synced] += windows[-1].took
        for hall, *_ in halls.values():
            hall.leave()
    print(
        f"\nFrom the tap to another phone, {HALL} tables of {EIGHT}, {MODERATE:,.0f} updates a second{_loud(windows)}"
    )
    middle, last = {}, {}
    for synced, took in found.items():
        middle[synced], last[synced] = statistics.median(took), percentile(took, 0.99)
        kept = "each commit synced to disk" if synced else "the store keeps nothing"
        print(f"  {kept:26}: median {middle[synced]:5.2f} ms, 99 % {last[synced]:5.2f} ms   n {len(took):,}")
    print(f"  the sync costs {middle[True] - middle[False]:.2f} ms of the median")
    note("growth: tap to other phone, 99 % by the median", last[False] / middle[False])
    missed = []
    if middle[False] > MEDIAN or last[False] > LAST:
        missed.append(f"tap to other phone {middle[False]:.2f} and {last[False]:.2f} ms: over {MEDIAN} and {LAST}")
    return missed


async def syncs(given: argparse.Namespace) -> list[str]:
    """Commits for each turn of the store's loop: it syncs once a turn, so at least so many share a sync."""
    print("\nCommits that share one sync to disk, each table orders again as soon as it was answered")
    for size in (32, 128):
        # One guest orders for a table, as fast as it goes: that is more than a person's budget.
        with serving(size, 1, synced=True, program="tests/bench/without_budgets.py") as (server, store):
            hall = await Hall().seat(server, size, 1, lambda *_, port=server.port: port)
            pids = server.children()
            for party in hall.parties:
                party.eager = True
                party.order()
            await asyncio.sleep(WARM)
            with Redis(unix_socket_path=str(store.folder / "store.sock")) as asked:
                before, began, spent = _turns(asked), time.perf_counter(), processor(pids)
                hall.forget()
                await asyncio.sleep(given.seconds)
                after, seconds, commits = _turns(asked), time.perf_counter() - began, hall.answers - hall.refused
                share = (processor(pids) - spent) / seconds
            for party in hall.parties:
                party.eager = False
            await asyncio.sleep(0.5)
            hall.leave()
        turns, syncing = after[0] - before[0], (after[1] - before[1]) / 1e6
        print(
            f"  {size:3} tables: {commits / turns:4.1f} commits a sync, {commits / seconds:6,.0f} commits a second; "
            f"the store syncs {syncing / seconds:4.0%} of the time ({syncing / turns * 1000:.2f} ms each), "
            f"the server works {share:4.0%}"
        )
        note(f"growth: commits that share a sync, {size} tables", commits / turns, "higher")
    return []


def _turns(asked: "Redis[Any]") -> tuple[int, int]:
    """Turns of the store's loop, and microseconds that it has spent on writing and syncing its file."""
    told = asked.info("everything")
    return told["eventloop_cycles"], asked.info("debug").get("eventloop_duration_aof_sum", 0)


PARTS = {"tables": tables, "processes": processes, "latency": latency, "syncs": syncs}


def main() -> None:
    """Exit status 1 when an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("parts", nargs="*", metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, default=PAIRS, help="turns of what is compared with each other")
    parser.add_argument("--offered", type=float, default=OFFERED, help="updates a second")
    parser.add_argument("--seconds", type=float, default=5, help="of a window")
    given = parser.parse_args()
    if unknown := set(given.parts) - set(PARTS):
        parser.error(f"no such part: {', '.join(unknown)}")
    many_descriptors()
    missed = [
        each for name, part in PARTS.items() if not given.parts or name in given.parts for each in run(part(given))
    ]
    if missed:
        sys.exit("\n".join(missed))


if __name__ == "__main__":
    main()
