"""A bad evening, from the first guest to the proof; `make chaos` runs ten of them."""

import argparse
import asyncio
import contextlib
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from actors import Browser, tables, to_its_end
from machines import short_folder, until

from chaos import faults
from chaos.checker import HEALED, Violation, check
from chaos.faults import Fault
from chaos.house import House
from chaos.people import FAILS, Cook, Diner, Evening, OfTheStaff, Person, Waiter
from chaos.record import Record, lines
from chaos.shrink import shrink

KEPT = Path(__file__).parent.parent.parent / ".chaos"
"""Where the records of evenings go of which something does not hold."""
DINERS = 14
QUIET = 3.0  # seconds at the end without faults, before everybody stops
PEOPLE_STOP = 20.0  # seconds for what is under way to be answered
SHOWN = 40  # events of a shrunk record that are printed


class Result(NamedTuple):
    """How an evening went: what does not hold, how often each fault happened, how many commands took effect, pushes
    were seen, and the seconds until the last page was true again after the last fault."""

    seed: int
    violations: list[Violation]
    faults: Counter[str]
    commands: int
    pushes: int
    record: Record
    said: str


def spend(
    seed: int,
    seconds: float,
    broken: str = "",
    only: Sequence[Fault] = (),
    bundled: bool | None = None,
    calm: float = 3.0,
) -> Result:
    """One evening of so many seconds.

    Args:
        broken: a fault of `broken.py` that the server has.
        only: these faults instead of all; `calm` are the seconds between them, at most.
    """
    rng = Random(seed)
    with short_folder() as folder:
        whole = seed % 2 == 0 if bundled is None else bundled
        with House(folder, whole, rng, broken).running() as house:
            record = Record()
            happened = asyncio.run(to_its_end(_spent(house, record, rng, seconds, only, calm)))
            _left_behind(house, record)
            record.note("log", entries=house.log())
            said = house.said()
    counts = Counter(event["name"] for event in record.events if event["e"] == "fault")
    assert happened == sum(counts.values())
    return Result(
        seed,
        check(record.events),
        counts,
        len(next(event["entries"] for event in record.events if event["e"] == "log")),
        sum(event["e"] == "show" for event in record.events),
        record,
        said,
    )


async def _spent(house: House, record: Record, rng: Random, seconds: float, only: Sequence[Fault], calm: float) -> int:
    every = await tables(house.ports[0])
    codes = [table["code"] for table in every]
    evening = Evening(house, record, rng, codes[:-1], codes[-1])
    await _menu(evening)
    staff = [Cook(evening, "cook", ""), Cook(evening, "cook-hot", "hot"), Cook(evening, "barman", "bar")]
    waiters = [Waiter(evening, f"waiter-{number}") for number in range(2)]
    for each in (*staff, *waiters):
        await each.staff.login()
    people: list[Person] = [*(Diner(evening, f"guest-{n}", codes[:-1]) for n in range(DINERS)), *staff, *waiters]
    living = [asyncio.create_task(person.live()) for person in people]
    happened = await _trouble(evening, seconds - QUIET, only, calm)
    await asyncio.sleep(QUIET)
    evening.on = False
    async with asyncio.timeout(PEOPLE_STOP):
        await asyncio.gather(*living)
    async with asyncio.timeout(PEOPLE_STOP):
        for person, op, command, path in evening.unknown:
            with contextlib.suppress(*FAILS):
                await person.settle(op, command, path)
    await _ending(evening, staff[0])
    return happened


async def _trouble(evening: Evening, seconds: float, only: Sequence[Fault], calm: float) -> int:
    """Faults, mostly alone and sometimes two at a time, each of them once before any comes again."""
    end = time.monotonic() + seconds
    every = only or (faults.EVERYWHERE if evening.house.bundled else faults.IN_PARTS)
    bag: list[Fault] = []
    happened = 0
    await asyncio.sleep(1)
    while time.monotonic() < end:
        together = 2 if evening.rng.random() < 0.25 else 1
        for _ in range(together - len(bag)):
            bag += evening.rng.sample(every, len(every))
        chosen = [bag.pop() for _ in range(together)]
        notes = [evening.record.note("fault", name=fault.__name__, until=None) for fault in chosen]
        await asyncio.gather(*(fault(evening) for fault in chosen))
        for note in notes:
            note["until"] = evening.record.t
        happened += together
        await asyncio.sleep(evening.rng.uniform(0.2, calm))
    return happened


