"""The floor: every table with what it is waiting for."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from ordering import firewall, kitchen, payments
from ordering import floor as floors
from ordering.bill import in_sight
from ordering.floor import Floor, Table
from ordering.kitchen import Stage, Ticket, stage
from ordering.menu import Menu, Terms
from ordering.sitting import Sitting, cart
from ordering.slips import Printers
from ordering.state import OPEN, TO_MAKE, State
from ordering.views.blocks import Block, Content
from ordering.views.kitchen import until
from ordering.views.printers import printers_block
from ordering.views.text import Text


class CallOnFloor(Struct, frozen=True):
    """A guest's call; `at` ms since 1970, `seen_by` the name of whoever is on the way."""

    id: str
    reason: str = field(name="for")
    at: int
    seen_by: str


class AskShown(Struct, frozen=True):
    """A round that waits for a nod, and why: first, quantity, value, pace, phones or hours; money in minor units."""

    round: int
    at: int
    portions: int
    amount: int
    doubts: list[str]


class TableShown(Struct, frozen=True):
    """A table: `waiter` is the account (id) of whoever looks after it, `status` as in `ordering.floor.Status`, portions
    by what they wait for, money in minor units, `opened` ms since 1970 (0: nobody sits there); `x` and `y` are where it
    stands on its area's plan (per cent)."""

    id: str
    name: str
    area: str
    seats: int
    status: str
    sitting: str
    guests: int
    opened: int
    in_cart: int
    held: int
    to_make: int
    ready: int
    amount: int
    left: int
    calls: list[CallOnFloor]
    leaving: int
    asks: list[AskShown]
    frozen: bool
    waiter: str
    x: int
    y: int


class AlarmShown(Struct, frozen=True):
    """A ticket that nobody at its station (and its backup) has looked at since `unseen` (ms)."""

    ticket: str
    table: str
    table_name: str
    round: int
    station: str
    station_name: str
    unseen: int
    portions: int


class UnpaidShown(Struct, frozen=True):
    """A bill that was closed at `at` (ms) with something left to pay (minor units)."""

    sitting: str
    table: str
    table_name: str
    at: int
    left: int
    waiter: str


class SummaryShown(Struct, frozen=True):
    """How many tables are taken, of how many, and how many want somebody."""

    taken: int
    tables: int
    calls: int


UNPAID_SHOWN = 15 * 60_000  # ms

JSON_KINDS = frozenset({"table", "summary", "alarm", "unpaid", "printers"})


def content(
    sittings: Mapping[str, Sitting], menu: Menu, floor: Floor, printers: Printers, now: int, text: Text
) -> Content:
    """Every block of the floor page at this moment (ms); `sittings` by id."""
    tickets = kitchen.tickets(sittings.values())
    alarm = menu.shop.alarm
    unseen = [ticket for ticket in tickets if stage(ticket.unseen, alarm, now) >= Stage.FLOOR]
    unpaid = _unpaid(floor, now)
    alarms = [_alarm(ticket, menu, floor, text) for ticket in unseen]
    places = floors.spots(floor)
    tables = [_block(table, places[table.id], sittings, floor, menu) for table in floor.tables]
    shown = [block.shown for block in tables if isinstance(block.shown, TableShown)]
    taken = sum(table.status != "free" for table in shown)
    summary = SummaryShown(taken, len(shown), sum(len(table.calls) for table in shown))
    blocks = [
        Block("summary", "summary", summary),
        printers_block(menu, printers, text),
        *(Block(f"alarm-{each.ticket}", "alarm", each) for each in alarms),
        *(Block(f"unpaid-{each.sitting}", "unpaid", each, (menu.shop,)) for each in unpaid),
        *tables,
    ]
    order = {
        f"area-{area.id}": [f"table-{table.id}" for table in floor.tables if table.area == area.id]
        for area in floor.areas
    }
    order["alarms"] = [f"alarm-{each.ticket}" for each in alarms] + [f"unpaid-{each.sitting}" for each in unpaid]
    steps = (until(tickets, alarm, now), min((each.at + UNPAID_SHOWN for each in unpaid), default=0))
    return Content({block.id: block for block in blocks}, order, min((step for step in steps if step), default=0))


