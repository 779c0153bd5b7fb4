"""A sitting as its guests see it."""

from functools import lru_cache

from msgspec import Struct, field

from ordering import stock as stocks
from ordering.bill import Totals, amount, totals
from ordering.floor import Floor
from ordering.menu import Item, Menu
from ordering.sitting import Guest, Line, Sitting, cart
from ordering.state import State
from ordering.stock import Stock
from ordering.views.blocks import Block, Content
from ordering.views.text import Text


class CallShown(Struct, frozen=True):
    """A call that the staff have not answered yet."""

    id: str
    reason: str = field(name="for")
    guest: str


class NewsShown(Struct, frozen=True):
    """The last thing a guest did; `name` is the dish it was done to, `qty` how many."""

    act: str
    guest: str
    name: str
    qty: int
    v: int


class SittingShown(Struct, frozen=True):
    """`state` is free, open or closed; `table` the table's name."""

    id: str
    state: str
    table: str
    guests: int
    calls: list[CallShown]
    news: NewsShown | None


class GuestShown(Struct, frozen=True):
    """A guest, and what their lines cost (minor units)."""

    id: str
    name: str
    colour: int
    amount: int


class LineShown(Struct, frozen=True):
    """A line of the cart (`round` 0) or of a round; money in minor units, modifiers by id."""

    id: str
    item: str
    name: str
    qty: int
    modifiers: list[str]
    note: str
    unit_price: int
    amount: int
    guest: str
    round: int
    state: str


class LineBeside(Struct, frozen=True):
    """What people see of a line besides: its owner, who changed it last if that was another, the other name."""

    code: str
    other_name: str
    modifiers: list[str]
    owner: GuestShown
    changed_by: GuestShown | None
    closed: bool


class RoundShown(Struct, frozen=True):
    """The heading of a round; `at` in milliseconds since 1970, `state` the one that its last line has reached."""

    number: int
    at: int
    guest: GuestShown
    portions: int
    amount: int
    state: str


class TotalsShown(Struct, frozen=True):
    """Portions and minor units of the cart, of what was placed, and of both."""

    cart_portions: int
    cart_amount: int
    placed_portions: int
    placed_amount: int
    amount: int


class ItemShown(Struct, frozen=True):
    """What changes on the menu: whether the item is sold out, how many are left (null: nobody counts), how many
    portions the shared cart holds."""

    id: str
    sold_out: bool
    left: int | None
    in_cart: int


class ItemBeside(Struct, frozen=True):
    """What people see of an item besides: who has it in the cart, and how its button works."""

    code: str
    item: Item
    name: str
    choosers: list[GuestShown]
    closed: bool


JSON_KINDS = frozenset({"sitting", "totals", "guest", "line", "item"})


def content(sitting: Sitting, menu: Menu, stock: Stock, floor: Floor, text: Text) -> Content:
    """Every block of the diner's page."""
    table = floor.by_id.get(sitting.table)
    code = table.code if table else ""
    name = table.name if table else ""
    sums = totals(sitting)
    closed = bool(sitting.closed)
    guests = {guest.id: _guest(guest, number, sums.by_guest, text) for number, guest in enumerate(sitting.guests, 1)}
    lines = [_line(line, guests, code, text, closed) for line in sitting.lines]
    rounds, rounds_order = _rounds(sitting, guests)
    in_cart = cart(sitting)
    guests_alone = {guest.id: _without_amount(guest) for guest in guests.values()}
    blocks = [
        Block("sitting", "sitting", _sitting(sitting, name, text), (guests_alone, code)),
        Block("news", "news", _sitting(sitting, name, text), (guests_alone,)),
        Block("totals", "totals", _totals(sums), (closed, menu.shop)),
        Block("confirm", "confirm", _totals(sums), (_confirmed(in_cart, text), code, closed, menu.shop)),
        *(Block(f"guest-{guest.id}", "guest", guest, (menu.shop,)) for guest in guests.values()),
        *(Block(f"line-{shown.id}", "line", shown, (beside, menu.shop)) for shown, beside in lines),
        *(Block(f"round-{shown.number}", "round", shown, (menu.shop,)) for shown in rounds),
        *_items(sitting, menu, stock, guests, code, text),
    ]
    order = {
        "guests": [f"guest-{guest}" for guest in guests],
        "cart": [f"line-{line.id}" for line in in_cart],
        "rounds": rounds_order,
    }
    return Content(blocks, order)


def _sitting(sitting: Sitting, table: str, text: Text) -> SittingShown:
    news = sitting.news
    return SittingShown(
        id=sitting.id,
        state="closed" if sitting.closed else "open" if sitting.opened else "free",
        table=table,
        guests=len(sitting.guests),
        calls=[CallShown(call.id, call.reason, call.guest) for call in sitting.calls],
        news=NewsShown(news.act, news.guest, text.pick(news.name), news.qty, news.v) if news else None,
    )


def _guest(guest: Guest, number: int, by_guest: dict[str, int], text: Text) -> GuestShown:
    name = guest.name or text("Guest %(number)s", number=number)
    return GuestShown(guest.id, name, guest.colour, by_guest.get(guest.id, 0))


def _line(
    line: Line, guests: dict[str, GuestShown], code: str, text: Text, closed: bool
) -> tuple[LineShown, LineBeside]:
    shown = LineShown(
        id=line.id,
        item=line.item,
        name=text.pick(line.name),
        qty=line.qty,
        modifiers=[choice.id for choice in line.modifiers],
        note=line.note,
        unit_price=line.unit_price,
        amount=amount(line),
        guest=line.guest,
        round=line.round,
        state=line.state.value,
    )
    beside = LineBeside(
        code=code,
        other_name=text.other(line.name),
        modifiers=[text.pick(choice.name) for choice in line.modifiers],
        owner=_without_amount(guests[line.guest]),
        changed_by=_without_amount(guests[line.changed_by])
        if line.state is State.CART and line.changed_by in guests and line.changed_by != line.guest
        else None,
        closed=closed,
    )
    return shown, beside


