"""A sitting: one party's stay at a table, its guests, its shared cart and the rounds it has placed.

A document of the shop (`sitting:{id}`), so a phone that belongs to a sitting can see no other. Functions take the
sitting, a command and the `Moment` in which it is decided, and return the sitting afterwards or raise `Refused`.
No I/O, no clock, no randomness: the moment brings them.
"""

import unicodedata
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from ordering import menu as menus
from ordering import stock as stocks
from ordering.commands import Add, CallStaff, Change, Name, Note, Place
from ordering.menu import Chosen, Menu, Names
from ordering.refused import Refused
from ordering.state import Act, State, after
from ordering.stock import Stock, Wanted

PORTIONS_MOST = 99  # of one line: a number that a kitchen still believes
CART_LINES_MOST = 100
SITTING_LINES_MOST = 600  # a long banquet; keeps the document under about 150 KB
GUESTS_MOST = 60
NOTE_LONGEST = 200  # characters; three lines on a kitchen ticket
NAME_LONGEST = 24
REMOVED_KEPT = 20  # removed lines that `place` can still name
COLOURS = 8  # as many as the style sheet tells apart


class Moment(Struct, frozen=True):
    """When, by whom and with what fresh name a command is decided.

    `v` is the version that the sitting will have afterwards, `at` milliseconds since 1970, `who` the public id of
    the guest or staff account, `fresh` an id that nothing else has.
    """

    v: int
    at: int
    who: str
    fresh: str


class Guest(Struct, frozen=True):
    """One phone of the sitting: a public id, a colour 1 to `COLOURS`, a name if it chose one."""

    id: str
    colour: int
    name: str = ""


class Line(Struct, frozen=True):
    """One item with its modifiers, portions and note; `round` 0 means the cart.

    `added` and `changed` are the sitting's versions of those commits, `since` when it reached its state (ms).
    `unit_price` holds the modifiers' differences too.
    """

    id: str
    item: str
    name: Names
    station: str
    guest: str
    unit_price: int
    qty: int
    added: int
    changed: int
    modifiers: tuple[Chosen, ...] = ()
    note: str = ""
    changed_by: str = ""
    round: int = 0
    state: State = State.CART
    since: int = 0
    reason: str = ""


class Round(Struct, frozen=True):
    """What was placed together."""

    number: int
    at: int
    guest: str


class Call(Struct, frozen=True):
    """A guest asks for a waiter or the bill; `reason` is one of `CallStaff.reason`."""

    id: str
    reason: str
    guest: str
    at: int


class News(Struct, frozen=True):
    """The last thing that a guest did, for one line of words on the others' pages."""

    act: str
    guest: str
    v: int
    name: Names = {}
    qty: int = 0


class Sitting(Struct, frozen=True):
    """The whole sitting; `opened` and `closed` are 0 until they happen.

    `removed` keeps the last lines taken out of the cart, and `forgotten` the newest version of those dropped from
    it: so that `place` can tell a guest that something they saw is gone.
    """

    id: str
    table: str
    opened: int = 0
    closed: int = 0
    guests: tuple[Guest, ...] = ()
    lines: tuple[Line, ...] = ()
    rounds: tuple[Round, ...] = ()
    calls: tuple[Call, ...] = ()
    removed: tuple[Line, ...] = ()
    forgotten: int = 0
    news: News | None = None


def cart(sitting: Sitting) -> tuple[Line, ...]:
    """The lines not placed yet."""
    return tuple(line for line in sitting.lines if line.state is State.CART)


def placed(sitting: Sitting) -> tuple[Line, ...]:
    """The lines of all rounds."""
    return tuple(line for line in sitting.lines if line.state is not State.CART)


def line_of(sitting: Sitting, line_id: str) -> Line:
    """The line; raises `Refused` `no_such_line`."""
    for line in sitting.lines:
        if line.id == line_id:
            return line
    raise Refused("no_such_line")


def with_line(sitting: Sitting, changed: Line) -> Sitting:
    """The sitting with this line in the place of the one with its id."""
    return replace(sitting, lines=tuple(changed if line.id == changed.id else line for line in sitting.lines))


def moved(line: Line, act: Act, moment: Moment, **also: Any) -> Line:
    """The line in the state that follows, with other fields changed `also`; `Refused` `wrong_state` when none does."""
    state = after(line.state, act)
    if state is None:
        raise Refused("wrong_state", item=line.name, state=line.state)
    return replace(line, state=state, since=moment.at, changed=moment.v, **also)


