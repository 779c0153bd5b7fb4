"""When something is served."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from stories import LIN, Table, refused

from ordering import sitting as rules
from ordering.commands import Add, Place
from ordering.menu import DAY, WEEK, Hours, Menu, local, served
from ordering.restaurant import DEMO, read
from ordering.sitting import STILL_SERVED, Moment, Sitting
from ordering.stock import Stock

LUNCH = Hours(11 * 60 + 30, 14 * 60)
LATE = Hours(22 * 60, DAY + 2 * 60, (5, 6))  # Friday and Saturday, to two in the morning
SHANGHAI = ZoneInfo("Asia/Shanghai")


def _menu(menu: Menu, *hours: Hours, zone: str = "Asia/Shanghai") -> Menu:
    """The menu with one dish that has hours of its own."""
    first = replace(menu.items[0], hours=hours, groups=())
    return replace(menu, shop=replace(menu.shop, timezone=zone), items=(first, *menu.items[1:]))


def _at(day: int, time: str, zone: ZoneInfo = SHANGHAI) -> int:
    """A moment of the week of Monday, 5 January 2026 (ms)."""
    hour, minute = map(int, time.split(":"))
    return int(datetime(2026, 1, 4 + day, hour, minute, tzinfo=zone).timestamp() * 1000)


@pytest.mark.parametrize(
    ("hours", "day", "time", "open"),
    [
        (LUNCH, 1, "11:29", False),
        (LUNCH, 1, "11:30", True),
        (LUNCH, 7, "13:59", True),
        (LUNCH, 7, "14:00", False),
        (LATE, 5, "21:59", False),
        (LATE, 5, "23:00", True),
        (LATE, 6, "01:59", True),
        (LATE, 7, "01:59", True),
        (LATE, 7, "02:00", False),
        (LATE, 7, "23:00", False),
        (LATE, 5, "01:00", False),  # Thursday night
        (Hours(22 * 60, DAY + 60, (7,)), 1, "00:30", True),  # from Sunday into Monday
    ],
)
def test_hours_are_the_shops_and_may_pass_midnight(menu: Menu, hours: Hours, day: int, time: str, open: bool) -> None:
    shop = _menu(menu, hours)
    assert served(shop, shop.items[0], _at(day, time)) is open


def test_without_hours_it_is_always_served(menu: Menu) -> None:
    shop = _menu(menu)
    assert all(served(shop, shop.items[0], _at(day, f"{hour}:00")) for day in WEEK for hour in range(24))


def test_a_dish_without_hours_has_its_categorys(menu: Menu) -> None:
    shop = _menu(menu)
    item = shop.items[0]
    categories = tuple(replace(each, hours=(LUNCH,)) if each.id == item.category else each for each in shop.categories)
    shop = replace(shop, categories=categories)
    assert served(shop, item, _at(1, "12:00"))
    assert not served(shop, item, _at(1, "18:00"))


@given(st.integers(0, 4_000_000_000_000), st.sampled_from(["Asia/Shanghai", "Europe/Paris", "America/New_York", "UTC"]))
def test_the_shops_clock_is_its_time_zones(at: int, zone: str) -> None:
    shop = replace(read(DEMO).menu.shop, timezone=zone)
    there = datetime.fromtimestamp(at / 1000, ZoneInfo(zone))
    assert local(shop, at) == (there.isoweekday(), there.hour * 60 + there.minute)


def test_summer_time_moves_the_hours_along(menu: Menu) -> None:
    paris = ZoneInfo("Europe/Paris")
    shop = _menu(menu, LUNCH, zone="Europe/Paris")
    for month in (1, 7):
        noon = int(datetime(2026, month, 7, 12, 0, tzinfo=paris).timestamp() * 1000)
        assert served(shop, shop.items[0], noon)
        assert not served(shop, shop.items[0], noon - 60 * 60_000)


def test_what_is_not_served_now_can_not_be_added_and_says_when(menu: Menu) -> None:
    shop = _menu(menu, LUNCH)
    with refused("not_served_now") as error:
        rules.add(
            Sitting("s", "t"), shop, Stock(), Add(op="o", item=shop.items[0].id), Moment(1, _at(1, "18:00"), LIN, "f")
        )
    assert error.value.details["hours"] == (LUNCH,)


@pytest.mark.parametrize(("late", "goes"), [(0, True), (STILL_SERVED - 1, True), (STILL_SERVED, False)])
def test_what_is_in_the_cart_may_be_sent_a_little_late(menu: Menu, late: int, goes: bool) -> None:
    table = Table(_menu(menu, LUNCH))
    item = table.menu.items[0].id
    noon = Moment(1, _at(1, "13:00"), LIN, "line")
    sitting, _ = rules.add(Sitting("s", "t"), table.menu, Stock(), Add(op="o", item=item), noon)
    after = Moment(2, _at(1, "14:00") + late, LIN, "x")
    if goes:
        placed, _ = rules.place(sitting, table.menu, Stock(), table.pace, Place(op="o", seen=1), after)
        assert rules.placed(placed)
        return
    with refused("not_served_now"):
        rules.place(sitting, table.menu, Stock(), table.pace, Place(op="o", seen=1), after)
