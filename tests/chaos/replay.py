"""A second opinion: the restaurant replayed from the shop's log, command by command, one after the other.

It shares no code with the server, so that a fault there is not repeated here. It does not judge what is refused: what
stands in the log was accepted, and must then be possible.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

ORDER = ("queued", "cooking", "ready", "served")

Snapshot = dict[str, tuple[int, str, str, int]]
"""The lines of a sitting: portions, note, state and round by line id."""


class Impossible(Exception):
    """The log says something that can't have happened."""


@dataclass
class Line:
    """A line; `added` and `changed` are versions of its sitting."""

    id: str
    item: str
    guest: str
    modifiers: tuple[str, ...]
    qty: int
    note: str
    price: int
    added: int
    changed: int
    state: str = "cart"
    round: int = 0


@dataclass
class Sitting:
    """A sitting; `closed` also when it gave its table to another."""

    id: str
    v: int = 0
    lines: dict[str, Line] = field(default_factory=dict)
    rounds: int = 0
    paid: int = 0
    closed: bool = False

    @property
    def owed(self) -> int:
        """What was placed and not taken back (minor units; the restaurant of the stories adds nothing to it)."""
        return sum(line.qty * line.price for line in self.lines.values() if line.state not in ("cart", "void"))

    def snapshot(self) -> Snapshot:
        """The lines as the pages show them."""
        return {line.id: (line.qty, line.note, line.state, line.round) for line in self.lines.values()}


class Menu:
    """Prices (minor units) and stations of items, extras of modifiers, and what is counted at the beginning."""

    def __init__(self, menu: Mapping[str, Any], left: Mapping[str, int]) -> None:
        self.prices = {item["id"]: item["price"] for item in menu["items"]}
        self.stations = {item["id"]: item["station"] for item in menu["items"]}
        self.extras = {each["id"]: each["extra"] for group in menu["groups"] for each in group["modifiers"]}
        self.left = dict(left)


