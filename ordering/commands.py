"""What can be asked of the system: each command a typed value, its shape checked before any rule sees it.

`op` is made once by the sender for the intention and kept through retries. Limits that a person may reach by
typing (portions, notes, names) are rules in `sitting.py`, with a sentence in the person's language; what is checked
here is what only a broken or hostile program sends.
"""

from functools import cache
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct, field

from ordering.menu import Charset

# `\Z` and not `$`, which lets a line feed at the end pass.
Id = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9._:-]+\Z")]
MaybeId = Annotated[str, Meta(max_length=64, pattern=r"^[A-Za-z0-9._:-]*\Z")]
Target = Literal["cooking", "ready", "served"]
Earlier = Literal["queued", "cooking", "ready"]
Reason = Literal["waiter", "water", "cutlery", "help", "bill"]
RoleName = Literal["kitchen", "waiter", "manager"]
Method = Literal["cash", "card", "wechat", "alipay"]
Split = Literal["guest", "equal", "lines"]


class Command(Struct, frozen=True, forbid_unknown_fields=True, tag_field="do"):
    """What every command carries."""

    op: Id


class Add(Command, frozen=True, tag="add"):
    """One item into the shared cart."""

    item: Id
    qty: int = 1
    modifiers: Annotated[tuple[Id, ...], Meta(max_length=32)] = ()
    note: str = ""
    shared: bool = False


class Change(Command, frozen=True, tag="change"):
    """`by` portions more or fewer of a line in the cart; none left removes it."""

    line: Id
    by: int


class Note(Command, frozen=True, tag="note"):
    """Another note for a line in the cart."""

    line: Id
    note: str


class Restore(Command, frozen=True, tag="restore"):
    """A line that was just removed, back into the cart."""

    line: Id


class Share(Command, frozen=True, tag="share"):
    """A cart line for the whole table (`on`), or for its guest alone."""

    line: Id
    on: bool


class Hold(Command, frozen=True, tag="hold"):
    """A cart line that is to wait after it was sent (`on`), until it is fired."""

    line: Id
    on: bool


class Fire(Command, frozen=True, tag="fire"):
    """A held line, or all of them, to be made now."""

    line: MaybeId = ""


class Again(Command, frozen=True, tag="again"):
    """A placed line, or a whole round, once more into the cart."""

    line: MaybeId = ""
    round: Annotated[int, Meta(ge=0)] = 0


class Place(Command, frozen=True, tag="place"):
    """The cart, as the guest saw it at version `seen`, to the kitchen."""

    seen: Annotated[int, Meta(ge=0)]


class CallStaff(Command, frozen=True, tag="call"):
    """A waiter, what one would ask a waiter for, or the bill, please."""

    reason: Reason = field(name="for")


class Name(Command, frozen=True, tag="name"):
    """What this guest wants to be called."""

    name: str


class Colour(Command, frozen=True, tag="colour"):
    """The colour that this guest wants."""

    colour: int


class Allergies(Command, frozen=True, tag="allergies"):
    """The allergens that this guest must avoid: all of them, by tag id."""

    tags: Annotated[tuple[Id, ...], Meta(max_length=32)] = ()


class SplitBill(Command, frozen=True, tag="split"):
    """How the table shares the bill; `people` (0: the guests) counts for equal shares."""

    by: Split
    people: int = 0


class Claim(Command, frozen=True, tag="claim"):
    """This guest pays for a line (`on`), with whoever else claims it; or does not."""

    line: Id
    on: bool


class Tip(Command, frozen=True, tag="tip"):
    """What this guest adds to their share."""

    percent: int


class Enter(Command, frozen=True, tag="enter"):
    """This phone belongs to those who sit there: it knows their PIN."""

    pin: Annotated[str, Meta(max_length=16)]


class Here(Struct, frozen=True, forbid_unknown_fields=True, tag_field="do", tag="here"):
    """A sign of life of a page: where on the menu (a category's id) its guest is; not remembered, so without `op`."""

    at: MaybeId = ""


class Advance(Command, frozen=True, tag="advance"):
    """A line, or all lines of a ticket, on to a later state."""

    table: Id
    to: Target
    line: MaybeId = ""
    ticket: MaybeId = ""


class Recall(Command, frozen=True, tag="recall"):
    """A line, or all lines of a ticket, one state back."""

    table: Id
    line: MaybeId = ""
    ticket: MaybeId = ""


class Undo(Command, frozen=True, tag="undo"):
    """Lines that were moved on by mistake, back to where each stood (`back`: states by line)."""

    table: Id
    back: Annotated[dict[Id, Earlier], Meta(min_length=1, max_length=600)]


