"""Parties that move, join and part: each placed line is made at most once and on exactly one display, and no money is
lost on the way."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stories import JO, LIN, MENU, refused

from ordering import floor as floors
from ordering import kitchen, parties, payments
from ordering import sitting as rules
from ordering.bill import owed
from ordering.commands import Add, AddFor, Discount, Fire, Hold, Pay, Place, PlaceFor
from ordering.floor import REOPENED_WITHIN, Area, Floor, Status, Table, open_sittings
from ordering.menu import Terms
from ordering.pace import Pace
from ordering.refused import Refused
from ordering.sitting import Line, Moment, Sitting, line_of
from ordering.state import OPEN, State
from ordering.stock import Stock

PORK, RICE, CAKE = "dongpo-pork", "steamed-rice", "osmanthus-cake"
PLAIN = Terms()
TABLES = ("a", "b", "c")


class House:
    """Three tables and their sittings; carries out commands as the desk does."""

    def __init__(self) -> None:
        self.count = 0
        tables = tuple(Table(id, id, 4, "hall", f"code-{id}", f"s-{id}") for id in TABLES)
        self.floor = Floor((Area("hall", {"en": "Hall"}),), tables)
        self.sittings: dict[str, Sitting] = {}
        self.now = 1_000_000

    def moment(self, who: str = LIN, name: str = "") -> Moment:
        """The next moment; of a member of the staff when it has a name."""
        self.count += 1
        self.now += 1000
        return Moment(self.count, self.now, who, f"f{self.count}", name)

    def staff(self) -> Moment:
        """The next moment, of somebody of the staff."""
        return self.moment("manager", "Chen")

    def at(self, table: str) -> Sitting:
        """The sitting at a table."""
        id = self.floor.by_id[table].sitting
        return self.sittings.get(id) or Sitting(id, table)

    def keep(self, *sittings: Sitting, floor: Floor | None = None) -> None:
        """What a commit would write."""
        self.sittings |= {sitting.id: sitting for sitting in sittings}
        self.floor = floor or self.floor
        for sitting in sittings:
            self.floor = floors.departed(self.floor, sitting)

    def orders(self, table: str, *items: str, who: str = LIN, hold: bool = False) -> list[str]:
        """Items added and placed by a guest; the lines' ids."""
        sitting, lines = self.at(table), []
        for item in items:
            sitting, line = rules.add(
                sitting, MENU, Stock(), Add(op="o", item=item, note=str(self.count)), self.moment(who)
            )
            if hold:
                sitting = rules.hold(sitting, Hold(op="o", line=line, on=True), self.moment(who))
            lines.append(line)
        sitting, _ = rules.place(sitting, MENU, Stock(), Pace(), Place(op="o", seen=self.count), self.moment(who))
        self.keep(sitting)
        return lines

    def moves(self, table: str, to: str) -> None:
        """A party moves."""
        done = parties.move(self.floor, self.at(table), self.at(to), to, self.staff())
        self.keep(done.sitting, done.other, floor=done.floor)

    def merges(self, table: str, to: str) -> None:
        """A party joins another."""
        done = parties.merge(self.floor, self.at(table), self.at(to), to, self.staff())
        self.keep(done.sitting, done.other, floor=done.floor)

    def parts(self, table: str, to: str, lines: list[str], guests: list[str]) -> None:
        """Some go to another table."""
        mine = self.at(table)
        done = parties.part(self.floor, mine, self.at(to), to, lines, guests, PLAIN, self.staff())
        self.keep(done.sitting, done.other, floor=done.floor)

    def closes(self, table: str) -> str:
        """A bill is closed; the sitting's id."""
        floor, sitting = floors.close(self.floor, self.at(table), PLAIN, self.staff())
        self.keep(sitting, floor=floor)
        return sitting.id

    def reopens(self, sitting: str, reason: str = "too early") -> None:
        """A closed bill is open again."""
        closed = self.sittings[sitting]
        floor, sitting_now = parties.reopen(self.floor, closed, self.at(closed.table), reason, self.staff())
        self.keep(sitting_now, floor=floor)

    def pays(self, table: str, amount: int) -> None:
        """Money for a bill."""
        command = Pay(op="o", table=table, amount=amount, method="card")
        self.keep(payments.pay(self.at(table), PLAIN, command, self.staff()))

    def on_display(self) -> Counter[str]:
        """How often each line that is still to be served stands on a display."""
        shown = [self.sittings[id] for id in open_sittings(self.floor) if id in self.sittings]
        tickets = kitchen.tickets(shown)
        assert len({ticket.id for ticket in tickets}) == len(tickets)
        return Counter(line.id for ticket in tickets for line in ticket.lines if line.state in OPEN)

    def lines(self) -> dict[str, Line]:
        """Every placed line of the house; a line is in one sitting only."""
        every = [line for sitting in self.sittings.values() for line in sitting.lines if line.round]
        assert len({line.id for line in every}) == len(every)
        return {line.id: line for line in every}


