"""Parties that change their place: a sitting moved to another table, two made one, one made two.

A line stays the same line, wherever it goes: its id, its state and its station do not change, so it is on exactly
one display before and after, and nothing is sent again. Phones follow: the sitting that they knew says where to.
"""

from collections.abc import Collection
from typing import NamedTuple

from msgspec.structs import replace

from ordering.floor import REOPENED_WITHIN, Floor, Table, table_of
from ordering.menu import Terms
from ordering.payments import covered
from ordering.refused import Refused
from ordering.sitting import (
    COLOURS,
    GUESTS_MOST,
    SITTING_LINES_MOST,
    Guest,
    Line,
    Moment,
    Round,
    Sitting,
    must_have_reason,
    on_display,
)


class Moved(NamedTuple):
    """The floor, the sitting that the command was about, and the other one."""

    floor: Floor
    sitting: Sitting
    other: Sitting


def move(floor: Floor, sitting: Sitting, other: Sitting, to: str, moment: Moment) -> Moved:
    """The party at the table `to`; `other` is the sitting that this table waits with. Whoever has looked at its menu
    already is led to the party."""
    _must_be_open(sitting)
    _must_be_free(floor, sitting, other, to)
    tables = {sitting.table: moment.fresh, to: sitting.id}
    waiting = replace(other, closed=moment.at, into=sitting.id)
    lines = tuple(_carried(line, sitting.table, to, moment.v) for line in sitting.lines)
    return Moved(_seated(floor, tables), replace(sitting, table=to, lines=lines), waiting)


def merge(floor: Floor, sitting: Sitting, other: Sitting, to: str, moment: Moment) -> Moved:
    """The party of `sitting` with the one of `other`, at the table `to`: one bill, one cart, all rounds."""
    _must_be_open(sitting)
    _must_be_open(other)
    if table_of(floor, to).sitting != other.id or sitting.id == other.id:
        raise Refused("same_table")
    if sitting.off or other.off:
        raise Refused("discount_first")
    guests = _together(other.guests, sitting.guests)
    lines = (*other.lines, *_anew(sitting, len(other.rounds), to, moment))
    _must_fit(guests, len(lines))
    rounds = (*other.rounds, *(replace(each, number=len(other.rounds) + each.number) for each in sitting.rounds))
    reasons = {call.reason for call in other.calls}
    joint = replace(
        other,
        guests=guests,
        lines=lines,
        rounds=rounds,
        calls=(*other.calls, *(call for call in sitting.calls if call.reason not in reasons)),
        payments=(*other.payments, *sitting.payments),
        opened=min(other.opened, sitting.opened),
        left={guest: where for guest, where in other.left.items() if where != sitting.id},
    )
    gone = _emptied(sitting, moment, into=other.id)
    return Moved(_seated(floor, {sitting.table: moment.fresh}), gone, joint)


def part(
    floor: Floor,
    sitting: Sitting,
    other: Sitting,
    to: str,
    lines: Collection[str],
    guests: Collection[str],
    terms: Terms,
    moment: Moment,
) -> Moved:
    """Some lines and guests as a party of their own at the free table `to`; the rest, and what was paid, stays."""
    _must_be_open(sitting)
    _must_be_free(floor, sitting, other, to)
    if sitting.off:
        raise Refused("discount_first")
    chosen = [line for line in sitting.lines if line.id in lines]
    leaving = [guest for guest in sitting.guests if guest.id in guests]
    if len(chosen) < len(set(lines)) or len(leaving) < len(set(guests)):
        raise Refused("no_such_line")
    everything = len(chosen) == len(sitting.lines) and len(leaving) == len(sitting.guests)
    if everything or not (chosen or leaving):
        raise Refused("nothing_to_part")
    rounds = {number: place for place, number in enumerate(sorted({line.round for line in chosen} - {0}), 1)}
    owners = {line.guest for line in chosen}
    new = replace(
        other,
        table=to,
        opened=moment.at,
        guests=_together(other.guests, [guest for guest in sitting.guests if guest in leaving or guest.id in owners]),
        lines=tuple(
            replace(
                _carried(_from(sitting, line), sitting.table, to, 1),
                round=rounds.get(line.round, 0),
                added=1,
                changed=1,
                claimed=(),
            )
            for line in chosen
        ),
        rounds=tuple(_round_of(sitting.rounds[number - 1], place, chosen) for number, place in rounds.items()),
    )
    _must_fit(new.guests, len(new.lines))
    kept = replace(
        sitting,
        lines=tuple(line for line in sitting.lines if line.id not in lines),
        left={**sitting.left, **{guest.id: other.id for guest in leaving}},
    )
    return Moved(_seated(floor, {}), covered(kept, terms), new)