class Shown(Command, frozen=True, tag="shown"):
    """A display has a ticket on its screen; `looked`: and a cook is at it."""

    table: Id
    ticket: Id
    looked: bool = False


class Acknowledge(Command, frozen=True, tag="acknowledge"):
    """A cook has read what a ticket says at version `seen`: its allergies, and what was done to its lines."""

    table: Id
    ticket: Id
    seen: Annotated[int, Meta(ge=0)]


class Rush(Command, frozen=True, tag="rush"):
    """A ticket goes before the others (`on`), or not any more."""

    table: Id
    ticket: Id
    on: bool


class Serve(Command, frozen=True, tag="serve"):
    """Everything of a table that is ready is carried to it; `party`: of this sitting, which need not be the present."""

    table: Id
    party: MaybeId = ""


class SetLoad(Command, frozen=True, tag="load"):
    """How much the kitchen can take from now on; "auto": what follows by itself."""

    level: Literal["auto", "calm", "busy", "slow", "paused"]


class SoldOut(Command, frozen=True, tag="sold_out"):
    """An item not to be had (`on`), or to be had again."""

    item: Id
    on: bool


class Count(Command, frozen=True, tag="stock"):
    """An item with `count` portions left; None: not counted any more."""

    item: Id
    count: Annotated[int, Meta(ge=0, le=9999)] | None


class Open(Command, frozen=True, tag="open"):
    """A party sits down at a table."""

    table: Id


class Close(Command, frozen=True, tag="close"):
    """A table's bill is closed; the table is free for the next party."""

    table: Id


class Take(Command, frozen=True, tag="take"):
    """A guest's call is seen, and somebody is on the way."""

    table: Id
    call: Id


class Clear(Command, frozen=True, tag="clear"):
    """A guest's call is answered."""

    table: Id
    call: Id


class Void(Command, frozen=True, tag="void"):
    """A placed line is taken back."""

    table: Id
    line: Id
    reason: str


class Reopen(Command, frozen=True, tag="reopen"):
    """A bill that was closed by mistake is open again at its table."""

    table: Id
    sitting: Id
    reason: str


class Move(Command, frozen=True, tag="move"):
    """A party moves to a free table."""

    table: Id
    to: Id


class Merge(Command, frozen=True, tag="merge"):
    """A party joins the one at another table: one sitting from now on."""

    table: Id
    to: Id


class Part(Command, frozen=True, tag="part"):
    """Some lines, and the guests who go with them, to a free table as a sitting of their own."""

    table: Id
    to: Id
    lines: Annotated[tuple[Id, ...], Meta(max_length=600)] = ()
    guests: Annotated[tuple[Id, ...], Meta(max_length=60)] = ()


class AddFor(Command, frozen=True, tag="add"):
    """One item into a table's cart, for a guest ("": for the table)."""

    table: Id
    item: Id
    qty: int = 1
    modifiers: Annotated[tuple[Id, ...], Meta(max_length=32)] = ()
    note: str = ""
    guest: MaybeId = ""


class PlaceFor(Command, frozen=True, tag="place"):
    """A table's cart, as the staff saw it at version `seen` of the sitting, to the kitchen."""

    table: Id
    seen: Annotated[int, Meta(ge=0)]


class HoldFor(Command, frozen=True, tag="hold"):
    """A placed line that nobody has begun is to wait."""

    table: Id
    line: Id


class FireFor(Command, frozen=True, tag="fire"):
    """A held line, or all of a table's, to be made now."""

    table: Id
    line: MaybeId = ""


class Approve(Command, frozen=True, tag="approve"):
    """A round that waits for a nod goes to the kitchen."""

    table: Id
    round: Annotated[int, Meta(ge=1)]


class Decline(Command, frozen=True, tag="decline"):
    """A round that waits for a nod is taken back."""

    table: Id
    round: Annotated[int, Meta(ge=1)]
    reason: str


class Freeze(Command, frozen=True, tag="freeze"):
    """A table's phones can't order (`on`), or can again."""

    table: Id
    on: bool


class Recode(Command, frozen=True, tag="recode"):
    """A table has another code; the old one leads nowhere."""

    table: Id


class Own(Command, frozen=True, tag="own"):
    """Whoever sends it looks after the table (`on`), or nobody in particular."""

    table: Id
    on: bool


class Comp(Command, frozen=True, tag="comp"):
    """A line is given free."""

    table: Id
    line: Id
    reason: str


class Discount(Command, frozen=True, tag="discount"):
    """So many per cent, or so much (minor units), off a line ("": off the bill); neither: not any more."""

    table: Id
    line: MaybeId = ""
    percent: int = 0
    amount: int = 0
    reason: str = ""