@pytest.fixture
def house() -> House:
    """Nobody is there yet."""
    return House()


def test_a_moved_party_keeps_all_it_has_and_its_old_table_is_free(house: House) -> None:
    lines = house.orders("a", PORK, RICE)
    before = house.at("a")
    house.moves("a", "b")
    after = house.at("b")
    assert (after.id, after.guests) == (before.id, before.guests)
    assert [rules.replace(line, was="", changed=0) for line in after.lines] == [
        rules.replace(line, changed=0) for line in before.lines
    ]
    assert {line.was for line in after.lines} == {"a"}
    assert (after.table, floors.status(house.at("a"))) == ("b", Status.FREE)
    assert house.on_display() == Counter(lines)


def test_who_had_looked_at_the_new_tables_menu_is_led_to_the_party(house: House) -> None:
    waiting = house.at("b").id
    house.orders("a", PORK)
    house.moves("a", "b")
    assert house.sittings[waiting].into == house.at("b").id
    with refused("sitting_closed"):
        rules.add(house.sittings[waiting], MENU, Stock(), Add(op="o", item=PORK), house.moment())


@pytest.mark.parametrize(("to", "word"), [("a", "same_table"), ("b", "table_taken"), ("x", "no_such_table")])
def test_a_party_moves_to_a_free_table_only(house: House, to: str, word: str) -> None:
    house.orders("a", PORK)
    house.orders("b", PORK, who=JO)
    with refused(word):
        parties.move(house.floor, house.at("a"), house.at(to if to in TABLES else "c"), to, house.staff())


def test_an_empty_table_can_not_move_join_or_part(house: House) -> None:
    house.orders("b", PORK)
    for act in (
        lambda: house.moves("a", "c"),
        lambda: house.merges("a", "b"),
        lambda: house.merges("b", "a"),
        lambda: house.parts("a", "c", [], []),
    ):
        with refused("not_open"):
            act()


def test_two_parties_that_join_have_one_bill_one_cart_and_all_their_rounds(house: House) -> None:
    one = house.orders("a", PORK, who=LIN) + house.orders("a", RICE, who=LIN)
    two = house.orders("b", CAKE, who=JO)
    gone = house.at("a").id
    whole = owed(house.at("a"), PLAIN).total + owed(house.at("b"), PLAIN).total
    house.pays("a", 100)
    house.merges("a", "b")
    joint = house.at("b")
    assert owed(joint, PLAIN).total == whole
    assert payments.paid(joint) == 100
    assert [each.number for each in joint.rounds] == [1, 2, 3]
    assert [line.round for line in joint.lines] == [1, 2, 3]
    assert {guest.id for guest in joint.guests} == {LIN, JO}
    assert len({guest.colour for guest in joint.guests}) == 2
    assert house.on_display() == Counter(one + two)
    assert (house.sittings[gone].into, house.sittings[gone].lines) == (joint.id, ())
    assert floors.status(house.at("a")) is Status.FREE


def test_a_guest_of_both_parties_is_one_guest_and_avoids_what_either_did(house: House) -> None:
    house.orders("a", PORK, who=LIN)
    house.orders("b", PORK, who=LIN)
    known = MENU.allergens
    for table, tag in (("a", known[0].id), ("b", known[1].id)):
        sitting = house.at(table)
        mine = rules.replace(sitting.guests[0], allergies=(tag,))
        house.keep(rules.replace(sitting, guests=(mine,)))
    house.merges("a", "b")
    [guest] = house.at("b").guests
    assert set(guest.allergies) == {known[0].id, known[1].id}


