"""Lines on their way through the kitchen, and what its displays show."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stories import JO, Table, moment

from ordering import floor as floors
from ordering import kitchen
from ordering.floor import Area, Floor
from ordering.menu import Menu, Terms
from ordering.refused import Refused
from ordering.restaurant import DEMO, read
from ordering.sitting import Sitting
from ordering.state import AFTER, OPEN, Act, State, after

MENU = read(DEMO).menu
PORK, TEA = "dongpo-pork", next(item.id for item in MENU.items if item.station == "bar" and not item.groups)


@pytest.fixture
def round_in_the_kitchen(menu: Menu) -> Table:
    """One round for two stations."""
    table = Table(menu)
    table.adds(PORK, 2)
    table.adds(TEA, who=JO)
    table.places()
    return table


@pytest.mark.parametrize(("state", "act"), list(itertools.product(State, Act)))
def test_every_act_on_every_state_moves_it_or_is_refused(round_in_the_kitchen: Table, state: State, act: Act) -> None:
    from msgspec.structs import replace

    from ordering.sitting import moved

    line = replace(round_in_the_kitchen.sitting.lines[0], state=state)
    if (state, act) in AFTER:
        assert moved(line, act, moment()).state is AFTER[state, act]
    else:
        assert after(state, act) is None
        with pytest.raises(Refused):
            moved(line, act, moment())


def test_nothing_leaves_void_and_nothing_returns_to_the_cart() -> None:
    assert all(state is not State.VOID for state, _ in AFTER)
    assert State.CART not in AFTER.values()


def test_a_round_makes_one_ticket_for_each_station(round_in_the_kitchen: Table) -> None:
    found = kitchen.tickets([round_in_the_kitchen.sitting])
    assert sorted(ticket.station for ticket in found) == ["bar", "kitchen"]
    assert len({ticket.id for ticket in found}) == 2


def test_a_ticket_goes_when_its_last_line_is_served(round_in_the_kitchen: Table) -> None:
    table = round_in_the_kitchen
    bar = next(ticket for ticket in kitchen.tickets([table.sitting]) if ticket.station == "bar")
    for to in (State.COOKING, State.READY, State.SERVED):
        assert bar.id in [ticket.id for ticket in kitchen.tickets([table.sitting])]
        table.now(kitchen.advance_ticket(table.sitting, bar.id, to, table.moment()))
    assert bar.id not in [ticket.id for ticket in kitchen.tickets([table.sitting])]
    table.now(kitchen.recall_ticket(table.sitting, bar.id, table.moment()))
    assert [line.state for line in table.sitting.lines if line.station == "bar"] == [State.READY]


def test_a_move_that_is_done_already_is_refused(round_in_the_kitchen: Table) -> None:
    table = round_in_the_kitchen
    line = table.sitting.lines[0].id
    table.now(kitchen.advance_line(table.sitting, line, State.READY, table.moment()))
    with pytest.raises(Refused) as error:
        kitchen.advance_line(table.sitting, line, State.COOKING, table.moment())
    assert error.value.word == "wrong_state"


def test_all_day_counts_what_is_still_to_be_made(round_in_the_kitchen: Table) -> None:
    table = round_in_the_kitchen
    assert {tally.item: tally.qty for tally in kitchen.all_day(kitchen.tickets([table.sitting]))} == {
        PORK: 2,
        TEA: 1,
    }
    table.now(kitchen.advance_line(table.sitting, table.sitting.lines[0].id, State.READY, table.moment()))
    assert {tally.item: tally.qty for tally in kitchen.all_day(kitchen.tickets([table.sitting]))} == {TEA: 1}


def test_closing_a_bill_leaves_its_dishes_on_the_display(round_in_the_kitchen: Table) -> None:
    table = round_in_the_kitchen
    seats = floors.Table("t1", "1", 4, "hall", "code", "s1")
    floor = Floor((Area("hall", {"en": "Hall"}),), (seats,))
    before = kitchen.tickets([table.sitting])
    floor, closed = floors.close(floor, table.sitting, Terms(), moment(v=table.v))
    assert floor.tables[0].sitting != "s1"
    assert "s1" in floors.open_sittings(floor)
    assert [ticket.id for ticket in kitchen.tickets([closed])] == [ticket.id for ticket in before]
    for ticket in before:
        closed = kitchen.advance_ticket(closed, ticket.id, State.SERVED, moment(v=table.v))
    assert "s1" not in floors.open_sittings(floors.departed(floor, closed))


deeds = st.tuples(
    st.sampled_from(["place", "advance", "recall", "void"]),
    st.integers(0, 9),
    st.sampled_from([State.COOKING, State.READY, State.SERVED]),
)


@given(st.lists(deeds, max_size=25))
def test_a_placed_line_is_on_exactly_one_display_until_it_is_served_or_void(
    story: list[tuple[str, int, State]],
) -> None:
    table = Table(MENU)
    for kind, which, to in story:
        lines = table.sitting.lines
        line = lines[which % len(lines)].id if lines else ""
        try:
            if kind == "place":
                table.adds([PORK, TEA][which % 2], note=str(which))
                table.places()
            elif kind == "advance":
                table.now(kitchen.advance_line(table.sitting, line, to, table.moment()))
            elif kind == "recall":
                table.now(kitchen.recall_line(table.sitting, line, table.moment()))
            else:
                table.now(kitchen.void(table.sitting, line, "too late", table.moment()))
        except Refused:
            pass
        shown = [each.id for ticket in kitchen.tickets([table.sitting]) for each in ticket.lines]
        assert len(shown) == len(set(shown))
        assert {each.id for each in table.sitting.lines if each.state in OPEN} <= set(shown)


def test_an_unknown_ticket_or_line_is_refused() -> None:
    for word, act in (
        ("no_such_ticket", lambda: kitchen.advance_ticket(Sitting("s", "t"), "x", State.READY, moment())),
        ("no_such_line", lambda: kitchen.advance_line(Sitting("s", "t"), "x", State.READY, moment())),
    ):
        with pytest.raises(Refused) as error:
            act()
        assert error.value.word == word
