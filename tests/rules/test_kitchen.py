"""Lines on their way through the kitchen, and what its displays show."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from stories import JO, Table, moment, refused

from ordering import floor as floors
from ordering import guests, kitchen
from ordering import sitting as sitting_rules
from ordering.commands import Allergies, FireFor, Hold
from ordering.floor import Area, Floor
from ordering.menu import Alarm, Menu, Terms
from ordering.pace import Pace
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


# ---- shown, seen, acknowledged


def ticket_of(table: Table, station: str = "kitchen") -> kitchen.Ticket:
    """The only ticket of a station."""
    [found] = [each for each in kitchen.tickets([table.sitting]) if each.station == station]
    return found


def test_a_ticket_is_shown_first_and_seen_later_and_each_is_noted_once(round_in_the_kitchen: Table) -> None:
    table = round_in_the_kitchen
    ticket = ticket_of(table)
    assert (ticket.shown, ticket.unseen) == (False, ticket.at)
    table.now(kitchen.shown(table.sitting, ticket.id, False, table.moment()))
    assert (ticket_of(table).shown, ticket_of(table).unseen) == (True, ticket.at)
    assert kitchen.shown(table.sitting, ticket.id, False, table.moment()) is table.sitting
    assert ticket_of(table, "bar").unseen
    table.now(kitchen.shown(table.sitting, ticket.id, True, table.moment()))
    assert ticket_of(table).unseen == 0
    assert kitchen.shown(table.sitting, ticket.id, True, table.moment()) is table.sitting
    with refused("no_such_ticket"):
        kitchen.shown(table.sitting, "s1.9.kitchen", True, table.moment())


def test_whoever_moves_a_line_has_seen_it(round_in_the_kitchen: Table) -> None:
    table = round_in_the_kitchen
    line = ticket_of(table).lines[0]
    table.now(kitchen.advance_line(table.sitting, line.id, State.COOKING, table.moment()))
    assert ticket_of(table).unseen == 0


def test_one_after_the_other_is_told_of_a_ticket_that_nobody_sees() -> None:
    alarm = Alarm(again=20, backup=60, floor=120, guest=180)
    sent = 1_000_000
    steps = []
    now = sent
    while now:
        steps.append(((now - sent) // 1000, kitchen.stage(sent, alarm, now).name))
        now = kitchen.next_stage(sent, alarm, now)
    assert steps == [(0, "STATION"), (20, "AGAIN"), (60, "BACKUP"), (120, "FLOOR"), (180, "GUEST")]
    assert kitchen.stage(sent, alarm, sent + 19_999) is kitchen.Stage.STATION
    assert kitchen.stage(0, alarm, sent) is kitchen.Stage.STATION
    assert kitchen.next_stage(0, alarm, sent) == 0


def test_an_allergy_is_acknowledged_before_anything_of_it_begins(menu: Menu) -> None:
    table = Table(menu)
    tag = menu.allergens[0].id
    table.adds(PORK)
    table.now(guests.avoid(table.sitting, menu, Allergies(op="o", tags=(tag,)), table.moment()))
    table.places()
    ticket = ticket_of(table)
    assert ticket.unheeded == (tag,)
    for act in (
        lambda: kitchen.advance_ticket(table.sitting, ticket.id, State.COOKING, table.moment()),
        lambda: kitchen.advance_line(table.sitting, ticket.lines[0].id, State.SERVED, table.moment()),
    ):
        with refused("allergy_first"):
            act()
    table.now(kitchen.acknowledge(table.sitting, ticket.id, ticket.v, table.moment()))
    assert (ticket_of(table).unheeded, ticket_of(table).unseen) == ((), 0)
    table.now(kitchen.advance_ticket(table.sitting, ticket.id, State.COOKING, table.moment()))
    # One more that the cook has not read: what is being made stops until it is.
    more = (tag, menu.allergens[1].id)
    table.now(guests.avoid(table.sitting, menu, Allergies(op="o", tags=more), table.moment()))
    assert ticket_of(table).unheeded == (menu.allergens[1].id,)
    with refused("allergy_first"):
        kitchen.advance_ticket(table.sitting, ticket.id, State.READY, table.moment())
    with refused("look_again"):
        kitchen.acknowledge(table.sitting, ticket.id, ticket.v, table.moment())


def test_a_line_taken_back_stays_struck_on_its_ticket_until_a_cook_has_read_it(round_in_the_kitchen: Table) -> None:
    table = round_in_the_kitchen
    line = ticket_of(table).lines[0]
    table.now(kitchen.void(table.sitting, line.id, "sold out", table.moment()))
    ticket = ticket_of(table)
    assert (ticket.flagged, ticket.lines[0].flag, ticket.waits) == (True, "void", False)
    assert kitchen.unfinished(table.sitting)
    table.now(kitchen.acknowledge(table.sitting, ticket.id, ticket.v, table.moment()))
    assert [each.station for each in kitchen.tickets([table.sitting])] == ["bar"]


def test_what_is_put_on_hold_or_moved_is_flagged_and_fired_is_new_again(round_in_the_kitchen: Table) -> None:
    table = round_in_the_kitchen
    line = ticket_of(table).lines[0]
    table.now(kitchen.shown(table.sitting, ticket_of(table).id, True, table.moment()))
    table.now(sitting_rules.hold_for(table.sitting, line.id, table.moment()))
    assert (ticket_of(table).flagged, ticket_of(table).waits, ticket_of(table).unseen) == (True, True, 0)
    fired = sitting_rules.fire(table.sitting, Pace(), FireFor(op="o", table="t1"), table.moment())
    table.now(fired)
    assert (ticket_of(table).flagged, ticket_of(table).unseen > 0) == (False, True)
    table.now(
        kitchen.void(
            sitting_rules.hold_for(table.sitting, line.id, table.moment()), line.id, "sold out", table.moment()
        )
    )
    assert ticket_of(table).lines[0].flag == "void"


def test_what_never_began_is_taken_back_without_a_word(menu: Menu) -> None:
    table = Table(menu)
    line = table.adds(PORK)
    table.now(sitting_rules.hold(table.sitting, Hold(op="o", line=line, on=True), table.moment()))
    table.places()
    table.now(kitchen.void(table.sitting, line, "sold out", table.moment()))
    assert kitchen.tickets([table.sitting]) == ()


def test_a_rushed_ticket_goes_first_and_a_promise_can_be_the_order(menu: Menu) -> None:
    early, late = Table(menu), Table(menu)
    late.sitting = replace(late.sitting, id="s2")
    for table, due in ((early, 9_000_000), (late, 8_000_000)):
        table.adds(PORK)
        table.places()
        table.now(replace(table.sitting, lines=tuple(replace(line, due=due) for line in table.sitting.lines)))
    both = [early.sitting, late.sitting]
    assert [each.sitting for each in kitchen.tickets(both)] == ["s1", "s2"]
    assert [each.sitting for each in kitchen.tickets(both, by_promise=True)] == ["s2", "s1"]
    late.now(kitchen.rush(late.sitting, ticket_of(late).id, True, late.moment()))
    assert [each.sitting for each in kitchen.tickets([early.sitting, late.sitting])] == ["s2", "s1"]
    with refused("no_such_ticket"):
        kitchen.rush(late.sitting, ticket_of(late).id, True, late.moment())


def test_undo_puts_lines_back_where_they_stood(round_in_the_kitchen: Table) -> None:
    table = round_in_the_kitchen
    line = ticket_of(table).lines[0].id
    table.now(kitchen.advance_ticket(table.sitting, ticket_of(table).id, State.SERVED, table.moment()))
    [last] = kitchen.recent([table.sitting])
    assert last.station == "kitchen"
    table.now(kitchen.undo(table.sitting, {line: "queued"}, table.moment()))
    assert ticket_of(table).lines[0].state is State.QUEUED
    assert kitchen.recent([table.sitting]) == ()
    for back in ({line: "queued"}, {line: "ready"}):
        with refused("wrong_state"):
            kitchen.undo(table.sitting, back, table.moment())
    with refused("no_such_line"):
        kitchen.undo(table.sitting, {"x": "queued"}, table.moment())


def test_twenty_finished_tickets_can_be_called_back_the_latest_first(menu: Menu) -> None:
    table = Table(menu)
    for _ in range(kitchen.RECENT + 2):
        table.adds(PORK)
        table.places()
    for ticket in kitchen.tickets([table.sitting]):
        table.now(kitchen.advance_ticket(table.sitting, ticket.id, State.SERVED, table.moment()))
    found = kitchen.recent([table.sitting])
    assert [each.round for each in found] == list(range(kitchen.RECENT + 2, 2, -1))


def test_serving_carries_what_is_ready_and_nothing_else(round_in_the_kitchen: Table) -> None:
    table = round_in_the_kitchen
    with refused("no_such_ticket"):
        kitchen.serve(table.sitting, table.moment())
    table.now(kitchen.advance_ticket(table.sitting, ticket_of(table).id, State.READY, table.moment()))
    table.now(kitchen.serve(table.sitting, table.moment()))
    assert {line.station: line.state for line in table.sitting.lines} == {"kitchen": State.SERVED, "bar": State.QUEUED}
