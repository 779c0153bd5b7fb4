"""A sitting as its guests see it."""

from collections.abc import Container, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from ordering import menu as menus
from ordering import near as nears
from ordering import stock as stocks
from ordering.bill import NOBODY, Bill, Tally, amount, comes_to, in_sight, owed, parts, shared, tally, tip_on
from ordering.floor import Floor
from ordering.kitchen import Stage, stage
from ordering.load import Load
from ordering.menu import Menu, Shop, Terms
from ordering.near import Near
from ordering.payments import paid
from ordering.sitting import Guest, Line, Round, Sitting, allergies, cart, eaters, placed
from ordering.state import TO_MAKE, State
from ordering.stock import Stock
from ordering.values import Value
from ordering.views.blocks import Block, Content, View
from ordering.views.dishes import concerning, concerns, not_served, plain
from ordering.views.kitchen import load_shown
from ordering.views.shown import (
    BillShown,
    CallShown,
    ClaimShown,
    GuestShown,
    LineBeside,
    LineShown,
    LineStanding,
    NewsShown,
    PresenceShown,
    RoundShown,
    ShareShown,
    SittingShown,
    TaxShown,
    TotalsShown,
    Who,
    everybody,
)
from ordering.views.text import Text

_FOREVER = 1 << 62  # ms: later than any clock shows

JSON_KINDS = frozenset({"sitting", "load", "presence", "totals", "guest", "line", "item", "bill"})

_CART, _VOID, _HELD = State.CART, State.VOID, State.HELD  # looking a member up takes as long as all else of a line


class _House(Value, frozen=True, eq=False):
    """What the blocks are made from and seldom changes; `of` is what it was made of itself, as that came first: what is
    equal to it later may be other objects.

    `people`: they are for people's eyes; for programs there is less to make. `shut` are the items that are not served
    now, `over` those of them that can't be sent any more either. `name` and `code` are the table's, `other_lang` is the
    tag of what names stand in besides, `guests` are the table's as blocks show them, `order` the ids of their blocks,
    `avoided` what any of them must avoid; `party` is all of this that what was sent depends on. `level` is the block of
    the kitchen's load, `bare` those of the dishes by item, as they are while nobody has chosen them."""

    of: tuple[Any, ...]
    text: Text
    people: bool
    menu: Menu
    stock: Stock
    load: Load
    shut: frozenset[str]
    over: frozenset[str]
    code: str
    name: str
    other_lang: str
    closed: bool
    terms: Terms
    everyone: tuple[Guest, ...]
    guests: dict[str, Who]
    order: list[str]
    avoided: frozenset[str]
    party: tuple[Any, ...]
    level: Block
    bare: dict[str, Block]

    @property
    def shop(self) -> Shop:
        return self.menu.shop


class _ForNow(Value, frozen=True):
    """Something made `of` these at a time from which it stands until another (ms since 1970)."""

    of: tuple[Any, ...]
    since: int
    until: int

    def stands(self, of: tuple[Any, ...], now: int) -> bool:
        """Whether it would come out the same."""
        return self.since <= now < self.until and self.of == of


class _Sent(_ForNow, frozen=True):
    """What is made of the lines that were placed; `told_at` is when the guests are next asked to tell a waiter that no
    cook has looked at something (ms; 0: never)."""

    lines: Tally
    bill: Block
    rounds: list[Block]
    order: list[str]
    claims: list[Block]
    claims_order: list[str]
    told_at: int


class _Presence(_ForNow, frozen=True):
    """Who is at the page."""

    block: Block


class _Row(Value, frozen=True):
    """A line with its block; `came` is the same line as it came last, which may be another object."""

    came: Line
    line: Line
    block: Block


class _Dish(Value, frozen=True):
    """An item in the cart: portions, who has chosen it, and its block; `bare` is its block while nobody has."""

    portions: int
    choosers: list[Who]
    bare: Block
    block: Block


