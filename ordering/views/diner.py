"""A sitting as its guests see it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec import Struct, field

from ordering import menu as menus
from ordering import near as nears
from ordering import stock as stocks
from ordering.bill import Bill, Share, amount, in_sight, owed, shares, to_send
from ordering.floor import Floor
from ordering.kitchen import Stage, stage
from ordering.load import Load
from ordering.menu import Alarm, Item, Menu, Terms
from ordering.near import Near
from ordering.payments import paid
from ordering.sitting import STILL_SERVED, Guest, Line, Sitting, allergies, cart, eaters, placed
from ordering.state import TO_MAKE, State
from ordering.stock import Stock
from ordering.views.blocks import Block, Content
from ordering.views.kitchen import load_shown
from ordering.views.text import Text


class CallShown(Struct, frozen=True):
    """A call that the staff have not answered yet; `seen_by` is the name of whoever is on the way."""

    id: str
    reason: str = field(name="for")
    guest: str
    seen_by: str


class NewsShown(Struct, frozen=True):
    """The last thing a guest did; `name` is the dish it was done to, `qty` how many, `line` which line."""

    act: str
    guest: str
    name: str
    qty: int
    v: int
    line: str


class SittingShown(Struct, frozen=True):
    """`state` is free, open or closed; `table` the table's name. `gone`: the party has joined another one; `left`:
    guests (ids) who have gone to another table. Whoever opens the page again is led there."""

    id: str
    state: str
    table: str
    guests: int
    calls: list[CallShown]
    news: NewsShown | None
    gone: bool = False
    left: list[str] = []


class PresenceShown(Struct, frozen=True):
    """Who is at the page right now (ids of guests), at which category those stand who are choosing, and how many
    look on who have not ordered anything yet."""

    here: list[str]
    choosing: dict[str, str]
    others: int


class GuestShown(Struct, frozen=True):
    """A guest, what they must avoid (tag ids), and their part of everything in sight, with the tip (minor units)."""

    id: str
    name: str
    colour: int
    allergies: list[str]
    amount: int
    tip: int


class Who(Struct, frozen=True):
    """A guest as the blocks of other things show one."""

    id: str
    name: str
    colour: int


class LineShown(Struct, frozen=True):
    """A line of the cart (`round` 0) or of a round; money in minor units, modifiers, allergens and allergies by id.

    `problem` is the word with which it would be refused now, "" when it can be sent. `due` is when it is likely to
    be ready (ms), 0 when nobody can tell.
    """

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
    shared: bool
    hold: bool
    due: int
    allergens: list[str]
    allergies: list[str]
    claimed: list[str]
    problem: str


class Concern(Struct, frozen=True):
    """An allergen that some of those at the table must avoid."""

    name: str
    guests: list[Who]


class LineBeside(Struct, frozen=True):
    """What people see of a line besides: its owner, who changed it last if that was another, the other name."""

    code: str
    other_name: str
    modifiers: list[str]
    owner: Who
    changed_by: Who | None
    concerns: list[Concern]
    left: int | None
    hours: str
    closed: bool


class RoundShown(Struct, frozen=True):
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


class TotalsShown(Struct, frozen=True):
    """Portions and minor units of the cart, of what was placed, and of both with service charge and tax."""

    cart_portions: int
    cart_amount: int
    placed_portions: int
    placed_amount: int
    amount: int


class TaxShown(Struct, frozen=True):
    """A tax: its rate in hundredths of a per cent, on which sum, and how much."""

    rate: int
    base: int
    amount: int


class ShareShown(Struct, frozen=True):
    """What a guest pays of the bill; the share of guest "" is nobody's yet."""

    guest: str
    amount: int
    tip: int


class BillShown(Struct, frozen=True):
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


class ClaimShown(Struct, frozen=True):
    """A placed line to be claimed, and who has."""

    id: str
    name: str
    qty: int
    amount: int
    claimed: list[Who]


class ItemShown(Struct, frozen=True):
    """What changes on the menu: whether the item is sold out, whether it is served at this hour, whether the kitchen is
    too `full` for it, how many are left (null: nobody counts), how many portions the shared cart holds."""

    id: str
    sold_out: bool
    served: bool
    full: bool
    left: int | None
    in_cart: int


class ItemBeside(Struct, frozen=True):
    """What people see of an item besides: who has it in the cart, whom its allergens concern, and how its button
    works."""

    code: str
    item: Item
    name: str
    hours: str
    choosers: list[Who]
    concerns: list[Concern]
    closed: bool


