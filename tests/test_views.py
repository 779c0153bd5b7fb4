"""The first law of the pages: the page before, plus what was pushed, is a fresh page; after everything."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from stories import JO, LIN, Table, moment

from ordering import bill, guests, kitchen, parties, payments, sitting
from ordering import floor as floors
from ordering import stock as stocks
from ordering.commands import (
    AddFor,
    Again,
    Allergies,
    CallStaff,
    Change,
    Claim,
    Colour,
    Comp,
    Discount,
    Fire,
    Hold,
    Name,
    Note,
    Pay,
    Refund,
    Restore,
    Share,
    SplitBill,
    Tip,
)
from ordering.documents import FLOOR, MENU, STOCK, near_name, sitting_name
from ordering.floor import Area, Floor
from ordering.menu import Hours, Terms
from ordering.near import Near, Sign
from ordering.refused import Refused
from ordering.restaurant import DEMO, read
from ordering.state import State
from ordering.views.audience import Audience, build, needs
from ordering.views.blocks import View, difference, settled

_DEMO = read(DEMO).menu
MENU_OF_DEMO = replace(
    _DEMO,
    shop=replace(_DEMO.shop, terms=Terms(service=1000, tax_included=False, tips=(10,))),
    categories=tuple(
        replace(each, hours=(Hours(0, 720),)) if each.id == "desserts" else each for each in _DEMO.categories
    ),
)
NOON = 12 * 3600_000 - 8 * 3600_000  # ms since 1970 at which the demo's clock shows twelve
PORK, RICE, COUNTED = "dongpo-pork", "steamed-rice", "osmanthus-cake"
AUDIENCES = [
    Audience(kind, form, lang, subject)  # type: ignore[arg-type]
    for kind, subject in (
        ("diner", "s1"),
        ("diner", "s2"),
        ("kitchen", ""),
        ("kitchen", "dessert"),
        ("floor", ""),
        ("party", "t1"),
    )
    for form in ("html", "json")
    for lang in ("zh", "en")
]


class Shop:
    """A shop with one party and a free table, all its documents in memory."""

    def __init__(self) -> None:
        self.table = Table(MENU_OF_DEMO, stocks.Stock(left={COUNTED: 4}))
        self.table.sitting = sitting.Sitting("s1", "t1")
        seat = floors.Table("t1", "1", 4, "hall", "code", "s1")
        free = floors.Table("t2", "2", 2, "hall", "other-code", "w1")
        self.floor = Floor((Area("hall", {"zh": "大堂", "en": "Hall"}),), (seat, free))
        self.past: dict[str, sitting.Sitting] = {}
        self.near = Near()
        self.now = NOON - 60_000
        self.s = 0

    def values(self) -> dict[str, Any]:
        """Every document's value by name."""
        sittings = {**self.past, self.table.sitting.id: self.table.sitting}
        return {
            MENU: MENU_OF_DEMO,
            STOCK: self.table.stock,
            FLOOR: self.floor,
            near_name("s1"): self.near,
            **{sitting_name(id): each for id, each in sittings.items()},
        }

    def view(self, audience: Audience, before: View | None = None) -> View:
        """What the audience sees now."""
        values = {name: value for name, value in self.values().items() if name in needs(audience, self.floor)}
        return build(audience, values, self.s, self.now, before)

    def waiting(self) -> tuple[str, sitting.Sitting]:
        """The table where the party is not, and what waits there."""
        other = next(table for table in self.floor.tables if table.sitting != self.table.sitting.id)
        return other.id, self.past.get(other.sitting) or sitting.Sitting(other.sitting, other.id)

    def parties(self, act: str, which: int, at: sitting.Moment) -> None:
        """The party moves, parts or joins again."""
        to, other = self.waiting()
        mine = self.table.sitting
        match act:
            case "move":
                done = parties.move(self.floor, mine, other, to, at)
            case "part":
                lines = [line.id for line in mine.lines][: which % 3]
                done = parties.part(self.floor, mine, other, to, lines, [LIN][which % 2 :], Terms(), at)
            case _:
                done = parties.merge(self.floor, other, mine, mine.table, at)
                done = parties.Moved(done.floor, done.other, done.sitting)
        self.floor = done.floor
        self.past[done.other.id] = done.other
        self.table.now(done.sitting)

    def money(self, act: str, which: int, line: str, at: sitting.Moment) -> None:
        """What the staff do to the bill."""
        table, terms = self.table, self.table.menu.shop.terms
        match act:
            case "pay":
                paying = Pay(op="o", table="t1", amount=which * 100, method="cash", given=which * 1000, tip=which)
                table.now(payments.pay(table.sitting, terms, paying, at))
            case "refund":
                made = table.sitting.payments[0].id if table.sitting.payments else "nope"
                command = Refund(op="o", table="t1", payment=made, amount=which, reason="<i>")
                table.now(payments.refund(table.sitting, terms, command, at))
            case "discount":
                off = Discount(op="o", table="t1", line=line if which % 2 else "", percent=which, reason="<i>")
                table.now(payments.discount(table.sitting, terms, off, at))
            case _:
                table.now(payments.comp(table.sitting, terms, Comp(op="o", table="t1", line=line, reason="<i>"), at))

    def do(self, act: str, which: int, who: str) -> None:
        """One thing that somebody does."""
        table = self.table
        lines = table.sitting.lines
        line = lines[which % len(lines)].id if lines else "nope"
        at = table.moment(who)
        match act:
            case "add":
                table.adds([PORK, RICE, COUNTED][which % 3], which % 3 + 1, who=who)
            case "change":
                table.now(sitting.change(table.sitting, Change(op="o", line=line, by=which % 5 - 2), at))
            case "note":
                table.now(sitting.note(table.sitting, Note(op="o", line=line, note=f"<b>{which}"), at))
            case "place":
                table.places(who=who)
            case "restore":
                gone = table.sitting.removed[-1].id if table.sitting.removed else "nope"
                table.now(sitting.restore(table.sitting, Restore(op="o", line=gone), at))
            case "share":
                table.now(sitting.share(table.sitting, Share(op="o", line=line, on=bool(which % 2)), at))
            case "hold":
                table.now(sitting.hold(table.sitting, Hold(op="o", line=line, on=bool(which % 2)), at))
            case "fire":
                table.now(sitting.fire(table.sitting, table.pace, Fire(op="o"), at))
            case "again":
                wanted = Again(op="o", round=1) if which % 2 else Again(op="o", line=line)
                table.now(sitting.again(table.sitting, table.menu, table.stock, wanted, at)[0])
            case "call":
                reason = ["waiter", "bill", "water", "cutlery", "help"][which % 5]
                table.now(guests.call(table.sitting, CallStaff(op="o", reason=reason), at))  # type: ignore[arg-type]
            case "name":
                table.now(guests.name(table.sitting, Name(op="o", name=f"n{which}"), at))
            case "colour":
                table.now(guests.colour(table.sitting, Colour(op="o", colour=which % 8 + 1), at))
            case "allergies":
                tags = ("soy", "dairy")[: which % 3]
                table.now(guests.avoid(table.sitting, table.menu, Allergies(op="o", tags=tags), at))
            case "split":
                way = bill.SPLITS[which % 3]
                table.now(bill.split(table.sitting, SplitBill(op="o", by=way, people=which // 3), at))
            case "claim":
                table.now(bill.claim(table.sitting, Claim(op="o", line=line, on=which % 4 != 3), at))
            case "tip":
                table.now(bill.tip(table.sitting, Tip(op="o", percent=which), at))
            case "take":
                call = table.sitting.calls[0].id if table.sitting.calls else ""
                table.now(guests.taken(table.sitting, call, replace(at, name="<Wang>")))
            case "clear":
                table.now(guests.cleared(table.sitting, table.sitting.calls[0].id if table.sitting.calls else ""))
            case "here":
                sign = Sign(self.now, ["mains", "soups"][which % 2], self.now)
                self.near = replace(self.near, signs={**self.near.signs, who: sign})
            case "time":
                self.now += which * 60_000
            case "advance":
                to = [State.COOKING, State.READY, State.SERVED][which % 3]
                table.now(kitchen.advance_line(table.sitting, line, to, at))
            case "recall":
                table.now(kitchen.recall_line(table.sitting, line, at))
            case "void":
                table.now(kitchen.void(table.sitting, line, "late", at))
            case "move" | "part" | "merge":
                self.parties(act, which, replace(at, name="Wang", fresh=f"w{self.s + 2}"))
            case "pay" | "refund" | "discount" | "comp":
                self.money(act, which, line, replace(at, name="Wang"))
            case "hold_for":
                table.now(sitting.hold_for(table.sitting, line, replace(at, name="Wang")))
            case "add_for":
                wanted_for = AddFor(op="o", table="t1", item=RICE, note="for them")
                wang = replace(at, name="Wang", who="wang")
                table.now(sitting.add_for(table.sitting, table.menu, table.stock, wanted_for, wang)[0])
            case "reopen":
                closed = next((each for each in self.past.values() if each.closed and each.lines), None)
                if closed is None:
                    raise Refused("not_open")
                at_table = self.floor.by_id[closed.table]
                waiting = self.past.get(at_table.sitting) or sitting.Sitting(at_table.sitting, closed.table)
                other = table.sitting if at_table.sitting == table.sitting.id else waiting
                self.floor, again = parties.reopen(self.floor, closed, other, "x", replace(at, at=closed.closed + 1))
                self.past = {id: each for id, each in self.past.items() if id != again.id}
                if table.sitting.opened:
                    self.past[table.sitting.id] = table.sitting
                table.sitting = again
            case "sold_out":
                table.stock = stocks.mark(table.stock, PORK, bool(which % 2))
            case "stock":
                table.stock = stocks.count(table.stock, RICE, which if which % 2 else None)
            case "open":
                table.now(sitting.opened(table.sitting, at))
            case "close":
                self.floor, closed = floors.close(
                    self.floor, table.sitting, table.menu.shop.terms, replace(at, fresh=f"s{len(self.past) + 2}")
                )
                self.past[closed.id] = closed
                table.sitting, table.v = sitting.Sitting(f"s{len(self.past) + 1}", closed.table), 0


ACTS = [
    "add",
    "change",
    "note",
    "place",
    "restore",
    "share",
    "hold",
    "fire",
    "again",
    "call",
    "name",
    "colour",
    "allergies",
    "split",
    "claim",
    "tip",
    "take",
    "clear",
    "here",
    "time",
    "advance",
    "recall",
    "void",
    "sold_out",
    "stock",
    "move",
    "part",
    "pay",
    "discount",
    "comp",
    "add_for",
]


def applied(push: bytes, blocks: dict[str, Any], order: dict[str, list[str]]) -> None:
    """What the script in the page does with a push."""
    message = json.loads(push)
    for gone in message["gone"]:
        del blocks[gone]
    blocks |= message["set"]
    order |= message["order"]


def as_json(view: View) -> tuple[dict[str, Any], dict[str, list[str]]]:
    """A fresh view as it comes out of JSON."""
    fresh = json.loads(difference(None, view))
    return fresh["set"], fresh["order"]


@settings(max_examples=80)
@given(
    st.lists(
        st.tuples(
            st.sampled_from([*ACTS, "open", "close", "hold_for", "refund", "merge", "reopen"]),
            st.integers(0, 20),
            st.sampled_from([LIN, JO]),
        ),
        max_size=14,
    )
)
def test_the_page_before_and_what_is_pushed_are_a_fresh_page(story: list[tuple[str, int, str]]) -> None:
    shop = Shop()
    views = {audience: shop.view(audience) for audience in AUDIENCES}
    pages = {audience: as_json(view) for audience, view in views.items()}
    for act, which, who in story:
        try:
            shop.do(act, which, who)
        except Refused:
            continue
        shop.s += 1
        for audience, before in views.items():
            after = shop.view(audience, before)
            applied(difference(before, after), *pages[audience])
            views[audience] = settled(after)
            fresh = as_json(shop.view(audience))
            assert pages[audience] == fresh, (act, audience)


# Afterwards the first line is on hold, the second cooking, the third in the cart, and one was removed from it.
BEFORE = [("add", 0), ("hold", 1), ("place", 0), ("add", 2), ("place", 0), ("advance", 3), ("split", 2), ("call", 0)]
BEFORE += [("name", 0), ("add", 1), ("add", 0), ("change", 15)]
# With which number each act changes something then.
WHICH = {"stock": 3, "sold_out": 1, "add": 1, "change": 5, "note": 2, "share": 5, "hold": 5, "again": 1, "colour": 2}
WHICH |= {
    "pay": 3,
    "discount": 2,
    "comp": 1,
    "part": 1,
    "hold_for": 0,
    "call": 1,
    "allergies": 1,
    "tip": 5,
    "time": 2,
    "advance": 4,
    "recall": 1,
    "void": 1,
}


@pytest.mark.parametrize("act", [*ACTS, "close"])
def test_every_act_reaches_somebodys_page(act: str) -> None:
    shop = Shop()
    for step, which in BEFORE:
        shop.do(step, which, LIN)
    views = {audience: shop.view(audience) for audience in AUDIENCES}
    shop.do(act, WHICH.get(act, 0), JO)
    changed = set()
    for audience, before in views.items():
        page = as_json(before)
        push = difference(before, shop.view(audience, before))
        applied(push, *page)
        assert page == as_json(shop.view(audience)), audience
        changed |= {audience.kind} if json.loads(push)["set"] else set()
    assert "diner" in changed


def test_a_block_does_not_depend_on_who_looks_or_when() -> None:
    shop = Shop()
    shop.do("add", 0, LIN)
    first = as_json(shop.view(AUDIENCES[0]))
    assert as_json(shop.view(AUDIENCES[0])) == first
    for html in first[0].values():
        assert "_xsrf" not in html
        assert 'name="op"' not in html


def test_what_has_not_changed_is_not_rendered_again() -> None:
    shop = Shop()
    shop.do("add", 0, LIN)
    audience = AUDIENCES[0]
    before = shop.view(audience)
    shop.do("add", 1, LIN)
    after = shop.view(audience, before)
    same = [id for id in after.blocks if after.blocks[id] is before.blocks.get(id)]
    assert len(same) >= len(MENU_OF_DEMO.items) - 1
    assert moment()
