"""A view made from the one before is the view made from nothing: whatever happens, however late the hour, whichever
process the documents came from."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from stories import JO, LIN, MENU
from test_views import ACTS, MENU_OF_DEMO, NOON, PORK, Shop

from ordering import stock as stocks
from ordering.documents import LOAD
from ordering.documents import MENU as MENU_NAME
from ordering.load import Level, Load
from ordering.menu import Alarm, Hours, Menu
from ordering.near import Sign
from ordering.pace import Pace
from ordering.refused import Refused
from ordering.sitting import Moment
from ordering.views.audience import Audience, build, needs
from ordering.views.blocks import View, difference, differs, settled

AUDIENCES = [Audience("diner", form, lang, "s1") for form in ("html", "json") for lang in ("zh", "en")]
STATIONS = [station.id for station in MENU.stations]
OTHERS = ["load", "menu", "sign", "decoded", "table", "stock_anew", "later"]
MINUTE = 60_000


def _hours(menu: Menu) -> Menu:
    """Everything of the mains is served only until two minutes past twelve, soups from one minute past."""
    hours = {"mains": (Hours(0, 722),), "soups": (Hours(721, 800),), "desserts": (Hours(0, 725), Hours(730, 735))}
    return replace(
        menu,
        shop=replace(menu.shop, alarm=Alarm(guest=150)),
        categories=tuple(replace(each, hours=hours.get(each.id, each.hours)) for each in menu.categories),
        items=tuple(replace(each, slow=number % 5 == 0) for number, each in enumerate(menu.items)),
    )


MENUS = [
    _hours(MENU_OF_DEMO),
    replace(
        MENU_OF_DEMO,
        shop=replace(MENU_OF_DEMO.shop, currency_symbol="€"),
        categories=tuple(replace(each, name={"en": f"More {each.id}"}) for each in MENU_OF_DEMO.categories),
    ),
    replace(_hours(MENU_OF_DEMO), items=tuple(item for item in MENU_OF_DEMO.items if item.id != PORK)),
]


class Evening(Shop):
    """A shop whose clock goes on as things happen: dishes are due, hours end, alarms sound, guests look away."""

    def __init__(self) -> None:
        super().__init__()
        self.menu, self.load = MENUS[0], Load()
        self.table.menu = self.menu
        self.table.pace = Pace(dict.fromkeys(STATIONS, (2 * MINUTE, 3 * MINUTE, 3 * MINUTE)))
        self._moment = self.table.moment
        self.table.moment = self.moment  # type: ignore[method-assign]

    def moment(self, who: str = LIN) -> Moment:
        """The next moment, by this shop's clock."""
        return replace(self._moment(who), at=self.now)

    def values(self) -> dict[str, Any]:
        """Every document's value by name."""
        return super().values() | {MENU_NAME: self.menu, LOAD: self.load}

    def do(self, act: str, which: int, who: str) -> None:
        """One thing that somebody does, or that happens by itself."""
        match act:
            case "load":
                self.load = Load(Level(which % 4), self.now, which % 3 * 5)
            case "menu":
                self.menu = self.table.menu = MENUS[which % len(MENUS)]
            case "sign":
                sign = Sign(self.now - which * 1000, ["mains", ""][which % 2], self.now - which * 3000)
                self.near = replace(self.near, signs={**self.near.signs, [who, "stranger"][which % 2]: sign})
            case "decoded":
                self.table.sitting, self.near, self.table.stock, self.load, self.floor = (
                    msgspec.json.decode(msgspec.json.encode(value), type=type(value))
                    for value in (self.table.sitting, self.near, self.table.stock, self.load, self.floor)
                )
            case "table":
                named = replace(self.floor.tables[0], name=str(which), code=f"code{which % 3}")
                self.floor = replace(self.floor, tables=(named, *self.floor.tables[1:]))
            case "stock_anew":
                self.table.stock = stocks.Stock((PORK,) if which % 2 else (), {"steamed-rice": which, PORK: which % 3})
            case "later":
                self.now += [1, 999, 1000, 1001, 15_000, 44_999, 45_000, 45_001, 60_000, 150_000, -60_000][which % 11]
            case _:
                super().do(act, which, who)

    def shown(self, audience: Audience, before: View | None = None) -> View:
        """What the audience sees now."""
        values = {name: value for name, value in self.values().items() if name in needs(audience, self.floor)}
        return build(audience, values, self.s, self.now, before)


def told(view: View) -> Any:
    """The view as it comes out of JSON, and when time alone changes it."""
    return json.loads(difference(None, view)) | {"until": view.until}


OFTEN = ["add", "change", "place", "later", "sold_out", "stock_anew"]
steps = st.tuples(
    st.sampled_from([*ACTS, *OTHERS, *OFTEN * 6, "close", "open", "hold_for", "refund"]),
    st.integers(0, 20),
    st.sampled_from([LIN, JO]),
)


