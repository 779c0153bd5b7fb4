"""What the blocks of the guests' page hold: the fields of the JSON view, and what only people see besides.

Money is in minor units, times are in milliseconds since 1970.
"""

from collections.abc import Sequence

from msgspec import Struct, field

from ordering.menu import Item
from ordering.sitting import Guest
from ordering.values import Value
from ordering.views.text import Text


class CallShown(Value, frozen=True):
    """A call that the staff have not answered yet; `seen_by` is the name of whoever is on the way."""

    id: str
    reason: str = field(name="for")
    guest: str
    seen_by: str


class NewsShown(Value, frozen=True):
    """The last thing a guest did; `name` is the dish it was done to, `qty` how many, `line` which line."""

    act: str
    guest: str
    name: str
    qty: int
    v: int
    line: str


class SittingShown(Value, frozen=True):
    """`state` is free, open or closed; `table` the table's name. `gone`: the party has joined another one; `left`:
    guests (ids) who have gone to another table. Whoever opens the page again is led there."""

    id: str
    state: str
    table: str
    guests: int
    calls: tuple[CallShown, ...]
    news: NewsShown | None
    gone: bool = False
    left: tuple[str, ...] = ()


class PresenceShown(Value, frozen=True):
    """Who is at the page right now (ids of guests), at which category those stand who are choosing, and how many
    look on who have not ordered anything yet."""

    here: list[str]
    choosing: dict[str, str]
    others: int


class GuestShown(Value, frozen=True):
    """A guest, what they must avoid (tag ids), and their part of everything in sight, with the tip (minor units)."""

    id: str
    name: str
    colour: int
    allergies: tuple[str, ...]
    amount: int
    tip: int


class Who(Struct, frozen=True, dict=True):
    """A guest as the blocks of other things show one. (`dict=True`: what is rendered of it is kept with it.)"""

    id: str
    name: str
    colour: int


class LineShown(Value, frozen=True):
    """A line of the cart (`round` 0) or of a round; money in minor units, modifiers, allergens and allergies by id.

    `problem` is the word with which it would be refused now, "" when it can be sent. `due` is when it is likely to
    be ready (ms), 0 when nobody can tell.
    """

    id: str
    item: str
    name: str
    qty: int
    modifiers: tuple[str, ...]
    note: str
    unit_price: int
    amount: int
    guest: str
    round: int
    state: str
    shared: bool
    hold: bool
    due: int
    allergens: tuple[str, ...]
    allergies: tuple[str, ...]
    claimed: tuple[str, ...]
    problem: str


class Concern(Value, frozen=True):
    """An allergen that some of those at the table must avoid."""

    name: str
    guests: list[Who]


class LineStanding(Struct, frozen=True, dict=True):
    """What people see of a line that stays while its portions change. (`dict=True`: what is rendered of it is kept with
    it.)"""

    id: str
    state: str
    name: str
    other_name: str
    other_lang: str
    modifiers: tuple[str, ...]
    note: str
    shared: bool
    hold: bool
    owner: Who


class LineBeside(Struct, frozen=True, dict=True):
    """What people see of a line besides; `changed_by` is who changed it last if that was not its owner.
    (`dict=True`: what is rendered of the line for the confirmation is kept with it.)"""

    standing: LineStanding
    changed_by: Who | None
    concerns: list[Concern]
    left: int | None
    hours: str
    closed: bool


class RoundShown(Value, frozen=True):
    """The heading of a round; `at` and `due` in milliseconds since 1970, `state` the one that its last line has
    reached, `held` how many lines wait to be fired, `late` when it takes longer than it was likely to, `unseen` when no
    cook has looked at it for so long that a waiter should hear of it."""

    number: int
    at: int
    guest: Who
    portions: int
    amount: int
    state: str
    held: int
    due: int
    late: bool
    unseen: bool


class TotalsShown(Value, frozen=True):
    """Portions and minor units of the cart, of what was placed, and of both with service charge and tax."""

    cart_portions: int
    cart_amount: int
    placed_portions: int
    placed_amount: int
    amount: int


class TaxShown(Value, frozen=True):
    """A tax: its rate in hundredths of a per cent, on which sum, and how much."""

    rate: int
    base: int
    amount: int


class ShareShown(Value, frozen=True):
    """What a guest pays of the bill; the share of guest "" is nobody's yet."""

    guest: str
    amount: int
    tip: int


class BillShown(Value, frozen=True):
    """What was placed, as a bill; `split` is guest, equal or lines, `people` how many share in equal parts."""

    portions: int
    lines: int
    off: int
    service: int
    taxes: list[TaxShown]
    tax_included: bool
    total: int
    paid: int
    split: str
    people: int
    shares: list[ShareShown]


class ClaimShown(Value, frozen=True):
    """A placed line to be claimed, and who has."""

    id: str
    name: str
    qty: int
    amount: int
    claimed: list[Who]


class ItemShown(Value, frozen=True):
    """What changes on the menu: whether the item is sold out, whether it is served at this hour, whether the kitchen is
    too `full` for it, how many are left (null: nobody counts), how many portions the shared cart holds."""

    id: str
    sold_out: bool
    served: bool
    full: bool
    left: int | None
    in_cart: int


class Dish(Struct, frozen=True, dict=True):
    """An item of the menu. (`dict=True`: what is rendered of it is kept with it.)"""

    item: Item
    name: str


class ItemBeside(Value, frozen=True):
    """What people see of an item besides: who has it in the cart, whom its allergens concern, and how its button
    works."""

    dish: Dish
    hours: str
    choosers: list[Who]
    concerns: list[Concern]
    closed: bool


def everybody(guests: Sequence[Guest], text: Text) -> dict[str, Who]:
    """The guests of a table as other things show them, by id."""
    return {guest.id: _who(guest, number, text) for number, guest in enumerate(guests, 1)}


def _who(guest: Guest, number: int, text: Text) -> Who:
    return Who(guest.id, guest.name or text("Guest %(number)s", number=number), guest.colour)
