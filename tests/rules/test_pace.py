"""An honest time, from what the station has lately taken."""

from hypothesis import given
from hypothesis import strategies as st
from stories import Table

from ordering import kitchen
from ordering.menu import Menu
from ordering.pace import ENOUGH, KEPT, LONGEST, MOST, Pace, due, with_lines
from ordering.sitting import Moment, line_of
from ordering.state import State

spans = st.lists(st.integers(1, LONGEST), min_size=ENOUGH, max_size=60)


def test_nothing_is_said_before_there_is_enough_to_say() -> None:
    few = with_lines(Pace(), [("wok", 60_000)] * (ENOUGH - 1))
    assert due(few, "wok", 5) == 0
    assert due(with_lines(few, [("wok", 60_000)]), "wok", 5) == 60_005
    assert due(with_lines(few, [("wok", 60_000)]), "bar", 5) == 0


@given(spans)
def test_most_of_the_last_lines_were_ready_by_the_time_that_is_told(took: list[int]) -> None:
    pace = with_lines(Pace(), (("wok", span) for span in took))
    last = took[-KEPT:]
    promised = due(pace, "wok", 1_000) - 1_000
    assert promised in last
    assert sum(span <= promised for span in last) >= MOST * len(last)


@given(spans)
def test_only_the_last_lines_count(took: list[int]) -> None:
    pace = with_lines(Pace(), (("wok", span) for span in took))
    assert list(pace.took["wok"]) == took[-KEPT:]


def test_a_line_forgotten_on_the_display_says_nothing() -> None:
    pace = Pace()
    assert with_lines(pace, [("wok", LONGEST + 1), ("wok", -1)]) is pace


def test_a_line_counts_once_when_it_becomes_ready(menu: Menu) -> None:
    table = Table(menu)
    line = table.adds("dongpo-pork")
    table.places()
    before = table.sitting
    sent = line_of(before, line).sent
    ready = kitchen.advance_line(before, line, State.READY, Moment(9, sent + 240_000, "cook", "x"))
    pace = kitchen.paced(Pace(), before, ready)
    station = line_of(before, line).station
    assert pace.took == {station: (240_000,)}
    served = kitchen.advance_line(ready, line, State.SERVED, Moment(10, sent + 300_000, "cook", "y"))
    assert kitchen.paced(pace, ready, served) is pace


def test_an_honest_time_is_fixed_when_the_line_is_sent(menu: Menu) -> None:
    table = Table(menu)
    station = menu.item["dongpo-pork"].station
    table.pace = with_lines(Pace(), [(station, 300_000)] * ENOUGH)
    line = table.adds("dongpo-pork")
    table.places()
    made = line_of(table.sitting, line)
    assert made.due == made.sent + 300_000
