"""A Friday night on one process: 200 open tables with a phone each, ten displays, 40 commands a second for a minute.

Prints how long a change takes from the tap that makes it to each display that shows it, and beside it, as the baseline
of the same run, the same with two tables and one command at a time. Fails when more than 1 % take over 250 ms.
"""

import argparse
import asyncio
import itertools
import json
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent), str(HERE)]

from actors import Guest, Page, Staff, new_op, tables, tell  # noqa: E402
from machines import Server, short_folder  # noqa: E402
from ratios import note  # noqa: E402

TABLES = 200
DISPLAYS = ["kitchen"] * 5 + ["kitchen?station=kitchen", "kitchen?view=expo", "kitchen?view=expo", "floor", "floor"]
RATE = 40  # commands a second
EACH = 5  # commands of a cycle: two dishes, sent, made, carried
BUDGET = 250.0  # ms
DISH = ("dongpo-pork", "steamed-rice")


class Display:
    """A board that notes when each change came."""

    def __init__(self, page: Page, kind: str) -> None:
        self.page, self.kind = page, kind
        self.came: dict[tuple[str, str], float] = {}
        self._states: dict[str, str] = {}

    async def watch(self) -> None:
        """Reads until it is cancelled."""
        while (text := await self.page.socket.read_message()) is not None:
            now = time.perf_counter()
            push = json.loads(text)
            for name, block in push.get("set", {}).items():
                for key in self._shown(name, block):
                    self.came.setdefault(key, now)
            for name in push.get("gone", ()):
                self.came.setdefault((name.removeprefix("ticket-").removeprefix("whole-"), "gone"), now)

    def _shown(self, name: str, block: dict[str, Any]) -> Iterator[tuple[str, str]]:
        if name.startswith("ticket-"):
            yield block["id"], block["lines"][0]["state"]
        elif name.startswith("whole-"):
            for ticket in block["tickets"]:
                yield ticket["id"], ticket["lines"][0]["state"]
        elif name.startswith("table-"):
            yield block["sitting"], f"{block['to_make']} {block['ready']}"


async def evening(server: Server, number: int, seconds: float, rate: float) -> list[float]:
    """Milliseconds from a tap to a display, for every change and display."""
    staff = await Staff(server.port).login()
    displays = []
    for path in DISPLAYS:
        kind = "floor" if path == "floor" else "expo" if "expo" in path else "kitchen"
        board, _, query = path.partition("?")
        socket = await staff.socket(f"/{board}/live{'?' + query if query else ''}")
        displays.append(Display(_Quiet(socket), kind))  # type: ignore[arg-type]
    readers = [asyncio.create_task(display.watch()) for display in displays]
    places = (await tables(server.port))[:number]
    phones = [(place, await (await _seated(server, place["code"])).look()) for place in places]
    await asyncio.sleep(3)
    taps: list[tuple[str, str, str, float]] = []
    refused: list[Any] = []
    rounds = itertools.count()

    async def cycle(place: dict[str, str], page: Page) -> None:
        for dish in DISH:
            answer = await page.do("add", item=dish, op=new_op())
            refused.append(answer) if "error" in answer else None
            await asyncio.sleep(0.2)
        at = time.perf_counter()
        answer = await page.do("place", seen=page.v)
        if "error" in answer:
            refused.append(answer)
            return
        sitting = page.blocks["sitting"]["id"]
        ticket = f"{sitting}.{answer['round']}.kitchen"
        taps.append((ticket, "queued", "kitchen expo", at))
        for to in ("ready", "served"):
            await asyncio.sleep(1)
            at = time.perf_counter()
            answer = await staff_page.do("advance", table=place["id"], ticket=ticket, to=to)
            if "error" in answer:
                refused.append(answer)
            elif to == "ready":
                taps.append((ticket, "ready", "kitchen expo", at))
            else:
                taps.append((ticket, "gone", "kitchen", at))

    staff_page = await staff.look("kitchen")
    began, running = time.perf_counter(), []
    while time.perf_counter() - began < seconds:
        place, page = phones[next(rounds) % len(phones)]
        running.append(asyncio.create_task(cycle(place, page)))
        await asyncio.sleep(max(0.0, began + len(running) * EACH / rate - time.perf_counter()))
    await asyncio.gather(*running)
    await asyncio.sleep(2)
    for reader in readers:
        reader.cancel()
    assert not refused, refused[:3]
    lost, took = 0, []
    for ticket, what, kinds, at in taps:
        for display in displays:
            if display.kind in kinds:
                came = display.came.get((ticket, what))
                lost += came is None
                took += [(came - at) * 1000] if came else []
    done = len(taps) // 3 * EACH
    print(f"  {number} tables: {done} commands in {seconds:.0f} s ({done / seconds:.0f} a second), {lost} not shown")
    assert not lost
    return took


class _Quiet:
    """A socket without the reader of a page."""

    def __init__(self, socket: Any) -> None:
        self.socket = socket


async def _seated(server: Server, code: str) -> Guest:
    guest = Guest(server.port, code)
    await guest.scan()
    return guest


def main() -> None:
    """Runs the baseline and the evening."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    seconds = parser.parse_args().seconds
    found = {}
    with short_folder() as folder:
        server = Server(folder, 1, tables=TABLES).start()
        try:
            found["quiet"] = tell(evening(server, 2, 10, 2))
            found["Friday"] = tell(evening(server, TABLES, seconds, RATE))
        finally:
            server.stop()
    for name, took in found.items():
        ordered = sorted(took)
        last = ordered[round(len(ordered) * 0.99) - 1]
        line = f"median {statistics.median(ordered):6.1f} ms   99 % {last:6.1f} ms   most {ordered[-1]:6.1f} ms"
        print(f"{name:7} tap to display: {line}   n {len(ordered)}")
    middle = {name: statistics.median(took) for name, took in found.items()}
    note("friday: tap to display, full house by quiet", middle["Friday"] / middle["quiet"])
    if last > BUDGET:
        sys.exit(f"1 % of the changes take over {BUDGET:.0f} ms")


if __name__ == "__main__":
    main()
