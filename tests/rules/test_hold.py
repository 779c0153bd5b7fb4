"""Lines that wait to be fired, come again, come back, and are for the table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stories import JO, LIN, Table, moment, refused

from ordering import kitchen
from ordering import sitting as rules
from ordering.commands import Again, Change, Fire, Hold, Restore, Share
from ordering.menu import Menu, Terms
from ordering.pace import Pace
from ordering.refused import Refused
from ordering.restaurant import DEMO, read
from ordering.sitting import RESTORED_WITHIN, cart, line_of, placed
from ordering.state import State
from ordering.stock import Stock

PORK, DUCK, RICE = "dongpo-pork", "tea-smoked-duck", "steamed-rice"
MENU = read(DEMO).menu


@pytest.fixture
def table(menu: Menu) -> Table:
    """A table where nobody has ordered yet."""
    return Table(menu)


def _holds(table: Table, line: str, on: bool = True, who: str = LIN) -> None:
    table.now(rules.hold(table.sitting, Hold(op="o", line=line, on=on), table.moment(who)))


def _fires(table: Table, line: str = "") -> None:
    table.now(rules.fire(table.sitting, table.pace, Fire(op="o", line=line), table.moment()))


def _removes(table: Table, line: str, who: str = LIN) -> None:
    table.now(rules.change(table.sitting, Change(op="o", line=line, by=-99), table.moment(who)))


def test_a_held_line_is_sent_but_not_made_until_it_is_fired(table: Table) -> None:
    now, later = table.adds(PORK), table.adds(DUCK)
    _holds(table, later)
    table.places()
    assert [line_of(table.sitting, line).state for line in (now, later)] == [State.QUEUED, State.HELD]
    assert not line_of(table.sitting, later).sent
    with refused("wrong_state"):
        kitchen.advance_line(table.sitting, later, State.COOKING, table.moment("cook"))
    _fires(table, later)
    assert line_of(table.sitting, later).state is State.QUEUED
    assert line_of(table.sitting, later).sent


def test_a_held_line_takes_its_stock_when_it_is_sent(menu: Menu) -> None:
    table = Table(menu, Stock(left={DUCK: 1}))
    _holds(table, table.adds(DUCK))
    table.places()
    assert table.stock.left == {DUCK: 0}


def test_firing_nothing_in_particular_fires_all_that_waits(table: Table) -> None:
    for item in (PORK, DUCK):
        _holds(table, table.adds(item))
    table.places()
    _fires(table)
    assert {line.state for line in table.sitting.lines} == {State.QUEUED}


def test_what_does_not_wait_can_not_be_fired(table: Table) -> None:
    line = table.adds(PORK)
    table.places()
    for wanted, word in ((line, "not_held"), ("", "not_held"), ("nobody", "no_such_line")):
        with refused(word):
            rules.fire(table.sitting, Pace(), Fire(op="o", line=wanted), table.moment())


def test_firing_twice_makes_it_once(table: Table) -> None:
    line = table.adds(PORK)
    _holds(table, line)
    table.places()
    _fires(table, line)
    with refused("not_held"):
        _fires(table, line)
    assert [each.state for each in placed(table.sitting)] == [State.QUEUED]


def test_holding_changes_a_line_so_that_who_saw_it_before_looks_again(table: Table) -> None:
    line = table.adds(PORK)
    seen = table.v
    _holds(table, line, who=JO)
    with refused("cart_changed"):
        table.places(seen)


def test_a_placed_line_can_not_be_put_on_hold_from_a_phone(table: Table) -> None:
    line = table.adds(PORK)
    table.places()
    with refused("already_placed"):
        _holds(table, line)


def test_what_was_never_fired_is_void_when_the_bill_is_closed(table: Table) -> None:
    made, waits = table.adds(PORK), table.adds(DUCK)
    _holds(table, waits)
    table.places()
    table.now(rules.closed(table.sitting, Terms(), table.moment("staff")))
    assert [line_of(table.sitting, line).state for line in (made, waits)] == [State.QUEUED, State.VOID]


def test_a_line_can_be_for_the_table_and_one_guests_again(table: Table) -> None:
    line = table.adds(RICE)
    table.adds(PORK, who=JO)
    for on in (True, False):
        table.now(rules.share(table.sitting, Share(op="o", line=line, on=on), table.moment(JO)))
        now = line_of(table.sitting, line)
        assert (now.shared, now.changed_by) == (on, JO)
        assert len(rules.eaters(table.sitting, now)) == (2 if on else 1)


def test_a_dish_for_the_table_and_one_for_me_stay_two_lines(table: Table) -> None:
    assert table.adds(RICE) != table.adds(RICE, shared=True)


def test_again_is_one_portion_more_with_the_same_choice_by_who_asks(table: Table) -> None:
    line = table.adds(PORK, 3, note="no skin")
    table.places()
    sitting, made = rules.again(table.sitting, table.menu, table.stock, Again(op="o", line=line), table.moment(JO))
    new = line_of(sitting, made[0])
    assert (new.item, new.qty, new.note, new.guest, new.state) == (PORK, 1, "no skin", JO, State.CART)


def test_a_round_again_is_all_of_it_that_can_still_be_had(table: Table) -> None:
    table.adds(PORK, 2)
    table.adds(DUCK)
    table.places()
    table.adds(RICE)
    table.places()
    stock = Stock(sold_out=(DUCK,))
    sitting, made = rules.again(table.sitting, table.menu, stock, Again(op="o", round=1), table.moment())
    assert [(line.item, line.qty) for line in cart(sitting)] == [(PORK, 2)]
    assert len(made) == 1
    nothing = Stock(sold_out=(DUCK, PORK))
    with refused("sold_out"):
        rules.again(table.sitting, table.menu, nothing, Again(op="o", round=1), table.moment())


@pytest.mark.parametrize("command", [Again(op="o"), Again(op="o", round=9), Again(op="o", line="nobody")])
def test_again_of_nothing_is_refused(table: Table, command: Again) -> None:
    table.adds(PORK)
    with refused("no_such_line"):
        rules.again(table.sitting, table.menu, table.stock, command, table.moment())


def test_a_removed_line_comes_back_as_it_was_and_counts_as_changed(table: Table) -> None:
    line = table.adds(PORK, 2, note="no skin", shared=True)
    seen = table.v
    before = line_of(table.sitting, line)
    _removes(table, line, JO)
    table.now(rules.restore(table.sitting, Restore(op="o", line=line), table.moment(JO)))
    after = line_of(table.sitting, line)
    assert (after.qty, after.note, after.guest, after.shared) == (before.qty, before.note, before.guest, before.shared)
    assert not table.sitting.removed
    with refused("cart_changed"):
        table.places(seen)
    table.places()


def test_who_looked_while_a_line_was_gone_looks_again_when_it_is_back(table: Table) -> None:
    line = table.adds(PORK)
    table.adds(DUCK)
    _removes(table, line)
    seen = table.v
    table.now(rules.restore(table.sitting, Restore(op="o", line=line), table.moment(JO)))
    with refused("cart_changed"):
        table.places(seen)


def test_a_line_comes_back_once_and_not_for_ever(table: Table) -> None:
    line = table.adds(PORK)
    _removes(table, line)
    late = moment(v=table.v)
    with refused("too_late"):
        removed_at = table.sitting.removed[0].since
        late = rules.Moment(late.v, removed_at + RESTORED_WITHIN + 1, LIN, late.fresh)
        rules.restore(table.sitting, Restore(op="o", line=line), late)
    table.now(rules.restore(table.sitting, Restore(op="o", line=line), table.moment()))
    with refused("too_late"):
        rules.restore(table.sitting, Restore(op="o", line=line), table.moment())


def test_a_line_that_comes_back_needs_room(table: Table) -> None:
    line = table.adds(PORK)
    _removes(table, line)
    for number in range(rules.CART_LINES_MOST):
        table.adds(PORK, note=str(number))
    with refused("too_many"):
        rules.restore(table.sitting, Restore(op="o", line=line), table.moment())


deeds = st.lists(
    st.tuples(
        st.sampled_from(["add", "hold", "share", "place", "fire", "remove", "restore", "again"]), st.integers(0, 9)
    ),
    max_size=40,
)


@given(deeds)
def test_whatever_is_held_and_fired_each_placed_line_is_sent_to_be_made_once(deeds: list[tuple[str, int]]) -> None:
    table = Table(MENU)
    sent: dict[str, int] = {}
    for kind, number in deeds:
        before = {line.id: line for line in table.sitting.lines}
        try:
            _do(table, kind, number)
        except Refused:
            continue
        for line in table.sitting.lines:
            was = before.get(line.id)
            if line.state is State.QUEUED and (was is None or was.state is not State.QUEUED):
                sent[line.id] = sent.get(line.id, 0) + 1
            if was is not None and was.round:
                assert (line.item, line.qty, line.round) == (was.item, was.qty, was.round), "what is sent stays sent"
    assert set(sent.values()) <= {1}
    assert {line.id for line in placed(table.sitting) if line.state is State.QUEUED} == set(sent)
    assert not {line.id for line in table.sitting.removed} & {line.id for line in table.sitting.lines}


def _do(table: Table, kind: str, number: int) -> None:
    every = [*table.sitting.lines, *table.sitting.removed]
    line = every[number % len(every)].id if every else "nobody"
    if kind == "add":
        table.adds([PORK, DUCK, RICE][number % 3], note=str(number))
    elif kind == "hold":
        _holds(table, line, on=number % 3 > 0)
    elif kind == "share":
        table.now(rules.share(table.sitting, Share(op="o", line=line, on=number % 2 > 0), table.moment()))
    elif kind == "place":
        table.places(max(0, table.v - number % 3))
    elif kind == "fire":
        _fires(table, "" if number % 2 else line)
    elif kind == "remove":
        _removes(table, line)
    elif kind == "restore":
        table.now(rules.restore(table.sitting, Restore(op="o", line=line), table.moment()))
    else:
        command = Again(op="o", line=line) if number % 2 else Again(op="o", round=1)
        sitting, _ = rules.again(table.sitting, table.menu, table.stock, command, table.moment())
        table.now(sitting)
