"""How many instructions a command costs, from the frame that a phone sends to the frames that eight phones get.

    python tests/bench/instructions.py [--html | --cold]      half a minute each; needs valgrind

Two processes' worth of the server run in one: each has its own shelf, desk and connections to a real store, and holds
half of a table's phones, whose sockets end in a list instead of the kernel. One phone orders, one portion more and one
fewer in turn, as soon as all have seen the last one. valgrind counts: the number is the same however busy the machine
is, to one part in a hundred, so a change of one part in fifty can be seen. It says nothing of what waiting and cold
caches cost; `peers.py` does.

`--cold` counts what makes a command dearer in a large house: lines of data (64 bytes) that it touches and that are not
in the processor's own cache any more, of 2 MB, as valgrind imagines one. One process, tables of four, in a house of ten
and in one of 300 tables, who order in a random order, so that a table has gone cold when its turn comes; what time
costs (signs of life, looks at the store) is left out.
"""

import argparse
import asyncio
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, cast

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent), str(HERE)]

from meter import bare_store  # noqa: E402
from ratios import note  # noqa: E402

COMMANDS = 300
EVENTS, TOTALS = re.compile(r"^events: (.+)", re.MULTILINE), re.compile(r"^totals: (.+)", re.MULTILINE)
CACHES = ("--cache-sim=yes", "--I1=32768,8,64", "--D1=32768,8,64", "--LL=2097152,16,64")  # bytes, ways, bytes of a line
PATIENCE = 60.0  # seconds that the store may take: everything is fifty times slower


class House(NamedTuple):
    """How many processes serve how many tables of how many guests, and how many orders come before counting begins.
    `still`: nothing happens but orders, one at a time."""

    nodes: int
    tables: int
    diners: int
    warm: int
    still: bool = False


TWO_TABLES = House(2, 2, 8, 100)
TEN, LARGE = House(1, 10, 4, 300, True), House(1, 300, 4, 300, True)


class Ear:
    """Where a phone's socket ends."""

    def __init__(self, pushed: Callable[[], None]) -> None:
        self._pushed = pushed

    def write(self, frame: bytes) -> None:
        """Part of asyncio's transports."""
        if frame.find(b'"set"') >= 0:
            self._pushed()

    def is_closing(self) -> bool:
        """Part of asyncio's transports."""
        return False

    def set_write_buffer_limits(self, **_: int) -> None:
        """Part of asyncio's transports."""


class Party:
    """The phones of a table, so many; the first one orders."""

    def __init__(self, table: str, diners: int) -> None:
        self.table, self.diners, self.line = table, diners, ""
        self.phones: list[Any] = []
        self.orders = self.pushes = 0
        self._all = asyncio.Event()

    def pushed(self) -> None:
        """A phone has got a push."""
        self.pushes += 1
        if self.pushes % self.diners == 0:
            self._all.set()

    async def shown(self) -> None:
        """Waits until all have seen what is new."""
        await self._all.wait()
        self._all.clear()

    def order(self) -> None:
        """One portion more, or one fewer."""
        self.orders += 1
        by = 1 if self.orders % 2 else -1
        text = f'{{"op":"{self.table}-{self.orders}","do":"change","line":"{self.line}","by":{by}}}'.encode()
        head = bytes((0x81, 0x80 | len(text)))
        self.phones[0].data_received(head + bytes(4) + text)  # masked with zeros, so that it costs us nothing

    async def orders_often(self, number: int) -> None:
        """So many orders, each when all have seen the last."""
        for _ in range(number):
            self.order()
            await self.shown()

    async def next_orders(self) -> None:
        """An order by who has waited longest."""
        self.phones.append(self.phones.pop(0))
        await self.orders_often(1)


