"""The kitchen display: tickets of one station, of several or of all, and what can be had."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct

from ordering import kitchen
from ordering import stock as stocks
from ordering.floor import Floor
from ordering.kitchen import Stage, Ticket, stage
from ordering.load import Level, Load
from ordering.menu import Alarm, Menu, Station
from ordering.sitting import Line, Sitting
from ordering.slips import Printers
from ordering.state import OPEN, State
from ordering.stock import Stock
from ordering.views.blocks import Block, Content
from ordering.views.printers import printers_block
from ordering.views.text import Text


class Chosen(NamedTuple):
    """What a display shows: the stations (none: all of them), and whether what is due first stands first."""

    stations: tuple[str, ...] = ()
    by_promise: bool = False

    @classmethod
    def parse(cls, subject: str) -> "Chosen":
        """From the subject of its audience."""
        stations, _, order = subject.partition("|")
        return cls(tuple(each for each in stations.split(",") if each), order == "promise")

    @property
    def subject(self) -> str:
        """Names it as the subject of an audience."""
        return ",".join(sorted(set(self.stations))) + ("|promise" if self.by_promise else "")

    def shows(self, station: str) -> bool:
        """Whether a station's tickets stand there."""
        return not self.stations or station in self.stations


class TicketLineShown(Struct, frozen=True):
    """A line of a ticket; modifiers in words, `state` as everywhere. `allergies` are the allergens (tag ids) that those
    who eat it must avoid, `allergens` those in the dish, `shared` whether it is for the whole table; `flag` is what was
    done to it that nobody has acknowledged yet: void, held or nothing."""

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
    flag: str


class TicketShown(Struct, frozen=True):
    """A ticket; `table` is the table's id, `table_name` what is painted on it, `at` and `due` ms since 1970 (`due` 0:
    nobody can tell), `waits` when all of it is on hold.

    `unseen` is since when it waits for a cook to look at it (ms; 0: seen), `shown` whether a display has shown it,
    `unheeded` the allergens (tag ids) that nobody has acknowledged, `flagged` whether there is something to
    acknowledge besides, `was` the names of tables that it was for; `v` is sent back with an acknowledgement.
    """

    id: str
    sitting: str
    table: str
    table_name: str
    round: int
    station: str
    at: int
    due: int
    waits: bool
    rush: bool
    shown: bool
    unseen: int
    unheeded: list[str]
    flagged: bool
    was: list[str]
    v: int
    lines: list[TicketLineShown]
    next: str | None


class TicketBeside(Struct, frozen=True):
    """What people see of a ticket besides: its station (the name is "" where there is no need to say it), whether it
    stands there because nobody at that station has seen it, and whether a printer prints that station's tickets."""

    station: Station
    station_name: str
    lent: bool
    printed: bool


class RecentShown(Struct, frozen=True):
    """A ticket that was finished, and what was on it; `at` ms since 1970."""

    id: str
    table: str
    table_name: str
    round: int
    station: str
    at: int
    dishes: list[str]


class LastShown(Struct, frozen=True):
    """The tickets that can be called back, the latest first."""

    tickets: list[RecentShown]


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


class LoadShown(Struct, frozen=True):
    """How much the kitchen has to do: calm, busy, slow (no slow dishes) or paused (no orders); `minutes` that a dish
    takes (0: nobody can tell), and who has set it ("": it follows by itself)."""

    level: str
    minutes: int
    by: str


JSON_KINDS = frozenset({"ticket", "all_day", "available", "load", "recent", "printers"})

NEXT = {State.QUEUED: State.COOKING, State.COOKING: State.READY, State.READY: State.SERVED}


def content(
    sittings: Sequence[Sitting],
    menu: Menu,
    stock: Stock,
    floor: Floor,
    load: Load,
    printers: Printers,
    now: int,
    text: Text,
    subject: str,
) -> Content:
    """Every block of a kitchen display at this moment (ms)."""
    chosen, stations = Chosen.parse(subject), {each.id: each for each in menu.stations}
    every = kitchen.tickets(sittings, chosen.by_promise)
    alarm = menu.shop.alarm
    own = [ticket for ticket in every if chosen.shows(ticket.station)]
    lent = {ticket.id for ticket in every if _lent(ticket, chosen, stations, alarm, now)}
    tickets = [ticket for ticket in every if chosen.shows(ticket.station) or ticket.id in lent]
    tallies = [TallyShown(tally.item, text.pick(tally.name), tally.qty) for tally in kitchen.all_day(own)]
    words = {tag.id: text.pick(tag.label) for tag in menu.allergens}
    blocks = [
        Block("all-day", "all_day", AllDayShown(len(own), tallies)),
        Block("load", "load", load_shown(load)),
        Block("recent", "recent", _recent(sittings, floor, chosen, text), (menu.shop,)),
        printers_block(menu, printers, text, chosen.stations),
    ]
    printed = {station for printer in menu.printers for station in printer.stations}
    for ticket in tickets:
        station = stations.get(ticket.station) or Station(ticket.station, {})
        named = text.pick(station.name) if ticket.id in lent or len(chosen.stations) != 1 else ""
        beside = TicketBeside(station, named, ticket.id in lent, ticket.station in printed)
        blocks.append(_block(ticket, floor, beside, words, menu, text))
    for item in menu.items:
        if chosen.shows(item.station):
            sold_out = stocks.left(stock, item.id) == 0
            available = AvailableShown(item.id, text.pick(item.name), sold_out, stock.left.get(item.id))
            blocks.append(Block(f"item-{item.id}", "available", available))
    return Content(
        {block.id: block for block in blocks},
        {"tickets": [f"ticket-{ticket.id}" for ticket in tickets]},
        until(every, alarm, now),
    )


