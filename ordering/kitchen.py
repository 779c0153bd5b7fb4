"""What the kitchen sees and does: tickets by station, and lines on their way from queued to served.

A ticket is not stored: it is read off the sittings, so no line can be on two displays or on none.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from ordering.menu import Names
from ordering.pace import Pace, with_lines
from ordering.refused import Refused
from ordering.sitting import NOTE_LONGEST, Line, Moment, Round, Sitting, line_of, moved, plain, with_line
from ordering.state import DONE, OPEN, TO_MAKE, Act, State, after


class Ticket(Struct, frozen=True):
    """The lines of one round for one station; `at` is when the first of those still to be served was sent to be made
    (ms), `waits` whether all of those are on hold."""

    id: str
    sitting: str
    table: str
    round: int
    station: str
    at: int
    guest: str
    waits: bool
    lines: tuple[Line, ...]


class Tally(Struct, frozen=True):
    """How many portions of one item are still to be made, over all tickets."""

    item: str
    name: Names
    qty: int


def ticket_id(sitting: str, number: int, station: str) -> str:
    """A ticket's name: sitting, round and station, which nothing else shares."""
    return f"{sitting}.{number}.{station}"


def tickets(sittings: Iterable[Sitting]) -> tuple[Ticket, ...]:
    """The tickets with something open on them, oldest first; those that only wait to be fired stand last.

    A ticket keeps the lines that are served or void already, until its last one is: a cook sees the whole of it.
    """
    found: list[Ticket] = []
    for sitting in sittings:
        for placed in sitting.rounds:
            by_station: dict[str, list[Line]] = {}
            for line in sitting.lines:
                if line.round == placed.number:
                    by_station.setdefault(line.station, []).append(line)
            found += [
                _ticket(sitting, placed, station, lines)
                for station, lines in by_station.items()
                if any(line.state in OPEN for line in lines)
            ]
    return tuple(sorted(found, key=lambda ticket: (ticket.waits, ticket.at, ticket.id)))


def _ticket(sitting: Sitting, placed: Round, station: str, lines: list[Line]) -> Ticket:
    going = [line.sent or placed.at for line in lines if line.state in OPEN and line.state is not State.HELD]
    return Ticket(
        id=ticket_id(sitting.id, placed.number, station),
        sitting=sitting.id,
        table=sitting.table,
        round=placed.number,
        station=station,
        at=min(going, default=placed.at),
        guest=placed.guest,
        waits=not going,
        lines=tuple(lines),
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
    """One line on to `to`; `Refused` `wrong_state` when it is there or further already."""
    return with_line(sitting, moved(line_of(sitting, line_id), Act(to.value), moment))


def advance_ticket(sitting: Sitting, ticket: str, to: State, moment: Moment) -> Sitting:
    """Every line of the ticket that can move on to `to`."""
    return _each(sitting, ticket, Act(to.value), moment)


def recall_line(sitting: Sitting, line_id: str, moment: Moment) -> Sitting:
    """One line a state back."""
    return with_line(sitting, moved(line_of(sitting, line_id), Act.RECALL, moment))


def recall_ticket(sitting: Sitting, ticket: str, moment: Moment) -> Sitting:
    """The ticket's furthest lines a state back: a served ticket is ready again, not queued."""
    lines = _lines_of(sitting, ticket)
    furthest = max((_ORDER.index(line.state) for line in lines if line.state in _ORDER), default=0)
    chosen = [line for line in lines if line.state is _ORDER[furthest]]
    return _each(sitting, ticket, Act.RECALL, moment, only=chosen)


def void(sitting: Sitting, line_id: str, reason: str, moment: Moment) -> Sitting:
    """A placed line taken back, with the reason."""
    line = line_of(sitting, line_id)
    return with_line(sitting, moved(line, Act.VOID, moment, reason=plain(reason, NOTE_LONGEST)))


def paced(pace: Pace, before: Sitting, after: Sitting) -> Pace:
    """The pace with the lines that have become ready between the two; the same value when none has."""
    was = {line.id: line.state for line in before.lines}
    done = [line for line in after.lines if line.state in DONE and was.get(line.id) in TO_MAKE and line.sent]
    return with_lines(pace, ((line.station, line.since - line.sent) for line in done))


def unfinished(sitting: Sitting) -> bool:
    """Whether a station still has something of it on its display."""
    return any(line.state in OPEN for line in sitting.lines)


_ORDER = (State.QUEUED, State.COOKING, State.READY, State.SERVED)


def _lines_of(sitting: Sitting, ticket: str) -> list[Line]:
    lines = [line for line in sitting.lines if ticket_id(sitting.id, line.round, line.station) == ticket]
    if not lines:
        raise Refused("no_such_ticket")
    return lines


def _each(sitting: Sitting, ticket: str, act: Act, moment: Moment, only: list[Line] | None = None) -> Sitting:
    lines = _lines_of(sitting, ticket) if only is None else only
    moving = {line.id: moved(line, act, moment) for line in lines if after(line.state, act)}
    if not moving:
        raise Refused("no_such_ticket")
    return replace(sitting, lines=tuple(moving.get(line.id, line) for line in sitting.lines))
