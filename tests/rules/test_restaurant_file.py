"""A restaurant's file: what it may say, and the sentence that somebody reads who got it wrong."""

from pathlib import Path

import pytest

from ordering.menu import DAY, Hours, Printer, Terms
from ordering.restaurant import DEMO, Restaurant, RestaurantError, read

DISH = '[[items]]\nid = "dongpo-pork"'
TEXT = DEMO.read_text("utf-8")


def _read(folder: Path, *changes: tuple[str, str]) -> Restaurant:
    """The demo's file with some of its text replaced."""
    text = TEXT
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path = folder / "restaurant.toml"
    path.write_text(text, "utf-8")
    return read(path)


def _dish(more: str) -> tuple[str, str]:
    return DISH, f"{DISH}\n{more}"


def _shop(key: str, value: str) -> tuple[str, str]:
    """The line of the shop that says `key`, with another value."""
    line = next(line for line in TEXT.splitlines() if line.startswith(f"{key} ="))
    return line, f"{key} = {value}"


def _printer(**more: str) -> tuple[str, str]:
    """A printer before the areas, with these values as TOML writes them."""
    values = {"id": '"wok"', "name": '{ en = "Wok" }', "host": '"192.168.1.50"', "stations": '["kitchen"]', **more}
    lines = "".join(f"{key} = {value}\n" for key, value in values.items())
    return "\n[[areas]]", f"\n[[printers]]\n{lines}\n[[areas]]"


def test_the_demo_says_what_it_says() -> None:
    shop = read(DEMO).menu.shop
    assert (shop.timezone, shop.currency) == ("Asia/Shanghai", "CNY")
    assert shop.accent
    assert shop.terms.tips


def test_a_dish_is_found_by_its_pinyin_whole_and_by_initials(restaurant: Restaurant) -> None:
    assert restaurant.menu.item["dongpo-pork"].find == "dongporou dpr"


def test_hours_become_minutes_and_what_closes_before_it_opens_closes_the_next_day(tmp_path: Path) -> None:
    made = _read(
        tmp_path, _dish('hours = [{ from = "11:30", to = "14:00" }, { from = "22:00", to = "02:00", days = [5, 6] }]')
    )
    assert made.menu.item["dongpo-pork"].hours == (
        Hours(690, 840),
        Hours(1320, DAY + 120, (5, 6)),
    )


def test_tax_is_the_shops_unless_the_category_or_the_dish_says_otherwise(tmp_path: Path) -> None:
    made = _read(
        tmp_path,
        _shop("bill", "{ service = 10, tax = 6, tax_included = false, coin = 0.05 }"),
        ('[[categories]]\nid = "cold"', '[[categories]]\ntax = 9.75\nid = "cold"'),
        _dish("tax = 0"),
    ).menu
    assert made.shop.terms == Terms(1000, False, coin=5)
    assert made.item["dongpo-pork"].tax == 0
    rates = {item.category: item.tax for item in made.items if item.id != "dongpo-pork"}
    assert rates["cold"] == 975
    assert {rate for category, rate in rates.items() if category != "cold"} == {600}


def test_pictures_are_files_beside_the_restaurants(tmp_path: Path) -> None:
    made = _read(tmp_path)
    assert made.pictures["dongpo-pork"].parent == tmp_path / "pictures"
    assert set(made.brand) == {"logo", "cover"}


def test_a_printer_needs_only_an_address_and_its_stations(tmp_path: Path) -> None:
    made = _read(tmp_path, _printer()).menu
    assert made.printer["wok"] == Printer("wok", {"en": "Wok"}, "192.168.1.50", 9100, 48, ("kitchen",))
    assert not read(DEMO).menu.printers


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_shop("timezone", '"Mars/Olympus"'), "Mars/Olympus"),
        (_shop("timezone", '"../../etc/passwd"'), "time zone"),
        (_shop("accent", '"red"'), "no colour; one is #b0361f"),
        (_shop("currency", '"yuan"'), "currency"),
        (_dish('hours = [{ from = "25:00", to = "26:00" }]'), "hours[0].from"),
        (_dish('hours = [{ from = "11:00", to = "14:00", days = [8] }]'), "days"),
        (_dish('hours = [{ opens = "11:00" }]'), "opens"),
        (_dish("tax = 101"), "101"),
        (_dish("tax = -1"), "-1"),
        (('tags = ["signature", ', 'tags = ["unicorns", '), "unicorns"),
        (_dish("colour = 3"), "colour"),
        (("price = 68", "price = nan"), "NaN is no amount"),
        (("price = 68", "price = 1e999999"), "no amount: at most 100000000"),
        (_shop("bill", "{ tax = nan }"), "NaN is no rate"),
        (_shop("bill", "{ coin = inf }"), "shop: coin: Infinity"),
        (_dish("tags = " + "[" * 3000), "a bracket in it opens"),
        (_shop("bill", "{ service = 200 }"), "200"),
        (_shop("bill", "{ servise = 2 }"), "servise"),
        (_shop("bill", "{ tips = [0] }"), "tips"),
        (_shop("bill", "{ coin = 0 }"), "0.05"),
        (_shop("bill", "{ coin = 0.001 }"), "two decimals"),
        (_printer(stations='["sauna"]'), "'wok': there is no station 'sauna'"),
        (_printer(backup='"nobody"'), "'wok': there is no printer 'nobody'"),
        (_printer(backup='"wok"'), "its own backup"),
        (_printer(port="70000"), "printers[0].port"),
        (_printer(columns="47"), "printers[0].columns"),
        (_printer(charset='"koi8-r"'), "printers[0].charset"),
        (_printer(host='"http://wok/"'), "printers[0].host"),
        (_printer(stations="[]"), "nothing to print"),
        ((_printer()[0], _printer()[1].replace("[[areas]]", "") + _printer()[1]), "'wok' stands there twice"),
        (('defaults = ["', 'defaults = ["nothing", "'), "nothing"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_can_not_be_is_said_with_its_place(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    with pytest.raises(RestaurantError) as error:
        _read(tmp_path, change)
    assert said in str(error.value)
    assert "restaurant.toml" in str(error.value)
