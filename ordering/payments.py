"""What is taken off a bill, and what is paid of it. Minor units; nothing here talks to a bank or a terminal.

What is paid never exceeds what is owed: whatever would make it so is refused until money has been given back.
"""

from msgspec.structs import replace

from ordering import bill
from ordering.commands import Comp, Discount, Pay, Refund
from ordering.guests import guest_of
from ordering.menu import Terms
from ordering.money import Amount
from ordering.refused import Refused
from ordering.sitting import Moment, Off, Payment, Sitting, line_of, must_have_reason, with_line
from ordering.state import State

PAYMENTS_MOST = 200
MONEY_MOST = 10**10  # minor units: more than any table owes, less than what a browser's numbers hold


def paid(sitting: Sitting) -> int:
    """What has been paid of the bill, less what was given back; without tips."""
    return sum(payment.amount for payment in sitting.payments)


def left(sitting: Sitting, terms: Terms) -> int:
    """What is still to be paid of what was placed."""
    return bill.owed(sitting, terms).total - paid(sitting)


def in_cash(amount: int, terms: Terms) -> int:
    """The amount in coins that there are, rounded half up."""
    return (amount + terms.coin // 2) // terms.coin * terms.coin


def change(payment: Payment) -> int:
    """What is handed back to who paid in cash."""
    return payment.given - payment.amount - payment.rounding - payment.tip if payment.given else 0


def refundable(sitting: Sitting, payment: Payment) -> int:
    """How much of a payment has not been given back."""
    return payment.amount + sum(other.amount for other in sitting.payments if other.of == payment.id)


def pay(sitting: Sitting, terms: Terms, command: Pay, moment: Moment) -> Sitting:
    """Money taken for the bill; what is placed later is owed on top."""
    _must_be_open(sitting)
    rest = left(sitting, terms)
    if not 0 < command.amount <= rest:
        raise Refused("not_that_much", left=Amount(rest))
    if not 0 <= command.tip <= MONEY_MOST or not 0 <= command.given <= MONEY_MOST:
        raise Refused("not_that_much", left=Amount(rest))
    if len(sitting.payments) >= PAYMENTS_MOST:
        raise Refused("too_many", limit=PAYMENTS_MOST, what={"en": "payments of one bill", "zh": "笔付款"})
    if command.guest and guest_of(sitting, command.guest) is None:
        raise Refused("no_such_choice")
    cash = command.method == "cash"
    rounding = in_cash(command.amount, terms) - command.amount if cash else 0
    if command.given and (not cash or command.given < command.amount + rounding + command.tip):
        raise Refused("too_little_given", amount=Amount(command.amount + rounding + command.tip))
    made = Payment(
        id=moment.fresh,
        at=moment.at,
        method=command.method,
        amount=command.amount,
        tip=command.tip,
        guest=command.guest,
        by=moment.name,
        rounding=rounding,
        given=command.given,
    )
    return replace(sitting, payments=(*sitting.payments, made))


def refund(sitting: Sitting, terms: Terms, command: Refund, moment: Moment) -> Sitting:
    """Some of a payment given back, the way it was paid; also after the bill was closed."""
    found = next((each for each in sitting.payments if each.id == command.payment and not each.of), None)
    if found is None:
        raise Refused("no_such_payment")
    rest = refundable(sitting, found)
    if not 0 < command.amount <= rest:
        raise Refused("not_that_much", left=Amount(rest))
    made = Payment(
        id=moment.fresh,
        at=moment.at,
        method=found.method,
        amount=-command.amount,
        guest=found.guest,
        by=moment.name,
        rounding=command.amount - in_cash(command.amount, terms) if found.method == "cash" else 0,
        of=found.id,
        reason=must_have_reason(command.reason),
    )
    return replace(sitting, payments=(*sitting.payments, made))


def comp(sitting: Sitting, terms: Terms, command: Comp, moment: Moment) -> Sitting:
    """A line given free; it is made all the same."""
    return _with_off(sitting, terms, command.line, Off(100, 0, must_have_reason(command.reason), moment.name))


def discount(sitting: Sitting, terms: Terms, command: Discount, moment: Moment) -> Sitting:
    """Something taken off a line or the bill, in place of what was taken off it before."""
    if not 0 <= command.percent <= 100 or not 0 <= command.amount <= MONEY_MOST or (command.percent and command.amount):
        raise Refused("no_such_choice")
    off = None
    if command.percent or command.amount:
        off = Off(command.percent, command.amount, must_have_reason(command.reason), moment.name)
    if command.line:
        return _with_off(sitting, terms, command.line, off)
    _must_be_open(sitting)
    return covered(replace(sitting, off=off), terms)


def covered(sitting: Sitting, terms: Terms) -> Sitting:
    """The sitting, if it still owes what has been paid; raises `Refused` `refund_first`."""
    if left(sitting, terms) < 0:
        raise Refused("refund_first", amount=Amount(-left(sitting, terms)))
    return sitting


def _with_off(sitting: Sitting, terms: Terms, line_id: str, off: Off | None) -> Sitting:
    _must_be_open(sitting)
    line = line_of(sitting, line_id)
    if line.state in (State.CART, State.VOID):
        raise Refused("no_such_line")
    return covered(with_line(sitting, replace(line, off=off)), terms)


def _must_be_open(sitting: Sitting) -> None:
    if not sitting.opened or sitting.closed:
        raise Refused("not_open")
