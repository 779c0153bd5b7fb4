"""What a change of the sitting costs until its push is there as bytes, by the size of the table: processor time.

Each change is pushed twice in the same run: from the view before it, as the server does, and with both views built
from nothing, which is the baseline. "decoded": the document came from another process. `--json FILE` keeps the numbers.
"""

import argparse
import gc
import itertools
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent), str(HERE.parent / "rules"), str(HERE)]

import msgspec  # noqa: E402
from long_menu import long_menu  # noqa: E402
from ratios import note  # noqa: E402

from ordering import floor as floors  # noqa: E402
from ordering import sitting as sittings  # noqa: E402
from ordering.commands import Add, Change  # noqa: E402
from ordering.documents import FLOOR, LOAD, MENU, STOCK, near_name, sitting_name  # noqa: E402
from ordering.floor import Area, Floor  # noqa: E402
from ordering.load import Load  # noqa: E402
from ordering.menu import Menu  # noqa: E402
from ordering.near import Near  # noqa: E402
from ordering.restaurant import DEMO, read  # noqa: E402
from ordering.sitting import Moment, Sitting  # noqa: E402
from ordering.stock import Stock  # noqa: E402
from ordering.views.audience import Audience, build  # noqa: E402
from ordering.views.blocks import difference, settled  # noqa: E402

NOON = 20_000 * 86_400_000 + 4 * 3600_000  # ms since 1970 at which the demo's clock shows twelve
GUESTS, LINES = (2, 8, 32), (1, 20)
CHANGES, ROUNDS = 300, 5

_fresh = itertools.count(1)


def moment(who: int) -> Moment:
    """The next moment, of this guest."""
    number = next(_fresh)
    return Moment(number, NOON - 60_000 + number, f"guest-{who}", f"f{number}")


def table(menu: Menu, guests: int, lines: int) -> Sitting:
    """A party of so many guests with so many lines: the first half of them sent, the rest in the cart."""
    plain = [item.id for item in menu.items if not item.groups and not menu.category[item.category].hours]
    at = Sitting("s1", "t1")
    for who in range(guests):
        at = sittings.joined(at, moment(who))
    for number in range(lines):
        add = Add(op="o", item=plain[number], qty=2)
        at, _ = sittings.add(at, menu, Stock(), add, moment(number % guests))
        if number == lines // 2 - 1:
            placing = sittings.Place(op="o", seen=next(_fresh))
            at, _ = sittings.place(at, menu, Stock(), sittings.Pace(), placing, moment(0))
    return at


def changes(menu: Menu, before: Sitting, act: str) -> Iterator[Sitting]:
    """The sitting after each of a number of changes."""
    line = sittings.cart(before)[-1].id
    dishes = [item.id for item in menu.items if not item.groups and not menu.category[item.category].hours][LINES[-1] :]
    at = before
    for number in range(CHANGES):
        if act == "change":
            at = sittings.change(at, Change(op="o", line=line, by=1 if number % 20 < 10 else -1), moment(number % 2))
        else:
            if number % 10 == 0:
                at = before
            add = Add(op="o", item=dishes[number % 10])
            at, _ = sittings.add(at, menu, Stock(), add, moment(number % 2))
        yield at


def through_the_store(value: Any) -> Any:
    """The value as another process gets it."""
    return msgspec.json.decode(msgspec.json.encode(value), type=type(value))


def cost(audience: Audience, values: dict[str, Any], after: list[Sitting], from_before: bool) -> float:
    """Microseconds from a changed sitting to the push."""
    name = sitting_name("s1")
    best = float("inf")
    for _ in range(ROUNDS if from_before else 1):
        view = build(audience, values, 0, NOON)
        seen = [values | {name: each} for each in after]
        pushes = []
        gc.collect()
        gc.disable()
        begun = time.process_time()
        for v, documents in enumerate(seen, 1):
            before, view = view, build(audience, documents, v, NOON, view if from_before else None)
            pushes.append(difference(before, view))
            view = settled(view)
        best = min(best, time.process_time() - begun)
        gc.enable()
    return best / len(after) * 1e6


def measure(menu: Menu, guests: int, lines: int, act: str, form: str, decoded: bool) -> tuple[float, float]:
    """Microseconds for a change: as the server makes the push, and from nothing."""
    start = table(menu, guests, lines)
    after = list(changes(menu, start, act))
    if decoded:
        after = [through_the_store(each) for each in after]
    floor = Floor((Area("hall", {"en": "Hall"}),), (floors.Table("t1", "1", 4, "hall", "code", "s1"),))
    values = {
        MENU: menu,
        STOCK: Stock(),
        FLOOR: floor,
        LOAD: Load(),
        near_name("s1"): Near(),
        sitting_name("s1"): start,
    }
    audience = Audience("diner", form, "en", "s1")  # type: ignore[arg-type]
    few: Callable[[list[Sitting]], list[Sitting]] = lambda all: all[: CHANGES // 5]  # noqa: E731
    return cost(audience, values, after, True), cost(audience, values, few(after), False)


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--json", type=Path)
    parser.add_argument("--guests", type=int, nargs="*", default=GUESTS)
    parser.add_argument("--lines", type=int, nargs="*", default=LINES)
    wanted = parser.parse_args()
    with TemporaryDirectory() as folder:
        menus = {"69": read(DEMO).menu, "120": read(long_menu(Path(folder))).menu}
    rows = []
    print("dishes guests lines     act  form document       µs  from nothing")
    cases = [("69", g, n, act, False) for g in wanted.guests for n in wanted.lines for act in ("change", "add")]
    cases += [("69", 8, 1, "change", True), ("69", 8, 20, "change", True), ("120", 8, 20, "change", False)]
    for dishes, guests, lines, act, decoded in cases:
        for form in ("json", "html"):
            quick, whole = measure(menus[dishes], guests, lines, act, form, decoded)
            came = "decoded" if decoded else "own"
            print(f"{dishes:>6} {guests:>6} {lines:>5} {act:>7} {form:>5} {came:>8} {quick:8.1f} {whole:13.1f}")
            note(f"views: {act}, {dishes} dishes, {guests} guests, {lines} lines, {form}, {came}", quick / whole)
            rows.append(
                {"dishes": int(dishes), "guests": guests, "lines": lines, "act": act, "form": form, "document": came}
                | {"us": round(quick, 1), "us_from_nothing": round(whole, 1)}
            )
    if wanted.json:
        wanted.json.write_text(json.dumps(rows, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
