"""The checker of bad evenings finds each thing that must not be, in records made by hand; and nothing in a good one."""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from chaos.checker import check
from chaos.shrink import shrink

Events = list[dict[str, Any]]

MENU = {
    "items": [{"id": "soup", "price": 650, "station": "hot"}, {"id": "fish", "price": 2400, "station": "hot"}],
    "groups": [],
}


def entry(s: int, who: str, op: str, sitting: str, answer: dict[str, Any], **meant: Any) -> dict[str, Any]:
    """An entry of the log."""
    return {"s": s, "who": who, "op": op, "in": [f"sitting:{sitting}"], "meant": meant, "answer": answer}


def add(s: int, op: str, item: str = "soup", who: str = "lin", sitting: str = "a", qty: int = 1) -> dict[str, Any]:
    """Somebody adds a dish; the line is named after the op."""
    return entry(s, who, op, sitting, {"line": f"line-{op}"}, do="add", item=item, qty=qty, modifiers=[], note="")


def asked(id: int, of: dict[str, Any], t: float, status: int = 200, v: int = 0, **more: Any) -> Events:
    """A command as it was sent and answered."""
    answer = {"op": of["op"], "ok": True, "v": v, **of["answer"]} if status == 200 else {"error": "no"}
    door = "kitchen/post" if of["who"] == "manager" else "guest/post"
    return [
        {"e": "ask", "t": t, "id": id, "who": of["who"], "op": of["op"], "cmd": of["meant"], "door": door},
        {"e": "told", "t": t + 0.1, "id": id, "status": status, "answer": answer | more},
    ]


def show(
    t: float, page: str, v: int, lines: dict[str, list[Any]], subject: str = "a", e: str = "show"
) -> dict[str, Any]:
    """A guest's page after a push."""
    return {"e": e, "t": t, "page": page, "kind": "guest", "subject": subject, "v": v, "lines": lines}


def display(t: float, *lines: tuple[str, str], e: str = "show") -> dict[str, Any]:
    """The hot station's display after a push."""
    return {"e": e, "t": t, "page": "cook/1", "kind": "kitchen", "subject": "hot", "v": int(t), "lines": [*lines]}


SOUP, FISH = add(2, "o1"), add(3, "o2", "fish", "jo")
PLACE = entry(4, "lin", "o3", "a", {"round": 1}, do="place", seen=2)
COOK = entry(5, "manager", "o4", "a", {}, do="advance", table="t", to="cooking", line="line-o1", ticket="")
FOUNDED = {"s": 1, "who": "founding", "in": []}
CART = {"line-o1": [1, "", "cart", 0]}
BOTH = {**CART, "line-o2": [1, "", "cart", 0]}
PLACED = {"line-o1": [1, "", "queued", 1], "line-o2": [1, "", "queued", 1]}
COOKING = {**PLACED, "line-o1": [1, "", "cooking", 1]}


def good() -> Events:
    """Lin adds soup, Jo adds fish, Lin places both, and a cook begins."""
    return [
        {"e": "menu", "t": 0, "menu": MENU, "left": {"fish": 2}},
        show(0.5, "jo/1", 0, {}),
        *asked(1, SOUP, 1, v=1),
        show(1.2, "jo/1", 1, CART),
        *asked(2, FISH, 2, v=2),
        show(2.2, "jo/1", 2, BOTH),
        *asked(3, PLACE, 3, v=3),
        show(3.2, "jo/1", 3, PLACED),
        display(3.3, ("line-o1", "queued"), ("line-o2", "queued")),
        *asked(4, COOK, 4, v=5),
        display(4.2, ("line-o1", "cooking"), ("line-o2", "queued")),
        show(4.3, "jo/1", 4, COOKING),
        show(9, "jo/1", 4, COOKING, e="end"),
        display(9, ("line-o1", "cooking"), ("line-o2", "queued"), e="end"),
        {**show(9, "", 4, COOKING, e="fresh"), "total": 3050, "paid": 0, "left": {"soup": None, "fish": 1}},
        {"e": "log", "t": 9, "entries": [FOUNDED, SOUP, FISH, PLACE, COOK]},
        {"e": "repairs", "t": 9, "port": "8000", "count": 0},
    ]


def of(record: Events, e: str, place: int = 0) -> dict[str, Any]:
    """The event of this kind, by its place."""
    return [event for event in record if event["e"] == e][place]


def twice(record: Events) -> None:
    log = of(record, "log")["entries"]
    log.append({**COOK, "s": 6})


def lost(record: Events) -> None:
    record[1:1] = asked(9, add(0, "o9"), 0.2, v=1)


def refused(record: Events) -> None:
    of(record, "told", 1).update(status=409, answer={"error": "sold_out"})


def turned_away(record: Events) -> None:
    """The socket said that it was too busy, and did it all the same."""
    of(record, "ask", 1)["door"] = "guest/socket"
    of(record, "told", 1).update(status=503, answer={"error": "busy"})


def refused_later(record: Events) -> None:
    record[-2:-2] = asked(9, SOUP, 8, status=409)


def other_answer(record: Events) -> None:
    record[-2:-2] = asked(9, SOUP, 8, v=7)


def never_seen(record: Events) -> None:
    record.insert(-2, {"e": "learn", "t": 8, "who": "lin", "op": "o1", "answer": None})


def gap(record: Events) -> None:
    of(record, "log")["entries"][-1] = {**COOK, "s": 7}
    of(record, "told", 3)["answer"]["v"] = 7


