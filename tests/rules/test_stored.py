"""What a stored sitting leaves out: a document in somebody's store means the same under every later version."""

from typing import Any

import msgspec
import pytest
from msgspec import NODEFAULT, Struct

from ordering.sitting import Call, Guest, Line, News, Off, Payment, Round, Sitting
from ordering.state import State

LEFT_OUT: dict[type[Struct], dict[str, Any]] = {
    Sitting: {
        "opened": 0,
        "closed": 0,
        "guests": (),
        "lines": (),
        "rounds": (),
        "calls": (),
        "removed": (),
        "forgotten": 0,
        "news": None,
        "split": "guest",
        "people": 0,
        "terms": None,
        "off": None,
        "payments": (),
        "into": "",
        "left": {},
        "pin": "",
        "tries": 0,
    },
    Guest: {"name": "", "allergies": (), "tip": 0, "since": 0},
    Line: {
        "modifiers": (),
        "note": "",
        "changed_by": "",
        "round": 0,
        "state": State.CART,
        "since": 0,
        "reason": "",
        "shared": False,
        "hold": False,
        "sent": 0,
        "due": 0,
        "tax": 0,
        "allergens": (),
        "allergies": (),
        "claimed": (),
        "off": None,
        "shown": 0,
        "seen": 0,
        "heeded": (),
        "flag": "",
        "was": "",
        "rush": False,
        "placed_in": "",
    },
    Round: {"doubts": ()},
    Payment: {"tip": 0, "guest": "", "by": "", "rounding": 0, "given": 0, "of": "", "reason": ""},
    Call: {"seen_by": ""},
    News: {"name": {}, "qty": 0, "line": ""},
    Off: {"percent": 0, "amount": 0, "reason": "", "by": ""},
}
"""Written once, never changed: a new field comes with a new row, and a default of another value would give what was
stored before another meaning."""


@pytest.mark.parametrize("kind", LEFT_OUT, ids=lambda kind: kind.__name__)
def test_what_is_left_out_means_what_it_always_meant(kind: type[Struct]) -> None:
    defaults = {}
    for each in msgspec.structs.fields(kind):
        if each.default is not NODEFAULT:
            defaults[each.name] = each.default
        elif each.default_factory is not NODEFAULT:
            defaults[each.name] = each.default_factory()
    assert defaults == LEFT_OUT[kind]


def test_an_ordinary_line_is_stored_without_what_it_has_not() -> None:
    line = Line("l1", "duck", {"en": "Duck"}, "hot", "g1", 9800, 2, 3, 4)
    stored = msgspec.json.encode(line)
    assert set(msgspec.json.decode(stored)) == {
        *("id", "item", "name", "station", "guest", "unit_price", "qty", "added", "changed")
    }
    assert msgspec.json.decode(stored, type=Line) == line
