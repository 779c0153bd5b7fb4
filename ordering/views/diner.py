"""A sitting as its guests see it."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from ordering import menu as menus
from ordering import near as nears
from ordering import stock as stocks
from ordering.bill import Bill, Tally, amount, comes_to, in_sight, owed, parts, shared, tally, tip_on
from ordering.floor import Floor
from ordering.kitchen import Stage, stage
from ordering.load import Load
from ordering.menu import Item, Menu, Shop, Terms
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


class Who(Struct, frozen=True, dict=True):
    """A guest as the blocks of other things show one. (`dict=True`: what is rendered of it is kept with it.)"""

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


class LineBeside(Struct, frozen=True, dict=True):
    """What people see of a line besides: its owner, who changed it last if that was another, the other name.
    (`dict=True`: what is rendered of the line for the confirmation is kept with it.)"""

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


class _House(Struct, frozen=True, eq=False):
    """What the blocks are made from and seldom changes.

    `people`: they are for people's eyes; for programs there is less to make. `shut` are the items that are not served
    now, `over` those of them that can't be sent any more either. `name` and `code` are the table's, `guests` its guests
    as blocks show them, `avoided` what any of them must avoid; `party` is all of this that what was sent depends on.
    `level` is the block of the kitchen's load, `bare` those of the dishes by item, as they are while nobody has chosen
    them."""

    text: Text
    people: bool
    menu: Menu
    stock: Stock
    load: Load
    shut: frozenset[str]
    over: frozenset[str]
    code: str
    name: str
    closed: bool
    terms: Terms
    everyone: tuple[Guest, ...]
    guests: dict[str, Who]
    avoided: frozenset[str]
    party: tuple[Any, ...]
    level: Block
    bare: dict[str, Block]

    @property
    def shop(self) -> Shop:
        return self.menu.shop


class _Sent(Struct, frozen=True):
    """What is made of the lines that were placed; `told_at` is when the guests are next asked to tell a waiter that no
    cook has looked at something (ms; 0: never)."""

    lines: Tally
    due: Bill
    bill: Block
    rounds: list[Block]
    order: list[str]
    claims: list[Block]
    told_at: int


class _Sums(NamedTuple):
    """What everything in sight comes to, and everyone's part of it, without the tip."""

    totals: TotalsShown
    parts: dict[str, int]


class _Row(NamedTuple):
    """A line with its block; `came` is the same line as it came last, which may be another object."""

    came: Line
    line: Line
    block: Block