def unseen(record: Events) -> None:
    """Jo's fish became two after Lin had looked, and was placed all the same."""
    more = entry(4, "jo", "o5", "a", {}, do="change", line="line-o2", by=1)
    of(record, "log")["entries"][3:] = [more, {**PLACE, "s": 5}, {**COOK, "s": 6}]


def too_many(record: Events) -> None:
    of(record, "menu")["left"] = {"fish": 0}


def paid_twice(record: Events) -> None:
    pay = entry(6, "manager", "o6", "a", {}, do="pay", table="t", amount=5000, method="card")
    of(record, "log")["entries"].append(pay)


def too_late(record: Events) -> None:
    """What was acknowledged first stands behind what was asked for afterwards."""
    log = of(record, "log")["entries"]
    log[1], log[2] = {**FISH, "s": 2}, {**SOUP, "s": 3}


def wrong_version(record: Events) -> None:
    of(record, "told", 2)["answer"]["v"] = 9


def torn(record: Events) -> None:
    of(record, "show", 3)["lines"] = {**PLACED, "line-o2": [1, "", "cart", 0]}


def stranger(record: Events) -> None:
    other = add(6, "o7", who="max", sitting="b")
    of(record, "log")["entries"].append(other)
    of(record, "show", 3)["lines"] = {**PLACED, "line-o7": [1, "", "cart", 0]}


def backwards(record: Events) -> None:
    record.insert(-4, show(5, "jo/2", 3, PLACED))


def doubled(record: Events) -> None:
    of(record, "show", 4)["lines"] = [("line-o1", "queued"), ("line-o1", "queued"), ("line-o2", "queued")]


def sent_again(record: Events) -> None:
    record.insert(-4, display(5, ("line-o1", "queued"), ("line-o2", "queued")))


def off_display(record: Events) -> None:
    of(record, "end", 1)["lines"] = [("line-o1", "cooking")]


def not_placed(record: Events) -> None:
    of(record, "show", 4)["lines"].append(("line-o8", "queued"))


def stuck(record: Events) -> None:
    of(record, "end").update(v=3, lines=PLACED)


def dead(record: Events) -> None:
    of(record, "end")["live"] = False


def cheap(record: Events) -> None:
    of(record, "fresh")["total"] = 3049


def miscounted(record: Events) -> None:
    of(record, "fresh")["left"]["fish"] = 2


def leaking(record: Events) -> None:
    record.append({"e": "left", "t": 10, "port": "8000", "phones": 1, "files": 20})


def repaired(record: Events) -> None:
    of(record, "repairs")["count"] = 1


def test_a_good_evening_has_nothing_wrong() -> None:
    assert check(good()) == []


def test_who_is_turned_away_unjudged_when_asking_again_was_told_nothing_about_the_first_time() -> None:
    record = copy.deepcopy(good())
    record[-2:-2] = asked(9, SOUP, 8, status=503)
    of(record, "told", 4)["answer"] = {"error": "busy"}
    of(record, "ask", 4)["door"] = "guest/socket"
    assert check(record) == []


@pytest.mark.parametrize(
    ("rule", "wrong"),
    [
        ("once", twice),
        ("acknowledged", lost),
        ("refused", refused),
        ("refused", turned_away),
        ("repeat", refused_later),
        ("repeat", other_answer),
        ("asked after", never_seen),
        ("possible", gap),
        ("possible", unseen),
        ("possible", too_many),
        ("possible", paid_twice),
        ("order", too_late),
        ("answer", wrong_version),
        ("page", torn),
        ("apart", stranger),
        ("back", backwards),
        ("display", doubled),
        ("display", sent_again),
        ("display", off_display),
        ("display", not_placed),
        ("end", stuck),
        ("live", dead),
        ("money", cheap),
        ("stock", miscounted),
        ("unnoticed", repaired),
        ("leak", leaking),
    ],
)
def test_what_must_not_be_is_found(rule: str, wrong: Callable[[Events], None]) -> None:
    record = copy.deepcopy(good())
    wrong(record)
    assert rule in {violation.rule for violation in check(record)}


def put_back(record: Events) -> None:
    """At 5 the store went back to where only the soup was there; Jo adds the fish again, and it is another line."""
    lost = copy.deepcopy([FISH, PLACE, COOK])
    again = add(3, "o10", "fish", "jo")
    of(record, "log")["entries"][2:] = [again]
    del record[-6:-2]
    later = {"line-o1": CART["line-o1"], "line-o10": [1, "", "cart", 0]}
    record[-2:-2] = [
        {"e": "put", "t": 5, "until": 5.5, "next": 3, "lost": lost},
        show(5.6, "jo/1", 1, CART),
        *asked(9, again, 6, v=2),
        show(6.2, "jo/1", 2, later),
        {**show(30, "", 2, later, e="fresh"), "total": 0, "paid": 0, "left": {"fish": 2}},
    ]


def test_what_a_store_lost_that_was_put_back_is_no_fault_and_all_else_is() -> None:
    record = copy.deepcopy(good())
    put_back(record)
    assert check(record) == []
    late = copy.deepcopy(record)
    late.insert(-2, show(20, "jo/1", 2, BOTH))
    assert {violation.rule for violation in check(late)} == {"page"}
    kept = copy.deepcopy(record)
    of(kept, "put")["lost"].pop()
    assert "acknowledged" in {violation.rule for violation in check(kept)}


def test_a_record_is_shrunk_to_what_shows_the_fault() -> None:
    record = copy.deepcopy(good())
    backwards(record)
    (found,) = check(record)
    short = shrink(record, found)
    assert [(event["e"], event["page"], event["v"]) for event in short] == [("show", "jo/1", 4), ("show", "jo/2", 3)]