JSON_KINDS = frozenset({"sitting", "load", "presence", "totals", "guest", "line", "item", "bill"})


class _Table(Struct, frozen=True):
    """What the blocks are made from."""

    sitting: Sitting
    menu: Menu
    stock: Stock
    load: Load
    code: str
    now: int
    text: Text
    guests: dict[str, Who]
    terms: Terms

    @property
    def closed(self) -> bool:
        return bool(self.sitting.closed)


def content(
    sitting: Sitting, menu: Menu, stock: Stock, floor: Floor, load: Load, near: Near, now: int, text: Text
) -> Content:
    """Every block of the diner's page; `now` in milliseconds since 1970."""
    table = floor.by_id.get(sitting.table)
    at = _Table(
        sitting,
        menu,
        stock,
        load,
        table.code if table else "",
        now,
        text,
        {guest.id: _who(guest, number, text) for number, guest in enumerate(sitting.guests, 1)},
        sitting.terms or menu.shop.terms,
    )
    shop = menu.shop
    sums = in_sight(sitting, at.terms)
    parts = {share.guest: share for share in shares(sitting, sitting.lines, at.terms)}
    shown = _sitting(sitting, table.name if table else "", text)
    totals = _totals(sitting, at.terms, sums)
    lines = [_line(line, at) for line in sitting.lines]
    rounds, rounds_order = _rounds(at)
    in_cart = cart(sitting)
    claims = _claims(at)
    blocks = [
        Block("sitting", "sitting", shown, (at.guests, at.code)),
        Block("load", "load", load_shown(Load() if at.closed else load)),
        Block("presence", "presence", _presence(sitting, near, now), (at.guests, _categories(menu, text))),
        Block("news", "news", shown, (at.guests, at.code)),
        Block("totals", "totals", totals, (at.closed, shop)),
        Block("confirm", "confirm", totals, (_confirmed(lines), at.code, at.closed, load.paused, shop)),
        Block("bill", "bill", _bill(at, owed(sitting, at.terms)), (at.guests, at.code, at.closed, bool(claims), shop)),
        *(Block(f"guest-{guest.id}", "guest", _guest(guest, at, parts), (shop,)) for guest in sitting.guests),
        *(Block(f"line-{line.id}", "line", line, (beside, shop)) for line, beside in lines),
        *(Block(f"round-{each.number}", "round", each, (at.code, at.closed, shop)) for each in rounds),
        *(Block(f"claim-{each.id}", "claim", each, (at.code, shop)) for each in claims),
        *_items(at),
    ]
    order = {
        "guests": [f"guest-{guest}" for guest in at.guests],
        "cart": [f"line-{line.id}" for line in in_cart],
        "rounds": rounds_order,
        "claims": [f"claim-{each.id}" for each in claims],
    }
    return Content(blocks, order, _told_at(sitting, menu.shop.alarm, now))


def _told_at(sitting: Sitting, alarm: Alarm, now: int) -> int:
    """When the guests are next asked to tell a waiter that no cook has looked at something (ms); 0: never."""
    unseen = (line.sent for line in sitting.lines if line.state in TO_MAKE and line.sent and not line.seen)
    return min((at for sent in unseen if (at := sent + alarm.guest * 1000) > now), default=0)


def concerns(menu: Menu, sitting: Sitting, item: Item, text: Text) -> list[Concern]:
    """Whom at the table an item's allergens concern, by allergen: anybody may eat of it."""
    guests = {guest.id: _who(guest, number, text) for number, guest in enumerate(sitting.guests, 1)}
    return _concerns(menu, menus.allergens(menu, item), sitting.guests, guests, text)


def _concerns(
    menu: Menu, allergens: Sequence[str], eating: Sequence[Guest], guests: Mapping[str, Who], text: Text
) -> list[Concern]:
    found = []
    for tag in allergens:
        concerned = [guests[guest.id] for guest in eating if tag in guest.allergies]
        if concerned:
            found.append(Concern(text.pick(menu.tag[tag].name) if tag in menu.tag else tag, concerned))
    return found


def _sitting(sitting: Sitting, table: str, text: Text) -> SittingShown:
    news = sitting.news
    return SittingShown(
        id=sitting.id,
        state="closed" if sitting.closed else "open" if sitting.opened else "free",
        table=table,
        guests=len(sitting.guests),
        calls=[CallShown(call.id, call.reason, call.guest, call.seen_by) for call in sitting.calls],
        gone=bool(sitting.into),
        left=list(sitting.left),
        news=NewsShown(news.act, news.guest, text.pick(news.name), news.qty, news.v, news.line) if news else None,
    )