def reopen(floor: Floor, sitting: Sitting, other: Sitting, reason: str, moment: Moment) -> tuple[Floor, Sitting]:
    """A sitting whose bill was closed open again, at its table, where nobody has sat down since (`other` is what the
    table waits with)."""
    if not sitting.closed or sitting.into:
        raise Refused("already_open")
    if other.table != sitting.table:  # whoever sits at its own table would lose their seats
        raise Refused("no_such_choice")
    must_have_reason(reason)
    if moment.at - sitting.closed > REOPENED_WITHIN:
        raise Refused("too_late_to_reopen")
    if other.opened:
        raise Refused("table_taken")
    floor = _seated(floor, {sitting.table: sitting.id})
    leaving = tuple(left for left in floor.leaving if left.sitting != sitting.id)
    closed = tuple(left for left in floor.closed if left.sitting != sitting.id)
    return replace(floor, leaving=leaving, closed=closed), replace(sitting, closed=0, terms=None)


def _seated(floor: Floor, sittings: dict[str, str]) -> Floor:
    """The floor with other sittings at these tables."""
    return replace(floor, tables=tuple(_seat(table, sittings.get(table.id)) for table in floor.tables))


def _seat(table: Table, sitting: str | None) -> Table:
    return replace(table, sitting=sitting) if sitting else table


def _must_be_open(sitting: Sitting) -> None:
    if not sitting.opened or sitting.closed:
        raise Refused("not_open")


def _must_be_free(floor: Floor, sitting: Sitting, other: Sitting, to: str) -> None:
    if table_of(floor, to).id == sitting.table:
        raise Refused("same_table")
    if other.opened or other.closed:
        raise Refused("table_taken")


def _must_fit(guests: Collection[Guest], lines: int) -> None:
    if len(guests) > GUESTS_MOST:
        raise Refused("too_many", limit=GUESTS_MOST, what={"en": "guests at a table", "zh": "位客人一桌"})
    if lines > SITTING_LINES_MOST:
        raise Refused("too_many", limit=SITTING_LINES_MOST, what={"en": "dishes on a bill", "zh": "道菜一单"})


def _together(one: Collection[Guest], other: Collection[Guest]) -> tuple[Guest, ...]:
    """Both parties' guests; whoever sat at both is one guest, and colours differ as long as there are such."""
    found = {guest.id: guest for guest in one}
    for guest in other:
        known = found.get(guest.id)
        if known:
            avoided = tuple(dict.fromkeys((*known.allergies, *guest.allergies)))
            found[guest.id] = replace(known, name=known.name or guest.name, allergies=avoided)
            continue
        taken = {each.colour for each in found.values()}
        free = [colour for colour in range(1, COLOURS + 1) if colour not in taken]
        keeps = guest.colour not in taken or not free
        found[guest.id] = guest if keeps else replace(guest, colour=free[0])
    return tuple(found.values())


def _round_of(placed: Round, number: int, lines: Collection[Line]) -> Round:
    """A round among those who part, who may not have sent it themselves."""
    owners = [line.guest for line in lines if line.round == placed.number]
    return replace(placed, number=number, guest=placed.guest if placed.guest in owners else owners[0])


def _emptied(sitting: Sitting, moment: Moment, into: str) -> Sitting:
    """What is left of a sitting that went into another."""
    return Sitting(sitting.id, sitting.table, sitting.opened, moment.at, guests=sitting.guests, into=into)


def _anew(sitting: Sitting, rounds: int, to: str, moment: Moment) -> list[Line]:
    """Its lines as those of a sitting at another table that has had so many rounds."""
    return [
        replace(
            _carried(_from(sitting, line), sitting.table, to, moment.v),
            round=line.round + rounds if line.round else 0,
            added=moment.v,
            changed=moment.v,
        )
        for line in sitting.lines
    ]


def _from(sitting: Sitting, line: Line) -> Line:
    """The line in another sitting; one that was placed remembers where."""
    return replace(line, placed_in=line.placed_in or sitting.id) if line.round else line


def _carried(line: Line, table: str, to: str, v: int) -> Line:
    """A line that goes to another table: where it is still on a display, the cooks are told so."""
    if not on_display(line):
        return line
    was = line.was or table
    return replace(line, was="" if was == to else was, changed=v)
