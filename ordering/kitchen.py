"""What the kitchen sees and does: tickets by station, and lines on their way from queued to served.

A ticket is not stored: it is read off the sittings, so no line can be on two displays or on none.
"""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from itertools import chain

from msgspec import Struct
from msgspec.structs import replace

from ordering.menu import Alarm, Names
from ordering.pace import Pace, with_lines
from ordering.refused import Refused
from ordering.sitting import Line, Moment, Round, Sitting, line_of, moved, must_have_reason, on_display, with_line
from ordering.state import DONE, OPEN, TO_MAKE, Act, State, after

RECENT = 20  # finished tickets that can be called back


class Ticket(Struct, frozen=True, dict=True):
    """The lines of one round for one station; `at` is when the first of those still to be served was sent to be made
    (ms), `due` when the last of those still to be made is likely to be ready (0: nobody can tell), `waits` whether all
    of it is on hold.

    `unseen` is when the first line that no cook has seen was sent (0: all are seen), `shown` whether a display has
    shown all of it; `unheeded` are the allergens that nobody has acknowledged, `flagged` whether something was done to
    a line that nobody has acknowledged, `was` the tables that the cooks know it for; `v` the newest change to a line.
    """

    id: str
    sitting: str
    table: str
    round: int
    station: str
    at: int
    guest: str
    waits: bool
    lines: tuple[Line, ...]
    due: int = 0
    rush: bool = False
    shown: bool = True
    unseen: int = 0
    unheeded: tuple[str, ...] = ()
    flagged: bool = False
    was: tuple[str, ...] = ()
    v: int = 0


class Tally(Struct, frozen=True):
    """How many portions of one item are still to be made, over all tickets."""

    item: str
    name: Names
    qty: int


class Stage(IntEnum):
    """Who has been told of a ticket that nobody at its station has seen; each stage holds those before it."""

    STATION = 0
    AGAIN = 1
    BACKUP = 2
    FLOOR = 3
    GUEST = 4


def ticket_id(sitting: str, number: int, station: str) -> str:
    """A ticket's name: sitting, round and station, which nothing else shares."""
    return f"{sitting}.{number}.{station}"


def tickets(sittings: Iterable[Sitting], by_promise: bool = False) -> tuple[Ticket, ...]:
    """The tickets with something on them that concerns a cook: those that are to go first, then the oldest (or the
    one that is due first); those that only wait to be fired stand last.

    A ticket keeps the lines that are served or void already, until its last one is: a cook sees the whole of it.
    """
    found = [ticket for ticket in _all(sittings) if any(on_display(line) for line in ticket.lines)]

    def place(ticket: Ticket) -> tuple[bool, bool, int, str]:
        return ticket.waits, not ticket.rush, (by_promise and ticket.due) or ticket.at, ticket.id

    return tuple(sorted(found, key=place))


def recent(sittings: Iterable[Sitting]) -> tuple[Ticket, ...]:
    """The last tickets that were finished, the latest first."""
    found = [
        ticket
        for ticket in _all(sittings)
        if not any(on_display(line) for line in ticket.lines)
        and any(line.state is State.SERVED for line in ticket.lines)
    ]
    found.sort(key=lambda ticket: max(line.since for line in ticket.lines), reverse=True)
    return tuple(found[:RECENT])


def _all(sittings: Iterable[Sitting]) -> Iterable[Ticket]:
    return chain.from_iterable(_tickets_of(sitting) for sitting in sittings)


def _tickets_of(sitting: Sitting) -> list[Ticket]:
    kept: list[Ticket] | None = sitting.__dict__.get("tickets")
    if kept is None:
        lines: dict[tuple[int, str], list[Line]] = {}
        for line in sitting.lines:
            if line.round:
                lines.setdefault((line.round, line.station), []).append(line)
        rounds = {each.number: each for each in sitting.rounds}
        kept = [_ticket(sitting, rounds[number], station, mine) for (number, station), mine in lines.items()]
        sitting.__dict__["tickets"] = kept
    return kept