class _Kept(Value, frozen=True):
    """What a content was made of: immutable values, each with what it depends on. The next content takes over those
    that would come out the same; of inputs that are the same objects, comparing them costs next to nothing. What is
    kept for each of a thousand tables has gone cold when it is looked at again, and giving it back costs as much: so
    blocks that are quickly made once more are not kept, nor what is made anew with nearly each change.

    `amounts` are the guests' parts without the tip, `single` the blocks that there is one of (for people), `cart` the
    ids of the cart's lines."""

    house: _House
    rows: tuple[_Row, ...]
    sent: _Sent
    totals: TotalsShown
    amounts: Mapping[str, int]
    dishes: dict[str, _Dish]
    single: tuple[Block, ...]
    presence: _Presence
    cart: list[str]
    order: dict[str, list[str]]


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
    """The blocks of the diner's page, for people's eyes or for programs: all of them, or those that are otherwise than
    in the view before. `now` in milliseconds since 1970.

    Of the view before, everything is taken over whose inputs are the same. Only what changes often is looked at one
    by one: lines, guests' parts and the dishes in the cart.
    """
    was: _Kept | None = before.kept if before is not None else None
    if was is not None and (was.house.text is not text or was.house.people is not people):
        was = None
    shut, over = not_served(menu, now // 60_000)
    seat = floor.by_id.get(sitting.table)
    code, name = (seat.code, seat.name) if seat else ("", "")
    terms = sitting.terms or menu.shop.terms
    of = (menu, stock, load, shut, over, code, name, bool(sitting.closed), terms, sitting.guests)
    house = was.house if was and was.house.of == of else _house(of, text, people, was)
    fresh: dict[str, Block] = {}
    rows = _rows(sitting, house, was, fresh)
    in_cart: list[_Row] = []
    cart_order: list[str] = []
    cart_lines: list[Line] = []
    placed_lines: list[Line] = []
    for row in rows:
        if row.line.state is _CART:
            in_cart.append(row)
            cart_order.append(row.block.id)
            cart_lines.append(row.line)
        else:
            placed_lines.append(row.line)
    sent_of = (
        tuple(placed_lines),
        house.party,
        sitting.split,
        sitting.people,
        sitting.off,
        sitting.rounds,
        sitting.payments,
    )
    sent = was.sent if was and was.sent.stands(sent_of, now) else _sent(sitting, house, sent_of, now)
    if was and rows is was.rows and sent is was.sent:
        totals, amounts = was.totals, was.amounts
    else:
        totals, amounts = _sums(sitting, house, cart_lines, sent.lines)
    dishes = _dishes(house, in_cart, was, fresh)
    near_of = (near, menu, house.guests)
    presence = was.presence if was and was.presence.stands(near_of, now) else _presence(sitting, house, near_of, now)
    single = _single(sitting, house, in_cart, totals)
    if was and house is was.house and sent is was.sent and cart_order == was.cart:
        cart_order, order = was.cart, was.order
    else:
        order = {"guests": house.order, "cart": cart_order, "rounds": sent.order, "claims": sent.claims_order}
    kept = _Kept(house, rows, sent, totals, amounts, dishes, single if people else (), presence, cart_order, order)
    if was is None or before is None:
        every = (*single, *_parts(house, amounts), _totals(house, totals), presence.block, house.level, sent.bill)
        fresh.update((block.id, block) for block in (*every, *sent.rounds, *sent.claims))
        return Content(fresh, order, sent.told_at, kept)
    if people:
        for block, old in zip(single, was.single, strict=True):
            if block != old:
                fresh[block.id] = block
    elif single[0].shown != before.block("sitting"):  # a program's view holds what blocks show
        fresh["sitting"] = single[0]
    _otherwise(was, kept, fresh)
    return Content(fresh, order, sent.told_at, kept, _gone(was, kept, fresh) if order is not was.order else [])


def _otherwise(was: _Kept, kept: _Kept, fresh: dict[str, Block]) -> None:
    """Adds the guests' parts, the totals and who is here, as far as they are otherwise. Their blocks are not kept: what
    stood there is made once more where that can't be told from the amounts."""
    house, amounts = kept.house, kept.amounts
    if house.party is not was.house.party:
        had = {block.id: block for block in (*_parts(was.house, was.amounts), _totals(was.house, was.totals))}
        every = (*_parts(house, amounts), _totals(house, kept.totals))
        fresh.update((block.id, block) for block in every if block != had.get(block.id))
    elif amounts is not was.amounts:
        for guest in house.everyone:
            if amounts[guest.id] != was.amounts[guest.id]:
                block = _part(guest, amounts[guest.id], house)
                fresh[block.id] = block
        if kept.totals != was.totals:
            fresh["totals"] = _totals(house, kept.totals)
    if kept.presence is not was.presence and kept.presence.block != was.presence.block:
        fresh["presence"] = kept.presence.block


def _single(sitting: Sitting, house: _House, in_cart: Sequence[_Row], totals: TotalsShown) -> tuple[Block, ...]:
    """The blocks that there is one of, and that most changes make anew."""
    shown = _sitting(sitting, house)
    if not house.people:
        return (Block("sitting", "sitting", shown),)
    confirmed = (
        [(row.block.shown, row.block.beside[0]) for row in in_cart],
        house.closed,
        house.load.paused,
        house.shop,
    )
    return (
        Block("sitting", "sitting", replace(shown, news=None), (house.guests, house.code)),
        Block("news", "news", shown, (house.guests,)),
        Block("confirm", "confirm", totals, confirmed),
    )


def _gone(was: _Kept, kept: _Kept, fresh: dict[str, Block]) -> list[str]:
    """The blocks that are no more; and, `fresh`, those of the house and of what was sent that are otherwise."""
    ids = {row.line.id for row in kept.rows}
    gone = [row.block.id for row in was.rows if row.line.id not in ids]
    if kept.house is not was.house:
        gone += [id for id in was.house.order if id not in kept.house.order]
        gone += [f"item-{id}" for id in was.house.bare if id not in kept.house.bare]
    had = {block.id: block for block in (was.house.level, was.sent.bill, *was.sent.rounds, *was.sent.claims)}
    now = {block.id: block for block in (kept.house.level, kept.sent.bill, *kept.sent.rounds, *kept.sent.claims)}
    fresh.update((id, block) for id, block in now.items() if had.get(id) != block)
    return gone + [id for id in had if id not in now]


def _house(of: tuple[Any, ...], text: Text, people: bool, kept: "_Kept | None") -> _House:
    """What is as it was comes as the object that it was, so that what rests on it is the same, too."""
    was = kept.house if kept else None
    menu, stock, load, shut, over, code, name, closed, terms, everyone = of
    guests = everybody(everyone, text)
    if was and was.guests == guests:
        guests = was.guests
    party = (menu.shop, closed, terms, everyone, guests)
    level = Block("load", "load", load_shown(Load() if closed else load))
    if was:
        party = was.party if was.party == party else party
        level = was.level if was.level == level else level
    house = _House(
        of,
        text,
        people,
        menu,
        stock,
        load,
        shut,
        over,
        code,
        name,
        text.other_tag(menu.shop),
        closed,
        terms,
        everyone,
        guests,
        [f"guest-{guest}" for guest in guests],
        frozenset(tag for guest in everyone for tag in guest.allergies),
        party,
        level,
        {},
    )
    return replace(house, bare=_bare(house, was))


def _sent(sitting: Sitting, house: _House, of: tuple[Any, ...], now: int) -> _Sent:
    sent = placed(sitting)
    lines, due = tally(sitting, sent), owed(sitting, house.terms)
    claims = _claims(sitting, house) if house.people else []
    beside = (house.guests, house.closed, bool(claims), house.shop) if house.people else ()
    bill = Block("bill", "bill", _bill(sitting, house.terms, due, lines), beside)
    rounds, order = _rounds(sitting, house, now)
    alarm = house.shop.alarm.guest * 1000
    moments = [line.sent + alarm for line in sent if line.state in TO_MAKE and line.sent and not line.seen]
    told_at = min((at for at in moments if at > now), default=0)
    if house.people:
        moments += [line.due + 1 for line in sent]
    claims_order = [block.id for block in claims]
    return _Sent(of, now, _next(moments, now), lines, bill, rounds, order, claims, claims_order, told_at)


def _next(moments: Iterable[int], now: int) -> int:
    """The first of the moments that is still to come."""
    return min((at for at in moments if at > now), default=_FOREVER)


def _sitting(sitting: Sitting, house: _House) -> SittingShown:
    news = sitting.news
    return SittingShown(
        sitting.id,
        "closed" if sitting.closed else "open" if sitting.opened else "free",
        house.name,
        len(sitting.guests),
        tuple([CallShown(call.id, call.reason, call.guest, call.seen_by) for call in sitting.calls]),
        NewsShown(news.act, news.guest, house.text.pick(news.name), news.qty, news.v, news.line) if news else None,
        bool(sitting.into),
        tuple(sitting.left),
    )


def _presence(sitting: Sitting, house: _House, of: tuple[Near, Menu, dict[str, Who]], now: int) -> _Presence:
    near = of[0]
    signs = nears.here(near, now)
    joined = [guest.id for guest in sitting.guests if guest.id in signs]
    choosing = {guest: where for guest in joined if (where := nears.choosing(signs[guest], now))}
    shown = PresenceShown(joined, choosing, len(signs) - len(joined))
    beside = (house.guests, _categories(house.menu, house.text)) if house.people else ()
    ends = [moment for sign in near.signs.values() for moment in nears.ends(sign)]
    return _Presence(of, now, _next(ends, now), Block("presence", "presence", shown, beside))


@lru_cache(maxsize=16)
def _categories(menu: Menu, text: Text) -> "_Names":
    return _Names({category.id: text.pick(category.name) for category in menu.categories})


class _Names(dict[str, str]):
    """Names by id; made once for each menu and language, so that comparing blocks finds it the same at once."""

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = None


def _sums(
    sitting: Sitting, house: _House, in_cart: Iterable[Line], sent: Tally
) -> tuple[TotalsShown, Mapping[str, int]]:
    """What everything in sight comes to, and everyone's part of it, without the tip."""
    seen = tally(sitting, in_cart, sent)
    total = in_sight(sitting, house.terms).total if sitting.off else comes_to(seen, house.terms)
    cart = (seen.portions - sent.portions, seen.prices - sent.prices)
    return TotalsShown(*cart, sent.portions, sent.prices, total), parts(sitting, seen, total)


def _totals(house: _House, totals: TotalsShown) -> Block:
    return Block("totals", "totals", totals, (house.closed, house.shop) if house.people else ())


def _parts(house: _House, amounts: Mapping[str, int]) -> list[Block]:
    return [_part(guest, amounts[guest.id], house) for guest in house.everyone]


def share(view: View, guest: str) -> int:
    """A guest's part of everything in sight, without the tip (minor units); 0 of who is no guest of the table."""
    amounts: Mapping[str, int] = view.kept.amounts
    return 0 if guest == NOBODY else amounts.get(guest, 0)


def _part(guest: Guest, amount: int, house: _House) -> Block:
    who = house.guests[guest.id]
    shown = GuestShown(guest.id, who.name, guest.colour, guest.allergies, amount, tip_on(amount, guest.tip))
    return Block(f"guest-{guest.id}", "guest", shown, (who, house.shop) if house.people else ())


def _rows(sitting: Sitting, house: _House, was: _Kept | None, fresh: dict[str, Block]) -> tuple[_Row, ...]:
    """The lines with their blocks. A line that is the same as before keeps its block as long as what else it is made
    from is the same; of a dish that is counted that may be any other line."""
    were, alike, open_ended = _before(house, was)
    rows: list[_Row] = []
    moved: dict[str, _Row] | None = None
    same = len(were) == len(sitting.lines)
    for place, line in enumerate(sitting.lines):
        known = were[place] if place < len(were) else None
        if known is None or known.line.id != line.id:  # mostly they stand where they stood
            if moved is None:
                moved = {row.line.id: row for row in were}
            known, same = moved.get(line.id), False
        if known is None:
            block = _line(line, sitting, house)
            fresh[block.id] = block
            rows.append(_Row(line, line, block))
            continue
        kept = known.line
        if known.came is not line and kept != line:
            kept = line
        elif alike and line.item not in open_ended:
            if known.came is not line:
                known, same = _Row(line, kept, known.block), False
            rows.append(known)
            continue
        block = _line(kept, sitting, house, known.block)
        if block == known.block:
            block = known.block
        else:
            fresh[block.id] = block
        rows.append(_Row(line, kept, block))
        same = False
    return were if same else tuple(rows)


def _before(house: _House, was: _Kept | None) -> tuple[tuple[_Row, ...], bool, Container[str]]:
    """The lines before, whether what they were made from is the same, and the items of which it may not be."""
    if was is None:
        return (), False, ()
    if was.house is house:
        return was.rows, True, house.stock.left
    before = was.house
    alike = before.menu is house.menu and before.over == house.over and before.party == house.party
    return was.rows, alike, {*house.stock.left, *stocks.touched(before.stock, house.stock)}


def _line(line: Line, sitting: Sitting, house: _House, known: Block | None = None) -> Block:
    text = house.text
    in_cart = line.state is _CART
    problem, left, hours = _problem(line, sitting, house) if in_cart and not house.closed else ("", None, "")
    warned = () if not house.avoided else allergies(sitting, line)
    shown = LineShown(
        line.id,
        line.item,
        text.pick(line.name),
        line.qty,
        tuple([choice.id for choice in line.modifiers]) if line.modifiers else (),
        line.note,
        line.unit_price,
        amount(line),
        line.guest,
        line.round,
        line.state._value_,
        line.shared,
        line.hold,
        line.due if line.due and line.state in TO_MAKE else 0,
        line.allergens,
        warned if in_cart else line.allergies,
        line.claimed,
        problem,
    )
    id = known.id if known else f"line-{line.id}"
    if not house.people:
        return Block(id, "line", shown)
    standing = LineStanding(
        line.id,
        shown.state,
        shown.name,
        text.other(line.name),
        house.other_lang,
        tuple([text.pick(choice.name) for choice in line.modifiers]) if line.modifiers else (),
        line.note,
        line.shared,
        line.hold,
        house.guests[line.guest],
    )
    if known and known.beside[0].standing == standing:
        standing = known.beside[0].standing
    by_another = in_cart and line.changed_by in house.guests and line.changed_by != line.guest
    beside = LineBeside(
        standing,
        house.guests[line.changed_by] if by_another else None,
        concerns(house.menu, line.allergens, eaters(sitting, line), house.guests, text) if house.avoided else [],
        left,
        hours,
        house.closed,
    )
    return Block(id, "line", shown, (beside, house.shop))


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
            shown.append(Block(f"round-{each.number}", "round", heading, (house.closed, house.shop)))
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
            (house.shop,),
        )
        for line in lines
    ]


