"""Which orders wait for a nod, and which phones may order at all."""

import pytest
from msgspec.structs import replace
from stories import JO, LIN, MENU, Table, moment, refused

from ordering import firewall, kitchen
from ordering import sitting as rules
from ordering.commands import Hold
from ordering.floor import Area, Floor
from ordering.floor import Table as Place
from ordering.menu import Hours, Menu, Ordering, Shop
from ordering.pace import Pace
from ordering.state import State
from ordering.stock import Stock

PORK = "dongpo-pork"
OPEN = Ordering(portions=5, value=100_00, rounds=2, phones=2)


def shop(ordering: Ordering = OPEN, hours: tuple[Hours, ...] = ()) -> Shop:
    """The demo, as strict as this."""
    return replace(MENU.shop, ordering=ordering, hours=hours, timezone="UTC")


def sent(table: Table, qty: int = 1, who: str = LIN, house: Shop | None = None) -> tuple[str, ...]:
    """Why a round of this many portions has to wait."""
    table.adds(PORK, qty, who=who)
    table.places(who=who)
    now = table.moment(who)
    table.now(firewall.checked(table.sitting, house or shop(), replace(now, at=table.sitting.rounds[-1].at)))
    return table.sitting.rounds[-1].doubts


@pytest.fixture
def table(menu: Menu) -> Table:
    """Nobody has ordered yet."""
    return Table(menu)


def test_an_ordinary_order_waits_for_nobody(table: Table) -> None:
    assert sent(table) == ()
    assert [line.state for line in table.sitting.lines] == [State.QUEUED]


@pytest.mark.parametrize(
    ("qty", "ordering", "why"),
    [
        (6, OPEN, ("quantity", "value")),
        (2, OPEN, ("value",)),
        (2, replace(OPEN, value=0), ()),
        (1, replace(OPEN, open="nod"), ("first",)),
    ],
)
def test_what_looks_wrong_waits(table: Table, qty: int, ordering: Ordering, why: tuple[str, ...]) -> None:
    assert sent(table, qty, house=shop(ordering)) == why
    assert {line.state for line in table.sitting.lines} == {State.ASKED if why else State.QUEUED}
    assert len(kitchen.tickets([table.sitting])) == (0 if why else 1)


def test_many_rounds_and_many_new_phones_in_a_short_time_wait(table: Table) -> None:
    assert [sent(table) for _ in range(3)] == [(), (), ("pace",)]
    crowd, patient = Table(table.menu), shop(replace(OPEN, rounds=9))
    assert [sent(crowd, who=who, house=patient) for who in ("a", "b", "c")] == [
        (),
        (),
        ("phones",),
    ]


def test_outside_the_opening_hours_an_order_waits(table: Table) -> None:
    # The stories' clock stands a quarter past midnight of the first of January 1970, UTC.
    assert sent(table, house=shop(hours=(Hours(0, 60),))) == ()
    assert sent(table, house=shop(hours=(Hours(11 * 60, 22 * 60),))) == ("hours",)


def test_a_nod_sends_it_to_the_kitchen_as_new_and_what_waits_for_its_course_waits_on(table: Table) -> None:
    line = table.adds(PORK)
    table.now(rules.hold(table.sitting, Hold(op="o", line=line, on=True), table.moment()))
    assert sent(table, 6) == ("quantity", "value")
    [waiting] = firewall.waiting(table.sitting)
    with refused("no_such_ticket"):
        firewall.approved(table.sitting, 7, Pace(), table.moment())
    now = table.moment()
    table.now(firewall.approved(table.sitting, waiting.number, Pace(), now))
    assert [each.state for each in table.sitting.lines] == [State.HELD, State.QUEUED]
    assert [each.sent for each in table.sitting.lines] == [0, now.at]
    assert firewall.waiting(table.sitting) == ()
    with refused("no_such_ticket"):
        firewall.approved(table.sitting, waiting.number, Pace(), table.moment())


def test_after_the_first_nod_a_table_orders_by_itself(table: Table) -> None:
    strict = shop(replace(OPEN, open="nod"))
    assert sent(table, house=strict) == ("first",)
    table.now(firewall.approved(table.sitting, 1, Pace(), table.moment()))
    assert sent(table, house=strict) == ()


def test_what_is_turned_down_is_taken_back_without_a_word_to_the_kitchen(table: Table) -> None:
    sent(table, 6)
    with refused("reason_needed"):
        firewall.declined(table.sitting, Stock(), 1, " ", table.moment())
    item, qty = table.sitting.lines[0].item, sum(line.qty for line in table.sitting.lines)
    after, stock = firewall.declined(table.sitting, Stock(left={item: 3, "other": 1}), 1, "a joke", table.moment())
    assert stock.left == {item: 3 + qty, "other": 1}
    table.now(after)
    assert [(line.state, line.reason, line.flag) for line in table.sitting.lines] == [(State.VOID, "a joke", "")]
    assert kitchen.tickets([table.sitting]) == ()


def test_who_may_order_at_all(table: Table) -> None:
    seat = Place("t1", "1", 4, "hall", "code", "s1")
    firewall.must_be_let_in(table.sitting, seat, Ordering(), LIN)
    with refused("frozen"):
        firewall.must_be_let_in(table.sitting, replace(seat, frozen=True), Ordering(), LIN)
    staff_opens = Ordering(open="staff")
    with refused("not_opened"):
        firewall.must_be_let_in(table.sitting, seat, staff_opens, LIN)
    firewall.must_be_let_in(rules.opened(table.sitting, table.moment()), seat, staff_opens, LIN)


def test_a_photographed_code_is_worth_nothing_where_a_pin_is_needed(table: Table) -> None:
    seat, needs_pin = Place("t1", "1", 4, "hall", "code", "s1"), Ordering(pin=True)
    firewall.must_be_let_in(table.sitting, seat, needs_pin, LIN)
    table.adds(PORK, who=LIN)
    firewall.must_be_let_in(table.sitting, seat, needs_pin, LIN)
    with refused("pin_needed"):
        firewall.must_be_let_in(table.sitting, seat, needs_pin, JO)
    pin = table.sitting.pin
    assert len(pin) == 4
    wrong = f"{(int(pin) + 1) % 10_000:04}"
    for _ in range(firewall.TRIES):
        guessed, let_in = firewall.enter(table.sitting, wrong, table.moment(JO))
        assert not let_in
        table.now(guessed)
    with refused("frozen"):
        firewall.enter(table.sitting, pin, table.moment(JO))
    after, let_in = firewall.enter(replace(table.sitting, tries=0), f" {pin} ", table.moment(JO))
    assert let_in
    firewall.must_be_let_in(after, seat, needs_pin, JO)


def test_pins_differ_from_table_to_table() -> None:
    pins = {
        rules.opened(rules.Sitting(f"s{n}", "t"), replace(moment(), fresh=f"{n * 2654435761:012x}")).pin
        for n in range(200)
    }
    assert len(pins) > 150


def test_a_table_is_stopped_gets_another_code_and_somebody_to_look_after_it() -> None:
    floor = Floor((Area("hall", {"en": "Hall"}),), (Place("t1", "1", 4, "hall", "old", "s1"),))
    stopped = firewall.frozen(floor, "t1", True)
    assert stopped.by_id["t1"].frozen
    with refused("no_such_choice"):
        firewall.frozen(stopped, "t1", True)
    with refused("no_such_table"):
        firewall.frozen(floor, "t2", True)
    assert list(firewall.recoded(floor, "t1", "new").by_code) == ["new"]
    assert firewall.owned(floor, "t1", "mei").by_id["t1"].waiter == "mei"
