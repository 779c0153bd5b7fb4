"""One table as the staff see it: its party, every line, what it owes and what was paid."""

from collections.abc import Mapping

from msgspec import Struct

from ordering import floor as floors
from ordering import payments
from ordering.bill import Tax, amount, owed, price, shares
from ordering.floor import Floor, Table
from ordering.menu import Menu, Terms
from ordering.sitting import Guest, Line, Payment, Sitting, cart, placed
from ordering.slips import Printers
from ordering.state import TO_MAKE, State
from ordering.views.blocks import Block, Content
from ordering.views.floor import AskShown, CallOnFloor, asks_of, calls_of
from ordering.views.printers import printers_block
from ordering.views.text import Text


class SeatedShown(Struct, frozen=True):
    """A guest: what they are called, their colour and the allergens (in words) that they must avoid."""

    id: str
    name: str
    colour: int
    allergies: list[str]


class PartyShown(Struct, frozen=True):
    """Who sits there; `changed` is the version of the last change to the cart, which `place` sends back as seen,
    `opened` ms since 1970 (0: nobody); money in minor units."""

    table: str
    name: str
    area: str
    seats: int
    status: str
    sitting: str
    changed: int
    opened: int
    guests: list[SeatedShown]
    calls: list[CallOnFloor]
    in_cart: int
    in_cart_amount: int
    held: int
    unserved: int
    asks: list[AskShown]
    frozen: bool
    waiter: str
    pin: str


class PartyLineShown(Struct, frozen=True):
    """A line as the staff see it: `price` by the menu, `amount` with what was taken `off` it, in minor units; `why`
    it was taken off or back, `begun` when it can't be put on hold any more."""

    id: str
    name: str
    qty: int
    price: int
    amount: int
    state: str
    round: int
    guest: str
    modifiers: list[str]
    note: str
    why: str
    begun: bool


class SumsShown(Struct, frozen=True):
    """The bill of what was sent, in minor units: `cash` is what is left in coins that there are."""

    lines: int
    off: int
    why: str
    service: int
    taxes: list[Tax]
    tax_included: bool
    total: int
    paid: int
    left: int
    cash: int


class PartShown(Struct, frozen=True):
    """What one guest's share of the bill is, and how much of it was paid for them."""

    guest: str
    name: str
    amount: int
    tip: int
    paid: int


class PaymentShown(Struct, frozen=True):
    """A payment or a refund (below zero), `refundable` how much of it can still be given back."""

    id: str
    at: int
    method: str
    amount: int
    tip: int
    guest: str
    by: str
    rounding: int
    change: int
    refundable: int
    reason: str


class PlaceShown(Struct, frozen=True):
    """Another table: free, or with a party."""

    id: str
    name: str
    area: str
    free: bool


class ClosedShown(Struct, frozen=True):
    """A bill of this table that can be opened again."""

    sitting: str
    at: int


JSON_KINDS = frozenset({"party", "party_line", "sums", "payment", "printers"})


def content(
    sittings: Mapping[str, Sitting], menu: Menu, floor: Floor, printers: Printers, text: Text, table_id: str
) -> Content:
    """Every block of a table's page, `sittings` by id."""
    table = floors.table_of(floor, table_id)
    sitting = sittings.get(table.sitting) or Sitting(table.sitting, table.id)
    shop, terms = menu.shop, menu.shop.terms
    guests = {guest.id: _name(guest, number, text) for number, guest in enumerate(sitting.guests, 1)}
    lines = [_line(line, guests, text) for line in sitting.lines]
    sums = _sums(sitting, terms)
    places = [_place(each, sittings, floor, text) for each in floor.tables if each.id != table.id]
    closed = [ClosedShown(each.sitting, each.at) for each in reversed(floor.closed) if each.table == table.id]
    free = floors.status(sitting) is floors.Status.FREE
    able = [(each.id, text.pick(each.name)) for each in menu.printers if each.receipts]
    blocks = [
        printers_block(menu, printers, text),
        Block("paper", "paper", sums, (able, table, closed if free else [], shop)),
        Block("party", "party", _party(sitting, table, floor, guests, terms, menu, text), (shop,)),
        *(Block(f"line-{line.id}", "party_line", line, (table.id, shop)) for line in lines),
        Block("sums", "sums", sums, (shop,)),
        Block("parts", "parts", sums, (_parts(sitting, terms, guests, text), shop)),
        *(
            Block(f"payment-{each.id}", "payment", _payment(each, sitting, guests), (shop,))
            for each in sitting.payments
        ),
        Block("places", "places", sums, (places,)),
        Block("chosen", "chosen", sums, (lines, guests)),
        Block("eaters", "eaters", sums, (guests,)),
        Block("closing", "closing", sums, (table.id, lines, shop)),
        Block("reopening", "reopening", sums, (closed if free else [], table.id, shop)),
    ]
    order = {
        "cart": [f"line-{line.id}" for line in cart(sitting)],
        "placed": [f"line-{line.id}" for line in placed(sitting)],
        "payments": [f"payment-{each.id}" for each in sitting.payments],
    }
    return Content({block.id: block for block in blocks}, order)


