"""A sitting as its guests see it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from ordering import menu as menus
from ordering import near as nears
from ordering import stock as stocks
from ordering.bill import Bill, Share, amount, in_sight, owed, price, shares
from ordering.floor import Floor
from ordering.kitchen import Stage, stage
from ordering.load import Load
from ordering.menu import Alarm, Item, Menu, Shop, Terms
from ordering.near import Near
from ordering.payments import paid
from ordering.sitting import STILL_SERVED, Guest, Line, Round, Sitting, allergies, cart, eaters, placed
from ordering.state import TO_MAKE, State
from ordering.stock import Stock
from ordering.views.blocks import Block, Content, Pieces, View
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

_CART, _VOID, _HELD = State.CART, State.VOID, State.HELD  # looking a member up takes as long as all else of a line


class _Table(Struct, frozen=True):
    """What the blocks are made from. `guests` are those of the sitting as blocks show them, `avoided` what any of them
    must avoid, `shut` the items that are not served now, `over` those of them that can't be sent any more either.
    `people`: the blocks are for people's eyes; for programs there is less to make."""

    sitting: Sitting
    menu: Menu
    stock: Stock
    load: Load
    code: str
    now: int
    text: Text
    people: bool
    everyone: tuple[Guest, ...]
    guests: dict[str, Who]
    avoided: frozenset[str]
    shut: frozenset[str]
    over: frozenset[str]
    closed: bool
    shop: Shop


class _Row(NamedTuple):
    """A line with its block; `came` is the same line as it came last, which may be another object."""

    came: Line
    line: Line
    block: Block


class _Part(NamedTuple):
    """A guest and their share, with the block made from them."""

    guest: Guest
    who: Who
    share: Share | None
    block: Block


class _Dish(NamedTuple):
    """An item in the cart: portions, who has chosen it, and its block; `bare` is its block while nobody has."""

    portions: int
    choosers: list[Who]
    bare: Block
    block: Block


