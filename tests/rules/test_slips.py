"""Slips: each line that is to be made is printed once on each printer of its station, whatever happens to the line, to
the printers and to those who print; whatever comes after is marked a copy, or tells what has changed."""

from collections import defaultdict
from collections.abc import Collection

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from stories import JO, LIN, MENU
from test_parties import CAKE, PORK, RICE, TABLES, House

from ordering import floor as floors
from ordering import kitchen
from ordering import sitting as rules
from ordering.commands import Allergies, FireFor
from ordering.guests import avoid
from ordering.menu import Printer, with_printer, without_printer
from ordering.pace import Pace
from ordering.refused import Refused
from ordering.sitting import Sitting
from ordering.slips import (
    BACKUP_AFTER,
    TRIES_MOST,
    TRIES_OWN,
    Entry,
    Going,
    Outcome,
    Printers,
    Slip,
    Slips,
    Trouble,
    Why,
    behind,
    bill_claimed,
    bill_wanted,
    bills_due,
    claimed,
    due,
    records_of,
    reprint,
    route,
    said,
    settled,
)
from ordering.state import OPEN, TO_MAKE, State

WOK = Printer("wok", {"en": "Wok"}, "wok.lan", stations=("kitchen",), backup="bar")
PASS = Printer("pass", {"en": "Pass"}, "pass.lan", stations=("kitchen", "dessert"))
BAR = Printer("bar", {"en": "Bar"}, "bar.lan", stations=("bar",))
SHOP = replace(MENU, printers=(WOK, PASS, BAR))


class PrintRoom(House):
    """A house with printers: `paper` is what came out of them, in order, by line and printer."""

    def __init__(self) -> None:
        super().__init__()
        self.records: dict[str, Slips] = {}
        self.mine: set[str] = set()
        self.troubles: dict[str, Trouble] = {}
        self.paper: dict[tuple[str, str], list[tuple[Slip, Entry]]] = defaultdict(list)
        self.papers: list[Slip] = []

    def looked_at(self) -> list[Sitting]:
        """The sittings whose slips are printed: also of those that have just been closed."""
        ids = (*floors.open_sittings(self.floor), *(each.sitting for each in self.floor.closed))
        return [self.sittings[id] for id in dict.fromkeys(ids) if id in self.sittings]

    def due(self) -> list[Slip]:
        """What is to be printed now."""
        every = [due(sitting, SHOP, self.records, self.mine) for sitting in self.looked_at()]
        return [slip for slips in every for slip in slips]

    def claims(self, slip: Slip) -> str:
        """Somebody is about to print the slip; the job."""
        self.count += 1
        job = f"j{self.count}"
        by = route(slip, SHOP, Printers(self.troubles), self.now)
        self.records[slip.records] = claimed(self.records.get(slip.records, Slips()), slip, job, by, self.now)
        self.mine.add(job)
        return job

    def comes_out(self, slip: Slip) -> None:
        """The slip is on paper."""
        self.papers.append(slip)
        for entry in slip.entries:
            self.paper[entry.line, slip.printer].append((slip, entry))

    def settles(self, slip: Slip, job: str, outcome: Outcome) -> None:
        """It is known what became of the job."""
        self.records[slip.records] = settled(self.records[slip.records], job, outcome, self.now)
        self.mine.discard(job)

    def prints(self, slip: Slip) -> None:
        """All goes well."""
        job = self.claims(slip)
        self.comes_out(slip)
        self.settles(slip, job, "printed")

    def prints_all(self) -> list[Slip]:
        """All that is due, until nothing is; what came out."""
        before = len(self.papers)
        while slips := [slip for slip in self.due() if not slip.failed]:
            self.prints(slips[0])
        return self.papers[before:]

    def does(self, table: str, act: State | str, which: int = 0) -> None:
        """Something happens to a line of the table."""
        sitting = self.at(table)
        lines = [line for line in sitting.lines if line.round]
        if not lines:
            raise Refused("no_such_line")
        line = lines[which % len(lines)].id
        match act:
            case "hold":
                sitting = rules.hold_for(sitting, line, self.staff())
            case "fire":
                sitting = rules.fire(sitting, Pace(), FireFor(op="o", table=table), self.staff())
            case "void":
                sitting = kitchen.void(sitting, line, "dropped", self.staff())
            case "recall":
                sitting = kitchen.recall_line(sitting, line, self.staff())
            case "allergies":
                tags = tuple(tag.id for tag in MENU.allergens[: which % 3])
                sitting = avoid(sitting, MENU, Allergies(op="o", tags=tags), self.moment(LIN))
            case State():
                sitting = kitchen.advance_line(sitting, line, act, self.staff())
        self.keep(sitting)


