"""A sitting: one party's stay at a table, its guests, its shared cart and the rounds it has placed.

A document of the shop (`sitting:{id}`), so a phone that belongs to a sitting can see no other. Functions take the
sitting, a command and the `Moment` in which it is decided, and return the sitting afterwards or raise `Refused`.
No I/O, no clock, no randomness: the moment brings them.

What stands at its default is not stored (`omit_defaults`): most of a line is, and a document is half as long without.
So a default never changes.
"""

import unicodedata
from typing import Any, Literal

from msgspec import Struct, field
from msgspec.structs import replace

from ordering import menu as menus
from ordering import stock as stocks
from ordering.commands import (
    Add,
    AddFor,
    Again,
    Change,
    Fire,
    FireFor,
    Hold,
    Note,
    Place,
    PlaceFor,
    Restore,
    Share,
    Split,
)
from ordering.menu import Chosen, Menu, Names, Terms
from ordering.pace import Pace, due
from ordering.refused import Refused
from ordering.state import OPEN, Act, State, after
from ordering.stock import Stock, Wanted
from ordering.values import Value

PORTIONS_MOST = 99  # of one line: a number that a kitchen still believes
CART_LINES_MOST = 100
SITTING_LINES_MOST = 600  # a long banquet; keeps the document under about 150 KB
GUESTS_MOST = 60
NOTE_LONGEST = 200  # characters; three lines on a kitchen ticket
REMOVED_KEPT = 20  # removed lines that `place` can still name
RESTORED_WITHIN = 2 * 60_000  # ms in which a removed line can be put back: longer than any page offers it
STILL_SERVED = 15 * 60_000  # ms after its hours in which what is in the cart may still be sent
PIN_SPREAD = 7919  # a prime: every character of a fresh id counts
COLOURS = 8  # as many as the style sheet tells apart


Flag = Literal["", "void", "held"]


class Moment(Value, frozen=True):
    """When, by whom and with what fresh name a command is decided.

    `v` is the version that the sitting will have afterwards, `at` milliseconds since 1970, `who` the public id of
    the guest or staff account, `fresh` an id that nothing else has, `name` what a member of the staff is called.
    """

    v: int
    at: int
    who: str
    fresh: str
    name: str = ""


class Guest(Value, frozen=True, omit_defaults=True):
    """One phone of the sitting: a public id, a colour 1 to `COLOURS`, a name if it chose one, the allergens that it
    must avoid (tag ids), the per cent that it adds to its share, and since when it is there (ms)."""

    id: str
    colour: int
    name: str = ""
    allergies: tuple[str, ...] = ()
    tip: int = 0
    since: int = 0


class Off(Value, frozen=True, omit_defaults=True):
    """What somebody of the staff (`by`, a name) takes off a line or a bill: per cents of it, or an amount; why."""

    percent: int = 0
    amount: int = 0
    reason: str = ""
    by: str = ""


class Line(Value, frozen=True, omit_defaults=True):
    """One item with its modifiers, portions and note; `round` 0 means the cart.

    `added` and `changed` are the sitting's versions of those commits, `since` when it reached its state (ms).
    `unit_price` holds the modifiers' differences too, `tax` is the rate on it. `shared`: for the whole table; `hold`:
    it is to wait once it is sent. `sent` is when it went to be made, `due` when it is likely to be ready (0: nobody
    can tell). `allergens` are in the dish, `allergies` those of the people who eat it, as they stood last while it
    was being made. `claimed` by whom, where the bill is shared by dishes. `off` is what was taken off its price.

    What passed between it and its station: `shown` on a display there first, `seen` by a cook first (ms; 0: not yet),
    `heeded` the allergies that a cook has acknowledged, `flag` what was done to it that no cook has acknowledged,
    `was` the table that the cooks know it for when it has moved since, `rush` whether it goes before the others.
    `placed_in` is the sitting that placed it, where that is not this one: what was printed of it stands there.
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
    shared: bool = False
    hold: bool = False
    sent: int = 0
    due: int = 0
    tax: int = 0
    allergens: tuple[str, ...] = ()
    allergies: tuple[str, ...] = ()
    claimed: tuple[str, ...] = ()
    off: Off | None = None
    shown: int = 0
    seen: int = 0
    heeded: tuple[str, ...] = ()
    flag: Flag = ""
    was: str = ""
    rush: bool = False
    placed_in: str = ""


class Round(Value, frozen=True, omit_defaults=True):
    """What was placed together; `doubts` are why it waits, or waited, for a waiter's nod."""

    number: int
    at: int
    guest: str
    doubts: tuple[str, ...] = ()


