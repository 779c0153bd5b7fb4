"""Money taken and given back: never more than is owed, to the last minor unit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from stories import MENU, Table, bill_terms, bills, moment, refused

from ordering import kitchen
from ordering import payments as rules
from ordering.bill import bill, in_sight, owed, shares
from ordering.commands import Comp, Discount, Pay, Refund
from ordering.menu import Menu, Terms
from ordering.money import Amount
from ordering.sitting import Off, Sitting, closed

PORK, RICE = "dongpo-pork", "steamed-rice"  # 68.00 and 3.50
PLAIN = Terms()


@pytest.fixture
def table(menu: Menu) -> Table:
    """One pork and two bowls of rice, sent."""
    table = Table(menu)
    table.adds(PORK)
    table.adds(RICE, 2)
    table.places()
    return table


def _pays(table: Table, amount: int, method: str = "card", terms: Terms = PLAIN, **more: object) -> str:
    command = Pay(op="o", table="t1", amount=amount, method=method, **more)  # type: ignore[arg-type]
    table.now(rules.pay(table.sitting, terms, command, table.moment("staff")))
    return table.sitting.payments[-1].id


def _refunds(table: Table, payment: str, amount: int, reason: str = "wrong dish") -> None:
    command = Refund(op="o", table="t1", payment=payment, amount=amount, reason=reason)
    table.now(rules.refund(table.sitting, PLAIN, command, table.moment("staff")))


def _discounts(table: Table, terms: Terms = PLAIN, **more: object) -> None:
    command = Discount(op="o", table="t1", reason="regular", **more)  # type: ignore[arg-type]
    table.now(rules.discount(table.sitting, terms, command, table.moment("staff")))


def _line(table: Table, item: str) -> str:
    return next(line.id for line in table.sitting.lines if line.item == item)


def test_a_bill_is_paid_in_parts_and_never_more_than_is_left(table: Table) -> None:
    _pays(table, 5000)
    assert rules.left(table.sitting, PLAIN) == 2500
    with refused("not_that_much") as error:
        _pays(table, 2501)
    assert error.value.details["left"] == Amount(2500)
    _pays(table, 2500, "wechat")
    assert rules.left(table.sitting, PLAIN) == 0


@pytest.mark.parametrize("amount", [0, -1, 10**12])
def test_amounts_that_can_not_be_are_refused(table: Table, amount: int) -> None:
    with refused("not_that_much"):
        _pays(table, amount)


def test_tips_are_on_top_and_pay_nothing_of_the_bill(table: Table) -> None:
    _pays(table, 7000, tip=700)
    assert rules.left(table.sitting, PLAIN) == 500
    with refused("not_that_much"):
        _pays(table, 100, tip=-1)


def test_change_is_what_was_given_less_what_was_due(table: Table) -> None:
    _pays(table, 7500, "cash", given=10000, tip=500)
    assert rules.change(table.sitting.payments[-1]) == 2000


@pytest.mark.parametrize(("method", "given"), [("cash", 7499), ("card", 10000)])
def test_too_little_given_and_cash_over_the_counter_of_a_card_are_refused(
    table: Table, method: str, given: int
) -> None:
    with refused("too_little_given"):
        _pays(table, 7500, method, given=given)


@given(st.integers(1, 10**7), st.sampled_from([1, 5, 10, 25, 50, 100]))
def test_cash_is_to_the_smallest_coin_and_at_most_half_of_it_off(amount: int, coin: int) -> None:
    cash = rules.in_cash(amount, Terms(coin=coin))
    assert cash % coin == 0
    assert abs(cash - amount) * 2 <= coin


def test_only_cash_is_rounded(table: Table) -> None:
    swiss = Terms(coin=500)
    _pays(table, 1234, "card", swiss)
    _pays(table, 1234, "cash", swiss, given=2000)
    assert [payment.rounding for payment in table.sitting.payments] == [0, -234]
    assert rules.change(table.sitting.payments[1]) == 1000
    assert rules.left(table.sitting, swiss) == 7500 - 2 * 1234


def test_a_refund_gives_back_at_most_what_was_paid_with_a_reason(table: Table) -> None:
    payment = _pays(table, 5000)
    with refused("reason_needed"):
        _refunds(table, payment, 100, " ")
    _refunds(table, payment, 3000)
    with refused("not_that_much") as error:
        _refunds(table, payment, 2001)
    assert error.value.details["left"] == Amount(2000)
    with refused("no_such_payment"):
        _refunds(table, table.sitting.payments[-1].id, 1)
    assert rules.left(table.sitting, PLAIN) == 5500


def test_a_closed_bill_takes_no_money_but_gives_some_back(table: Table) -> None:
    payment = _pays(table, 7500)
    table.now(closed(table.sitting, PLAIN, table.moment("staff")))
    with refused("not_open"):
        _pays(table, 1)
    _refunds(table, payment, 7500)
    assert rules.paid(table.sitting) == 0


def test_nothing_is_taken_off_or_void_that_was_paid_already(table: Table) -> None:
    payment = _pays(table, 7500)
    with refused("refund_first") as error:
        _discounts(table, percent=10)
    assert error.value.details["amount"] == Amount(750)
    with refused("refund_first"):
        rules.comp(
            table.sitting, PLAIN, Comp(op="o", table="t1", line=_line(table, RICE), reason="late"), table.moment()
        )
    gone = kitchen.void(table.sitting, _line(table, PORK), "burnt", table.moment())
    with refused("refund_first"):
        rules.covered(gone, PLAIN)
    _refunds(table, payment, 6800)
    assert rules.covered(replace(gone, payments=table.sitting.payments), PLAIN)


def test_a_comp_costs_nothing_and_is_made_all_the_same(table: Table) -> None:
    line = _line(table, PORK)
    before = table.sitting.lines
    command = Comp(op="o", table="t1", line=line, reason="birthday")
    table.now(rules.comp(table.sitting, PLAIN, command, table.moment("staff")))
    assert owed(table.sitting, PLAIN).total == 700
    assert [each.state for each in table.sitting.lines] == [each.state for each in before]
    _discounts(table, line=line)
    assert owed(table.sitting, PLAIN).total == 7500


def test_a_discount_needs_a_reason_and_one_measure(table: Table) -> None:
    with refused("reason_needed"):
        rules.discount(table.sitting, PLAIN, Discount(op="o", table="t1", percent=5), table.moment())
    for wrong in ({"percent": 101}, {"percent": -1}, {"amount": -1}, {"percent": 5, "amount": 5}):
        with refused("no_such_choice"):
            _discounts(table, **wrong)


def test_a_discount_on_what_is_not_sent_is_refused(table: Table) -> None:
    with refused("no_such_line"):
        _discounts(table, line=table.adds(PORK), percent=5)


@given(bills, bill_terms, st.builds(Off, st.integers(0, 100), st.integers(0, 10**7)))
def test_whatever_is_taken_off_the_bill_is_never_below_zero_and_its_shares_add_up(
    sitting: Sitting, terms: Terms, off: Off
) -> None:
    sitting = replace(sitting, off=off)
    made = bill(sitting.lines, terms, off)
    assert 0 <= made.off <= made.lines
    assert made.total >= 0
    parts = shares(sitting, sitting.lines, terms)
    assert sum(part.amount for part in parts) == in_sight(sitting, terms).total == made.total
    assert sum(tax.base for tax in made.taxes) <= made.lines - made.off


amounts = st.tuples(
    st.sampled_from(["pay", "refund", "discount", "comp", "void", "add"]), st.integers(0, 9), st.integers(-100, 9000)
)


@given(st.lists(amounts, max_size=30))
def test_whatever_the_staff_do_what_is_paid_never_exceeds_what_is_owed(deeds: list[tuple[str, int, int]]) -> None:
    table = Table(MENU)
    for kind, number, amount in deeds:
        lines = table.sitting.lines
        line = lines[number % len(lines)].id if lines else "nobody"
        try:
            if kind == "add":
                table.adds([PORK, RICE][number % 2])
                table.places()
            elif kind == "pay":
                _pays(table, amount, ["cash", "card"][number % 2])
            elif kind == "refund":
                _refunds(
                    table, table.sitting.payments[number % 3].id if len(table.sitting.payments) > 3 else "x", amount
                )
            elif kind == "discount":
                _discounts(table, line=line if number % 2 else "", percent=amount % 101)
            elif kind == "comp":
                command = Comp(op="o", table="t1", line=line, reason="x")
                table.now(rules.comp(table.sitting, PLAIN, command, table.moment("staff")))
            else:
                gone = kitchen.void(table.sitting, line, "x", moment(v=table.v))
                table.now(rules.covered(gone, PLAIN))
        except rules.Refused:
            continue
        assert 0 <= rules.paid(table.sitting) <= owed(table.sitting, PLAIN).total