def _ticket(sitting: Sitting, placed: Round, station: str, lines: list[Line]) -> Ticket:
    going = [line for line in lines if line.state in OPEN and line.state is not State.HELD]
    making = [line for line in lines if line.state in TO_MAKE]
    return Ticket(
        id=ticket_id(sitting.id, placed.number, station),
        sitting=sitting.id,
        table=sitting.table,
        round=placed.number,
        station=station,
        at=min((line.sent or placed.at for line in going), default=placed.at),
        guest=placed.guest,
        waits=not going and any(line.state is State.HELD for line in lines),
        lines=tuple(lines),
        due=max((line.due for line in making), default=0),
        rush=any(line.rush for line in going),
        shown=all(line.shown for line in making),
        unseen=min((line.sent or placed.at for line in making if not line.seen), default=0),
        unheeded=tuple(dict.fromkeys(tag for line in going for tag in line.allergies if tag not in line.heeded)),
        flagged=any(line.flag or line.was for line in lines),
        was=tuple(dict.fromkeys(line.was for line in lines if line.was)),
        v=max(line.changed for line in lines),
    )


def stage(unseen: int, alarm: Alarm, now: int) -> Stage:
    """Whom to tell that nobody has seen a ticket since `unseen` (ms; 0: it is seen)."""
    waited = (now - unseen) / 1000 if unseen else 0.0
    return max((step for step, limit in _limits(alarm) if waited >= limit), default=Stage.STATION)


def next_stage(unseen: int, alarm: Alarm, now: int) -> int:
    """When the next one is to be told (ms); 0 when all know, or nobody needs to."""
    if not unseen:
        return 0
    return min((unseen + limit * 1000 for _, limit in _limits(alarm) if unseen + limit * 1000 > now), default=0)


def _limits(alarm: Alarm) -> tuple[tuple[Stage, int], ...]:
    return (
        (Stage.AGAIN, alarm.again),
        (Stage.BACKUP, alarm.backup),
        (Stage.FLOOR, alarm.floor),
        (Stage.GUEST, alarm.guest),
    )


def all_day(shown: Iterable[Ticket]) -> tuple[Tally, ...]:
    """Portions still to be made by item, most first."""
    tally: dict[str, Tally] = {}
    for ticket in shown:
        for line in ticket.lines:
            if line.state in TO_MAKE:
                had = tally[line.item].qty if line.item in tally else 0
                tally[line.item] = Tally(line.item, line.name, had + line.qty)
    return tuple(sorted(tally.values(), key=lambda each: (-each.qty, each.item)))


def advance_line(sitting: Sitting, line_id: str, to: State, moment: Moment) -> Sitting:
    """One line on to `to`; `Refused` `wrong_state` when it is there or further already, `allergy_first` when nobody
    has acknowledged what its people must avoid."""
    return with_line(sitting, _on(line_of(sitting, line_id), to, moment))


def advance_ticket(sitting: Sitting, ticket: str, to: State, moment: Moment) -> Sitting:
    """Every line of the ticket that can move on to `to`."""
    lines = [line for line in ticket_lines(sitting, ticket) if after(line.state, Act(to.value))]
    return _with(sitting, [_on(line, to, moment) for line in lines])


def serve(sitting: Sitting, moment: Moment) -> Sitting:
    """Everything that is ready is carried to the table."""
    return _with(sitting, [_on(line, State.SERVED, moment) for line in sitting.lines if line.state is State.READY])


def recall_line(sitting: Sitting, line_id: str, moment: Moment) -> Sitting:
    """One line a state back."""
    return with_line(sitting, moved(line_of(sitting, line_id), Act.RECALL, moment))


def recall_ticket(sitting: Sitting, ticket: str, moment: Moment) -> Sitting:
    """The ticket's furthest lines a state back: a served ticket is ready again, not queued."""
    lines = ticket_lines(sitting, ticket)
    furthest = max((_ORDER.index(line.state) for line in lines if line.state in _ORDER), default=0)
    return _with(
        sitting,
        [
            moved(line, Act.RECALL, moment)
            for line in lines
            if line.state is _ORDER[furthest] and after(line.state, Act.RECALL)
        ],
    )