@pytest.fixture
def room() -> PrintRoom:
    """Nobody is there yet, and every printer works."""
    return PrintRoom()


def told(slips: Collection[Slip]) -> list[tuple[str, str, bool, int]]:
    """What kind each is, on which printer, whether a copy, how many lines."""
    return [(slip.kind, slip.printer, slip.copy, len(slip.entries)) for slip in slips]


def test_a_round_is_one_ticket_on_each_printer_of_its_stations(room: PrintRoom) -> None:
    room.orders("a", PORK, RICE, CAKE)
    assert {line.station for line in room.at("a").lines} == {"kitchen", "dessert"}
    made = room.prints_all()
    assert sorted(told(made)) == [
        ("ticket", "pass", False, 1),
        ("ticket", "pass", False, 2),
        ("ticket", "wok", False, 2),
    ]
    assert room.prints_all() == []


def test_what_is_in_the_cart_or_on_hold_or_served_before_is_not_printed(room: PrintRoom) -> None:
    room.orders("a", PORK, hold=True)
    assert room.prints_all() == []
    room.orders("b", PORK)
    room.does("b", State.SERVED)
    assert room.prints_all() == []
    room.does("a", "fire")
    assert told(room.prints_all()) == [("ticket", "wok", False, 1), ("ticket", "pass", False, 1)]


def test_what_waits_for_a_nod_is_not_printed(room: PrintRoom) -> None:
    room.orders("a", PORK)
    sitting = room.at("a")
    room.keep(replace(sitting, lines=tuple(replace(line, state=State.ASKED) for line in sitting.lines)))
    assert room.due() == []


def test_a_void_tells_the_paper_that_is_there_and_nothing_where_there_is_none(room: PrintRoom) -> None:
    room.orders("a", PORK)
    room.prints(next(slip for slip in room.due() if slip.printer == "wok"))
    room.does("a", "void")
    [slip] = room.prints_all()
    [entry] = slip.entries
    assert told([slip]) == [("change", "wok", False, 1)]
    assert entry.old
    assert (entry.old.going, entry.new.going, entry.reason) == (Going.MAKE, Going.VOID, "dropped")


def test_a_void_after_the_bill_is_closed_is_told(room: PrintRoom) -> None:
    room.orders("a", PORK)
    room.prints_all()
    room.does("a", "hold")
    room.prints_all()
    room.closes("a")  # what waits is taken back, and nothing of it is on a display any more
    assert [slip.entries[0].new.going for slip in room.prints_all()] == [Going.VOID, Going.VOID]


def test_a_move_a_merge_and_a_parting_print_only_where_the_dishes_go_now(room: PrintRoom) -> None:
    mine = room.orders("a", PORK) + room.orders("a", RICE)
    room.prints_all()
    room.moves("a", "b")
    changes = room.prints_all()
    assert told(changes) == [("change", "wok", False, 2), ("change", "pass", False, 2)]
    went = {(entry.old.table, entry.new.table) for slip in changes for entry in slip.entries if entry.old}
    assert went == {("a", "b")}
    room.orders("c", PORK, who=JO)
    room.prints_all()
    room.merges("b", "c")
    assert told(room.prints_all()) == [("change", "wok", False, 2), ("change", "pass", False, 2)]
    room.parts("c", "a", mine[:1], [])
    assert told(room.prints_all()) == [("change", "wok", False, 1), ("change", "pass", False, 1)]


def test_what_is_served_is_no_concern_of_a_printer(room: PrintRoom) -> None:
    room.orders("a", PORK)
    room.prints_all()
    room.does("a", State.SERVED)
    room.moves("a", "b")
    assert room.prints_all() == []


def test_a_change_that_nobody_has_confirmed_is_told_again_as_a_copy(room: PrintRoom) -> None:
    room.orders("a", CAKE)
    room.prints_all()
    room.does("a", "void")
    [slip] = room.due()
    room.settles(slip, room.claims(slip), "unknown")
    [again] = room.due()
    assert told([slip, again]) == [("change", "pass", False, 1), ("change", "pass", True, 1)]
    assert again.entries == slip.entries


def test_an_allergy_that_is_told_later_is_a_change(room: PrintRoom) -> None:
    room.orders("a", PORK)
    room.prints_all()
    room.does("a", "allergies", 1)
    assert [slip.entries[0].new.allergies for slip in room.prints_all()] == [(MENU.allergens[0].id,)] * 2


def test_a_claim_of_somebody_who_died_is_printed_again_as_a_copy(room: PrintRoom) -> None:
    room.orders("a", PORK)
    slip = room.due()[0]
    room.claims(slip)
    assert [each.printer for each in room.due()] == ["pass"]
    room.mine.clear()  # another process has taken over
    assert told(room.prints_all()) == [("ticket", "wok", True, 1), ("ticket", "pass", False, 1)]