class _Part(NamedTuple):
    """What is a guest's to pay, with the block made from it."""

    amount: int
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
    table = floor.by_id.get(sitting.table)
    place = (table.code, table.name) if table else ("", "")
    hours = _hours(menu, now // 60_000)
    house_of = (menu, stock, load, hours, place, sitting.closed, sitting.terms, sitting.guests)
    house = pieces.made("house", house_of, lambda: _house(house_of, text, people, pieces))
    fresh: list[Block] = []
    rows = _rows(sitting, house, pieces, fresh)
    lines = pieces.same("lines", [row.line for row in rows.values()])
    in_cart = [row for row in rows.values() if row.line.state is _CART]
    sharing = (house.party, sitting.split, sitting.people, sitting.off)
    sent_of = ([line for line in lines if line.state is not _CART], sharing, sitting.rounds, sitting.payments)
    sent = pieces.made_for_now("sent", sent_of, now, lambda: _sent(sitting, house, now))
    sums = pieces.made("sums", (lines, sharing), lambda: _sums(sitting, house.terms, sent.lines, in_cart))
    _parts(house, sums.parts, pieces, fresh)
    _dishes(house, in_cart, pieces, fresh)
    presence = pieces.made_for_now("presence", (near, house.everyone), now, lambda: _presence(sitting, near, now))
    shown, totals = _sitting(sitting, house), sums.totals
    others = [
        Block("presence", "presence", presence, (house.guests, _categories(menu, text))),
        Block("totals", "totals", totals, (house.closed, menu.shop)),
        house.level,
        sent.bill,
    ]
    if people:
        confirmed = (_confirmed(in_cart), house.code, house.closed, load.paused, menu.shop)
        others += [
            Block("sitting", "sitting", replace(shown, news=None), (house.guests, house.code)),
            Block("news", "news", shown, (house.guests, house.code)),
            Block("confirm", "confirm", totals, confirmed),
            *sent.rounds,
            *sent.claims,
        ]
    else:
        others.append(Block("sitting", "sitting", shown))
    order = {
        "guests": [f"guest-{guest}" for guest in house.guests],
        "cart": [row.block.id for row in in_cart],
        "rounds": sent.order,
        "claims": [block.id for block in sent.claims],
    }
    had = before.made if before and pieces.follows else None
    pieces.end()
    fresh += others
    if had is None:
        return Content({block.id: block for block in fresh}, order, sent.told_at, pieces)
    new = {block.id: block for block in fresh if (old := had.get(block.id)) is not block and old != block}
    whole, gone = had | new, set[str]()
    if len(whole) != len(others) + len(rows) + len(house.guests) + len(house.bare):
        present = {block.id for block in [*others, *house.bare.values(), *(row.block for row in rows.values())]}
        gone = whole.keys() - present - set(order["guests"])
        whole = {id: block for id, block in whole.items() if id not in gone}
    return Content(whole, order, sent.told_at, pieces, new, gone)


def _house(of: tuple[Any, ...], text: Text, people: bool, pieces: Pieces) -> _House:
    menu, stock, load, (shut, over), (code, name), closed, terms, everyone = of
    closed, terms = bool(closed), terms or menu.shop.terms
    guests = pieces.same("guests", _guests(everyone, text))
    party = pieces.same("party", (menu.shop, code, closed, terms, everyone, guests))
    level = pieces.same("level", Block("load", "load", load_shown(Load() if closed else load)))
    avoided = frozenset(tag for guest in everyone for tag in guest.allergies)
    house = _House(
        text,
        people,
        menu,
        stock,
        load,
        shut,
        over,
        code,
        name,
        closed,
        terms,
        everyone,
        guests,
        avoided,
        party,
        level,
        {},
    )
    return replace(house, bare=_bare(house, pieces.before("house")))


def _touched(before: Stock, after: Stock) -> set[str]:
    """The items that may be to be had in another way."""
    return {*before.sold_out, *before.left, *after.sold_out, *after.left} if before != after else set()


def _sent(sitting: Sitting, house: _House, now: int) -> tuple[_Sent, list[int]]:
    """And when time alone may change it."""
    sent = placed(sitting)
    lines, due = tally(sitting, sent), owed(sitting, house.terms)
    claims = _claims(sitting, house)
    beside = (house.guests, house.code, house.closed, bool(claims), house.shop)
    bill = Block("bill", "bill", _bill(sitting, house.terms, due, lines), beside)
    rounds, order = _rounds(sitting, house, now)
    alarm = house.shop.alarm.guest * 1000
    alarms = [line.sent + alarm for line in sent if line.state in TO_MAKE and line.sent and not line.seen]
    told_at = min((at for at in alarms if at > now), default=0)
    if not house.people:
        return _Sent(lines, due, bill._replace(beside=()), [], order, [], told_at), alarms
    moments = [*alarms, *(line.due + 1 for line in sent)]
    return _Sent(lines, due, bill, rounds, order, claims, told_at), moments


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


def _sitting(sitting: Sitting, house: _House) -> SittingShown:
    news = sitting.news
    return SittingShown(
        id=sitting.id,
        state="closed" if sitting.closed else "open" if sitting.opened else "free",
        table=house.name,
        guests=len(sitting.guests),
        calls=[CallShown(call.id, call.reason, call.guest, call.seen_by) for call in sitting.calls],
        gone=bool(sitting.into),
        left=list(sitting.left),
        news=NewsShown(news.act, news.guest, house.text.pick(news.name), news.qty, news.v, news.line) if news else None,
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


def _sums(sitting: Sitting, terms: Terms, sent: Tally, in_cart: Sequence[_Row]) -> _Sums:
    seen = tally(sitting, [row.line for row in in_cart], sent)
    total = in_sight(sitting, terms).total if sitting.off else comes_to(seen, terms)
    totals = TotalsShown(
        cart_portions=seen.portions - sent.portions,
        cart_amount=seen.prices - sent.prices,
        placed_portions=sent.portions,
        placed_amount=sent.prices,
        amount=total,
    )
    return _Sums(totals, parts(sitting, seen, total))


def _parts(house: _House, amounts: Mapping[str, int], pieces: Pieces, fresh: list[Block]) -> None:
    """The guests with their parts."""
    were: Mapping[str, _Part] = pieces.before("parts") or {}
    if were and pieces.before("house").party is not house.party:
        were = {}
    found: dict[str, _Part] = {}
    for guest in house.everyone:
        amount, part = amounts[guest.id], were.get(guest.id)
        if part is None or part.amount != amount:
            name, avoids = house.guests[guest.id].name, list(guest.allergies)
            shown = GuestShown(guest.id, name, guest.colour, avoids, amount, tip_on(amount, guest.tip))
            part = _Part(amount, Block(f"guest-{guest.id}", "guest", shown, (house.shop,)))
            fresh.append(part.block)
        found[guest.id] = part
    pieces.keep("parts", found)


def _rows(sitting: Sitting, house: _House, pieces: Pieces, fresh: list[Block]) -> dict[str, _Row]:
    """The lines with their blocks. A line that is the same as before keeps its block as long as what else it is made
    from is the same; of a dish that is counted that may be any other line."""
    were: Mapping[str, _Row] = pieces.before("rows") or {}
    was: _House | None = pieces.before("house")
    alike, open_ended = False, set(house.stock.left)
    if was is not None:
        alike = was.menu is house.menu and was.over == house.over and was.party == house.party
        open_ended |= _touched(was.stock, house.stock)
    rows: dict[str, _Row] = {}
    for line in sitting.lines:
        known = were.get(line.id)
        if known is None:
            rows[line.id] = _Row(line, line, _line(line, sitting, house))
            fresh.append(rows[line.id].block)
            continue
        came, kept, block = known
        if came is not line and kept != line:
            kept = line
        elif alike and line.item not in open_ended:
            rows[line.id] = known if came is line else _Row(line, kept, block)
            continue
        made = _line(kept, sitting, house)
        if made != block:
            fresh.append(block := made)
        rows[line.id] = _Row(line, kept, block)
    pieces.keep("rows", rows)
    return rows


def _line(line: Line, sitting: Sitting, house: _House) -> Block:
    text = house.text
    in_cart = line.state is _CART
    problem, left, hours = _problem(line, sitting, house) if in_cart and not house.closed else ("", None, "")
    warned = () if not house.avoided else allergies(sitting, line)
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
    if not house.people:
        return Block(f"line-{line.id}", "line", shown)
    by_another = in_cart and line.changed_by in house.guests and line.changed_by != line.guest
    beside = LineBeside(
        code=house.code,
        other_name=text.other(line.name),
        modifiers=[text.pick(choice.name) for choice in line.modifiers],
        owner=house.guests[line.guest],
        changed_by=house.guests[line.changed_by] if by_another else None,
        concerns=_concerns(house.menu, line.allergens, eaters(sitting, line), house.guests, text)
        if house.avoided
        else [],
        left=left,
        hours=hours,
        closed=house.closed,
    )
    return Block(f"line-{line.id}", "line", shown, (beside, house.shop))


def _problem(line: Line, sitting: Sitting, house: _House) -> tuple[str, int | None, str]:
    """Why a line of the cart can't be sent now; how many of it there still are, and when it is served."""
    item = house.menu.item.get(line.item)
    left = stocks.left(house.stock, line.item)
    if item is None or left == 0:
        return "sold_out", 0, ""
    if line.item in house.over:
        return "not_served_now", left, house.text.hours(menus.hours(house.menu, item))
    if left is None:
        return "", None, ""
    wanted = sum(other.qty for other in cart(sitting) if other.item == line.item)
    return ("too_few_left", left, "") if wanted > left else ("", left, "")


@lru_cache(maxsize=64)
def _hours(menu: Menu, minute: int) -> tuple[frozenset[str], frozenset[str]]:
    """The items that are not served in this minute (since 1970), and those of them that can't be sent either."""

    def shut(minute: int) -> frozenset[str]:
        return frozenset(item.id for item in menu.items if not menus.served(menu, item, minute * 60_000))

    return shut(minute), shut(minute) & shut(minute - STILL_SERVED // 60_000)


def _rounds(sitting: Sitting, house: _House, now: int) -> tuple[list[Block], list[str]]:
    """The headings, and the container's order: the newest round first, each followed by its lines."""
    shown: list[Block] = []
    order: list[str] = []
    of: dict[int, list[Line]] = {}
    for line in sitting.lines:
        of.setdefault(line.round, []).append(line)
    for each in reversed(sitting.rounds):
        lines = of.get(each.number, [])
        if house.people:
            heading = _round(each, lines, house, now)
            shown.append(Block(f"round-{each.number}", "round", heading, (house.code, house.closed, house.shop)))
            order.append(f"round-{each.number}")
        order += [f"line-{line.id}" for line in lines]
    return shown, order


def _round(each: Round, lines: Sequence[Line], house: _House, now: int) -> RoundShown:
    kept = [line for line in lines if line.state is not _VOID]
    making = [line for line in kept if line.state in TO_MAKE]
    due = max((line.due for line in making), default=0)
    unseen = min((line.sent for line in making if line.sent and not line.seen), default=0)
    return RoundShown(
        number=each.number,
        at=each.at,
        guest=house.guests[each.guest],
        portions=sum(line.qty for line in kept),
        amount=sum(amount(line) for line in kept),
        state=min((line.state for line in kept), key=_SLOWEST.index, default=_VOID).value,
        held=sum(line.state is _HELD for line in kept),
        due=due,
        late=0 < due < now,
        unseen=stage(unseen, house.shop.alarm, now) is Stage.GUEST,
    )


_SLOWEST = (State.ASKED, State.QUEUED, State.COOKING, State.READY, State.HELD, State.SERVED)


def _bill(sitting: Sitting, terms: Terms, due: Bill, lines: Tally) -> BillShown:
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
        shares=[ShareShown(share.guest, share.amount, share.tip) for share in shared(sitting, lines, due.total)],
    )


def _claims(sitting: Sitting, house: _House) -> list[Block]:
    """What can be claimed, while the bill is shared by lines; what nobody has claimed yet first."""
    if sitting.split != "lines" or house.closed:
        return []
    lines = [line for line in placed(sitting) if line.state is not _VOID]
    return [
        Block(
            f"claim-{line.id}",
            "claim",
            ClaimShown(
                line.id,
                house.text.pick(line.name),
                line.qty,
                amount(line),
                [house.guests[guest] for guest in line.claimed if guest in house.guests],
            ),
            (house.code, house.shop),
        )
        for line in lines
    ]


def _confirmed(in_cart: Sequence[_Row]) -> list[Any]:
    """What will be sent: the lines of the cart, as people see them."""
    return [(row.block.shown, row.block.beside[0]) for row in in_cart]


def _dishes(house: _House, in_cart: Sequence[_Row], pieces: Pieces, fresh: list[Block]) -> None:
    """The dishes that are in the cart, and those that are not any more."""
    chosen: dict[str, tuple[int, list[Who]]] = {}
    for row in in_cart:
        line, owner = row.line, house.guests[row.line.guest]
        portions, choosers = chosen.get(line.item, (0, []))
        if owner not in choosers:
            choosers.append(owner)
        chosen[line.item] = portions + line.qty, choosers
    were: Mapping[str, _Dish] = pieces.before("dishes") or {}
    dishes: dict[str, _Dish] = {}
    for item, (portions, choosers) in chosen.items():
        bare, known = house.bare.get(item), were.get(item)
        if bare is None:
            continue
        if known is None or known.portions != portions or known.bare is not bare or known.choosers != choosers:
            known = _Dish(portions, choosers, bare, _dish(bare, portions, choosers, house))
            fresh.append(known.block)
        dishes[item] = known
    fresh += [house.bare[item] for item in were.keys() - dishes.keys() if item in house.bare]
    was: _House | None = pieces.before("house")
    if was is None or was.bare is not house.bare:
        fresh += [block for item, block in house.bare.items() if item not in dishes]
    pieces.keep("dishes", dishes)


def _dish(bare: Block, portions: int, choosers: list[Who], house: _House) -> Block:
    """The block of a dish with so many portions in the cart."""
    shown = replace(bare.shown, in_cart=portions)
    if not house.people:
        return Block(bare.id, bare.kind, shown)
    return Block(bare.id, bare.kind, shown, (replace(bare.beside[0], choosers=choosers), house.shop))


def _bare(house: _House, before: _House | None) -> dict[str, Block]:
    """Every dish as it is while nobody has chosen it; the blocks before where they would be equal."""
    menu, stock, full = house.menu, house.stock, house.load.slow_hidden
    were = before.bare if before else {}
    touched: set[str] | None = None
    if before and before.menu is menu and before.party == house.party and before.shut == house.shut:
        touched = _touched(before.stock, stock) if before.load.slow_hidden == full else None
    found: dict[tuple[str, ...], list[Concern]] = {}  # most dishes share a few sets of allergens
    blocks = {}
    for place, item in enumerate(menu.items):
        if touched is not None and item.id not in touched:
            continue
        left, served = stocks.left(stock, item.id), item.id not in house.shut
        block = _item(menu, place, left, served, item.slow and full, house.code, house.closed, house.text)
        if house.people and not house.avoided.isdisjoint(item.tags):
            if item.tags not in found:
                allergens = menus.allergens(menu, item)
                found[item.tags] = _concerns(menu, allergens, house.everyone, house.guests, house.text)
            if found[item.tags]:
                beside = replace(block.beside[0], concerns=found[item.tags])
                block = Block(block.id, block.kind, block.shown, (beside, house.shop))
        known = were.get(item.id)
        blocks[item.id] = known if known is not None and known == block else block
    whole = blocks if touched is None else were | blocks
    return were if whole == were else whole


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