def _presence(sitting: Sitting, near: Near, now: int) -> PresenceShown:
    signs = nears.here(near, now)
    joined = [guest.id for guest in sitting.guests if guest.id in signs]
    choosing = {guest: where for guest in joined if (where := nears.choosing(signs[guest], now))}
    return PresenceShown(joined, choosing, len(signs) - len(joined))


@lru_cache(maxsize=16)
def _categories(menu: Menu, text: Text) -> "_Names":
    return _Names({category.id: text.pick(category.name) for category in menu.categories})


class _Names(dict[str, str]):
    """Names by id; made once for each menu and language, so that comparing blocks finds it the same at once."""

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = None


def _who(guest: Guest, number: int, text: Text) -> Who:
    return Who(guest.id, guest.name or text("Guest %(number)s", number=number), guest.colour)


def _guest(guest: Guest, at: _Table, parts: Mapping[str, Share]) -> GuestShown:
    part = parts.get(guest.id, Share(guest.id, 0, 0))
    name = at.guests[guest.id].name
    return GuestShown(guest.id, name, guest.colour, list(guest.allergies), part.amount, part.tip)


def _line(line: Line, at: _Table) -> tuple[LineShown, LineBeside]:
    sitting, text = at.sitting, at.text
    in_cart = line.state is State.CART
    problem, left, hours = _problem(line, at) if in_cart and not at.closed else ("", None, "")
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
        shared=line.shared,
        hold=line.hold,
        due=line.due if line.state in TO_MAKE else 0,
        allergens=list(line.allergens),
        allergies=list(allergies(sitting, line) if in_cart else line.allergies),
        claimed=list(line.claimed),
        problem=problem,
    )
    by_another = in_cart and line.changed_by in at.guests and line.changed_by != line.guest
    beside = LineBeside(
        code=at.code,
        other_name=text.other(line.name),
        modifiers=[text.pick(choice.name) for choice in line.modifiers],
        owner=at.guests[line.guest],
        changed_by=at.guests[line.changed_by] if by_another else None,
        concerns=_concerns(at.menu, line.allergens, eaters(sitting, line), at.guests, text),
        left=left,
        hours=hours,
        closed=at.closed,
    )
    return shown, beside


def _problem(line: Line, at: _Table) -> tuple[str, int | None, str]:
    """Why a line of the cart can't be sent now; how many of it there still are, and when it is served."""
    item = at.menu.item.get(line.item)
    left = stocks.left(at.stock, line.item)
    if item is None or left == 0:
        return "sold_out", 0, ""
    if not (menus.served(at.menu, item, at.now) or menus.served(at.menu, item, at.now - STILL_SERVED)):
        return "not_served_now", left, at.text.hours(menus.hours(at.menu, item))
    wanted = sum(other.qty for other in cart(at.sitting) if other.item == line.item)
    return ("too_few_left", left, "") if left is not None and wanted > left else ("", left, "")


def _rounds(at: _Table) -> tuple[list[RoundShown], list[str]]:
    """The headings, and the container's order: the newest round first, each followed by its lines."""
    shown: list[RoundShown] = []
    order: list[str] = []
    for each in reversed(at.sitting.rounds):
        lines = [line for line in at.sitting.lines if line.round == each.number]
        kept = [line for line in lines if line.state is not State.VOID]
        making = [line for line in kept if line.state in TO_MAKE]
        due = max((line.due for line in making), default=0)
        unseen = min((line.sent for line in making if line.sent and not line.seen), default=0)
        shown.append(
            RoundShown(
                number=each.number,
                at=each.at,
                guest=at.guests[each.guest],
                portions=sum(line.qty for line in kept),
                amount=sum(amount(line) for line in kept),
                state=min((line.state for line in kept), key=_SLOWEST.index, default=State.VOID).value,
                held=sum(line.state is State.HELD for line in kept),
                due=due,
                late=0 < due < at.now,
                unseen=stage(unseen, at.menu.shop.alarm, at.now) is Stage.GUEST,
            )
        )
        order += [f"round-{each.number}", *(f"line-{line.id}" for line in lines)]
    return shown, order


_SLOWEST = (State.ASKED, State.QUEUED, State.COOKING, State.READY, State.HELD, State.SERVED)