def test_some_leave_with_their_dishes_and_their_phones_follow(house: House) -> None:
    mine, theirs = house.orders("a", PORK, who=LIN), house.orders("a", RICE, who=JO)
    old = house.at("a").id
    house.parts("a", "b", theirs, [JO])
    new = house.at("b")
    assert [line.id for line in new.lines] == theirs
    assert [line.id for line in house.at("a").lines] == mine
    assert house.at("a").left == {JO: new.id}
    assert new.rounds[0].number == new.lines[0].round == 1
    assert house.on_display() == Counter(mine + theirs)
    with refused("you_moved"):
        rules.add(house.sittings[old], MENU, Stock(), Add(op="o", item=PORK), house.moment(JO))
    house.merges("b", "a")
    rules.add(house.at("a"), MENU, Stock(), Add(op="o", item=PORK), house.moment(JO))


def test_parting_needs_something_to_part_and_enough_left_to_pay(house: House) -> None:
    lines = house.orders("a", PORK, RICE)
    for chosen, guests, word in (
        ([], [], "nothing_to_part"),
        (lines, [LIN], "nothing_to_part"),
        (["nobody"], [], "no_such_line"),
        ([], ["nobody"], "no_such_line"),
    ):
        with refused(word):
            house.parts("a", "b", chosen, guests)
    house.pays("a", 7000)
    with refused("refund_first"):
        house.parts("a", "b", lines[:1], [])


def test_a_discount_on_the_whole_bill_comes_off_before_parties_join_or_part(house: House) -> None:
    lines = house.orders("a", PORK, RICE)
    house.orders("b", PORK, who=JO)
    command = Discount(op="o", table="a", percent=10, reason="regular")
    house.keep(payments.discount(house.at("a"), PLAIN, command, house.staff()))
    for act in (
        lambda: house.merges("a", "b"),
        lambda: house.merges("b", "a"),
        lambda: house.parts("a", "c", lines[:1], []),
    ):
        with refused("discount_first"):
            act()


def test_a_bill_closed_by_mistake_is_open_again_for_an_hour_with_a_reason(house: House) -> None:
    lines = house.orders("a", PORK)
    closed = house.closes("a")
    with refused("reason_needed"):
        house.reopens(closed, " ")
    house.reopens(closed)
    assert house.at("a").id == closed
    assert house.on_display() == Counter(lines)
    with refused("already_open"):
        house.reopens(closed)
    house.closes("a")
    house.now += REOPENED_WITHIN
    with refused("too_late_to_reopen"):
        house.reopens(closed)


def test_a_bill_is_not_reopened_under_the_next_party(house: House) -> None:
    house.orders("a", PORK)
    closed = house.closes("a")
    house.orders("a", RICE, who=JO)
    with refused("table_taken"):
        house.reopens(closed)


def test_staff_add_and_send_for_guests_and_are_no_guests(house: House) -> None:
    house.orders("a", PORK)
    wanted = AddFor(op="o", table="a", item=RICE, guest=LIN)
    sitting, line = rules.add_for(house.at("a"), MENU, Stock(), wanted, house.staff())
    command = PlaceFor(op="o", table="a", seen=house.count)
    sitting, _ = rules.place_for(sitting, MENU, Stock(), Pace(), command, house.staff())
    assert [guest.id for guest in sitting.guests] == [LIN]
    assert (line_of(sitting, line).guest, line_of(sitting, line).state) == (LIN, State.QUEUED)
    with refused("no_such_choice"):
        rules.add_for(sitting, MENU, Stock(), AddFor(op="o", table="a", item=RICE, guest="nobody"), house.staff())


def test_where_there_is_no_phone_the_staff_order_all_the_same(house: House) -> None:
    sitting, line = rules.add_for(house.at("a"), MENU, Stock(), AddFor(op="o", table="a", item=RICE), house.staff())
    assert sitting.opened
    assert line_of(sitting, line).guest == sitting.guests[0].id


def test_a_line_that_nobody_has_begun_can_be_put_on_hold_and_fired_by_the_staff(house: House) -> None:
    [line] = house.orders("a", PORK)
    house.keep(rules.hold_for(house.at("a"), line, house.staff()))
    assert line_of(house.at("a"), line).state is State.HELD
    house.keep(rules.fire(house.at("a"), Pace(), Fire(op="o", line=line), house.staff()))
    assert [guest.id for guest in house.at("a").guests] == [LIN], "who serves does not eat"
    house.keep(kitchen.advance_line(house.at("a"), line, State.COOKING, house.staff()))
    with refused("wrong_state"):
        rules.hold_for(house.at("a"), line, house.staff())


