"""Who looks at what: an audience names the documents that it needs and builds its view from them.

One view serves everyone in an audience; a page and a push come from the same one.
"""

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from ordering import floor as floors
from ordering.documents import FLOOR, LOAD, MENU, PRINTERS, STAFF, STOCK, near_name, sitting_name
from ordering.floor import Floor
from ordering.load import Load
from ordering.near import Near
from ordering.sitting import Sitting
from ordering.slips import Printers
from ordering.stock import Stock
from ordering.views import diner, expo, kitchen, party
from ordering.views import floor as floor_view
from ordering.views.blocks import Content, View
from ordering.views.pages import as_json, pages
from ordering.views.text import text

Kind = Literal["diner", "kitchen", "expo", "floor", "party"]
Form = Literal["html", "json"]

_JSON_KINDS = {
    "diner": diner.JSON_KINDS,
    "kitchen": kitchen.JSON_KINDS,
    "expo": expo.JSON_KINDS,
    "floor": floor_view.JSON_KINDS,
    "party": party.JSON_KINDS,
}


# What stands for a document that does not exist yet; the same one each time, so that what rests on it is the same, too.
_NO_STOCK, _NO_LOAD, _NOBODY_NEAR = Stock(), Load(), Near()


class Audience(Struct, frozen=True):
    """`subject` is a sitting's id for diners, what was chosen (`views.kitchen.Chosen`) for the kitchen, a table's id
    for a party, "" for the pass and the floor."""

    kind: Kind
    form: Form
    lang: str
    subject: str

    @property
    def board(self) -> bool:
        """A staff board: it looks at the whole shop and counts its sequence number."""
        return self.kind != "diner"


def needs(audience: Audience, floor: Floor | None) -> set[str]:
    """The names of the documents that the audience looks at."""
    house = {FLOOR, MENU, STOCK, LOAD}
    if not audience.board:
        return house | {sitting_name(audience.subject), near_name(audience.subject)}
    floor = floor or Floor()
    lately = floors.closed_sittings(floor) if audience.kind == "kitchen" else ()  # what was finished can be called back
    return house | {STAFF, PRINTERS} | {sitting_name(id) for id in (*floors.open_sittings(floor), *lately)}


def build(audience: Audience, values: Mapping[str, Any], v: int, now: int, before: View | None = None) -> View:
    """The audience's view of these documents (values by name; a sitting may be missing) at this moment (ms)."""
    content = _content(audience, values, now, before)
    if audience.form == "json":
        return as_json(_JSON_KINDS[audience.kind], content, v, before)
    return pages(audience.lang).view(audience.kind, content, v, before)


def sitting_in(values: Mapping[str, Any], sitting_id: str) -> Sitting:
    """The sitting; before its first commit the empty one that a table waits with, and a closed one when no table
    knows it."""
    found: Sitting | None = values.get(sitting_name(sitting_id))
    if found is not None:
        return found
    floor: Floor = values[FLOOR]
    table = next((table.id for table in floor.tables if table.sitting == sitting_id), "")
    return Sitting(sitting_id, table, closed=0 if table else 1)


def _content(audience: Audience, values: Mapping[str, Any], now: int, before: View | None) -> Content:
    floor: Floor = values[FLOOR]
    menu, stock, words = values[MENU], values[STOCK] or _NO_STOCK, text(audience.lang)
    load = values.get(LOAD) or _NO_LOAD
    if audience.kind == "diner":
        near = values.get(near_name(audience.subject)) or _NOBODY_NEAR
        sitting, people = sitting_in(values, audience.subject), audience.form == "html"
        return diner.content(sitting, menu, stock, floor, load, near, now, words, people, before)
    printers = values.get(PRINTERS) or Printers()
    sittings = {id: sitting_in(values, id) for id in floors.open_sittings(floor)}
    if audience.kind == "kitchen":
        lately = [values.get(sitting_name(id)) for id in floors.closed_sittings(floor) if id not in sittings]
        every = [*sittings.values(), *(each for each in lately if each)]
        return kitchen.content(every, menu, stock, floor, load, printers, now, words, audience.subject)
    if audience.kind == "expo":
        return expo.content(list(sittings.values()), menu, floor, printers, words)
    if audience.kind == "party":
        return party.content(sittings, menu, floor, printers, words, audience.subject)
    return floor_view.content(sittings, menu, floor, printers, now, words)