def add(sitting: Sitting, menu: Menu, stock: Stock, command: Add, moment: Moment) -> tuple[Sitting, str]:
    """The sitting with the item in its cart, and the line's id.

    The same choice by the same guest becomes more portions of the line that is there.
    """
    sitting = _joined(sitting, moment)
    item = menus.find(menu, command.item)
    stocks.must_be_had(stock, item.id, item.name)
    chosen = menus.choose(menu, item, command.modifiers)
    note = plain(command.note, NOTE_LONGEST)
    _must_be_portions(command.qty)
    line = Line(
        id=moment.fresh,
        item=item.id,
        name=item.name,
        station=item.station,
        guest=moment.who,
        unit_price=item.price + sum(choice.extra for choice in chosen),
        qty=command.qty,
        added=moment.v,
        changed=moment.v,
        modifiers=chosen,
        note=note,
    )
    twin = next((other for other in cart(sitting) if _same_choice(other, line)), None)
    if twin is None:
        _must_have_room(sitting)
        sitting = replace(sitting, lines=(*sitting.lines, line))
    else:
        line = _with_portions(twin, twin.qty + command.qty, moment)
        sitting = with_line(sitting, line)
    return _told(sitting, "added", moment, item.name, command.qty), line.id


def change(sitting: Sitting, command: Change, moment: Moment) -> Sitting:
    """More or fewer portions of a line in the cart; none left removes it."""
    sitting = _joined(sitting, moment)
    line = _line_in_cart(sitting, command.line)
    if command.by == 0:
        raise Refused("too_few")
    qty = line.qty + command.by
    if qty <= 0:
        sitting = _without(sitting, line, moment)
        return _told(sitting, "removed", moment, line.name, line.qty)
    sitting = with_line(sitting, _with_portions(line, qty, moment))
    return _told(sitting, "more" if command.by > 0 else "fewer", moment, line.name, qty)


def note(sitting: Sitting, command: Note, moment: Moment) -> Sitting:
    """Another note on a line in the cart."""
    sitting = _joined(sitting, moment)
    line = _line_in_cart(sitting, command.line)
    noted = replace(line, note=plain(command.note, NOTE_LONGEST), changed=moment.v, changed_by=moment.who)
    return _told(with_line(sitting, noted), "noted", moment, line.name, line.qty)


def place(sitting: Sitting, stock: Stock, command: Place, moment: Moment) -> tuple[Sitting, Stock]:
    """The cart lines untouched since version `seen` as one round, and the stock without their portions.

    Lines added since stay in the cart. If a line that was seen has changed or gone since, nothing is placed:
    nobody buys what they did not see.
    """
    sitting = _joined(sitting, moment)
    seen = [line for line in cart(sitting) if line.added <= command.seen]
    gone = [line for line in sitting.removed if line.added <= command.seen < line.changed]
    touched = [line for line in seen if line.changed > command.seen] + gone
    # A version that does not exist yet was seen before the store was put back: it proves nothing.
    if touched or not sitting.forgotten <= command.seen < moment.v:
        raise Refused("cart_changed", items=[line.name for line in touched], lines=[line.id for line in touched])
    if not seen:
        raise Refused("nothing_to_place")
    stock = stocks.take(stock, _wanted(seen))
    number = len(sitting.rounds) + 1
    for line in seen:
        sitting = with_line(sitting, moved(line, Act.PLACE, moment, round=number))
    sitting = replace(sitting, rounds=(*sitting.rounds, Round(number, moment.at, moment.who)))
    return _told(sitting, "placed", moment, qty=sum(line.qty for line in seen)), stock


def call(sitting: Sitting, command: CallStaff, moment: Moment) -> Sitting:
    """The staff called to the table; calling twice for the same is refused kindly."""
    sitting = _joined(sitting, moment)
    if any(other.reason == command.reason for other in sitting.calls):
        raise Refused("already_called")
    made = Call(moment.fresh, command.reason, moment.who, moment.at)
    return _told(replace(sitting, calls=(*sitting.calls, made)), f"called_{command.reason}", moment)


def name(sitting: Sitting, command: Name, moment: Moment) -> Sitting:
    """The guest's name; an empty one takes it back."""
    sitting = _joined(sitting, moment)
    chosen = plain(command.name, NAME_LONGEST)
    guests = tuple(replace(guest, name=chosen) if guest.id == moment.who else guest for guest in sitting.guests)
    return replace(sitting, guests=guests)