async def _menu(evening: Evening) -> None:
    scanned = await Browser(evening.house.ports[0]).json(f"/t/{evening.codes[0]}")
    evening.record.note("menu", menu=scanned["menu"], left=_left(scanned["sitting"]["blocks"]))


def _left(blocks: dict[str, Any], sold_out: bool = False) -> dict[str, int | None]:
    items = [block for id, block in blocks.items() if id.startswith("item-")]
    return {item["id"]: item["left"] for item in items if sold_out or item["left"] is not None}


async def _ending(evening: Evening, cook: OfTheStaff) -> None:
    """When nobody does anything any more: what every page shows, and what each door serves to who comes now."""
    record = evening.record
    await asyncio.sleep(1.0 + HEALED / 5)
    for name, (kind, subject, page) in evening.pages.items():
        if not page.closed and kind != "floor":
            live = not page.beats or page.beats[-1]["live"]
            shown = lines(kind, page.blocks)
            record.note("end", page=name, kind=kind, subject=subject, v=page.v, live=live, lines=shown)
    for port in evening.house.ports:
        for code in evening.codes:
            scanned = await Browser(port).json(f"/t/{code}")
            _fresh(record, scanned["sitting"]["id"], scanned)
        for station in ("", "hot", "bar"):
            board = await cook.staff.json(f"/kitchen?station={station}" if station else "/kitchen", port)
            found = lines("kitchen", board["blocks"])
            record.note("fresh", kind="kitchen", subject=station, v=board["v"], lines=found)
        text = await asyncio.to_thread(_metrics, port)
        record.note("repairs", port=str(port), count=_metric(text, "repairs"))


def _left_behind(house: House, record: Record) -> None:
    """What each port still holds when everybody has gone: pages that it believes connected, and open files."""
    for place, port in enumerate(house.ports):
        with contextlib.suppress(AssertionError):
            until(lambda port=port: _metric(_metrics(port), "phones") == 0, 5, "all have gone")
        files = len(list(Path(f"/proc/{house.serving(place)}/fd").iterdir()))
        record.note("left", port=str(port), phones=_metric(_metrics(port), "phones"), files=files)


def _metrics(port: int) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        return str(answer.read().decode())


def _metric(text: str, name: str) -> int:
    return int(float(text.partition(f"\nordering_{name} ")[2].split()[0]))


def _fresh(record: Record, sitting: str, scanned: dict[str, Any]) -> None:
    blocks = scanned["sitting"]["blocks"]
    record.note(
        "fresh",
        kind="guest",
        subject=sitting,
        v=scanned["version"],
        lines=lines("guest", blocks),
        total=blocks["bill"]["total"],
        paid=blocks["bill"]["paid"],
        left=_left(blocks, sold_out=True),
    )


def tell(result: Result) -> None:
    """Prints how it went; where something does not hold, keeps the record and shows the shortest part of it."""
    counts = ", ".join(f"{name} {count}" for name, count in sorted(result.faults.items()))
    print(f"seed {result.seed}: {result.commands} commits, {result.pushes} pushes; {counts}", flush=True)
    if not result.violations:
        return
    KEPT.mkdir(exist_ok=True)
    path = KEPT / f"seed-{result.seed}.jsonl"
    result.record.save(path)
    print(f"seed {result.seed} FAILED: {len(result.violations)} things do not hold; the record is {path}")
    for violation in result.violations[:10]:
        print(f"  {violation.rule}: {violation.words}")
    short = shrink(result.record.events, result.violations[0])
    print(f"  {len(short)} events are enough for the first of them:")
    for event in short[:SHOWN]:
        print(f"    {event}")


def main() -> None:
    """Exit status 1 when something does not hold."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1, help="the first seed")
    parser.add_argument("--seeds", type=int, default=1, help="how many evenings")
    parser.add_argument("--seconds", type=float, default=60, help="of each evening")
    parser.add_argument("--broken", default="", help="a fault of broken.py that the server has")
    parser.add_argument("--only", default="", help="names of faults, with commas")
    given = parser.parse_args()
    only = [getattr(faults, name) for name in given.only.split(",") if name]
    total: Counter[str] = Counter()
    failed = []
    for seed in range(given.seed, given.seed + given.seeds):
        result = spend(seed, given.seconds, given.broken, only)
        tell(result)
        total += result.faults
        if result.violations:
            failed.append(seed)
    print(f"injected: {', '.join(f'{name} {count}' for name, count in total.most_common())}")
    sys.exit(f"failed: seeds {failed}" if failed else 0)


if __name__ == "__main__":
    main()