class Payment(Value, frozen=True, omit_defaults=True):
    """Money that was taken: `amount` of the bill, a `tip` on top; for whom (`guest`, "" for the table) and by whom
    (`by`, a name). Cash is taken to the shop's smallest coin: `rounding` more or less than the amount; `given` is
    what was handed over. A refund is a payment below zero that names the one it takes back (`of`)."""

    id: str
    at: int
    method: str
    amount: int
    tip: int = 0
    guest: str = ""
    by: str = ""
    rounding: int = 0
    given: int = 0
    of: str = ""
    reason: str = ""


class Call(Value, frozen=True, omit_defaults=True):
    """A guest asks for a waiter or the bill; `reason` is one of `CallStaff.reason`, `seen_by` the name of whoever of
    the staff is on the way."""

    id: str
    reason: str
    guest: str
    at: int
    seen_by: str = ""


class News(Value, frozen=True, omit_defaults=True):
    """The last thing that a guest did, for one line of words on the others' pages; `line` is what it was done to."""

    act: str
    guest: str
    v: int
    name: Names = field(default_factory=dict)
    qty: int = 0
    line: str = ""


class Sitting(Struct, frozen=True, dict=True, omit_defaults=True):
    """The whole sitting; `opened` and `closed` are 0 until they happen. (`dict=True` gives what is read off it a place
    to be kept: a board looks at hundreds of sittings, of which one has changed.)

    `removed` keeps the last lines taken out of the cart, and `forgotten` the newest version of those dropped from
    it: so that `place` can tell a guest that something they saw is gone. `split` is how the bill is shared, `people`
    among how many in equal parts (0: the guests). `terms` are the bill's when it was closed.
    `off` is taken off the whole bill, before payments. `into` is the sitting that this one went into, and `left` says
    of guests who went to another sitting which one: their phones follow. `pin` is what those who sit there tell
    whoever joins them, `tries` how many wrong ones were given.
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
    split: Split = "guest"
    people: int = 0
    terms: Terms | None = None
    off: Off | None = None
    payments: tuple[Payment, ...] = ()
    into: str = ""
    left: dict[str, str] = {}
    pin: str = ""
    tries: int = 0


def cart(sitting: Sitting) -> tuple[Line, ...]:
    """The lines not placed yet."""
    return tuple(line for line in sitting.lines if line.state is State.CART)


def placed(sitting: Sitting) -> tuple[Line, ...]:
    """The lines of all rounds."""
    return tuple(line for line in sitting.lines if line.state is not State.CART)


def on_display(line: Line) -> bool:
    """Whether the line still has something to tell its station: there is work on it, or a flag nobody has
    acknowledged."""
    return line.state in OPEN or bool(line.flag)


def line_of(sitting: Sitting, line_id: str) -> Line:
    """The line; raises `Refused` `no_such_line`."""
    for line in sitting.lines:
        if line.id == line_id:
            return line
    raise Refused("no_such_line")


def is_guest(sitting: Sitting, who: str) -> bool:
    """Whether this is one of its guests."""
    return who in [guest.id for guest in sitting.guests]


def eaters(sitting: Sitting, line: Line) -> tuple[Guest, ...]:
    """Who eats of a line: everyone at the table when it is shared, else its guest."""
    return tuple(guest for guest in sitting.guests if line.shared or guest.id == line.guest)


def allergies(sitting: Sitting, line: Line) -> tuple[str, ...]:
    """The allergens that somebody who eats of the line must avoid, whether or not they are in it."""
    return tuple(dict.fromkeys(tag for guest in eaters(sitting, line) for tag in guest.allergies))


def with_line(sitting: Sitting, changed: Line) -> Sitting:
    """The sitting with this line in the place of the one with its id."""
    return replace(sitting, lines=tuple([changed if line.id == changed.id else line for line in sitting.lines]))


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
    sitting = joined(sitting, moment)
    item = menus.find(menu, command.item)
    stocks.must_be_had(stock, item.id, item.name)
    menus.must_be_served(menu, item, moment.at)
    chosen = menus.choose(menu, item, command.modifiers)
    _must_be_portions(command.qty)
    line = Line(
        id=moment.fresh,
        item=item.id,
        name=item.name,
        station=item.station,
        guest=moment.who,
        unit_price=max(0, item.price + sum(choice.extra for choice in chosen)),
        qty=command.qty,
        added=moment.v,
        changed=moment.v,
        modifiers=chosen,
        note=plain(command.note, NOTE_LONGEST),
        shared=command.shared,
        tax=item.tax,
        allergens=menus.allergens(menu, item, chosen),
    )
    twin = next((other for other in cart(sitting) if _same_choice(other, line)), None)
    if twin is None:
        _must_have_room(sitting)
        sitting = replace(sitting, lines=(*sitting.lines, line))
    else:
        line = _with_portions(twin, twin.qty + command.qty, moment)
        sitting = with_line(sitting, line)
    return told(sitting, "added", moment, item.name, command.qty, line.id), line.id


def again(sitting: Sitting, menu: Menu, stock: Stock, command: Again, moment: Moment) -> tuple[Sitting, list[str]]:
    """One portion more of a placed line, or all that can still be had of a round, into the cart; the lines' ids.

    It is chosen anew, at today's price, by the guest who asks. Raises the first refusal when nothing can be had.
    """
    if command.line:
        lines = [line_of(sitting, command.line)]
    else:
        lines = [line for line in placed(sitting) if line.round == command.round and line.state is not State.VOID]
        if not lines:
            raise Refused("no_such_line")
    made: list[str] = []
    refusals: list[Refused] = []
    for number, line in enumerate(lines):
        wanted = Add(
            op=command.op,
            item=line.item,
            qty=1 if command.line else line.qty,
            modifiers=tuple(choice.id for choice in line.modifiers),
            note=line.note,
            shared=line.shared,
        )
        fresh = replace(moment, fresh=f"{moment.fresh}.{number}" if number else moment.fresh)
        try:
            sitting, id = add(sitting, menu, stock, wanted, fresh)
        except Refused as refused:
            refusals.append(refused)
            continue
        made.append(id)
    if not made:
        raise refusals[0]
    return sitting if command.line else told(sitting, "again", moment, qty=command.round), made


def change(sitting: Sitting, command: Change, moment: Moment) -> Sitting:
    """More or fewer portions of a line in the cart; none left removes it."""
    sitting = joined(sitting, moment)
    line = _line_in_cart(sitting, command.line)
    if command.by == 0:
        raise Refused("too_few")
    qty = line.qty + command.by
    if qty <= 0:
        sitting = _without(sitting, line, moment)
        return told(sitting, "removed", moment, line.name, line.qty, line.id)
    sitting = with_line(sitting, _with_portions(line, qty, moment))
    return told(sitting, "more" if command.by > 0 else "fewer", moment, line.name, qty, line.id)


def restore(sitting: Sitting, command: Restore, moment: Moment) -> Sitting:
    """A removed line back in the cart, as it was; `too_late` when it is forgotten.

    It counts as changed: who saw it before it went looks again before they send it.
    """
    sitting = joined(sitting, moment)
    found = next((line for line in sitting.removed if line.id == command.line), None)
    if found is None or moment.at - found.since > RESTORED_WITHIN:
        raise Refused("too_late")
    _must_have_room(sitting)
    line = replace(found, changed=moment.v, changed_by=moment.who, since=0)
    removed = tuple(other for other in sitting.removed if other.id != line.id)
    sitting = replace(sitting, lines=(*sitting.lines, line), removed=removed)
    return told(sitting, "restored", moment, line.name, line.qty, line.id)


def note(sitting: Sitting, command: Note, moment: Moment) -> Sitting:
    """Another note on a line in the cart."""
    return _altered(sitting, command.line, "noted", moment, note=plain(command.note, NOTE_LONGEST))


def share(sitting: Sitting, command: Share, moment: Moment) -> Sitting:
    """A line in the cart for the whole table, or for its guest alone."""
    return _altered(sitting, command.line, "shared" if command.on else "unshared", moment, shared=command.on)


def hold(sitting: Sitting, command: Hold, moment: Moment) -> Sitting:
    """A line in the cart that is to wait once it is sent, or not to wait."""
    return _altered(sitting, command.line, "held" if command.on else "unheld", moment, hold=command.on)


def fire(sitting: Sitting, pace: Pace, command: Fire | FireFor, moment: Moment) -> Sitting:
    """A held line, or every one, to be made now; `not_held` when nothing waits."""
    sitting = joined(sitting, moment)
    if command.line:
        line_of(sitting, command.line)
    waiting = [line for line in sitting.lines if line.state is State.HELD and command.line in ("", line.id)]
    if not waiting:
        raise Refused("not_held")
    for line in waiting:
        sitting = with_line(sitting, on_its_way(sitting, line, Act.FIRE, pace, moment))
    return told(sitting, "fired", moment, waiting[0].name, len(waiting), waiting[0].id)


def add_for(sitting: Sitting, menu: Menu, stock: Stock, command: AddFor, moment: Moment) -> tuple[Sitting, str]:
    """An item that the staff add for a guest: the one who is named, or the party's first; where there is no phone,
    for one without."""
    if command.guest and all(guest.id != command.guest for guest in sitting.guests):
        raise Refused("no_such_choice")
    here = [guest.id for guest in sitting.guests if guest.id not in sitting.left]
    who = command.guest or (here[0] if here else moment.who)
    wanted = Add(command.op, command.item, command.qty, command.modifiers, command.note)
    after, line = add(sitting, menu, stock, wanted, replace(moment, who=who, name=""))
    return replace(after, news=sitting.news), line


def hold_for(sitting: Sitting, line_id: str, moment: Moment) -> Sitting:
    """A placed line that nobody has begun is to wait: its ticket moves to the end."""
    if sitting.closed:
        raise Refused("sitting_closed")
    line = line_of(sitting, line_id)
    if line.state is State.CART:
        raise Refused("wrong_state", item=line.name, state=line.state)
    return with_line(sitting, moved(line, Act.HOLD, moment, hold=True, sent=0, due=0, shown=0, seen=0, flag="held"))


def place_for(
    sitting: Sitting, menu: Menu, stock: Stock, pace: Pace, command: PlaceFor, moment: Moment
) -> tuple[Sitting, Stock]:
    """The cart as the staff saw it, sent for those whose lines stand in it."""
    who = next((line.guest for line in cart(sitting)), moment.who)
    wanted = Place(command.op, command.seen)
    return place(sitting, menu, stock, pace, wanted, replace(moment, who=who))


def place(
    sitting: Sitting, menu: Menu, stock: Stock, pace: Pace, command: Place, moment: Moment
) -> tuple[Sitting, Stock]:
    """The cart lines untouched since version `seen` as one round, and the stock without their portions.

    Lines added since stay in the cart. If a line that was seen has changed or gone since, nothing is placed:
    nobody buys what they did not see. Those on hold go along, and wait to be fired.
    """
    sitting = joined(sitting, moment)
    seen = [line for line in cart(sitting) if line.added <= command.seen]
    gone = [line for line in sitting.removed if line.added <= command.seen < line.changed]
    touched = [line for line in seen if line.changed > command.seen] + gone
    # A version that does not exist yet was seen before the store was put back: it proves nothing.
    if touched or not sitting.forgotten <= command.seen < moment.v:
        raise Refused("cart_changed", items=[line.name for line in touched], lines=[line.id for line in touched])
    if not seen:
        raise Refused("nothing_to_place")
    for line in seen:
        _must_be_on(menu, line, moment)
    stock = stocks.take(stock, _wanted(seen))
    number = len(sitting.rounds) + 1
    for line in seen:
        sent = on_its_way(sitting, line, Act.HOLD if line.hold else Act.PLACE, pace, moment)
        sitting = with_line(sitting, replace(sent, round=number))
    sitting = replace(sitting, rounds=(*sitting.rounds, Round(number, moment.at, moment.who)))
    return told(sitting, "placed", moment, qty=sum(line.qty for line in seen)), stock


def opened(sitting: Sitting, moment: Moment) -> Sitting:
    """The sitting that the staff opens before anyone has ordered."""
    if sitting.opened:
        raise Refused("already_open")
    return replace(sitting, opened=moment.at, pin=_pin(moment))


def closed(sitting: Sitting, terms: Terms, moment: Moment) -> Sitting:
    """The sitting with its bill closed on these terms: what was not placed is dropped, what was never fired is taken
    back, and what is being made stays to be made."""
    if not sitting.opened or sitting.closed:
        raise Refused("not_open")
    idle = (State.HELD, State.ASKED)
    lines = tuple(moved(line, Act.VOID, moment) if line.state in idle else line for line in placed(sitting))
    return replace(sitting, closed=moment.at, lines=lines, calls=(), removed=(), forgotten=0, news=None, terms=terms)


def joined(sitting: Sitting, moment: Moment) -> Sitting:
    """The open sitting with this guest among its guests; the first one opens it. Staff do not become guests."""
    if sitting.closed:
        raise Refused("sitting_closed")
    if moment.name:
        return sitting
    if moment.who in sitting.left:
        raise Refused("you_moved")
    if is_guest(sitting, moment.who):
        return sitting
    if len(sitting.guests) >= GUESTS_MOST:
        raise Refused("too_many", limit=GUESTS_MOST, what={"en": "guests at a table", "zh": "位客人一桌"})
    guest = Guest(moment.who, len(sitting.guests) % COLOURS + 1, since=moment.at)
    guests = (*sitting.guests, guest)
    return replace(sitting, guests=guests, opened=sitting.opened or moment.at, pin=sitting.pin or _pin(moment))


def _pin(moment: Moment) -> str:
    """Four digits that nobody can foresee."""
    return f"{int.from_bytes(moment.fresh.encode()) * PIN_SPREAD % 10_007 % 10_000:04}"


def told(
    sitting: Sitting, act: str, moment: Moment, what: Names | None = None, qty: int = 0, line: str = ""
) -> Sitting:
    """The sitting with its last news: what the guest `moment.who` did just now. What the staff did is no news."""
    if moment.name:
        return sitting
    return replace(sitting, news=News(act, moment.who, moment.v, what or {}, qty, line))


def _altered(sitting: Sitting, line_id: str, act: str, moment: Moment, **fields: Any) -> Sitting:
    """The sitting with other fields in a line of the cart."""
    sitting = joined(sitting, moment)
    line = _line_in_cart(sitting, line_id)
    line = replace(line, changed=moment.v, changed_by=moment.who, **fields)
    return told(with_line(sitting, line), act, moment, line.name, line.qty, line.id)


def on_its_way(sitting: Sitting, line: Line, act: Act, pace: Pace, moment: Moment) -> Line:
    """The line on its way to its station, or put on hold there: with what its people must avoid, and when it is
    likely to be ready."""
    after = moved(line, act, moment, allergies=allergies(sitting, line))
    if act in (Act.HOLD, Act.ASK):
        return replace(after, sent=0, due=0)
    return replace(after, sent=moment.at, due=due(pace, line.station, moment.at), flag="")


def _must_be_on(menu: Menu, line: Line, moment: Moment) -> None:
    """What has left the menu, or is not served any more, can't be sent."""
    item = menu.item.get(line.item)
    if item is None:
        raise Refused("sold_out", item=line.name)
    if not menus.served(menu, item, moment.at - STILL_SERVED):
        menus.must_be_served(menu, item, moment.at)


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
    removed = (*sitting.removed, replace(line, changed=moment.v, changed_by=moment.who, since=moment.at))
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
    return all(getattr(one, field) == getattr(other, field) for field in _CHOICE)


