"""What guests say of themselves and ask of the staff."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stories import JO, LIN, Table, refused

from ordering import guests as rules
from ordering import kitchen
from ordering import sitting as sittings
from ordering.commands import Allergies, CallStaff, Colour, Name
from ordering.menu import Menu
from ordering.sitting import COLOURS, line_of
from ordering.state import State

PORK, CAKE, RICE = "dongpo-pork", "osmanthus-cake", "steamed-rice"


@pytest.fixture
def table(menu: Menu) -> Table:
    """Lin and Jo have sat down."""
    table = Table(menu)
    table.now(rules.name(table.sitting, Name(op="o", name="林"), table.moment(LIN)))
    table.now(rules.name(table.sitting, Name(op="o", name="Jo"), table.moment(JO)))
    return table


def _avoids(table: Table, who: str, *tags: str) -> None:
    table.now(rules.avoid(table.sitting, table.menu, Allergies(op="o", tags=tags), table.moment(who)))


def test_a_colour_is_the_guests_own_as_long_as_there_are_such(table: Table) -> None:
    theirs = rules.guest_of(table.sitting, JO)
    assert theirs
    with refused("colour_taken"):
        rules.colour(table.sitting, Colour(op="o", colour=theirs.colour), table.moment(LIN))
    table.now(rules.colour(table.sitting, Colour(op="o", colour=COLOURS), table.moment(LIN)))
    mine = rules.guest_of(table.sitting, LIN)
    assert mine
    assert mine.colour == COLOURS


def test_a_guest_may_keep_their_own_colour(table: Table) -> None:
    mine = rules.guest_of(table.sitting, LIN)
    assert mine
    rules.colour(table.sitting, Colour(op="o", colour=mine.colour), table.moment(LIN))


def test_when_every_colour_is_taken_any_may_be_had(table: Table) -> None:
    for number in range(COLOURS):
        table.now(rules.name(table.sitting, Name(op="o", name=""), table.moment(f"g{number}")))
    rules.colour(table.sitting, Colour(op="o", colour=1), table.moment(JO))


@pytest.mark.parametrize("colour", [0, -1, COLOURS + 1, 10**9])
def test_a_colour_that_does_not_exist_is_refused(table: Table, colour: int) -> None:
    with refused("no_such_choice"):
        rules.colour(table.sitting, Colour(op="o", colour=colour), table.moment())


def test_a_long_name_is_refused_with_its_limit(table: Table) -> None:
    with refused("too_long"):
        rules.name(table.sitting, Name(op="o", name="x" * (rules.NAME_LONGEST + 1)), table.moment())


def test_allergies_are_known_ones_in_the_menus_order(table: Table) -> None:
    known = [tag.id for tag in table.menu.allergens]
    _avoids(table, LIN, *reversed(known[:2]))
    guest = rules.guest_of(table.sitting, LIN)
    assert guest
    assert list(guest.allergies) == known[:2]
    with refused("no_such_choice"):
        _avoids(table, LIN, "unicorns")
    with refused("no_such_choice"):
        _avoids(table, LIN, next(tag.id for tag in table.menu.tags if tag.kind != "allergen"))


def test_a_ticket_carries_the_allergies_of_who_eats_the_line(table: Table) -> None:
    allergen = table.menu.allergens[0].id
    _avoids(table, JO, allergen)
    mine, shared, theirs = table.adds(PORK, who=LIN), table.adds(RICE, shared=True, who=LIN), table.adds(CAKE, who=JO)
    table.places()
    assert [line_of(table.sitting, line).allergies for line in (mine, shared, theirs)] == [(), (allergen,), (allergen,)]


def test_an_allergy_stated_late_reaches_what_is_being_made_and_nothing_that_was_served(table: Table) -> None:
    served, cooking = table.adds(CAKE, who=JO), table.adds(PORK, who=JO)
    table.places()
    table.now(kitchen.advance_line(table.sitting, served, State.SERVED, table.moment("cook")))
    _avoids(table, JO, table.menu.allergens[0].id)
    assert line_of(table.sitting, cooking).allergies == (table.menu.allergens[0].id,)
    assert line_of(table.sitting, served).allergies == ()
    _avoids(table, JO)
    assert line_of(table.sitting, cooking).allergies == ()


def test_a_call_that_was_seen_says_by_whom_and_waits_until_it_is_answered(table: Table) -> None:
    table.now(rules.call(table.sitting, CallStaff(op="o", reason="water"), table.moment()))
    call = table.sitting.calls[0].id
    seen = sittings.Moment(table.v + 1, 5, "staff-1", "x", "Chen")
    table.now(rules.taken(table.sitting, call, seen))
    assert table.sitting.calls[0].seen_by == "Chen"
    with refused("already_called"):
        rules.call(table.sitting, CallStaff(op="o", reason="water"), table.moment(JO))
    table.now(rules.cleared(table.sitting, call))
    assert table.sitting.calls == ()
    for act in (lambda: rules.taken(table.sitting, call, seen), lambda: rules.cleared(table.sitting, call)):
        with refused("no_such_call"):
            act()


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(1, COLOURS)), max_size=30))
def test_no_two_guests_share_a_colour_while_there_are_enough(wishes: list[tuple[int, int]]) -> None:
    sitting = sittings.Sitting("s", "t")
    for number, (who, colour) in enumerate(wishes):
        moment = sittings.Moment(number + 1, number, f"g{who % COLOURS}", f"f{number}")
        try:
            sitting = rules.colour(sitting, Colour(op="o", colour=colour), moment)
        except rules.Refused:
            continue
        mine = next(guest for guest in sitting.guests if guest.id == moment.who)
        assert mine.colour == colour
        assert [guest.colour for guest in sitting.guests if guest.id != moment.who].count(colour) == 0