def lives_through(story: list[tuple[str, int, str]], audiences: list[Audience]) -> None:
    """Makes each view from the one before, and from an older one; each must be as if it were made from nothing."""
    shop = Evening()
    views = {audience: [shop.shown(audience)] for audience in audiences}
    for number, (act, which, who) in enumerate(story):
        try:
            shop.do(act, which, who)
        except Refused:
            continue
        shop.s += 1
        for audience, seen in views.items():
            fresh = shop.shown(audience)
            for before in (seen[(which * 7 + number) % len(seen)], seen[-1]):
                after = shop.shown(audience, before)
                assert told(after) == told(fresh), (act, audience)
                for had in (before, seen[0], seen[len(seen) // 2]):  # phones that are slow stand at older views
                    same = had.blocks == after.blocks and had.order == after.order
                    assert differs(had, after) is not same, (act, audience)
                    assert applied(had, difference(had, after)) == told(fresh)["set"], (act, audience)
            seen.append(settled(after))


def applied(had: View, push: bytes) -> Any:
    """The blocks of a page after a push."""
    message = json.loads(push)
    blocks = {id: block for id, block in told(had)["set"].items() if id not in message["gone"]}
    return blocks | message["set"]


@settings(max_examples=120, deadline=None)
@given(st.lists(steps, max_size=25))
@example([("add", 2, LIN), ("add", 2, JO), ("change", 5, LIN), ("decoded", 0, LIN), ("stock_anew", 5, LIN)])  # counted
@example([("add", 0, LIN), ("add", 1, JO), ("sold_out", 1, LIN), ("stock_anew", 2, JO), ("sold_out", 0, LIN)])
@example([("add", 1, LIN), ("place", 0, LIN), *[("later", 9, LIN)] * 3, *[("later", 10, LIN)] * 6])  # a clock put right
@example([("add", 1, LIN), ("sign", 0, LIN), ("later", 6, LIN), ("later", 0, LIN), ("later", 4, LIN)])  # a sign's end
@example([("add", 0, LIN), ("add", 1, JO), ("menu", 1, LIN), ("load", 2, LIN), ("menu", 2, JO), ("table", 1, LIN)])
@example([("add", 0, LIN), ("sign", 0, LIN), ("menu", 1, LIN), ("menu", 0, LIN)])  # a category's name where LIN chooses
@example(
    [("add", 1, LIN), ("place", 0, LIN), ("later", 9, LIN), ("later", 4, LIN), ("later", 4, LIN), ("later", 0, LIN)]
)
def test_a_view_made_from_the_one_before_is_the_one_made_from_nothing(story: list[tuple[str, int, str]]) -> None:
    lives_through(story, AUDIENCES)


@pytest.mark.long
@settings(max_examples=2000, deadline=None)
@given(st.lists(steps, max_size=60))
def test_a_long_evening_is_seen_as_it_is(story: list[tuple[str, int, str]]) -> None:
    lives_through(story, AUDIENCES)


def test_time_alone_changes_a_view_made_from_the_one_before_at_every_boundary() -> None:
    shop = Evening()
    for act, which in [("add", 0), ("add", 1), ("add", 2), ("place", 0), ("add", 0), ("add", 1), ("sign", 0)]:
        shop.do(act, which, LIN)
    views = {audience: shop.shown(audience) for audience in AUDIENCES}
    changes = 0
    while shop.now < NOON + 40 * MINUTE:
        shop.now += 500
        for audience, before in views.items():
            after = shop.shown(audience, before)
            views[audience] = settled(after)
            changes += after.blocks != before.blocks
            if shop.now % 60_000 in (0, 500, 59_500) or after.blocks != before.blocks or after.until != before.until:
                assert told(after) == told(shop.shown(audience)), (shop.now, audience)
    assert changes > 20


def test_programs_are_sent_nothing_of_what_only_people_see() -> None:
    evening = Evening()
    evening.do("add", 0, LIN)
    for lang in ("zh", "en"):
        audience = Audience("diner", "json", lang, "s1")
        before = evening.shown(audience)
        shop = replace(evening.menu.shop, alarm=Alarm(guest=77))
        evening.menu = evening.table.menu = replace(evening.menu, shop=shop)
        after = evening.shown(audience, before)
        assert after.step is not None
        assert (after.step.changed, differs(before, after)) == ({}, False)


def test_a_change_of_one_line_leaves_everything_else_as_the_same_object() -> None:
    shop = Evening()
    for which, who in [(0, LIN), (1, JO), (2, LIN)]:
        shop.do("add", which, who)
    for audience in AUDIENCES:
        before = shop.shown(audience)
        shop.do("change", 3, LIN)
        shop.do("decoded", 0, LIN)
        after = shop.shown(audience, before)
        other = {id for id in after.blocks if after.blocks[id] is not before.blocks[id]}
        assert other == {*json.loads(difference(before, after))["set"]}
        assert len(other) <= 7
        assert after.step is not None and {*after.step.changed} == other
