"""The shop's log in words, as a manager reads it."""

from typing import Any

import pytest
from stories import MENU, Table

from ordering import floor, kitchen
from ordering.commands import Change
from ordering.sitting import Sitting, change
from ordering.staff import Account, Staff
from ordering.views.record import entries
from ordering.views.text import text

HOUSE = floor.Floor(tables=(floor.Table("t1", "9", 4, "hall", "code", "s1"),))
STAFF = Staff((Account("a1", "Mei", "waiter"),))


def said(meant: dict[str, Any], *sittings: Sitting, lang: str = "en", answer: dict[str, Any] | None = None) -> str:
    """The sentence of an entry that meant this."""
    entry = {"who": "a1", "at": 1, "in": [], "meant": meant, "answer": answer or {}}
    [told] = entries([(1, entry)], sittings, menu=MENU, staff=STAFF, floor=HOUSE, text=text(lang))
    return told.what


@pytest.fixture
def table() -> Table:
    return Table(MENU)


def test_a_line_that_was_removed_is_called_by_its_name_or_a_dish(table: Table) -> None:
    line = table.adds("dongpo-pork", 2)
    removed = change(table.sitting, Change("o", line, -2), table.moment())
    meant = {"do": "change", "line": line, "by": -2}
    assert removed.lines == ()
    assert said(meant, removed) == "changed the portions of Dongpo Pork by -2"
    assert said(meant) == "changed the portions of a dish by -2"
    assert said({"do": "fire", "table": "t1", "line": ""}) == "fired everything at table 9"


def test_a_ticket_is_called_by_its_round_and_station(table: Table) -> None:
    line = table.adds("dongpo-pork")
    table.places()
    station = table.sitting.lines[0].station
    ticket = kitchen.ticket_id("s1", 1, station)
    name = text("en").pick(next(each.name for each in MENU.stations if each.id == station))
    advance = {"do": "advance", "table": "t1", "to": "ready"}
    assert said({**advance, "ticket": ticket, "line": ""}) == f"round 1 ({name}) of table 9: ready"
    assert said({**advance, "ticket": "", "line": line}, table.sitting) == "Dongpo Pork of table 9: ready"
    assert said({"do": "recall", "table": "t1", "ticket": ticket, "line": ""}).startswith("called back round 1 (")
