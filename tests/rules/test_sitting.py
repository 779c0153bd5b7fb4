"""The shared cart and its rounds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stories import JO, LIN, Table, refused

from ordering import guests
from ordering import sitting as rules
from ordering.bill import in_sight, shares
from ordering.commands import CallStaff, Change, Name, Note
from ordering.menu import Menu, Terms
from ordering.refused import Refused
from ordering.restaurant import DEMO, read
from ordering.sitting import cart, line_of, placed
from ordering.state import State
from ordering.stock import Stock

FISH, DUCK, PORK = "sea-bass", "tea-smoked-duck", "dongpo-pork"
SIMPLE = [item.id for item in read(DEMO).menu.items if not item.groups][:6]


@pytest.fixture
def table(menu: Menu) -> Table:
    """A table where nobody has ordered yet."""
    return Table(menu)


def test_the_first_order_opens_the_sitting(table: Table) -> None:
    table.adds(PORK)
    assert table.sitting.opened
    assert [guest.id for guest in table.sitting.guests] == [LIN]


def test_the_same_choice_by_the_same_guest_becomes_more_portions(table: Table) -> None:
    assert table.adds(PORK) == table.adds(PORK, 2)
    assert [line.qty for line in table.sitting.lines] == [3]


def test_the_same_dish_from_two_guests_stays_two_lines(table: Table) -> None:
    assert table.adds(PORK, who=LIN) != table.adds(PORK, who=JO)


def test_the_same_dish_with_another_note_stays_two_lines(table: Table) -> None:
    assert table.adds(PORK) != table.adds(PORK, note="no skin")


def test_guests_have_colours_of_their_own(table: Table) -> None:
    for number in range(rules.COLOURS):
        table.adds(PORK, who=f"guest{number}")
    assert len({guest.colour for guest in table.sitting.guests}) == rules.COLOURS


@pytest.mark.parametrize(("qty", "word"), [(0, "too_few"), (-1, "too_few"), (100, "too_many"), (10**9, "too_many")])
def test_portions_have_limits(table: Table, qty: int, word: str) -> None:
    with refused(word):
        table.adds(PORK, qty)


def test_more_portions_than_a_line_may_have_are_refused_together(table: Table) -> None:
    table.adds(PORK, 99)
    with refused("too_many"):
        table.adds(PORK, 1)


def test_an_unknown_item_is_refused(table: Table) -> None:
    with refused("no_such_item"):
        table.adds("unicorn")


def test_what_is_sold_out_is_refused(menu: Menu) -> None:
    table = Table(menu, Stock(sold_out=(PORK,)))
    with refused("sold_out"):
        table.adds(PORK)


def test_a_note_is_one_plain_line(table: Table) -> None:
    line = table.adds(PORK, note="no\u202e skin\n<b>please</b>\x00 ")
    assert line_of(table.sitting, line).note == "no skin <b>please</b>"


def test_a_long_note_is_refused_with_its_limit(table: Table) -> None:
    with pytest.raises(Refused) as error:
        table.adds(PORK, note="x" * 201)
    assert (error.value.word, error.value.details["limit"]) == ("too_long", 200)


def test_portions_change_and_none_left_removes_the_line(table: Table) -> None:
    line = table.adds(PORK, 2)
    table.now(rules.change(table.sitting, Change(op="o", line=line, by=-1), table.moment(JO)))
    assert (line_of(table.sitting, line).qty, line_of(table.sitting, line).changed_by) == (1, JO)
    table.now(rules.change(table.sitting, Change(op="o", line=line, by=-5), table.moment(JO)))
    assert not table.sitting.lines
    with refused("no_such_line"):
        rules.change(table.sitting, Change(op="o", line=line, by=1), table.moment())


def test_the_cart_and_the_guests_are_limited(table: Table) -> None:
    for number in range(rules.CART_LINES_MOST):
        table.adds(PORK, note=str(number))
    with refused("too_many"):
        table.adds(PORK, note="one more")
    sitting = rules.Sitting("s", "t", opened=1, guests=tuple(rules.Guest(str(n), 1) for n in range(rules.GUESTS_MOST)))
    with refused("too_many"):
        guests.call(sitting, CallStaff(op="o", reason="bill"), table.moment("late"))


def test_placing_sends_what_was_seen(table: Table) -> None:
    table.adds(PORK)
    seen = table.v
    late = table.adds(DUCK, who=JO)
    table.places(seen)
    assert [line.item for line in placed(table.sitting)] == [PORK]
    assert [line.id for line in cart(table.sitting)] == [late]


def test_placing_is_refused_when_a_seen_line_has_changed(table: Table) -> None:
    line = table.adds(PORK)
    seen = table.v
    table.now(rules.change(table.sitting, Change(op="o", line=line, by=1), table.moment(JO)))
    with pytest.raises(Refused) as error:
        table.places(seen)
    assert (error.value.word, error.value.details["lines"]) == ("cart_changed", [line])


def test_placing_is_refused_when_a_seen_line_is_gone(table: Table) -> None:
    line = table.adds(PORK)
    table.adds(DUCK)
    seen = table.v
    table.now(rules.change(table.sitting, Change(op="o", line=line, by=-1), table.moment(JO)))
    with refused("cart_changed"):
        table.places(seen)
    table.places()
    assert [line.item for line in placed(table.sitting)] == [DUCK]


def test_a_removal_that_nothing_remembers_any_more_still_refuses(table: Table) -> None:
    kept = table.adds(DUCK)
    seen = table.v
    for number in range(rules.REMOVED_KEPT + 1):
        line = table.adds(PORK, note=str(number))
        seen = table.v if number == 0 else seen
        table.now(rules.change(table.sitting, Change(op="o", line=line, by=-1), table.moment(JO)))
    with refused("cart_changed"):
        table.places(seen)
    table.places()
    assert line_of(table.sitting, kept).state is State.QUEUED


def test_placing_twice_is_refused(table: Table) -> None:
    table.adds(PORK)
    seen = table.v
    table.places(seen)
    with refused("nothing_to_place"):
        table.places(seen, who=JO)


def test_a_version_that_does_not_exist_proves_nothing(table: Table) -> None:
    table.adds(PORK)
    with refused("cart_changed"):
        table.places(seen=table.v + 1)


def test_what_is_placed_can_not_be_changed_from_a_phone(table: Table) -> None:
    line = table.adds(PORK)
    table.places()
    with refused("already_placed"):
        rules.change(table.sitting, Change(op="o", line=line, by=1), table.moment())
    with refused("already_placed"):
        rules.note(table.sitting, Note(op="o", line=line, note="hot"), table.moment())


def test_placing_takes_counted_portions_and_never_more_than_there_are(menu: Menu) -> None:
    table = Table(menu, Stock(left={PORK: 3}))
    table.adds(PORK, 2, who=LIN)
    table.adds(PORK, 2, who=JO)
    with pytest.raises(Refused) as error:
        table.places()
    assert (error.value.word, error.value.details["left"]) == ("too_few_left", 3)
    line = table.sitting.lines[0].id
    table.now(rules.change(table.sitting, Change(op="o", line=line, by=-1), table.moment()))
    table.places()
    assert table.stock.left == {PORK: 0}


def test_calling_twice_for_the_same_is_refused(table: Table) -> None:
    table.now(guests.call(table.sitting, CallStaff(op="o", reason="bill"), table.moment()))
    with refused("already_called"):
        guests.call(table.sitting, CallStaff(op="o", reason="bill"), table.moment(JO))
    table.now(guests.call(table.sitting, CallStaff(op="o", reason="waiter"), table.moment(JO)))
    table.now(guests.cleared(table.sitting, table.sitting.calls[0].id))
    assert [call.reason for call in table.sitting.calls] == ["waiter"]


def test_a_guest_names_only_itself(table: Table) -> None:
    table.adds(PORK, who=LIN)
    table.now(guests.name(table.sitting, Name(op="o", name=" 林  "), table.moment(LIN)))
    table.adds(PORK, who=JO)
    assert [guest.name for guest in table.sitting.guests] == ["林", ""]


def test_a_closed_sitting_takes_no_order_and_forgets_its_cart(table: Table) -> None:
    table.adds(PORK)
    table.places()
    table.adds(DUCK)
    table.now(rules.closed(table.sitting, Terms(), table.moment()))
    assert [line.item for line in table.sitting.lines] == [PORK]
    for act in (
        lambda: table.adds(PORK),
        lambda: table.places(),
        lambda: guests.call(table.sitting, CallStaff(op="o", reason="bill"), table.moment()),
        lambda: guests.name(table.sitting, Name(op="o", name="x"), table.moment()),
        lambda: rules.change(table.sitting, Change(op="o", line="x", by=1), table.moment()),
        lambda: rules.note(table.sitting, Note(op="o", line="x", note=""), table.moment()),
    ):
        with refused("sitting_closed"):
            act()


acts = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(SIMPLE), st.integers(1, 4), st.sampled_from([LIN, JO])),
    st.tuples(st.just("change"), st.integers(0, 9), st.integers(-3, 3), st.sampled_from([LIN, JO])),
    st.tuples(st.just("note"), st.integers(0, 9), st.text(max_size=5), st.sampled_from([LIN, JO])),
    st.tuples(st.just("place"), st.integers(0, 5), st.just(0), st.sampled_from([LIN, JO])),
)


@given(st.lists(acts, max_size=30))
def test_whatever_guests_do_the_sums_hold_and_nothing_placed_changes(
    deeds: list[tuple[str, object, object, str]],
) -> None:
    menu = read_menu()
    counted = {SIMPLE[0]: 5, SIMPLE[1]: 3}
    table = Table(menu, Stock(left=dict(counted)))
    for kind, what, how, who in deeds:
        before = {line.id: line for line in placed(table.sitting)}
        seen = {line.id: line for line in cart(table.sitting)}
        try:
            act(table, kind, what, how, who)
        except Refused:
            continue
        after = {line.id: line for line in placed(table.sitting)}
        assert all(after[id] == line for id, line in before.items())
        for id in after.keys() - before.keys():
            assert (after[id].qty, after[id].note) == (seen[id].qty, seen[id].note), "bought what was not seen"
    sums = in_sight(table.sitting, Terms())
    assert sum(share.amount for share in shares(table.sitting, table.sitting.lines, Terms())) == sums.total
    assert sums.total == sum(line.qty * line.unit_price for line in table.sitting.lines)
    for item, portions in counted.items():
        taken = sum(line.qty for line in placed(table.sitting) if line.item == item)
        assert table.stock.left[item] == portions - taken >= 0


def act(table: Table, kind: str, what: object, how: object, who: str) -> None:
    """One deed of the random story."""
    lines = table.sitting.lines
    if kind == "add":
        table.adds(str(what), int(str(how)), who=who)
    elif kind == "place":
        table.places(max(0, table.v - int(str(what))), who=who)
    elif lines:
        line = lines[int(str(what)) % len(lines)].id
        if kind == "change":
            table.now(rules.change(table.sitting, Change(op="o", line=line, by=int(str(how))), table.moment(who)))
        else:
            table.now(rules.note(table.sitting, Note(op="o", line=line, note=str(how)), table.moment(who)))


_menu = read(DEMO).menu


def read_menu() -> Menu:
    """The demo's menu, read once."""
    return _menu