def _without_amount(guest: GuestShown) -> GuestShown:
    """A guest as other blocks show one: their share changes with every tap and is not shown there."""
    return GuestShown(guest.id, guest.name, guest.colour, 0)


def _rounds(sitting: Sitting, guests: dict[str, GuestShown]) -> tuple[list[RoundShown], list[str]]:
    """The headings, and the container's order: the newest round first, each followed by its lines."""
    shown: list[RoundShown] = []
    order: list[str] = []
    for placed in reversed(sitting.rounds):
        lines = [line for line in sitting.lines if line.round == placed.number]
        kept = [line for line in lines if line.state is not State.VOID]
        shown.append(
            RoundShown(
                number=placed.number,
                at=placed.at,
                guest=_without_amount(guests[placed.guest]),
                portions=sum(line.qty for line in kept),
                amount=sum(amount(line) for line in kept),
                state=min((line.state for line in kept), key=_SLOWEST.index, default=State.VOID).value,
            )
        )
        order += [f"round-{placed.number}", *(f"line-{line.id}" for line in lines)]
    return shown, order


_SLOWEST = (State.HELD, State.QUEUED, State.COOKING, State.READY, State.SERVED)


def _totals(sums: Totals) -> TotalsShown:
    return TotalsShown(
        cart_portions=sums.cart_portions,
        cart_amount=sums.cart_amount,
        placed_portions=sums.placed_portions,
        placed_amount=sums.placed_amount,
        amount=sums.amount,
    )


def _confirmed(in_cart: tuple[Line, ...], text: Text) -> list[tuple[str, int]]:
    """What will be sent: names and portions."""
    return [(text.pick(line.name), line.qty) for line in in_cart]


def _items(
    sitting: Sitting, menu: Menu, stock: Stock, guests: dict[str, GuestShown], code: str, text: Text
) -> list[Block]:
    portions: dict[str, int] = {}
    choosers: dict[str, list[GuestShown]] = {}
    for line in cart(sitting):
        portions[line.item] = portions.get(line.item, 0) + line.qty
        owner = _without_amount(guests[line.guest])
        if owner not in choosers.setdefault(line.item, []):
            choosers[line.item].append(owner)
    closed = bool(sitting.closed)
    return [
        _item(menu, place, stocks.left(stock, item.id), code, closed, text)
        if item.id not in portions
        else _chosen_item(
            menu, item, stocks.left(stock, item.id), code, closed, text, portions[item.id], choosers[item.id]
        )
        for place, item in enumerate(menu.items)
    ]


@lru_cache(maxsize=50_000)
def _item(menu: Menu, place: int, left: int | None, code: str, closed: bool, text: Text) -> Block:
    """An item that is in nobody's cart: most of them, the same in every view of a table."""
    return _chosen_item(menu, menu.items[place], left, code, closed, text, 0, [])


def _chosen_item(
    menu: Menu,
    item: Item,
    left: int | None,
    code: str,
    closed: bool,
    text: Text,
    portions: int,
    choosers: list[GuestShown],
) -> Block:
    beside = ItemBeside(code, item, text.pick(item.name), choosers, closed)
    return Block(f"item-{item.id}", "item", ItemShown(item.id, left == 0, left, portions), (beside, menu.shop))


class ChoiceCard(Struct, frozen=True):
    """A modifier on the sheet of an item."""

    id: str
    name: str
    extra: int


class GroupCard(Struct, frozen=True):
    """A modifier group on the sheet of an item."""

    id: str
    name: str
    min: int
    max: int
    choices: list[ChoiceCard]


class Card(Struct, frozen=True):
    """An item as the page's fixed part shows it; `tint` 1 to 6 colours the tile that stands in for a photo."""

    item: Item
    name: str
    other: str
    description: str
    unit: str
    tint: int
    tags: list[tuple[str, str]]
    groups: list[GroupCard]


class Section(Struct, frozen=True):
    """A category with its cards."""

    id: str
    name: str
    other: str
    cards: list[Card]


TINTS = 6


@lru_cache(maxsize=16)
def sections(menu: Menu, text: Text) -> list[Section]:
    """The menu's fixed part, category by category."""
    return [
        Section(
            category.id,
            text.pick(category.name),
            text.other(category.name),
            [_card(menu, item, text, place) for place, item in enumerate(menu.items) if item.category == category.id],
        )
        for category in menu.categories
    ]


def card(menu: Menu, item: Item, text: Text) -> Card:
    """One item's card."""
    return _card(menu, item, text, menu.items.index(item))


def _card(menu: Menu, item: Item, text: Text, place: int) -> Card:
    return Card(
        item=item,
        name=text.pick(item.name),
        other=text.other(item.name),
        description=text.pick(item.description),
        unit=text.pick(item.unit or {}),
        tint=place % TINTS + 1,
        tags=[(text.pick(menu.tag[tag].name), menu.tag[tag].kind) for tag in item.tags],
        groups=[
            GroupCard(
                group.id,
                text.pick(group.name),
                group.min,
                group.max,
                [ChoiceCard(each.id, text.pick(each.name), each.extra) for each in group.modifiers],
            )
            for group in (menu.group[id] for id in item.groups)
        ],
    )


def available(stock: Stock, item_id: str) -> ItemShown:
    """Whether the item can be had."""
    left = stocks.left(stock, item_id)
    return ItemShown(item_id, left == 0, left, 0)