def _name(guest: Guest, number: int, text: Text) -> str:
    return guest.name or text("Guest %(number)s", number=number)


def _party(
    sitting: Sitting,
    table: Table,
    floor: Floor,
    guests: Mapping[str, str],
    terms: Terms,
    menu: Menu,
    text: Text,
) -> PartyShown:
    in_cart = cart(sitting)
    return PartyShown(
        table=table.id,
        name=table.name,
        area=next((text.pick(area.name) for area in floor.areas if area.id == table.area), ""),
        seats=table.seats,
        status=floors.status(sitting, terms).value,
        sitting=sitting.id,
        changed=max([sitting.forgotten, *(line.changed for line in (*in_cart, *sitting.removed))]),
        opened=sitting.opened,
        guests=[
            SeatedShown(guest.id, guests[guest.id], guest.colour, [_tag(menu, tag, text) for tag in guest.allergies])
            for guest in sitting.guests
        ],
        calls=calls_of(sitting),
        in_cart=sum(line.qty for line in in_cart),
        in_cart_amount=sum(amount(line) for line in in_cart),
        held=sum(line.qty for line in sitting.lines if line.state is State.HELD),
        unserved=sum(line.qty for line in sitting.lines if line.state in TO_MAKE or line.state is State.READY),
        asks=asks_of(sitting),
        frozen=table.frozen,
        waiter=table.waiter,
        pin=sitting.pin if menu.shop.ordering.pin else "",
    )


def _tag(menu: Menu, tag: str, text: Text) -> str:
    return text.pick(menu.tag[tag].label) if tag in menu.tag else tag


def _line(line: Line, guests: Mapping[str, str], text: Text) -> PartyLineShown:
    return PartyLineShown(
        id=line.id,
        name=text.pick(line.name),
        qty=line.qty,
        price=price(line),
        amount=amount(line),
        state=line.state.value,
        round=line.round,
        guest=text("for the whole table") if line.shared else guests.get(line.guest, ""),
        modifiers=[text.pick(choice.name) for choice in line.modifiers],
        note=line.note,
        why=line.reason or (line.off.reason if line.off else ""),
        begun=line.state not in (State.CART, State.QUEUED),
    )


def _sums(sitting: Sitting, terms: Terms) -> SumsShown:
    bill = owed(sitting, terms)
    left = payments.left(sitting, terms)
    return SumsShown(
        lines=bill.lines,
        off=bill.off,
        why=sitting.off.reason if sitting.off else "",
        service=bill.service,
        taxes=list(bill.taxes),
        tax_included=terms.tax_included,
        total=bill.total,
        paid=payments.paid(sitting),
        left=left,
        cash=payments.in_cash(left, terms),
    )


def _parts(sitting: Sitting, terms: Terms, guests: Mapping[str, str], text: Text) -> list[PartShown]:
    """Everyone's share, as the table has chosen to share it."""
    return [
        PartShown(
            guest=share.guest,
            name=guests.get(share.guest, text("Nobody yet")),
            amount=share.amount,
            tip=share.tip,
            paid=sum(each.amount for each in sitting.payments if share.guest and each.guest == share.guest),
        )
        for share in shares(sitting, placed(sitting), terms)
    ]


def _payment(payment: Payment, sitting: Sitting, guests: Mapping[str, str]) -> PaymentShown:
    return PaymentShown(
        id=payment.id,
        at=payment.at,
        method=payment.method,
        amount=payment.amount,
        tip=payment.tip,
        guest=guests.get(payment.guest, ""),
        by=payment.by,
        rounding=payment.rounding,
        change=payments.change(payment),
        refundable=0 if payment.of else payments.refundable(sitting, payment),
        reason=payment.reason,
    )


def _place(table: Table, sittings: Mapping[str, Sitting], floor: Floor, text: Text) -> PlaceShown:
    sitting = sittings.get(table.sitting)
    area = next((text.pick(area.name) for area in floor.areas if area.id == table.area), "")
    return PlaceShown(table.id, table.name, area, sitting is None or not sitting.opened)