deeds = st.lists(
    st.tuples(
        st.sampled_from(
            ["order", "order", "hold", "fire", "advance", "void", "move", "merge", "part", "pay", "close", "reopen"]
        ),
        st.sampled_from(TABLES),
        st.sampled_from(TABLES),
        st.integers(0, 20),
    ),
    max_size=45,
)


@settings(max_examples=200)
@given(deeds)
def test_whatever_happens_to_a_party_its_dishes_are_made_once_and_its_money_is_kept(
    deeds: list[tuple[str, str, str, int]],
) -> None:
    house = House()
    began: Counter[str] = Counter()
    taken = 0
    for kind, table, to, number in deeds:
        before = house.lines()
        try:
            taken += carry_out(house, kind, table, to, number)
        except Refused:
            continue
        after = house.lines()
        assert before.keys() <= after.keys(), "no placed line is ever lost"
        for id, line in after.items():
            was = before.get(id)
            if line.state is State.COOKING and (was is None or was.state is not State.COOKING):
                began[id] += 1
            if was and kind in ("move", "merge", "part", "pay", "reopen"):
                assert (line.state, line.station, line.qty, line.sent) == (was.state, was.station, was.qty, was.sent)
        open_now = {id for id, line in after.items() if line.state in OPEN}
        assert house.on_display() == Counter(open_now), "on exactly one display until served or void"
        for sitting in house.sittings.values():
            assert payments.paid(sitting) <= owed(sitting, PLAIN).total
            assert not sitting.into or house.sittings[sitting.into]
            assert {line.guest for line in sitting.lines} <= {guest.id for guest in sitting.guests}
        assert sum(payments.paid(sitting) for sitting in house.sittings.values()) == taken
    assert all(times == 1 for times in began.values())


def carry_out(house: House, kind: str, table: str, to: str, number: int) -> int:
    """One deed of the random story; returns the money taken."""
    sitting = house.at(table)
    line = sitting.lines[number % len(sitting.lines)].id if sitting.lines else "nobody"
    match kind:
        case "order" | "hold":
            house.orders(table, [PORK, RICE, CAKE][number % 3], who=[LIN, JO][number % 2], hold=kind == "hold")
        case "fire":
            house.keep(rules.fire(sitting, Pace(), Fire(op="o", line=line if number % 2 else ""), house.staff()))
        case "advance":
            to_state = [State.COOKING, State.READY, State.SERVED][number % 3]
            house.keep(kitchen.advance_line(sitting, line, to_state, house.staff()))
        case "void":
            gone = kitchen.void(sitting, line, "x", house.staff())
            house.keep(payments.covered(gone, PLAIN))
        case "move":
            house.moves(table, to)
        case "merge":
            house.merges(table, to)
        case "part":
            guests = [guest.id for guest in sitting.guests][: number % 2]
            house.parts(table, to, [each.id for each in sitting.lines][: number % 4], guests)
        case "pay":
            house.pays(table, number * 100)
            return number * 100
        case "close":
            house.closes(table)
        case _:
            closed = [sitting.id for sitting in house.sittings.values() if sitting.closed]
            if not closed:
                raise Refused("not_open")
            house.reopens(closed[number % len(closed)])
    return 0


def test_the_staff_add_and_send_for_a_table_whose_first_guest_has_gone_elsewhere(house: House) -> None:
    mine = house.orders("a", PORK, who=LIN)
    house.orders("a", RICE, who=JO)
    house.parts("a", "b", mine, [LIN])
    command = AddFor(op="o", table="a", item=CAKE)
    after, line = rules.add_for(house.at("a"), MENU, Stock(), command, house.staff())
    assert rules.line_of(after, line).guest == JO
    house.keep(after)
    seen = PlaceFor(op="o", table="a", seen=house.count)
    placed, _ = rules.place_for(house.at("a"), MENU, Stock(), Pace(), seen, house.staff())
    assert rules.line_of(placed, line).state is State.QUEUED