class Replay:
    """The shop after every entry of a log.

    `versions` holds each sitting's lines at each of its versions, `steps` what each entry did (sitting and version),
    `lives` the states that each line went through, `faults` what can't have happened.

    Args:
        menu: what there is to order.
        entries: the log, oldest first: `s`, `who`, `op`, `in`, `meant` and `answer`.
    """

    def __init__(self, menu: Menu, entries: Sequence[Mapping[str, Any]]) -> None:
        self.menu = menu
        self.sittings: dict[str, Sitting] = {}
        self.left = dict(menu.left)
        self.sold_out: set[str] = set()
        self.versions: dict[tuple[str, int], Snapshot] = {}
        self.steps: dict[int, tuple[str, int]] = {}
        self.lives: dict[str, list[str]] = {}
        self.home: dict[str, str] = {}
        self.faults: list[tuple[int, str, str]] = []
        before = 0
        for entry in entries:
            if entry["s"] != before + 1:
                self.faults.append((entry["s"], "", f"number {entry['s']} follows {before}"))
            before = entry["s"]
            try:
                self._step(entry)
            except Impossible as error:
                self.faults.append((entry["s"], self._subject(entry), str(error)))

    def sitting_of(self, line: str) -> str:
        """Where a line belongs; "" when the log knows none."""
        return self.home.get(line, "")

    @staticmethod
    def _subject(entry: Mapping[str, Any]) -> str:
        return next((name[8:] for name in entry.get("in", ()) if name.startswith("sitting:")), "")

    def _step(self, entry: Mapping[str, Any]) -> None:
        changed = [self._sitting(name[8:]) for name in entry.get("in", ()) if name.startswith("sitting:")]
        for sitting in changed:
            sitting.v += 1
        try:
            self._apply(entry, changed)
        finally:
            for sitting in changed:
                self.versions[sitting.id, sitting.v] = sitting.snapshot()
                self.steps.setdefault(entry["s"], (sitting.id, sitting.v))
                if sitting.paid > sitting.owed:
                    raise Impossible(f"{sitting.paid} paid of {sitting.owed}")

    def _apply(self, entry: Mapping[str, Any], changed: list[Sitting]) -> None:
        meant = entry.get("meant", {})
        does = getattr(self, f"_{meant.get('do')}", None)
        if does is not None:
            does(entry, meant, changed)

    def _sitting(self, id: str) -> Sitting:
        if id not in self.sittings:
            self.sittings[id] = Sitting(id)
            self.versions[id, 0] = {}
        return self.sittings[id]

    # ---- guests

    def _add(self, entry: Mapping[str, Any], meant: Mapping[str, Any], changed: list[Sitting]) -> None:
        (sitting,) = changed
        _open(sitting)
        who = entry["who"] if "table" not in meant else meant["guest"]
        line = Line(
            id=entry["answer"]["line"],
            item=meant["item"],
            guest=who,
            modifiers=tuple(sorted(meant["modifiers"])),
            qty=meant["qty"],
            note=meant["note"],
            price=self.menu.prices[meant["item"]] + sum(self.menu.extras[each] for each in meant["modifiers"]),
            added=sitting.v,
            changed=sitting.v,
        )
        twin = next((each for each in sitting.lines.values() if _same(each, line)), None)
        if twin is None:
            if line.id in self.home:
                raise Impossible(f"the line {line.id} is there already")
            sitting.lines[line.id] = line
            self.home[line.id] = sitting.id
            self.lives[line.id] = ["cart"]
            return
        if line.id != twin.id:
            raise Impossible(f"{line.item} was told to be {line.id}, and is more of {twin.id}")
        twin.qty, twin.changed = twin.qty + line.qty, sitting.v

    def _change(self, _: Mapping[str, Any], meant: Mapping[str, Any], changed: list[Sitting]) -> None:
        line = self._in_cart(meant["line"], changed[0])
        line.qty, line.changed = line.qty + meant["by"], changed[0].v
        if line.qty <= 0:
            del changed[0].lines[line.id]

    def _note(self, _: Mapping[str, Any], meant: Mapping[str, Any], changed: list[Sitting]) -> None:
        line = self._in_cart(meant["line"], changed[0])
        line.note, line.changed = meant["note"], changed[0].v

    def _place(self, entry: Mapping[str, Any], meant: Mapping[str, Any], changed: list[Sitting]) -> None:
        (sitting,) = changed
        _open(sitting)
        seen = [line for line in sitting.lines.values() if line.state == "cart" and line.added <= meant["seen"]]
        if late := [line.id for line in seen if line.changed > meant["seen"]]:
            raise Impossible(f"{entry['op']} placed {late}, which had changed since version {meant['seen']}")
        if not seen:
            raise Impossible(f"{entry['op']} placed nothing")
        sitting.rounds += 1
        for line in seen:
            if line.item in self.sold_out:
                raise Impossible(f"{line.item} was placed, and is sold out")
            if line.item in self.left:
                self.left[line.item] -= line.qty
                if self.left[line.item] < 0:
                    raise Impossible(f"{self.left[line.item]} of {line.item} left")
            line.round = sitting.rounds
            self._move_on(line, "queued", sitting)

    # ---- the kitchen

    def _advance(self, _: Mapping[str, Any], meant: Mapping[str, Any], changed: list[Sitting]) -> None:
        to = meant["to"]
        if meant["line"]:
            line = self._line(meant["line"], changed[0])
            if line.state not in ORDER[: ORDER.index(to)]:
                raise Impossible(f"{line.id} went from {line.state} to {to}")
            self._move_on(line, to, changed[0])
            return
        for line in self._of_ticket(meant["ticket"], changed[0]):
            if line.state in ORDER[: ORDER.index(to)]:
                self._move_on(line, to, changed[0])

    def _recall(self, _: Mapping[str, Any], meant: Mapping[str, Any], changed: list[Sitting]) -> None:
        line = self._line(meant["line"], changed[0])
        if line.state not in ORDER[1:]:
            raise Impossible(f"{line.id} was called back from {line.state}")
        self._move_on(line, ORDER[ORDER.index(line.state) - 1], changed[0])

    def _sold_out(self, _: Mapping[str, Any], meant: Mapping[str, Any], __: list[Sitting]) -> None:
        (self.sold_out.add if meant["on"] else self.sold_out.discard)(meant["item"])
        if not meant["on"] and self.left.get(meant["item"]) == 0:
            del self.left[meant["item"]]

    def _stock(self, _: Mapping[str, Any], meant: Mapping[str, Any], __: list[Sitting]) -> None:
        self.sold_out.discard(meant["item"])
        self.left[meant["item"]] = meant["count"]

    # ---- the floor

    def _void(self, _: Mapping[str, Any], meant: Mapping[str, Any], changed: list[Sitting]) -> None:
        line = self._line(meant["line"], changed[0])
        if line.state not in ORDER[:3]:
            raise Impossible(f"{line.id} was taken back when it was {line.state}")
        self._move_on(line, "void", changed[0])

    def _pay(self, _: Mapping[str, Any], meant: Mapping[str, Any], changed: list[Sitting]) -> None:
        _open(changed[0])
        changed[0].paid += meant["amount"]

    def _close(self, _: Mapping[str, Any], __: Mapping[str, Any], changed: list[Sitting]) -> None:
        _open(changed[0])
        changed[0].closed = True
        changed[0].lines = {id: line for id, line in changed[0].lines.items() if line.state != "cart"}

    def _table_moves(self, _: Mapping[str, Any], __: Mapping[str, Any], changed: list[Sitting]) -> None:
        """The party keeps its lines; what cooks have to be told of counts as changed."""
        party, waiting = sorted(changed, key=lambda sitting: sitting.v, reverse=True)
        _open(party)
        if waiting.lines:
            raise Impossible(f"a party moved to {waiting.id}, where somebody had ordered")
        waiting.closed = True

    _move = _table_moves

    # ---- lines

    def _line(self, id: str, sitting: Sitting) -> Line:
        if id not in sitting.lines:
            raise Impossible(f"no line {id} in {sitting.id}")
        return sitting.lines[id]

    def _in_cart(self, id: str, sitting: Sitting) -> Line:
        _open(sitting)
        line = self._line(id, sitting)
        if line.state != "cart":
            raise Impossible(f"{id} was changed when it was {line.state}")
        return line

    def _of_ticket(self, ticket: str, sitting: Sitting) -> list[Line]:
        _, number, station = ticket.rsplit(".", 2)
        return [
            line
            for line in sitting.lines.values()
            if line.round == int(number) and self.menu.stations[line.item] == station
        ]

    def _move_on(self, line: Line, state: str, sitting: Sitting) -> None:
        line.state, line.changed = state, sitting.v
        self.lives[line.id].append(state)


def _same(one: Line, other: Line) -> bool:
    return one.state == "cart" and (one.item, one.guest, one.modifiers, one.note) == (
        other.item,
        other.guest,
        other.modifiers,
        other.note,
    )


def _open(sitting: Sitting) -> None:
    if sitting.closed:
        raise Impossible(f"{sitting.id} was changed after it was closed")