def _block(ticket: Ticket, floor: Floor, beside: TicketBeside, words: dict[str, str], menu: Menu, text: Text) -> Block:
    """The ticket's block; the same object as long as it shows the same, so that comparing two views costs nothing."""
    tables = (_name(ticket.table, floor), *(_name(table, floor) for table in ticket.was))
    key = (menu, text.lang, beside.station_name, beside.lent, tables)
    kept: dict[Any, Block] = ticket.__dict__.setdefault("blocks", {})
    if key not in kept:
        kept[key] = Block(f"ticket-{ticket.id}", "ticket", shown(ticket, floor, text), (beside, words, menu.shop))
    return kept[key]


def until(tickets: Iterable[Ticket], alarm: Alarm, now: int) -> int:
    """When the next one is to be told of a ticket that nobody has seen (ms), 0 when there is none."""
    steps = (kitchen.next_stage(ticket.unseen, alarm, now) for ticket in tickets)
    return min((step for step in steps if step), default=0)


def _lent(ticket: Ticket, chosen: Chosen, stations: Mapping[str, Station], alarm: Alarm, now: int) -> bool:
    """Whether it stands here only because nobody at its own station has seen it."""
    own = None if chosen.shows(ticket.station) else stations.get(ticket.station)
    return bool(own and own.backup in chosen.stations and stage(ticket.unseen, alarm, now) >= Stage.BACKUP)


def load_shown(load: Load) -> LoadShown:
    """The load in words."""
    return LoadShown(Level(load.level).name.lower(), load.minutes, load.by)


def _recent(sittings: Sequence[Sitting], floor: Floor, chosen: Chosen, text: Text) -> LastShown:
    found = [ticket for ticket in kitchen.recent(sittings) if chosen.shows(ticket.station)]
    return LastShown(
        [
            RecentShown(
                ticket.id,
                ticket.table,
                _name(ticket.table, floor),
                ticket.round,
                ticket.station,
                max(line.since for line in ticket.lines),
                [f"{line.qty} {text.pick(line.name)}" for line in ticket.lines if line.state is State.SERVED],
            )
            for ticket in found
        ]
    )


def _name(table_id: str, floor: Floor) -> str:
    table = floor.by_id.get(table_id)
    return table.name if table else table_id


def shown(ticket: Ticket, floor: Floor, text: Text) -> TicketShown:
    """A ticket as people and programs see it."""
    states = {line.state for line in ticket.lines}
    following = next((NEXT[state] for state in NEXT if state in states), None)
    return TicketShown(
        id=ticket.id,
        sitting=ticket.sitting,
        table=ticket.table,
        table_name=_name(ticket.table, floor),
        round=ticket.round,
        station=ticket.station,
        at=ticket.at,
        due=ticket.due,
        waits=ticket.waits,
        rush=ticket.rush,
        shown=ticket.shown,
        unseen=ticket.unseen,
        unheeded=list(ticket.unheeded),
        flagged=ticket.flagged,
        was=[_name(table, floor) for table in ticket.was],
        v=ticket.v,
        lines=[_line(line, text) for line in ticket.lines],
        next=following.value if following else None,
    )


def _line(line: Line, text: Text) -> TicketLineShown:
    return TicketLineShown(
        id=line.id,
        item=line.item,
        name=text.pick(line.name),
        qty=line.qty,
        modifiers=[text.pick(choice.name) for choice in line.modifiers],
        note=line.note,
        state=line.state.value,
        reason=line.reason,
        shared=line.shared,
        allergies=list(line.allergies) if line.state in OPEN else [],
        allergens=list(line.allergens),
        flag=line.flag,
    )
