"""The floor: the shop's tables, their codes, and which sitting each one has now.

A document of the shop (`floor`). A table always names a sitting: while nobody sits there, the one that the next
party will have, whose document does not exist yet.
"""

from enum import Enum
from functools import cached_property

from msgspec import Struct
from msgspec.structs import replace

from ordering.kitchen import unfinished
from ordering.menu import Names, Terms
from ordering.payments import covered, left
from ordering.refused import Refused
from ordering.sitting import Moment, Sitting, cart
from ordering.sitting import closed as closed_sitting
from ordering.state import OPEN, State

CODE_LETTERS = "23456789abcdefghjkmnpqrstuvwxyz"  # none that is read for another: a code may have to be typed
CODE_LENGTH = 12  # 59 bits: nobody guesses a table's code
REOPENED_WITHIN = 60 * 60_000  # ms after which a closed bill stays closed
PLAN_COLUMNS = 5
CLOSED_KEPT = 60  # sittings that can be opened again: a full house twice over


class Area(Struct, frozen=True):
    """A part of the shop: the hall, the terrace."""

    id: str
    name: Names


class Table(Struct, frozen=True):
    """A place to sit; `code` is the unguessable part of its QR link, `sitting` the id of its present or next one.
    `frozen`: its phones can't order; `waiter` is the account of whoever looks after it ("": everybody); `x` and `y`
    say where its middle stands on the plan of its area, in per cent from the left and the top (below 0: nobody has)."""

    id: str
    name: str
    seats: int
    area: str
    code: str
    sitting: str
    frozen: bool = False
    waiter: str = ""
    x: int = -1
    y: int = -1


class Leaving(Struct, frozen=True):
    """A closed sitting of which a station still has something on its display."""

    sitting: str
    table: str


class Closed(Struct, frozen=True):
    """A sitting whose bill was closed lately (`at`, ms): it can still be opened again. `left` is what was not paid."""

    sitting: str
    table: str
    at: int
    left: int = 0


class Floor(Struct, frozen=True, dict=True):
    """The whole floor document. (`dict=True` gives the look-ups a place to be kept.)"""

    areas: tuple[Area, ...] = ()
    tables: tuple[Table, ...] = ()
    leaving: tuple[Leaving, ...] = ()
    closed: tuple[Closed, ...] = ()

    @cached_property
    def by_code(self) -> dict[str, Table]:
        """Tables by code."""
        return {table.code: table for table in self.tables}

    @cached_property
    def by_sitting(self) -> dict[str, Table]:
        """Tables by the sitting that they have now."""
        return {table.sitting: table for table in self.tables}

    @cached_property
    def by_id(self) -> dict[str, Table]:
        """Tables by id."""
        return {table.id: table for table in self.tables}


class Status(Enum):
    """What a waiter should know of a table at a glance."""

    FREE = "free"
    SEATED = "seated"
    ORDERING = "ordering"
    WAITING = "waiting"
    SERVED = "served"
    ASKS = "asks"
    CALLED = "called"
    BILL = "bill"
    PAID = "paid"


def table_of(floor: Floor, table_id: str) -> Table:
    """The table; raises `Refused` `no_such_table`."""
    if table_id not in floor.by_id:
        raise Refused("no_such_table")
    return floor.by_id[table_id]


def arranged(floor: Floor, table_id: str, x: int, y: int) -> Floor:
    """A table at this place of its area's plan (per cent)."""
    moved = replace(table_of(floor, table_id), x=x, y=y)
    return replace(floor, tables=tuple(moved if each.id == table_id else each for each in floor.tables))


def spots(floor: Floor) -> dict[str, tuple[int, int]]:
    """Where each table stands on its area's plan (per cent); those that nobody has placed stand in rows."""
    found: dict[str, tuple[int, int]] = {}
    for area in floor.areas:
        for number, table in enumerate(table for table in floor.tables if table.area == area.id):
            row, column = divmod(number, PLAN_COLUMNS)
            in_row = ((2 * column + 1) * 50 // PLAN_COLUMNS, min(95, 14 + 24 * row))
            found[table.id] = (table.x, table.y) if table.x >= 0 else in_row
    return found


def sittings_at(floor: Floor, table_id: str) -> tuple[str, ...]:
    """The ids of the table's present sitting and of those that have left food in the kitchen."""
    table = table_of(floor, table_id)
    return (table.sitting, *(left.sitting for left in floor.leaving if left.table == table_id))


def closed_sittings(floor: Floor, table_id: str = "") -> tuple[str, ...]:
    """The ids of the sittings closed lately, the latest first; of one table, or of all."""
    return tuple(each.sitting for each in reversed(floor.closed) if table_id in ("", each.table))


def open_sittings(floor: Floor) -> tuple[str, ...]:
    """The ids of all sittings that the staff's pages look at."""
    return (
        *(table.sitting for table in floor.tables),
        *(left.sitting for left in floor.leaving),
    )


def close(floor: Floor, sitting: Sitting, terms: Terms, moment: Moment, code: str = "") -> tuple[Floor, Sitting]:
    """The bill closed on these terms, and the table free for `moment.fresh`, the next sitting; with another `code`
    where codes die with their sitting.

    What the kitchen still has of the closed one stays on its displays until it is served or void.
    """
    sitting = covered(closed_sitting(sitting, terms, moment), terms)
    tables = tuple(
        replace(table, sitting=moment.fresh, code=code or table.code, frozen=False)
        if table.id == sitting.table
        else table
        for table in floor.tables
    )
    leaving = floor.leaving
    if unfinished(sitting):
        leaving = (*leaving, Leaving(sitting.id, sitting.table))
    lately = tuple(each for each in floor.closed if moment.at - each.at <= REOPENED_WITHIN)
    closed = (*lately, Closed(sitting.id, sitting.table, moment.at, left(sitting, terms)))[-CLOSED_KEPT:]
    return replace(floor, tables=tables, leaving=leaving, closed=closed), sitting


def departed(floor: Floor, sitting: Sitting) -> Floor:
    """The floor without a closed sitting that the kitchen has finished, or with one of which something was called back;
    the same value when it is neither."""
    known = any(left.sitting == sitting.id for left in floor.leaving)
    if not sitting.closed or unfinished(sitting) == known:
        return floor
    if not known:
        return replace(floor, leaving=(*floor.leaving, Leaving(sitting.id, sitting.table)))
    return replace(floor, leaving=tuple(left for left in floor.leaving if left.sitting != sitting.id))


def status(sitting: Sitting, terms: Terms | None = None) -> Status:
    """The table's most pressing state; whether it is paid can only be told by the bill's terms."""
    if any(line.state is State.ASKED for line in sitting.lines):
        return Status.ASKS
    if any(call.reason == "bill" for call in sitting.calls):
        return Status.BILL
    if sitting.calls:
        return Status.CALLED
    if not sitting.opened:
        return Status.FREE
    if any(line.state in OPEN for line in sitting.lines):
        return Status.WAITING
    if sitting.payments and terms and not cart(sitting) and left(sitting, terms) == 0:
        return Status.PAID
    if cart(sitting):
        return Status.ORDERING
    if any(line.state is State.SERVED for line in sitting.lines):
        return Status.SERVED
    return Status.SEATED