def test_what_was_surely_not_sent_is_no_copy(room: PrintRoom) -> None:
    room.orders("a", PORK)
    slip = room.due()[0]
    room.settles(slip, room.claims(slip), "not_sent")
    assert room.due()[0] == slip


def test_a_void_that_comes_while_nobody_knows_whether_it_was_printed_is_told(room: PrintRoom) -> None:
    room.orders("a", PORK)
    slip = room.due()[0]
    room.settles(slip, room.claims(slip), "unknown")
    room.does("a", "void")
    assert told(room.prints_all()) == [("change", "wok", False, 1)]


def test_a_reprint_is_a_copy_of_what_is_on_paper(room: PrintRoom) -> None:
    mine = room.orders("a", PORK, RICE)
    room.prints_all()
    records = room.at("a").id
    room.records[records] = reprint(room.records[records], mine)
    assert told(room.prints_all()) == [("ticket", "wok", True, 2), ("ticket", "pass", True, 2)]
    assert room.prints_all() == []


def test_the_backup_prints_when_a_printer_has_failed_for_long_and_the_record_says_so(room: PrintRoom) -> None:
    [line] = room.orders("a", PORK)
    slip = room.due()[0]
    room.troubles["wok"] = Trouble(Why.PAPER, room.now)
    assert route(slip, SHOP, Printers(room.troubles), room.now + BACKUP_AFTER - 1) == "wok"
    assert route(replace(slip, tries=TRIES_OWN), SHOP, Printers(room.troubles), room.now) == "bar"
    room.now += BACKUP_AFTER
    room.prints(slip)
    assert room.records[slip.records].by_sink[line, "wok"].by == "bar"
    room.troubles["bar"] = Trouble(Why.OFFLINE, room.now)
    assert route(slip, SHOP, Printers(room.troubles), room.now) == "wok"
    room.prints(replace(slip, printer="pass"))
    assert room.records[slip.records].by_sink[line, "pass"].by == ""


def test_what_is_never_confirmed_is_not_printed_for_ever(room: PrintRoom) -> None:
    room.orders("a", CAKE)
    for _ in range(TRIES_MOST):
        [slip] = room.due()
        assert not slip.failed
        room.settles(slip, room.claims(slip), "unknown")
    [slip] = room.due()
    assert slip.failed
    room.does("a", "void")
    assert told(room.prints_all()) == [("change", "pass", False, 1)]


def test_a_station_is_told_of_the_printers_that_are_behind() -> None:
    printers = Printers({"wok": Trouble(Why.PAPER, 5, 3, "bar"), "gone": Trouble(Why.PAPER, 5)})
    [late] = behind(SHOP, printers)
    assert (late.printer, late.trouble.since, late.trouble.waiting, late.helper) == (WOK, 5, 3, BAR)
    assert behind(SHOP, printers, ["kitchen", "bar"]) == (late,)
    assert behind(SHOP, printers, ["dessert"]) == ()


HAPPENINGS = ["hold", "fire", "void", "recall", "allergies", State.COOKING, State.READY, State.SERVED]
FATES = ["prints", "dies before", "dies after", "not sent", "lost", "unconfirmed"]
ACTS = ["order", "order held", "move", "merge", "part", "close", "reprint", *HAPPENINGS, *FATES, *FATES]


@settings(max_examples=300)
@given(
    st.lists(
        st.tuples(st.sampled_from(ACTS), st.sampled_from(TABLES), st.sampled_from(TABLES), st.integers(0, 5)),
        max_size=25,
    )
)
def test_every_line_is_printed_once_whatever_happens(story: list[tuple[State | str, str, str, int]]) -> None:
    room = PrintRoom()
    for act, table, to, which in [("order", TABLES[0], "", 2), *story]:
        try:
            happens(room, act, table, to, which)
        except Refused:
            continue
    while slips := room.due():  # everything works now, and somebody looks after what has failed
        for slip in slips:
            if slip.failed:
                room.records[slip.records] = reprint(room.records[slip.records], [each.line for each in slip.entries])
        room.prints(room.due()[0])
        assert len(room.papers) < 1000, "the same again and again"
    for sink, papers in room.paper.items():
        originals = [slip.kind == "ticket" and not slip.copy for slip, _ in papers]
        assert not any(originals[1:]), (sink, told([slip for slip, _ in papers]))
        assert all(entry.old for slip, entry in papers if slip.kind == "change" and not slip.copy)
    for sitting in room.looked_at():
        for line in sitting.lines:
            papers_of = [room.paper[line.id, each.id] for each in SHOP.printers if line.station in each.stations]
            if line.state in TO_MAKE:
                assert all(papers_of), "to be made, and on no paper"
            if line.state in OPEN - {State.READY} or line.state is State.VOID:
                truth = said(sitting, line)
                assert all(papers[-1][1].new == truth for papers in papers_of if papers), "the last paper is wrong"