def _totals(sitting: Sitting, terms: Terms, sums: Bill) -> TotalsShown:
    sending, sent = to_send(sitting, terms), owed(sitting, terms)
    return TotalsShown(
        cart_portions=sending.portions,
        cart_amount=sending.lines,
        placed_portions=sent.portions,
        placed_amount=sent.lines,
        amount=sums.total,
    )


def _bill(at: _Table, sums: Bill) -> BillShown:
    sitting = at.sitting
    return BillShown(
        portions=sums.portions,
        lines=sums.lines,
        off=sums.off,
        service=sums.service,
        taxes=[TaxShown(tax.rate, tax.base, tax.amount) for tax in sums.taxes],
        tax_included=at.terms.tax_included,
        total=sums.total,
        paid=paid(sitting),
        split=sitting.split,
        people=sitting.people or max(1, len(sitting.guests)),
        shares=[
            ShareShown(share.guest, share.amount, share.tip) for share in shares(sitting, placed(sitting), at.terms)
        ],
    )


def _claims(at: _Table) -> list[ClaimShown]:
    """What can be claimed, while the bill is shared by lines; what nobody has claimed yet first."""
    if at.sitting.split != "lines" or at.closed:
        return []
    lines = [line for line in placed(at.sitting) if line.state is not State.VOID]
    return [
        ClaimShown(
            line.id,
            at.text.pick(line.name),
            line.qty,
            amount(line),
            [at.guests[guest] for guest in line.claimed if guest in at.guests],
        )
        for line in lines
    ]


def _confirmed(lines: Sequence[tuple[LineShown, LineBeside]]) -> list[Any]:
    """What will be sent: the lines of the cart, as people see them."""
    return [each for each in lines if each[0].state == State.CART.value]


def _items(at: _Table) -> list[Block]:
    portions: dict[str, int] = {}
    choosers: dict[str, list[Who]] = {}
    for line in cart(at.sitting):
        portions[line.item] = portions.get(line.item, 0) + line.qty
        owner = at.guests[line.guest]
        if owner not in choosers.setdefault(line.item, []):
            choosers[line.item].append(owner)
    avoided = {tag for guest in at.sitting.guests for tag in guest.allergies}
    found: dict[tuple[str, ...], list[Concern]] = {}  # most dishes share a few sets of allergens
    blocks = []
    for place, item in enumerate(at.menu.items):
        left = stocks.left(at.stock, item.id)
        served = menus.served(at.menu, item, at.now)
        full = item.slow and at.load.slow_hidden
        concerned: list[Concern] = []
        if not avoided.isdisjoint(item.tags):
            if item.tags not in found:
                allergens = menus.allergens(at.menu, item)
                found[item.tags] = _concerns(at.menu, allergens, at.sitting.guests, at.guests, at.text)
            concerned = found[item.tags]
        if item.id not in portions and not concerned:
            blocks.append(_item(at.menu, place, left, served, full, at.code, at.closed, at.text))
            continue
        blocks.append(
            _chosen_item(
                at.menu,
                item,
                left,
                served,
                full,
                at.code,
                at.closed,
                at.text,
                portions.get(item.id, 0),
                choosers.get(item.id, []),
                concerned,
            )
        )
    return blocks


@lru_cache(maxsize=50_000)
def _item(
    menu: Menu, place: int, left: int | None, served: bool, full: bool, code: str, closed: bool, text: Text
) -> Block:
    """An item that is in nobody's cart and concerns nobody: most of them, the same in every view of a table."""
    item = menu.items[place]
    return _chosen_item(menu, item, left, served, full, code, closed, text, 0, [], [])._replace(recurs=True)


def _chosen_item(
    menu: Menu,
    item: Item,
    left: int | None,
    served: bool,
    full: bool,
    code: str,
    closed: bool,
    text: Text,
    portions: int,
    choosers: list[Who],
    concerned: list[Concern],
) -> Block:
    hours = "" if served else text.hours(menus.hours(menu, item))
    beside = ItemBeside(code, item, text.pick(item.name), hours, choosers, concerned, closed)
    shown = ItemShown(item.id, left == 0, served, full, left, portions)
    return Block(f"item-{item.id}", "item", shown, (beside, menu.shop))


def available(menu: Menu, stock: Stock, load: Load, item: Item, now: int) -> ItemShown:
    """Whether the item can be had."""
    left = stocks.left(stock, item.id)
    return ItemShown(item.id, left == 0, menus.served(menu, item, now), item.slow and load.slow_hidden, left, 0)
