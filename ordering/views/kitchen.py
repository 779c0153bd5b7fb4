"""The kitchen display: tickets of one station or of all, and what can be had."""

from collections.abc import Sequence

from msgspec import Struct

from ordering import kitchen
from ordering import stock as stocks
from ordering.floor import Floor
from ordering.kitchen import Ticket
from ordering.menu import Menu
from ordering.sitting import Sitting
from ordering.state import State
from ordering.stock import Stock
from ordering.views.blocks import Block, Content
from ordering.views.text import Text


class TicketLineShown(Struct, frozen=True):
    """A line of a ticket; modifiers in words, `state` as everywhere. `allergies` are the allergens (tag ids) that those
    who eat it must avoid, `allergens` those in the dish, `shared` whether it is for the whole table."""

    id: str
    item: str
    name: str
    qty: int
    modifiers: list[str]
    note: str
    state: str
    reason: str
    shared: bool
    allergies: list[str]
    allergens: list[str]


class TicketShown(Struct, frozen=True):
    """A ticket; `table` is the table's id, `table_name` what is painted on it, `at` ms since 1970, `waits` when all of
    it is on hold."""

    id: str
    sitting: str
    table: str
    table_name: str
    round: int
    station: str
    at: int
    waits: bool
    lines: list[TicketLineShown]
    next: str | None


class TallyShown(Struct, frozen=True):
    """Portions of an item still to be made."""

    item: str
    name: str
    qty: int


class AllDayShown(Struct, frozen=True):
    """All-day counts, most first, and how many tickets are open."""

    tickets: int
    items: list[TallyShown]


class AvailableShown(Struct, frozen=True):
    """Whether an item can be had, and how many are left when somebody counts."""

    id: str
    name: str
    sold_out: bool
    left: int | None


JSON_KINDS = frozenset({"ticket", "all_day", "available"})

NEXT = {State.QUEUED: State.COOKING, State.COOKING: State.READY, State.READY: State.SERVED}


def content(sittings: Sequence[Sitting], menu: Menu, stock: Stock, floor: Floor, text: Text, station: str) -> Content:
    """Every block of a kitchen display; an empty `station` shows all."""
    tickets = [ticket for ticket in kitchen.tickets(sittings) if station in ("", ticket.station)]
    stations = {each.id: text.pick(each.name) for each in menu.stations}
    tallies = [TallyShown(tally.item, text.pick(tally.name), tally.qty) for tally in kitchen.all_day(tickets)]
    avoid = {tag.id: text.pick(tag.label) for tag in menu.allergens}
    blocks = [Block("all-day", "all_day", AllDayShown(len(tickets), tallies))]
    for ticket in tickets:
        shown = _ticket(ticket, floor, text)
        blocks.append(
            Block(
                f"ticket-{ticket.id}",
                "ticket",
                shown,
                (stations.get(ticket.station, ""), not station, avoid, menu.shop),
            )
        )
    for item in menu.items:
        if station in ("", item.station):
            sold_out = stocks.left(stock, item.id) == 0
            available = AvailableShown(item.id, text.pick(item.name), sold_out, stock.left.get(item.id))
            blocks.append(Block(f"item-{item.id}", "available", available))
    return Content(blocks, {"tickets": [f"ticket-{ticket.id}" for ticket in tickets]})


def _ticket(ticket: Ticket, floor: Floor, text: Text) -> TicketShown:
    table = floor.by_id.get(ticket.table)
    states = {line.state for line in ticket.lines}
    following = next((NEXT[state] for state in NEXT if state in states), None)
    return TicketShown(
        id=ticket.id,
        sitting=ticket.sitting,
        table=ticket.table,
        table_name=table.name if table else ticket.table,
        round=ticket.round,
        station=ticket.station,
        at=ticket.at,
        waits=ticket.waits,
        lines=[
            TicketLineShown(
                id=line.id,
                item=line.item,
                name=text.pick(line.name),
                qty=line.qty,
                modifiers=[text.pick(choice.name) for choice in line.modifiers],
                note=line.note,
                state=line.state.value,
                reason=line.reason,
                shared=line.shared,
                allergies=list(line.allergies),
                allergens=list(line.allergens),
            )
            for line in ticket.lines
        ],
        next=following.value if following else None,
    )