def happens(room: PrintRoom, act: State | str, table: str, to: str, which: int) -> None:
    """One thing that happens."""
    lines = [line.id for line in room.at(table).lines]
    match act:
        case "order" | "order held":
            room.orders(table, *[PORK, RICE, CAKE][: which % 3 + 1], who=[LIN, JO][which % 2], hold=act != "order")
        case "move":
            room.moves(table, to)
        case "merge":
            room.merges(table, to)
        case "part":
            room.parts(table, to, lines[: which % 3 + 1], [])
        case "close":
            room.closes(table)
        case "reprint":
            for records in records_of(room.at(table)) & room.records.keys():
                room.records[records] = reprint(room.records[records], lines)
        case _ if act in FATES:
            if wanted := [slip for slip in room.due() if not slip.failed]:
                befalls(room, str(act), wanted[which % len(wanted)])
        case _:
            room.does(table, act, which)


def befalls(room: PrintRoom, fate: str, slip: Slip) -> None:
    """One of the ways in which printing a slip can end."""
    job = room.claims(slip)
    if fate in ("prints", "dies after", "unconfirmed"):
        room.comes_out(slip)
    match fate:
        case "prints":
            room.settles(slip, job, "printed")
        case "not sent":
            room.settles(slip, job, "not_sent")
        case "lost" | "unconfirmed":
            room.settles(slip, job, "unknown")
        case _:
            room.mine.clear()


def test_a_bill_is_printed_once_and_a_receipt_after_the_first_is_a_copy(room: PrintRoom) -> None:
    shop = replace(MENU, printers=(WOK, replace(BAR, receipts=True)))
    slips = bill_wanted(Slips(), shop, "", "en", False, room.staff())
    [bill] = bills_due(slips, ())
    assert (bill.printer, bill.copy) == ("bar", False)
    slips = bill_claimed(slips, bill.id, "j")
    assert bills_due(slips, {"j"}) == ()
    assert [each.copy for each in bills_due(slips, ())] == [True], "the job of somebody who has died"
    assert bills_due(settled(slips, "j", "not_sent", 1), ())[0].copy is False
    assert bills_due(settled(slips, "j", "unknown", 1), ())[0].copy
    slips = settled(slips, "j", "printed", 1)
    assert bills_due(slips, ()) == ()
    for copy in (False, True):
        slips = bill_wanted(slips, shop, "bar", "en", True, room.staff())
        [receipt] = bills_due(slips, ())
        assert receipt.copy is copy
        slips = settled(bill_claimed(slips, receipt.id, "k"), "k", "printed", 2)
    with pytest.raises(Refused, match="no_such_printer"):
        bill_wanted(slips, shop, "wok", "en", True, room.staff())


def test_a_bill_that_is_never_confirmed_waits_for_a_person(room: PrintRoom) -> None:
    shop = replace(MENU, printers=(replace(BAR, receipts=True),))
    slips = bill_wanted(Slips(), shop, "", "en", False, room.staff())
    for _ in range(TRIES_MOST):
        [bill] = bills_due(slips, ())
        assert not bill.failed
        slips = settled(bill_claimed(slips, bill.id, "j"), "j", "unknown", 1)
    assert bills_due(slips, ())[0].failed


@pytest.mark.parametrize(
    ("printer", "word"),
    [
        (replace(WOK, name={"en": ""}), "name_needed"),
        (replace(WOK, name={"en": "w" * 25}), "too_long"),
        (replace(WOK, host="http://wok/"), "bad_address"),
        (replace(WOK, stations=("sauna",)), "no_such_station"),
        (replace(WOK, backup="wok"), "no_such_printer"),
        (replace(WOK, stations=()), "nothing_to_print"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_printer_that_makes_no_sense_is_refused(printer: Printer, word: str) -> None:
    with pytest.raises(Refused, match=word):
        with_printer(SHOP, printer)


def test_printers_come_change_and_go() -> None:
    more = with_printer(SHOP, Printer("new", {"en": "New"}, "10.0.0.9", stations=("bar",), backup="wok"))
    assert [each.id for each in more.printers] == ["wok", "pass", "bar", "new"]
    moved = with_printer(more, replace(WOK, host="10.0.0.8"))
    assert moved.printer["wok"].host == "10.0.0.8"
    gone = without_printer(moved, "wok")
    assert gone.printer["new"].backup == ""
    with pytest.raises(Refused, match="no_such_printer"):
        without_printer(gone, "wok")
