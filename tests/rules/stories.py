"""What the rules' tests share: moments, and sittings that have got somewhere."""

import itertools

import pytest

from ordering.commands import Add, Place
from ordering.menu import Menu
from ordering.pace import Pace
from ordering.refused import Refused
from ordering.sitting import Moment, Sitting, add, place
from ordering.stock import Stock

LIN, JO = "lin", "jo"
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