_CHOICE = ("item", "guest", "modifiers", "note", "unit_price", "shared", "hold")


def _wanted(lines: list[Line]) -> dict[str, Wanted]:
    """Portions by item id: an item may stand on several lines."""
    wanted: dict[str, Wanted] = {}
    for line in lines:
        had = wanted[line.item].qty if line.item in wanted else 0
        wanted[line.item] = Wanted(line.name, had + line.qty)
    return wanted


def plain(text: str, longest: int) -> str:
    """A person's text as one line: control and direction characters would garble a ticket or another's page."""
    kept = "".join(" " if unicodedata.category(char) in ("Cc", "Zl", "Zp") else char for char in text)
    kept = "".join(char for char in kept if char not in _UNSEEN)
    plain = " ".join(kept.split())
    if len(plain) > longest:
        raise Refused("too_long", limit=longest)
    return plain


def must_have_reason(text: str) -> str:
    """The reason as one line; raises `Refused` `reason_needed`."""
    reason = plain(text, NOTE_LONGEST)
    if not reason:
        raise Refused("reason_needed")
    return reason


# Marks, overrides and isolates of direction reorder what stands beside them; the others show nothing, so that two names
# look alike or one looks like none. The joiners stay: scripts and emoji are written with them.
_UNSEEN = frozenset(
    "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    "\u00ad\u180e\u200b\u2060\u2061\u2062\u2063\u2064\u206a\u206b\u206c\u206d\u206e\u206f\ufeff\ufff9\ufffa\ufffb"
)
