"""What guests say of themselves, and what they ask of the staff."""

from msgspec.structs import replace

from ordering.commands import Allergies, CallStaff, Colour, Name
from ordering.menu import Menu
from ordering.refused import Refused
from ordering.sitting import COLOURS, Call, Guest, Line, Moment, Sitting, allergies, joined, plain, told
from ordering.state import OPEN

NAME_LONGEST = 24  # characters


def guest_of(sitting: Sitting, guest_id: str) -> Guest | None:
    """The guest, if they have joined."""
    return next((guest for guest in sitting.guests if guest.id == guest_id), None)


def name(sitting: Sitting, command: Name, moment: Moment) -> Sitting:
    """The guest's name; an empty one takes it back."""
    sitting = joined(sitting, moment)
    return _with_me(sitting, moment, name=plain(command.name, NAME_LONGEST))


def colour(sitting: Sitting, command: Colour, moment: Moment) -> Sitting:
    """The guest's colour: one that nobody else at the table has, as long as there are such."""
    sitting = joined(sitting, moment)
    if not 1 <= command.colour <= COLOURS:
        raise Refused("no_such_choice")
    others = {guest.colour for guest in sitting.guests if guest.id != moment.who}
    if command.colour in others and len(others) < COLOURS:
        raise Refused("colour_taken")
    return _with_me(sitting, moment, colour=command.colour)


def avoid(sitting: Sitting, menu: Menu, command: Allergies, moment: Moment) -> Sitting:
    """The allergens that the guest must avoid; what is being made for them carries them from now on, too."""
    sitting = joined(sitting, moment)
    known = [tag.id for tag in menu.allergens]
    if not set(command.tags) <= set(known):
        raise Refused("no_such_choice")
    sitting = _with_me(sitting, moment, allergies=tuple(tag for tag in known if tag in command.tags))
    lines = tuple(_avoiding(sitting, line, moment) if line.state in OPEN else line for line in sitting.lines)
    return told(replace(sitting, lines=lines), "avoids", moment)


def call(sitting: Sitting, command: CallStaff, moment: Moment) -> Sitting:
    """The staff called to the table; calling twice for the same is refused kindly."""
    sitting = joined(sitting, moment)
    if any(other.reason == command.reason for other in sitting.calls):
        raise Refused("already_called")
    made = Call(moment.fresh, command.reason, moment.who, moment.at)
    return told(replace(sitting, calls=(*sitting.calls, made)), f"called_{command.reason}", moment)


def taken(sitting: Sitting, call_id: str, moment: Moment) -> Sitting:
    """A call that somebody of the staff has seen: the guests read the name."""
    _must_be_waiting(sitting, call_id)
    calls = tuple(replace(each, seen_by=moment.name) if each.id == call_id else each for each in sitting.calls)
    return replace(sitting, calls=calls)


def cleared(sitting: Sitting, call_id: str) -> Sitting:
    """The sitting with one call answered."""
    _must_be_waiting(sitting, call_id)
    return replace(sitting, calls=tuple(other for other in sitting.calls if other.id != call_id))


def _avoiding(sitting: Sitting, line: Line, moment: Moment) -> Line:
    """The line with what its people avoid now."""
    avoided = allergies(sitting, line)
    return line if avoided == line.allergies else replace(line, allergies=avoided, changed=moment.v)


def _must_be_waiting(sitting: Sitting, call_id: str) -> None:
    if all(call.id != call_id for call in sitting.calls):
        raise Refused("no_such_call")


def _with_me(sitting: Sitting, moment: Moment, **fields: object) -> Sitting:
    guests = tuple(replace(guest, **fields) if guest.id == moment.who else guest for guest in sitting.guests)
    return replace(sitting, guests=guests)