def undo(sitting: Sitting, back: Mapping[str, str], moment: Moment) -> Sitting:
    """Lines back to where they stood before somebody moved them on; `wrong_state` when one is not ahead of that."""
    for line_id, state in back.items():
        line = line_of(sitting, line_id)
        if line.state not in _ORDER or _ORDER.index(line.state) <= _ORDER.index(State(state)):
            raise Refused("wrong_state", item=line.name, state=line.state)
        while line.state is not State(state):
            line = moved(line, Act.RECALL, moment)
        sitting = with_line(sitting, line)
    return sitting


def shown(sitting: Sitting, ticket: str, looked: bool, moment: Moment) -> Sitting:
    """The ticket as one that a display has shown, or that a cook has seen; the same value when that is known."""
    changed = [
        replace(line, shown=line.shown or moment.at, seen=line.seen or (moment.at if looked else 0))
        for line in ticket_lines(sitting, ticket)
        if line.state in OPEN and line.state is not State.HELD and not (line.seen if looked else line.shown)
    ]
    return _with(sitting, changed) if changed else sitting


def acknowledge(sitting: Sitting, ticket: str, seen: int, moment: Moment) -> Sitting:
    """The ticket with what a cook has read of it, which is what stood there at version `seen`: what has changed since
    is still to be read."""
    read = [line for line in ticket_lines(sitting, ticket) if line.changed <= seen]
    changed = [
        replace(
            line,
            flag="",
            was="",
            heeded=tuple(dict.fromkeys((*line.heeded, *line.allergies))),
            shown=line.shown or moment.at,
            seen=line.seen or moment.at,
        )
        for line in read
        if line.state is not State.HELD
    ] + [replace(line, flag="", was="") for line in read if line.state is State.HELD]
    if not changed:
        raise Refused("look_again")
    return _with(sitting, changed)


def rush(sitting: Sitting, ticket: str, on: bool, moment: Moment) -> Sitting:
    """A ticket that goes before the others, or not any more."""
    changed = [
        replace(line, rush=on, changed=moment.v)
        for line in ticket_lines(sitting, ticket)
        if line.state in OPEN and line.rush != on
    ]
    return _with(sitting, changed)


def void(sitting: Sitting, line_id: str, reason: str, moment: Moment) -> Sitting:
    """A placed line taken back, with the reason; where it may have been begun, the kitchen is told so."""
    line = line_of(sitting, line_id)
    told = line.state not in (State.HELD, State.ASKED) or line.flag
    gone = moved(line, Act.VOID, moment, reason=must_have_reason(reason), flag="void" if told else "")
    return with_line(sitting, gone)


def paced(pace: Pace, before: Sitting, after: Sitting) -> Pace:
    """The pace with the lines that have become ready between the two; the same value when none has."""
    was = {line.id: line.state for line in before.lines}
    done = [line for line in after.lines if line.state in DONE and was.get(line.id) in TO_MAKE and line.sent]
    return with_lines(pace, ((line.station, line.since - line.sent) for line in done))


def unfinished(sitting: Sitting) -> bool:
    """Whether a station still has something of it on its display."""
    return any(on_display(line) for line in sitting.lines)


_ORDER = (State.QUEUED, State.COOKING, State.READY, State.SERVED)


def _on(line: Line, to: State, moment: Moment) -> Line:
    """The line in a later state: whoever moves it has seen it, and must know what endangers those who eat it."""
    if line.state in TO_MAKE and not set(line.allergies) <= set(line.heeded):
        raise Refused("allergy_first", item=line.name)
    return moved(line, Act(to.value), moment, shown=line.shown or moment.at, seen=line.seen or moment.at)


def ticket_lines(sitting: Sitting, ticket: str) -> list[Line]:
    """The lines of a ticket; raises `Refused` `no_such_ticket`."""
    lines = [line for line in sitting.lines if ticket_id(sitting.id, line.round, line.station) == ticket]
    if not lines:
        raise Refused("no_such_ticket")
    return lines


def _with(sitting: Sitting, changed: Iterable[Line]) -> Sitting:
    """The sitting with these lines in the places of those with their ids; `no_such_ticket` when there are none."""
    lines = {line.id: line for line in changed}
    if not lines:
        raise Refused("no_such_ticket")
    return replace(sitting, lines=tuple(lines.get(line.id, line) for line in sitting.lines))
