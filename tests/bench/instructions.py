"""How many instructions a command costs, from the frame that a phone sends to the frames that eight phones get.

    python tests/bench/instructions.py [--html]      about a minute; needs valgrind (apt-get install valgrind)

Two processes' worth of the server run in one: each has its own shelf, desk and connections to a real store, and holds
half of a table's phones, whose sockets end in a list instead of the kernel. One phone orders, one portion more and one
fewer in turn, as soon as all have seen the last one. valgrind counts: the number is the same however busy the machine
is, to one part in a hundred, so a change of one part in fifty can be seen. It says nothing of what waiting and cold
caches cost; `peers.py` does.
"""

import argparse
import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent), str(HERE)]

from meter import bare_store  # noqa: E402
from ratios import note  # noqa: E402

TABLES, DINERS, NODES = 2, 8, 2
WARM, COMMANDS = 100, 300
COUNTED = re.compile(r"^totals: (\d+)", re.MULTILINE)
PATIENCE = 60.0  # seconds that the store may take: everything is fifty times slower


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
    """The phones of a table; the first one orders."""

    def __init__(self, table: str) -> None:
        self.table, self.line = table, ""
        self.phones: list[Any] = []
        self.orders = self.pushes = 0
        self._all = asyncio.Event()

    def pushed(self) -> None:
        """A phone has got a push."""
        self.pushes += 1
        if self.pushes % DINERS == 0:
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


async def counted(store_url: str, form: str) -> None:
    """Orders under valgrind, and says how many there were while it counted."""
    from ordering import commands
    from ordering.app import services
    from ordering.documents import FLOOR
    from ordering.founding import found
    from ordering.handlers.diner import GuestSocket
    from ordering.options import read
    from ordering.store import Store
    from ordering.views.audience import Audience, Form
    from ordering.views.text import text

    options = read(["run.py", "--demo"], {})
    nodes = []
    for number in range(NODES):
        store = Store(store_url, options.shop, timeout=PATIENCE)
        if number == 0:
            await found(store, options)
        shared = services(options, store, (await store.signing_keys()).ids)
        shared.shelf.start()
        shared.live.start()
        nodes.append(shared)
    floor = (await nodes[0].desk.look(FLOOR))[FLOOR].value
    parties = []
    for table in floor.tables[:TABLES]:
        party = Party(table.id)
        for diner in range(DINERS):
            shared = nodes[diner % NODES]
            phone = GuestSocket(shared, text("en"), f"guest-{diner}", table.sitting, table.code)
            phone.connection_made(cast(asyncio.Transport, Ear(party.pushed)))
            phone.enter(Audience("diner", cast(Form, form), "en", table.sitting))
            party.phones.append(phone)
        await party.shown()
        add = commands.Add(f"first-{table.id}", "dongpo-pork", 50)
        party.line = (await nodes[0].desk.guest("guest-0", table.sitting, add))["line"]
        await party.shown()
        parties.append(party)
    await asyncio.gather(*(party.orders_often(WARM // TABLES) for party in parties))
    await asyncio.sleep(1)
    control = shutil.which("callgrind_control") or "callgrind_control"
    subprocess.run([control, "-i", "on", str(os.getpid())], stdout=subprocess.DEVNULL, check=True)
    await asyncio.gather(*(party.orders_often(COMMANDS // TABLES) for party in parties))
    subprocess.run([control, "-i", "off", str(os.getpid())], stdout=subprocess.DEVNULL, check=True)


def instructions(form: str) -> float:
    """Instructions for a command."""
    with tempfile.TemporaryDirectory() as folder, bare_store(Path(folder) / "store", False) as store:
        out = Path(folder) / "counts"
        command = ["valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}"]
        command += [sys.executable, __file__, f"--counted={form}", f"--store={store.url}"]
        done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, "PYTHONHASHSEED": "0"})
        if done.returncode:
            sys.exit(done.stderr[-2000:])
        return sum(int(found) for found in COUNTED.findall(out.read_text())) / COMMANDS


def main() -> None:
    """Prints it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--html", action="store_true", help="the guests' pages as well: twice as long")
    parser.add_argument("--counted", help=argparse.SUPPRESS)
    parser.add_argument("--store", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.counted:
        import uvloop

        uvloop.run(counted(given.store, given.counted))
        return
    if not shutil.which("valgrind"):
        sys.exit("valgrind is needed: apt-get install valgrind")
    json = instructions("json")
    print(f"JSON: {json / 1000:,.0f} thousand instructions for a command of a table of {DINERS}, {NODES} processes")
    if given.html:
        html = instructions("html")
        print(f"HTML: {html / 1000:,.0f} thousand")
        note("instructions: HTML by JSON", html / json)


if __name__ == "__main__":
    main()