def opened(sitting: Sitting, moment: Moment) -> Sitting:
    """The sitting that the staff opens before anyone has ordered."""
    if sitting.opened:
        raise Refused("already_open")
    return replace(sitting, opened=moment.at)


def closed(sitting: Sitting, moment: Moment) -> Sitting:
    """The sitting with its bill closed: what was not placed is dropped, what was placed stays to be made."""
    if not sitting.opened or sitting.closed:
        raise Refused("not_open")
    return replace(sitting, closed=moment.at, lines=placed(sitting), calls=(), removed=(), forgotten=0, news=None)


def cleared(sitting: Sitting, call_id: str) -> Sitting:
    """The sitting with one call answered."""
    rest = tuple(other for other in sitting.calls if other.id != call_id)
    if len(rest) == len(sitting.calls):
        raise Refused("no_such_call")
    return replace(sitting, calls=rest)


def _joined(sitting: Sitting, moment: Moment) -> Sitting:
    """The open sitting with this guest among its guests; the first one opens it."""
    if sitting.closed:
        raise Refused("sitting_closed")
    if any(guest.id == moment.who for guest in sitting.guests):
        return sitting
    if len(sitting.guests) >= GUESTS_MOST:
        raise Refused("too_many", limit=GUESTS_MOST, what={"en": "guests at a table", "zh": "位客人一桌"})
    guest = Guest(moment.who, len(sitting.guests) % COLOURS + 1)
    return replace(sitting, guests=(*sitting.guests, guest), opened=sitting.opened or moment.at)


def _line_in_cart(sitting: Sitting, line_id: str) -> Line:
    line = line_of(sitting, line_id)
    if line.state is not State.CART:
        raise Refused("already_placed", item=line.name)
    return line


def _with_portions(line: Line, qty: int, moment: Moment) -> Line:
    _must_be_portions(qty)
    return replace(line, qty=qty, changed=moment.v, changed_by=moment.who)


def _without(sitting: Sitting, line: Line, moment: Moment) -> Sitting:
    """The sitting without a line, which `removed` remembers for as long as it has room."""
    removed = (*sitting.removed, replace(line, changed=moment.v, changed_by=moment.who))
    dropped = removed[:-REMOVED_KEPT]
    return replace(
        sitting,
        lines=tuple(other for other in sitting.lines if other.id != line.id),
        removed=removed[-REMOVED_KEPT:],
        forgotten=max([sitting.forgotten, *(other.changed for other in dropped)]),
    )


def _must_be_portions(qty: int) -> None:
    if qty < 1:
        raise Refused("too_few")
    if qty > PORTIONS_MOST:
        raise Refused("too_many", limit=PORTIONS_MOST, what={"en": "portions of one dish", "zh": "份同一道菜"})


def _must_have_room(sitting: Sitting) -> None:
    if len(cart(sitting)) >= CART_LINES_MOST:
        raise Refused("too_many", limit=CART_LINES_MOST, what={"en": "dishes at once", "zh": "道菜一次"})
    if len(sitting.lines) >= SITTING_LINES_MOST:
        raise Refused("too_many", limit=SITTING_LINES_MOST, what={"en": "dishes on a bill", "zh": "道菜一单"})


def _same_choice(one: Line, other: Line) -> bool:
    return (one.item, one.guest, one.modifiers, one.note, one.unit_price) == (
        other.item,
        other.guest,
        other.modifiers,
        other.note,
        other.unit_price,
    )


def _wanted(lines: list[Line]) -> dict[str, Wanted]:
    """Portions by item id: an item may stand on several lines."""
    wanted: dict[str, Wanted] = {}
    for line in lines:
        had = wanted[line.item].qty if line.item in wanted else 0
        wanted[line.item] = Wanted(line.name, had + line.qty)
    return wanted


def _told(sitting: Sitting, act: str, moment: Moment, what: Names | None = None, qty: int = 0) -> Sitting:
    return replace(sitting, news=News(act, moment.who, moment.v, what or {}, qty))


def plain(text: str, longest: int) -> str:
    """A person's text as one line: control and direction characters would garble a ticket or another's page."""
    kept = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in text)
    kept = "".join(char for char in kept if char not in _UNSEEN)
    plain = " ".join(kept.split())
    if len(plain) > longest:
        raise Refused("too_long", limit=longest)
    return plain


# Bidirectional overrides and isolates, and the byte order mark: they reorder or hide what stands beside them.
_UNSEEN = frozenset("\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