async def all_order(parties: list[Party], house: House, number: int) -> None:
    """So many orders of all of them together."""
    if not house.still:
        await asyncio.gather(*(party.orders_often(number // len(parties)) for party in parties))
        return
    line: list[Party] = []
    for _ in range(number):
        line = line or random.sample(parties, len(parties))
        await line.pop().next_orders()


async def counted(store_url: str, form: str, house: House) -> None:
    """Orders under valgrind."""
    from ordering import commands, live, shelf
    from ordering.app import services
    from ordering.documents import FLOOR
    from ordering.founding import found
    from ordering.handlers.diner import GuestSocket
    from ordering.options import read
    from ordering.store import Store
    from ordering.views.audience import Audience, Form
    from ordering.views.text import text

    if house.still:
        live.BEAT_BOARD = shelf.LOOK_CALM = shelf.TICK = shelf.SILENCE = 1e6
    random.seed(1)
    options = read(["run.py", "--demo", f"--demo-tables={house.tables}"], {})
    nodes = []
    for number in range(house.nodes):
        store = Store(store_url, options.shop, timeout=PATIENCE)
        if number == 0:
            await found(store, options)
        shared = services(options, store, (await store.signing_keys()).ids)
        shared.shelf.start()
        shared.live.start()
        nodes.append(shared)
    floor = (await nodes[0].desk.look(FLOOR))[FLOOR].value
    parties = []
    for table in floor.tables:
        party = Party(table.id, house.diners)
        for diner in range(house.diners):
            shared = nodes[diner % house.nodes]
            phone = GuestSocket(shared, text("en"), f"{table.id}-guest-{diner}", table.sitting, table.code)
            phone.connection_made(cast(asyncio.Transport, Ear(party.pushed)))
            phone.enter(Audience("diner", cast(Form, form), "en", table.sitting))
            party.phones.append(phone)
        await party.shown()
        add = commands.Add(f"first-{table.id}", "dongpo-pork", 50)
        party.line = (await nodes[0].desk.guest(f"{table.id}-guest-0", table.sitting, add))["line"]
        await party.shown()
        for _ in range(party.diners if house.still else 0):
            await party.next_orders()  # which makes a guest of everybody
        parties.append(party)
    await asyncio.sleep(1)
    _tell_valgrind("-i", "on")
    await all_order(parties, house, house.warm)
    _tell_valgrind("-z")
    await all_order(parties, house, COMMANDS)
    _tell_valgrind("-i", "off")


def _tell_valgrind(*what: str) -> None:
    control = shutil.which("callgrind_control") or "callgrind_control"
    subprocess.run([control, *what, str(os.getpid())], stdout=subprocess.DEVNULL, check=True)


def counts(form: str, house: House, *more: str) -> dict[str, float]:
    """What valgrind has counted, by its names, for a command."""
    with tempfile.TemporaryDirectory() as folder, bare_store(Path(folder) / "store", False) as store:
        out = Path(folder) / "counts"
        command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}", *more]
        command += [sys.executable, __file__, f"--counted={form}", f"--store={store.url}"]
        command += ["--house", *(str(int(each)) for each in house)]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": "0"})
        if done.returncode:
            sys.exit(done.stderr[-2000:])
        told = out.read_text()
        names, found = EVENTS.findall(told)[-1].split(), TOTALS.findall(told)[-1].split()
        return {name: int(number) / COMMANDS for name, number in zip(names, found, strict=False)}


def cold_lines(house: House) -> float:
    """Lines of data that a command finds in no cache of the processor's own."""
    found = counts("json", house, *CACHES)
    return found.get("DLmr", 0) + found.get("DLmw", 0)


def main() -> None:
    """Prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--html", action="store_true", help="the guests' pages as well: twice as long")
    parser.add_argument("--cold", action="store_true", help="lines of data that have gone cold instead")
    parser.add_argument("--counted", help=argparse.SUPPRESS)
    parser.add_argument("--store", help=argparse.SUPPRESS)
    parser.add_argument("--house", nargs=5, type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.counted:
        import uvloop

        uvloop.run(counted(given.store, given.counted, House(*given.house)))
        return
    if not shutil.which("valgrind"):
        sys.exit("valgrind is needed: apt-get install valgrind")
    if given.cold:
        for house in (TEN, LARGE):
            print(f"{house.tables:3} tables of {house.diners}: {cold_lines(house):4.0f} cold lines of data a command")
        return
    json = counts("json", TWO_TABLES)["Ir"]
    of = f"a table of {TWO_TABLES.diners}, {TWO_TABLES.nodes} processes"
    print(f"JSON: {json / 1000:,.0f} thousand instructions for a command of {of}")
    if given.html:
        html = counts("html", TWO_TABLES)["Ir"]
        print(f"HTML: {html / 1000:,.0f} thousand")
        note("instructions: HTML by JSON", html / json)


if __name__ == "__main__":
    main()