def _dishes(house: _House, in_cart: Sequence[_Row], was: _Kept | None, fresh: dict[str, Block]) -> dict[str, _Dish]:
    """The dishes that are in the cart; and, fresh, those that are not any more."""
    chosen: dict[str, int] = {}
    by: dict[str, list[Who]] = {}
    for row in in_cart:
        line = row.line
        item, owner = line.item, house.guests[line.guest]
        if item not in chosen:
            chosen[item], by[item] = line.qty, [owner]
            continue
        chosen[item] += line.qty
        if owner not in by[item]:
            by[item].append(owner)
    were = was.dishes if was else {}
    dishes: dict[str, _Dish] = {}
    for item, portions in chosen.items():
        bare, known, choosers = house.bare.get(item), were.get(item), by[item]
        if bare is None:
            continue
        if known is None or known.portions != portions or known.bare is not bare or known.choosers != choosers:
            if known is not None and known.choosers == choosers:
                choosers = known.choosers  # the same list, so that nothing is given back that was there
            before, known = known, _Dish(portions, choosers, bare, _dish(bare, portions, choosers, house))
            if before is None or before.block != known.block:
                fresh[bare.id] = known.block
        dishes[item] = known
    if were.keys() != dishes.keys():
        for item in were.keys() - dishes.keys():
            if (bare := house.bare.get(item)) is not None:
                fresh[bare.id] = bare
    if was is None or was.house.bare is not house.bare:
        had = was.house.bare if was else {}
        for item, block in house.bare.items():
            if item not in dishes and item not in were and had.get(item) != block:
                fresh[block.id] = block
    return dishes


def _dish(bare: Block, portions: int, choosers: list[Who], house: _House) -> Block:
    """The block of a dish with so many portions in the cart."""
    shown = replace(bare.shown, in_cart=portions)
    if not house.people:
        return Block(bare.id, bare.kind, shown)
    return Block(bare.id, bare.kind, shown, (replace(bare.beside[0], choosers=choosers), house.shop))


def _bare(house: _House, before: _House | None) -> dict[str, Block]:
    """Every dish as it is while nobody has chosen it; the blocks before where they would be equal."""
    menu, stock = house.menu, house.stock
    had = (frozenset(stock.sold_out), tuple(sorted(stock.left.items())))
    found = plain(menu, had, house.shut, house.load.slow_hidden, house.closed, house.text, house.people)
    if not house.people or not house.avoided:
        return found
    were = before.bare if before else {}
    whole = concerning(found, menu, house.everyone, house.guests, house.text)
    for id, block in whole.items():
        if (known := were.get(id)) is not None and known == block:
            whole[id] = known
    return were if whole == were else whole
