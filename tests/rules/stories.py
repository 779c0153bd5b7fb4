"""What the rules' tests share: moments, and sittings that have got somewhere."""

import itertools

import pytest
from hypothesis import strategies as st
from msgspec.structs import replace

from ordering.bill import RATE, SPLITS
from ordering.commands import Add, Place
from ordering.menu import Menu, Terms
from ordering.pace import Pace
from ordering.refused import Refused
from ordering.restaurant import DEMO, read
from ordering.sitting import Guest, Line, Moment, Sitting, add, place
from ordering.state import State
from ordering.stock import Stock

LIN, JO = "lin", "jo"
MENU = read(DEMO).menu
_fresh = itertools.count(1)


def refused(word: str) -> pytest.RaisesExc[Refused]:
    """Expects a refusal with this word."""
    return pytest.RaisesExc(Refused, check=lambda error: error.word == word)


def moment(sitting: Sitting | int = 0, who: str = LIN, v: int = 0) -> Moment:
    """The moment after version `v`, with a fresh id."""
    return Moment(v=v + 1, at=1_000_000 + next(_fresh), who=who, fresh=f"f{next(_fresh)}")


class Table:
    """A sitting on its way: keeps the version and the stock along."""

    def __init__(self, menu: Menu, stock: Stock | None = None) -> None:
        self.menu = menu
        self.stock = stock or Stock()
        self.pace = Pace()
        self.sitting = Sitting("s1", "t1")
        self.v = 0

    def moment(self, who: str = LIN) -> Moment:
        """The next moment of this sitting."""
        return moment(who=who, v=self.v)

    def now(self, sitting: Sitting) -> Sitting:
        """The sitting has come to this."""
        self.sitting = sitting
        self.v += 1
        return sitting

    def adds(self, item: str, qty: int = 1, who: str = LIN, **more: object) -> str:
        """One item more; returns the line's id."""
        command = Add(op="o", item=item, qty=qty, **more)  # type: ignore[arg-type]
        sitting, line = add(self.sitting, self.menu, self.stock, command, self.moment(who))
        self.now(sitting)
        return line

    def places(self, seen: int | None = None, who: str = LIN) -> Sitting:
        """The cart placed, as it was seen now or at version `seen`."""
        command = Place(op="o", seen=self.v if seen is None else seen)
        sitting, self.stock = place(self.sitting, self.menu, self.stock, self.pace, command, self.moment(who))
        return self.now(sitting)


def _with_everyone(sitting: Sitting) -> Sitting:
    """Lines belong to guests of the sitting, and so do claims."""
    here = {guest.id for guest in sitting.guests}
    kept = tuple(
        replace(line, claimed=tuple(guest for guest in line.claimed if guest in here)) for line in sitting.lines
    )
    return replace(sitting, lines=kept)


GUESTS = ("a", "b", "c", "d")

_lines = st.builds(
    Line,
    id=st.uuids().map(str),
    item=st.just("dish"),
    name=st.just({"en": "Dish"}),
    station=st.just("wok"),
    guest=st.sampled_from(GUESTS),
    unit_price=st.integers(0, 99_999_00),
    qty=st.integers(1, 99),
    added=st.just(1),
    changed=st.just(1),
    state=st.sampled_from(State),
    shared=st.booleans(),
    tax=st.sampled_from([0, 600, 1000, 1975]),
    claimed=st.lists(st.sampled_from(GUESTS), unique=True).map(tuple),
)
_sittings = st.builds(
    Sitting,
    id=st.just("s"),
    table=st.just("t"),
    opened=st.just(1),
    guests=st.lists(st.integers(0, 100), max_size=4).map(
        lambda tips: tuple(Guest(id, 1, tip=tip) for id, tip in zip(GUESTS, tips, strict=False))
    ),
    lines=st.lists(_lines, max_size=12).map(tuple),
    split=st.sampled_from(SPLITS),
    people=st.integers(0, 20),
)
bill_terms = st.builds(Terms, service=st.integers(0, RATE), tax_included=st.booleans())
bills = _sittings.map(_with_everyone)
"""Any sitting with lines in any state, shared in any way."""