class Pay(Command, frozen=True, tag="pay"):
    """Money taken (minor units): `amount` of the bill and a `tip` on top; `given` is the cash handed over."""

    table: Id
    amount: int
    method: Method
    tip: int = 0
    guest: MaybeId = ""
    given: int = 0


class Refund(Command, frozen=True, tag="refund"):
    """Money given back of a payment."""

    table: Id
    payment: Id
    amount: int
    reason: str


class PrintBill(Command, frozen=True, tag="print"):
    """A table's bill on paper: of who sits there, or of `sitting`, which has left within the hour; by `printer` ("":
    the first that prints receipts), in a language ("": the shop's)."""

    table: Id
    sitting: MaybeId = ""
    printer: MaybeId = ""
    lang: Annotated[str, Meta(max_length=16)] = ""


class Reprint(Command, frozen=True, tag="reprint"):
    """A ticket that is on paper already, printed once more: as a COPY."""

    table: Id
    ticket: Id


class PrinterSave(Command, frozen=True, tag="printer_save"):
    """A printer of the house as `ordering.menu.Printer`; "" as `printer`: another one."""

    name: str
    host: str
    printer: MaybeId = ""
    port: Annotated[int, Meta(ge=1, le=65535)] = 9100
    columns: Literal[32, 42, 48] = 48
    stations: tuple[Id, ...] = ()
    receipts: bool = False
    backup: MaybeId = ""
    charset: Charset = "gb18030"


class PrinterRemove(Command, frozen=True, tag="printer_remove"):
    """A printer that the house does not have any more."""

    printer: Id


class PrinterTest(Command, frozen=True, tag="printer_test"):
    """A printer prints a test, or says why it can't; nothing is changed."""

    printer: Id


class AccountAdd(Command, frozen=True, tag="account_add"):
    """Another person of the staff, with a password, a PIN or both."""

    name: str
    role: RoleName
    password: str = ""
    pin: str = ""


class AccountChange(Command, frozen=True, tag="account_change"):
    """What a person of the staff is called and may do; not `active`: nothing any more."""

    account: Id
    name: str
    role: RoleName
    active: bool


class AccountSecrets(Command, frozen=True, tag="account_secrets"):
    """Another password or PIN ("": it stays)."""

    account: Id
    password: str = ""
    pin: str = ""


class ForgetDevices(Command, frozen=True, tag="forget_devices"):
    """No device takes a PIN until somebody logs in there with a password."""


class Arrange(Command, frozen=True, tag="arrange"):
    """Where a table stands on the plan of its area: per cent from the left and the top."""

    table: Id
    x: Annotated[int, Meta(ge=0, le=100)]
    y: Annotated[int, Meta(ge=0, le=100)]


class LogIn(Command, frozen=True, tag="log_in"):
    """Somebody gave a password or a PIN: right ones let in, wrong ones are counted."""

    by: Literal["password", "pin"]


class WrongSecret(Command, frozen=True, tag="log_in_wrong"):
    """Somebody gave a wrong password or PIN."""

    by: Literal["password", "pin"]


class LogOut(Command, frozen=True, tag="log_out"):
    """Somebody has left a device."""


Diner = (
    Add
    | Change
    | Note
    | Restore
    | Share
    | Hold
    | Place
    | Fire
    | Again
    | CallStaff
    | Name
    | Colour
    | Allergies
    | SplitBill
    | Claim
    | Tip
    | Enter
)
Kitchen = Advance | Recall | Undo | Shown | Acknowledge | Rush | Serve | Reprint | SoldOut | Count | SetLoad
Floor = (
    Open
    | Close
    | Reopen
    | Move
    | Merge
    | Part
    | Take
    | Clear
    | Advance
    | Serve
    | Rush
    | Shown
    | AddFor
    | PlaceFor
    | HoldFor
    | FireFor
    | Approve
    | Decline
    | Freeze
    | Recode
    | Own
    | Void
    | Comp
    | Discount
    | Pay
    | Refund
    | PrintBill
    | Reprint
)
Manage = (
    AccountAdd | AccountChange | AccountSecrets | ForgetDevices | Arrange | PrinterSave | PrinterRemove | PrinterTest
)

UNTOLD = ("op", "password", "pin")


def fingerprint(command: Command) -> str:
    """What was meant, without `op`: an `op` that comes again with another meaning is not a repeat. It goes into the
    log, so no secret is in it."""
    meaning = {"do": command.__struct_config__.tag}
    for name in _told(type(command)):
        meaning[name] = getattr(command, name)
    return _in_order(meaning).decode()


@cache
def _told(kind: type[Command]) -> tuple[str, ...]:
    return tuple(name for name in kind.__struct_fields__ if name not in UNTOLD)


_in_order = msgspec.json.Encoder(order="sorted").encode
