"""The bill and its shares: whatever is shared, it adds up."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stories import JO, LIN, Table, bill_terms, bills, moment, refused

from ordering import bill as rules
from ordering import kitchen
from ordering.bill import NOBODY, RATE, Share, apportion, bill, owed, shares
from ordering.commands import Claim, SplitBill, Tip
from ordering.menu import Menu, Terms
from ordering.sitting import GUESTS_MOST, Sitting, cart, closed, placed
from ordering.state import State

PORK, DUCK, RICE = "dongpo-pork", "tea-smoked-duck", "steamed-rice"


@given(st.integers(0, 10**9), st.lists(st.integers(0, 10**9), min_size=1, max_size=60))
def test_parts_add_up_to_the_whole_and_are_within_one_unit_of_exact(whole: int, weights: list[int]) -> None:
    parts = apportion(whole, weights)
    assert sum(parts) == whole
    weighed = weights if any(weights) else [1] * len(weights)
    for part, weight in zip(parts, weighed, strict=True):
        assert abs(part * sum(weighed) - whole * weight) < sum(weighed)


@given(st.integers(0, 10**6), st.lists(st.integers(1, 50), min_size=2, max_size=9))
def test_who_weighs_more_never_pays_less(whole: int, weights: list[int]) -> None:
    for (light, little), (heavy, more) in pairwise(sorted(zip(weights, apportion(whole, weights), strict=True))):
        assert light == heavy or little <= more


@given(bills, bill_terms)
def test_the_shares_add_up_to_the_bill_in_every_way_of_sharing(sitting: Sitting, terms: Terms) -> None:
    whole = bill(sitting.lines, terms).total
    parts = shares(sitting, sitting.lines, terms)
    assert sum(share.amount for share in parts) == whole
    assert all(share.amount >= 0 and share.tip >= 0 for share in parts)
    assert {share.guest for share in parts} >= {guest.id for guest in sitting.guests}


@given(bills, bill_terms)
def test_a_bill_is_its_lines_its_service_and_the_tax_on_top(sitting: Sitting, terms: Terms) -> None:
    made = bill(sitting.lines, terms)
    kept = [line for line in sitting.lines if line.state is not State.VOID]
    assert made.lines == sum(line.unit_price * line.qty for line in kept)
    on_top = 0 if terms.tax_included else sum(tax.amount for tax in made.taxes)
    assert made.total == made.lines + made.service + on_top
    assert made.portions == sum(line.qty for line in kept)
    assert sum(tax.base for tax in made.taxes) == sum(line.unit_price * line.qty for line in kept if line.tax)
    for tax in made.taxes:
        whole = RATE + tax.rate if terms.tax_included else RATE
        assert abs(tax.amount * whole - tax.base * tax.rate) * 2 <= whole, "rounded to the nearest unit"


@pytest.fixture
def table(menu: Menu) -> Table:
    """Lin has pork, Jo duck, and rice is for the table; all of it is sent."""
    table = Table(menu)
    table.adds(PORK, who=LIN)
    table.adds(DUCK, who=JO)
    table.adds(RICE, 2, who=LIN, shared=True)
    table.places()
    return table


def _amounts(table: Table, terms: Terms | None = None) -> dict[str, int]:
    return {share.guest: share.amount for share in shares(table.sitting, placed(table.sitting), terms or Terms())}


def _of(table: Table, item: str) -> int:
    return sum(line.unit_price * line.qty for line in table.sitting.lines if line.item == item)


def _line(table: Table, item: str) -> str:
    return next(line.id for line in table.sitting.lines if line.item == item)


def test_everyone_pays_their_own_and_a_part_of_what_is_for_the_table(table: Table) -> None:
    half = _of(table, RICE) // 2
    assert _amounts(table) == {LIN: _of(table, PORK) + half, JO: _of(table, DUCK) + half}


def test_equal_parts_among_more_people_than_phones_leave_a_part_to_nobody(table: Table) -> None:
    table.now(rules.split(table.sitting, SplitBill(op="o", by="equal", people=3), table.moment()))
    parts = _amounts(table)
    assert set(parts) == {LIN, JO, NOBODY}
    assert max(parts.values()) - min(parts.values()) <= 1
    assert sum(parts.values()) == owed(table.sitting, Terms()).total


def test_equal_parts_are_among_the_guests_unless_told_otherwise(table: Table) -> None:
    table.now(rules.split(table.sitting, SplitBill(op="o", by="equal"), table.moment()))
    assert set(_amounts(table)) == {LIN, JO}


def test_what_nobody_has_claimed_is_nobodys_until_it_is(table: Table) -> None:
    table.now(rules.split(table.sitting, SplitBill(op="o", by="lines"), table.moment()))
    assert _amounts(table) == {LIN: 0, JO: 0, NOBODY: owed(table.sitting, Terms()).total}
    for item in (PORK, DUCK, RICE):
        table.now(rules.claim(table.sitting, Claim(op="o", line=_line(table, item), on=True), table.moment(JO)))
    assert _amounts(table) == {LIN: 0, JO: owed(table.sitting, Terms()).total}


def test_a_dish_that_two_claim_is_shared_by_both_and_a_claim_can_be_taken_back(table: Table) -> None:
    table.now(rules.split(table.sitting, SplitBill(op="o", by="lines"), table.moment()))
    line = _line(table, PORK)
    for who in (LIN, JO):
        table.now(rules.claim(table.sitting, Claim(op="o", line=line, on=True), table.moment(who)))
    parts = _amounts(table)
    assert (parts[LIN], parts[JO]) == (_of(table, PORK) // 2, _of(table, PORK) // 2)
    table.now(rules.claim(table.sitting, Claim(op="o", line=line, on=False), table.moment(LIN)))
    assert _amounts(table)[JO] == _of(table, PORK)


def test_claiming_needs_the_way_by_dishes_and_a_placed_line(table: Table) -> None:
    with refused("not_split_so"):
        rules.claim(table.sitting, Claim(op="o", line=_line(table, PORK), on=True), table.moment())
    table.now(rules.split(table.sitting, SplitBill(op="o", by="lines"), table.moment()))
    in_cart = table.adds("osmanthus-cake")
    with refused("no_such_line"):
        rules.claim(table.sitting, Claim(op="o", line=in_cart, on=True), table.moment())
    table.now(kitchen.void(table.sitting, _line(table, PORK), "dropped", table.moment("staff")))
    with refused("no_such_line"):
        rules.claim(table.sitting, Claim(op="o", line=_line(table, PORK), on=True), table.moment())


def test_what_is_void_costs_nothing(table: Table) -> None:
    before = owed(table.sitting, Terms()).total
    table.now(kitchen.void(table.sitting, _line(table, PORK), "dropped", table.moment("staff")))
    assert owed(table.sitting, Terms()).total == before - _of(table, PORK)
    assert _amounts(table)[LIN] == _of(table, RICE) // 2


@pytest.mark.parametrize(("people", "word"), [(-1, "no_such_choice"), (GUESTS_MOST + 1, "too_many")])
def test_people_to_share_among_have_limits(table: Table, people: int, word: str) -> None:
    with refused(word):
        rules.split(table.sitting, SplitBill(op="o", by="equal", people=people), table.moment())


def test_people_only_count_for_equal_parts(table: Table) -> None:
    table.now(rules.split(table.sitting, SplitBill(op="o", by="lines", people=5), table.moment()))
    assert table.sitting.people == 0


def test_a_tip_is_on_the_guests_own_share_and_not_part_of_the_bill(table: Table) -> None:
    before = owed(table.sitting, Terms()).total
    table.now(rules.tip(table.sitting, Tip(op="o", percent=10), table.moment(JO)))
    mine = {share.guest: share for share in shares(table.sitting, placed(table.sitting), Terms())}
    assert mine[JO] == Share(JO, mine[JO].amount, (mine[JO].amount + 5) // 10)
    assert mine[LIN].tip == 0
    assert owed(table.sitting, Terms()).total == before


@pytest.mark.parametrize(("percent", "word"), [(-1, "too_many"), (101, "too_many")])
def test_a_tip_has_limits(table: Table, percent: int, word: str) -> None:
    with refused(word):
        rules.tip(table.sitting, Tip(op="o", percent=percent), table.moment())


def test_nobody_shares_a_bill_that_is_closed(table: Table) -> None:
    table.now(closed(table.sitting, Terms(), table.moment("staff")))
    for act in (
        lambda: rules.split(table.sitting, SplitBill(op="o", by="equal"), table.moment()),
        lambda: rules.claim(table.sitting, Claim(op="o", line=_line(table, PORK), on=True), table.moment()),
        lambda: rules.tip(table.sitting, Tip(op="o", percent=5), table.moment()),
    ):
        with refused("sitting_closed"):
            act()


def test_a_closed_bill_keeps_the_terms_it_was_closed_on(table: Table) -> None:
    then = Terms(service=1000)
    sitting = closed(table.sitting, then, moment(table.sitting, "staff", table.v))
    assert sitting.terms == then
    assert owed(sitting, sitting.terms).service == (_of(table, PORK) + _of(table, DUCK) + _of(table, RICE) + 5) // 10


@given(bills, bill_terms)
def test_what_is_added_up_in_two_goes_comes_to_the_same_bill_and_shares(sitting: Sitting, terms: Terms) -> None:
    sent, whole = rules.tally(sitting, placed(sitting)), rules.tally(sitting, sitting.lines)
    assert rules.tally(sitting, cart(sitting), sent) == whole
    total = rules.comes_to(whole, terms)
    assert total == rules.in_sight(sitting, terms).total
    assert rules.shared(sitting, whole, total) == shares(sitting, sitting.lines, terms)
    assert (whole.portions, whole.prices) == (
        rules.in_sight(sitting, terms).portions,
        rules.in_sight(sitting, terms).lines,
    )
    assert whole.prices - sent.prices == bill(cart(sitting), terms).lines