def _unpaid(floor: Floor, now: int) -> list[UnpaidShown]:
    """Who has left lately without paying everything."""
    return [
        UnpaidShown(each.sitting, each.table, table.name, each.at, each.left, table.waiter)
        for each in floor.closed
        if each.left > 0 and now - each.at < UNPAID_SHOWN and (table := floor.by_id.get(each.table))
    ]


def _alarm(ticket: Ticket, menu: Menu, floor: Floor, text: Text) -> AlarmShown:
    table = floor.by_id.get(ticket.table)
    name = next((text.pick(each.name) for each in menu.stations if each.id == ticket.station), ticket.station)
    return AlarmShown(
        ticket=ticket.id,
        table=ticket.table,
        table_name=table.name if table else ticket.table,
        round=ticket.round,
        station=ticket.station,
        station_name=name,
        unseen=ticket.unseen,
        portions=sum(line.qty for line in ticket.lines if line.state in TO_MAKE),
    )


def asks_of(sitting: Sitting) -> list[AskShown]:
    """The rounds that wait for a nod."""
    found = []
    for each in firewall.waiting(sitting):
        lines = [line for line in sitting.lines if line.round == each.number and line.state is State.ASKED]
        worth = sum(line.unit_price * line.qty for line in lines)
        found.append(AskShown(each.number, each.at, sum(line.qty for line in lines), worth, list(each.doubts)))
    return found


def calls_of(sitting: Sitting) -> list[CallOnFloor]:
    """The guests' calls as the staff see them."""
    return [CallOnFloor(call.id, call.reason, call.at, call.seen_by) for call in sitting.calls]


def _block(table: Table, spot: tuple[int, int], sittings: Mapping[str, Sitting], floor: Floor, menu: Menu) -> Block:
    """The table's block; the same object as long as it shows the same."""
    sitting = sittings.get(table.sitting)
    if sitting is None or any(each.table == table.id for each in floor.leaving):
        return Block(f"table-{table.id}", "table", _table(table, spot, sittings, floor, menu.shop.terms), (menu.shop,))
    kept: dict[Any, Block] = sitting.__dict__.setdefault("tables", {})
    key = (table, spot, menu)
    if key not in kept:
        shown = _table(table, spot, sittings, floor, menu.shop.terms)
        kept[key] = Block(f"table-{table.id}", "table", shown, (menu.shop,))
    return kept[key]


def _table(
    table: Table, spot: tuple[int, int], sittings: Mapping[str, Sitting], floor: Floor, terms: Terms
) -> TableShown:
    sitting = sittings.get(table.sitting) or Sitting(table.sitting, table.id)
    left = [sittings[each.sitting] for each in floor.leaving if each.table == table.id and each.sitting in sittings]
    return TableShown(
        id=table.id,
        name=table.name,
        area=table.area,
        seats=table.seats,
        status=floors.status(sitting, terms).value,
        sitting=table.sitting,
        guests=len(sitting.guests),
        opened=sitting.opened,
        in_cart=sum(line.qty for line in cart(sitting)),
        held=sum(line.qty for line in sitting.lines if line.state is State.HELD),
        to_make=sum(line.qty for line in sitting.lines if line.state in TO_MAKE),
        ready=sum(line.qty for line in sitting.lines if line.state is State.READY),
        amount=in_sight(sitting, sitting.terms or terms).total,
        left=payments.left(sitting, terms),
        calls=calls_of(sitting),
        leaving=sum(line.qty for other in left for line in other.lines if line.state in OPEN),
        asks=asks_of(sitting),
        frozen=table.frozen,
        waiter=table.waiter,
        x=spot[0],
        y=spot[1],
    )