def content(
    sitting: Sitting,
    menu: Menu,
    stock: Stock,
    floor: Floor,
    load: Load,
    near: Near,
    now: int,
    text: Text,
    people: bool = True,
    before: View | None = None,
) -> Content:
    """Every block of the diner's page, for people's eyes or for programs; `now` in milliseconds since 1970.

    Of the view before, everything is taken over whose inputs are the same. Only what changes often is looked at one
    by one: lines, guests' parts and the dishes in the cart.
    """
    pieces = Pieces(before.pieces if before else None, (text, people))
    made, same = pieces.made, pieces.same
    table = floor.by_id.get(sitting.table)
    code, name = (table.code, table.name) if table else ("", "")
    shop, terms, closed = menu.shop, sitting.terms or menu.shop.terms, bool(sitting.closed)
    everyone, stock, load = same("everyone", sitting.guests), same("stock", stock), same("load", load)
    at = _Table(
        sitting,
        menu,
        stock,
        load,
        code,
        now,
        text,
        people,
        everyone,
        made("guests", (everyone,), lambda: _guests(everyone, text)),
        made("avoided", (everyone,), lambda: frozenset([tag for guest in everyone for tag in guest.allergies])),
        same("shut", _shut(menu, now // 60_000)),
        same("over", _shut(menu, now // 60_000) & _shut(menu, (now - STILL_SERVED) // 60_000)),
        closed,
        shop,
    )
    rows = _rows(at, pieces)
    lines = same("lines", tuple([row.line for row in rows.values()]))
    sent = same("sent", tuple([line for line in lines if line.state is not _CART]))
    in_cart = [row for row in rows.values() if row.line.state is _CART]

    due = made("due", (sent, sitting.off, terms), lambda: owed(sitting, terms))
    sharing = (everyone, sitting.split, sitting.people, sitting.off, terms)
    total, parts = made("sums", (lines, sharing), lambda: _sums(sitting, terms))
    bill_of = (due, sent, sharing, sitting.payments)
    bill = made("bill", bill_of, lambda: _bill(sitting, terms, due))
    claims = made("claims", (sent, sitting.split, code, closed, shop, at.guests), lambda: _claims(at))
    rounds_of = (sent, sitting.rounds, code, closed, shop, at.guests)
    rounds, rounds_order = pieces.made_for_now("rounds", rounds_of, now, lambda: _rounds(at))
    presence = pieces.made_for_now("presence", (near, everyone), now, lambda: _presence(sitting, near, now))
    shown = _sitting(sitting, name, text)
    totals = _totals(in_cart, due, total)
    blocks = [
        Block("load", "load", load_shown(Load() if closed else load)),
        Block("presence", "presence", presence, (at.guests, _categories(menu, text))),
        Block("totals", "totals", totals, (closed, shop)),
        Block("bill", "bill", bill, (at.guests, code, closed, bool(claims), shop)),
    ]
    if people:
        blocks += [
            Block("sitting", "sitting", replace(shown, news=None), (at.guests, code)),
            Block("news", "news", shown, (at.guests, code)),
            Block("confirm", "confirm", totals, (_confirmed(in_cart), code, closed, load.paused, shop)),
            *rounds,
            *claims,
        ]
    else:
        blocks.append(Block("sitting", "sitting", shown))
    blocks += _parts(at, parts, pieces)
    blocks += [row.block for row in rows.values()]
    bare, dishes = _dishes(at, in_cart, pieces)

    order = {
        "guests": [f"guest-{guest}" for guest in at.guests],
        "cart": [row.block.id for row in in_cart],
        "rounds": rounds_order,
        "claims": [block.id for block in claims] if people else [],
    }
    told_at = pieces.made_for_now("told at", (sent, shop.alarm), now, lambda: _told_at(sent, shop.alarm, now))
    return _content(blocks, bare, dishes, order, told_at, pieces, before)


def _content(
    blocks: list[Block],
    bare: dict[str, Block],
    dishes: dict[str, _Dish],
    order: dict[str, list[str]],
    until: int,
    pieces: Pieces,
    before: View | None,
) -> Content:
    """The whole, and what is fresh in it: all of the blocks are looked at, but of the dishes only those in the cart."""
    were, bare_before = pieces.before("dishes"), pieces.before("bare")
    pieces.end()
    if before is None or were is None:
        every = [*blocks, *bare.values(), *(dish.block for dish in dishes.values())]
        return Content({block.id: block for block in every}, order, until, pieces)
    had = before.made
    those = {*dishes, *were} if bare is bare_before else bare
    seen = [*blocks, *(dishes[item].block if item in dishes else bare[item] for item in those)]
    fresh = {block.id: block for block in seen if (old := had.get(block.id)) is not block and old != block}
    every_block = had | fresh
    if len(every_block) == len(blocks) + len(bare):
        return Content(every_block, order, until, pieces, fresh)
    gone = every_block.keys() - {block.id for block in blocks} - {block.id for block in bare.values()}
    for id in gone:
        del every_block[id]
    return Content(every_block, order, until, pieces, fresh, gone)


def _told_at(sent: Sequence[Line], alarm: Alarm, now: int) -> tuple[int, list[int]]:
    """When the guests are next asked to tell a waiter that no cook has looked at something (ms); 0: never."""
    moments = [line.sent + alarm.guest * 1000 for line in sent if line.state in TO_MAKE and line.sent and not line.seen]
    return min((at for at in moments if at > now), default=0), moments


def concerns(menu: Menu, sitting: Sitting, item: Item, text: Text) -> list[Concern]:
    """Whom at the table an item's allergens concern, by allergen: anybody may eat of it."""
    guests = _guests(sitting.guests, text)
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


def _presence(sitting: Sitting, near: Near, now: int) -> tuple[PresenceShown, list[int]]:
    signs = nears.here(near, now)
    joined = [guest.id for guest in sitting.guests if guest.id in signs]
    choosing = {guest: where for guest in joined if (where := nears.choosing(signs[guest], now))}
    ends = [moment for sign in near.signs.values() for moment in nears.ends(sign)]
    return PresenceShown(joined, choosing, len(signs) - len(joined)), ends


@lru_cache(maxsize=16)
def _categories(menu: Menu, text: Text) -> "_Names":
    return _Names({category.id: text.pick(category.name) for category in menu.categories})


class _Names(dict[str, str]):
    """Names by id; made once for each menu and language, so that comparing blocks finds it the same at once."""

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = None


def _guests(everyone: Sequence[Guest], text: Text) -> dict[str, Who]:
    return {guest.id: _who(guest, number, text) for number, guest in enumerate(everyone, 1)}


def _who(guest: Guest, number: int, text: Text) -> Who:
    return Who(guest.id, guest.name or text("Guest %(number)s", number=number), guest.colour)


def _sums(sitting: Sitting, terms: Terms) -> tuple[int, dict[str, Share]]:
    """What everything in sight comes to, and everyone's part of it."""
    total = in_sight(sitting, terms).total
    return total, {share.guest: share for share in shares(sitting, sitting.lines, terms, total)}


def _parts(at: _Table, parts: Mapping[str, Share], pieces: Pieces) -> list[Block]:
    """The guests with their parts."""
    were: Mapping[str, _Part] = pieces.before("parts") or {}
    found: dict[str, _Part] = {}
    for guest in at.everyone:
        who, share, known = at.guests[guest.id], parts.get(guest.id), were.get(guest.id)
        if known is None or known.share != share or known.guest != guest or known.who != who:
            amount, tip = (share.amount, share.tip) if share else (0, 0)
            shown = GuestShown(guest.id, who.name, guest.colour, list(guest.allergies), amount, tip)
            known = _Part(guest, who, share, Block(f"guest-{guest.id}", "guest", shown, (at.shop,)))
        found[guest.id] = known
    pieces.keep("parts", found)
    return [part.block for part in found.values()]


def _rows(at: _Table, pieces: Pieces) -> dict[str, _Row]:
    """The lines with their blocks. A line that is the same as before keeps its block as long as what else it is made
    from is the same; of a dish that is counted that may be any other line."""
    were: Mapping[str, _Row] = pieces.before("rows") or {}
    alike = pieces.alike("row of", (at.menu, at.stock, at.over, at.code, at.closed, at.everyone))
    counted = at.stock.left
    rows: dict[str, _Row] = {}
    for line in at.sitting.lines:
        known = were.get(line.id)
        if known is None:
            rows[line.id] = _Row(line, line, _line(line, at))
            continue
        came, kept, block = known
        if came is not line and kept != line:
            kept = line
        elif alike and line.item not in counted:
            rows[line.id] = known if came is line else _Row(line, kept, block)
            continue
        made = _line(kept, at)
        rows[line.id] = _Row(line, kept, block if block == made else made)
    pieces.keep("rows", rows)
    return rows


def _line(line: Line, at: _Table) -> Block:
    sitting, text = at.sitting, at.text
    in_cart = line.state is _CART
    problem, left, hours = _problem(line, at) if in_cart and not at.closed else ("", None, "")
    warned = () if not at.avoided else allergies(sitting, line)
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
        due=line.due if line.due and line.state in TO_MAKE else 0,
        allergens=list(line.allergens),
        allergies=list(warned if in_cart else line.allergies),
        claimed=list(line.claimed),
        problem=problem,
    )
    if not at.people:
        return Block(f"line-{line.id}", "line", shown)
    by_another = in_cart and line.changed_by in at.guests and line.changed_by != line.guest
    beside = LineBeside(
        code=at.code,
        other_name=text.other(line.name),
        modifiers=[text.pick(choice.name) for choice in line.modifiers],
        owner=at.guests[line.guest],
        changed_by=at.guests[line.changed_by] if by_another else None,
        concerns=_concerns(at.menu, line.allergens, eaters(sitting, line), at.guests, text) if at.avoided else [],
        left=left,
        hours=hours,
        closed=at.closed,
    )
    return Block(f"line-{line.id}", "line", shown, (beside, at.shop))


def _problem(line: Line, at: _Table) -> tuple[str, int | None, str]:
    """Why a line of the cart can't be sent now; how many of it there still are, and when it is served."""
    item = at.menu.item.get(line.item)
    left = stocks.left(at.stock, line.item)
    if item is None or left == 0:
        return "sold_out", 0, ""
    if line.item in at.over:
        return "not_served_now", left, at.text.hours(menus.hours(at.menu, item))
    wanted = sum(other.qty for other in cart(at.sitting) if other.item == line.item)
    return ("too_few_left", left, "") if left is not None and wanted > left else ("", left, "")


@lru_cache(maxsize=64)
def _shut(menu: Menu, minute: int) -> frozenset[str]:
    """The items that are not served in this minute (since 1970)."""
    return frozenset(item.id for item in menu.items if not menus.served(menu, item, minute * 60_000))


def _rounds(at: _Table) -> tuple[tuple[list[Block], list[str]], list[int]]:
    """The headings, and the container's order: the newest round first, each followed by its lines. And when time alone
    may change a heading."""
    shown: list[Block] = []
    order: list[str] = []
    moments: list[int] = []
    of: dict[int, list[Line]] = {}
    for line in at.sitting.lines:
        of.setdefault(line.round, []).append(line)
    for each in reversed(at.sitting.rounds):
        lines = of.get(each.number, [])
        order += [f"round-{each.number}"] if at.people else []
        order += [f"line-{line.id}" for line in lines]
        if at.people:
            heading = _round(each, lines, at)
            alarm = at.shop.alarm.guest * 1000
            moments += [heading.due + 1, *(line.sent + alarm for line in lines if line.sent and not line.seen)]
            shown.append(Block(f"round-{each.number}", "round", heading, (at.code, at.closed, at.shop)))
    return (shown, order), moments


def _round(each: Round, lines: Sequence[Line], at: _Table) -> RoundShown:
    kept = [line for line in lines if line.state is not _VOID]
    making = [line for line in kept if line.state in TO_MAKE]
    due = max((line.due for line in making), default=0)
    unseen = min((line.sent for line in making if line.sent and not line.seen), default=0)
    return RoundShown(
        number=each.number,
        at=each.at,
        guest=at.guests[each.guest],
        portions=sum(line.qty for line in kept),
        amount=sum(amount(line) for line in kept),
        state=min((line.state for line in kept), key=_SLOWEST.index, default=_VOID).value,
        held=sum(line.state is _HELD for line in kept),
        due=due,
        late=0 < due < at.now,
        unseen=stage(unseen, at.shop.alarm, at.now) is Stage.GUEST,
    )


_SLOWEST = (State.ASKED, State.QUEUED, State.COOKING, State.READY, State.HELD, State.SERVED)


def _totals(in_cart: Sequence[_Row], due: Bill, total: int) -> TotalsShown:
    return TotalsShown(
        cart_portions=sum([row.line.qty for row in in_cart]),
        cart_amount=sum([price(row.line) for row in in_cart]),
        placed_portions=due.portions,
        placed_amount=due.lines,
        amount=total,
    )


def _bill(sitting: Sitting, terms: Terms, due: Bill) -> BillShown:
    return BillShown(
        portions=due.portions,
        lines=due.lines,
        off=due.off,
        service=due.service,
        taxes=[TaxShown(tax.rate, tax.base, tax.amount) for tax in due.taxes],
        tax_included=terms.tax_included,
        total=due.total,
        paid=paid(sitting),
        split=sitting.split,
        people=sitting.people or max(1, len(sitting.guests)),
        shares=[
            ShareShown(share.guest, share.amount, share.tip)
            for share in shares(sitting, placed(sitting), terms, due.total)
        ],
    )


def _claims(at: _Table) -> list[Block]:
    """What can be claimed, while the bill is shared by lines; what nobody has claimed yet first."""
    if at.sitting.split != "lines" or at.closed:
        return []
    lines = [line for line in placed(at.sitting) if line.state is not _VOID]
    return [
        Block(
            f"claim-{line.id}",
            "claim",
            ClaimShown(
                line.id,
                at.text.pick(line.name),
                line.qty,
                amount(line),
                [at.guests[guest] for guest in line.claimed if guest in at.guests],
            ),
            (at.code, at.shop),
        )
        for line in lines
    ]


def _confirmed(in_cart: Sequence[_Row]) -> list[Any]:
    """What will be sent: the lines of the cart, as people see them."""
    return [(row.block.shown, row.block.beside[0]) for row in in_cart]


def _dishes(at: _Table, in_cart: Sequence[_Row], pieces: Pieces) -> tuple[dict[str, Block], dict[str, _Dish]]:
    """The dishes by their ids: all of them as they are while nobody has chosen them, and those in the cart."""
    of = (at.menu, at.stock, at.load.slow_hidden, at.shut, at.code, at.closed, at.everyone)
    bare = pieces.made("bare", of, lambda: _bare(at, pieces.before("bare") or {}))
    portions: dict[str, int] = {}
    choosers: dict[str, list[Who]] = {}
    for row in in_cart:
        line = row.line
        if line.item not in portions:
            portions[line.item], choosers[line.item] = line.qty, [at.guests[line.guest]]
            continue
        portions[line.item] += line.qty
        owner = at.guests[line.guest]
        if owner not in choosers[line.item]:
            choosers[line.item].append(owner)
    were: Mapping[str, _Dish] = pieces.before("dishes") or {}
    dishes: dict[str, _Dish] = {}
    for item, number in portions.items():
        if item not in bare:
            continue
        known, whose = were.get(item), choosers[item]
        if known is None or known[:2] != (number, whose) or known.bare is not bare[item]:
            known = _Dish(number, whose, bare[item], _dish(bare[item], number, whose, at))
        dishes[item] = known
    pieces.keep("dishes", dishes)
    return bare, dishes


def _dish(bare: Block, portions: int, choosers: list[Who], at: _Table) -> Block:
    """The block of a dish with so many portions in the cart."""
    shown = replace(bare.shown, in_cart=portions)
    if not at.people:
        return Block(bare.id, bare.kind, shown)
    return Block(bare.id, bare.kind, shown, (replace(bare.beside[0], choosers=choosers), at.shop))


def _bare(at: _Table, before: Mapping[str, Block]) -> dict[str, Block]:
    """Every dish as it is while nobody has chosen it."""
    found: dict[tuple[str, ...], list[Concern]] = {}  # most dishes share a few sets of allergens
    blocks = {}
    for place, item in enumerate(at.menu.items):
        left = stocks.left(at.stock, item.id)
        served = item.id not in at.shut
        full = item.slow and at.load.slow_hidden
        block = _item(at.menu, place, left, served, full, at.code, at.closed, at.text)
        if at.people and not at.avoided.isdisjoint(item.tags):
            if item.tags not in found:
                allergens = menus.allergens(at.menu, item)
                found[item.tags] = _concerns(at.menu, allergens, at.everyone, at.guests, at.text)
            if found[item.tags]:
                beside = replace(block.beside[0], concerns=found[item.tags])
                block = Block(block.id, block.kind, block.shown, (beside, at.shop))
                if before.get(item.id) == block:
                    block = before[item.id]
        blocks[item.id] = block
    return blocks


@lru_cache(maxsize=50_000)
def _item(
    menu: Menu, place: int, left: int | None, served: bool, full: bool, code: str, closed: bool, text: Text
) -> Block:
    """An item that is in nobody's cart and concerns nobody: most of them, the same in every view of a table."""
    item = menu.items[place]
    hours = "" if served else text.hours(menus.hours(menu, item))
    beside = ItemBeside(code, item, text.pick(item.name), hours, [], [], closed)
    shown = ItemShown(item.id, left == 0, served, full, left, 0)
    return Block(f"item-{item.id}", "item", shown, (beside, menu.shop), recurs=True)


def available(menu: Menu, stock: Stock, load: Load, item: Item, now: int) -> ItemShown:
    """Whether the item can be had."""
    left = stocks.left(stock, item.id)
    return ItemShown(item.id, left == 0, menus.served(menu, item, now), item.slow and load.slow_hidden, left, 0)
