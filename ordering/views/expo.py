"""The pass: whole tables, what of each is ready, and which station is still missing."""

from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct

from ordering import kitchen
from ordering.floor import Floor
from ordering.kitchen import Ticket
from ordering.menu import Menu, Station
from ordering.sitting import Line, Sitting
from ordering.slips import Printers
from ordering.state import DONE, TO_MAKE, State
from ordering.views.blocks import Block, Content
from ordering.views.kitchen import TicketShown, shown
from ordering.views.printers import printers_block
from ordering.views.text import Text


class PartShown(Struct, frozen=True):
    """What a station has for a table: portions `ready` (or served) of `total`, `missing` while it is not all."""

    station: str
    name: str
    ready: int
    total: int
    missing: bool


class WholeShown(Struct, frozen=True):
    """A table with everything of it that is in the kitchen; `at` is when the oldest of it was sent (ms), `ready` how
    many portions can be carried to it now, `waits` whether all of it is on hold."""

    sitting: str
    table: str
    table_name: str
    at: int
    ready: int
    waits: bool
    parts: list[PartShown]
    tickets: list[TicketShown]


class PassShown(Struct, frozen=True):
    """How many tables have something in the kitchen, and of how many everything is ready."""

    tables: int
    complete: int


JSON_KINDS = frozenset({"whole", "pass_summary", "printers"})


def content(sittings: Sequence[Sitting], menu: Menu, floor: Floor, printers: Printers, text: Text) -> Content:
    """Every block of the pass: those of which something is ready first, then the oldest."""
    stations = {each.id: each for each in menu.stations}
    found: dict[str, list[Ticket]] = {}
    for ticket in kitchen.tickets(sittings):
        found.setdefault(ticket.sitting, []).append(ticket)
    known = {sitting.id: sitting for sitting in sittings}
    tables = [_kept(known[id], tickets, stations, floor, menu, text) for id, tickets in found.items()]
    tables.sort(key=lambda table: (table.waits, _missing(table), table.at, table.sitting))
    complete = sum(not _missing(table) and not table.waits for table in tables)
    words = {tag.id: text.pick(tag.label) for tag in menu.allergens}
    blocks = [
        printers_block(menu, printers, text),
        Block("pass", "pass_summary", PassShown(len(tables), complete)),
        *(Block(f"whole-{table.sitting}", "whole", table, (words, menu.shop)) for table in tables),
    ]
    return Content({block.id: block for block in blocks}, {"tickets": [f"whole-{table.sitting}" for table in tables]})


def _missing(table: WholeShown) -> bool:
    return any(part.missing for part in table.parts)


def _kept(
    sitting: Sitting, tickets: list[Ticket], stations: dict[str, Station], floor: Floor, menu: Menu, text: Text
) -> WholeShown:
    """The table; the same object as long as it shows the same."""
    kept: dict[Any, WholeShown] = sitting.__dict__.setdefault("wholes", {})
    key = (
        menu,
        text.lang,
        floor.by_id.get(sitting.table),
        *(floor.by_id.get(table) for each in tickets for table in each.was),
    )
    if key not in kept:
        kept[key] = _whole(tickets, stations, floor, text)
    return kept[key]


def _whole(tickets: list[Ticket], stations: dict[str, Station], floor: Floor, text: Text) -> WholeShown:
    first = min(tickets, key=lambda ticket: (ticket.waits, ticket.at))
    lines = [line for ticket in tickets for line in ticket.lines]
    mine = {line.station: [each for each in lines if each.station == line.station] for line in lines}
    parts = [_part(station, stations.get(station), each, text) for station, each in mine.items()]
    tickets = sorted(tickets, key=lambda ticket: (ticket.round, ticket.station))
    return WholeShown(
        sitting=first.sitting,
        table=first.table,
        table_name=shown(first, floor, text).table_name,
        at=first.at,
        ready=_portions(line for line in lines if line.state is State.READY),
        waits=all(ticket.waits for ticket in tickets),
        parts=[part for part in parts if part.total],
        tickets=[shown(ticket, floor, text) for ticket in tickets],
    )


def _part(id: str, station: Station | None, lines: list[Line], text: Text) -> PartShown:
    wanted = [line for line in lines if line.state in TO_MAKE or line.state in DONE]
    ready = [line for line in wanted if line.state in DONE]
    name = text.pick(station.name) if station else id
    return PartShown(id, name, _portions(ready), _portions(wanted), len(ready) < len(wanted))


def _portions(lines: Iterable[Line]) -> int:
    return sum(line.qty for line in lines)
