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


LINE = {"do": "discount", "table": "t1", "line": "", "percent": 0, "amount": 0}
PAID = {"do": "pay", "table": "t1", "amount": 500, "tip": 0, "method": "wechat"}
CHANGED = {"do": "account_change", "account": "a1", "name": "Mei", "role": "waiter"}


@pytest.mark.parametrize(
    ("meant", "en", "zh"),
    [
        ({"do": "call", "for": "water"}, "called the staff: water", "呼叫店员：加水"),
        ({"do": "load", "level": "calm"}, "set the kitchen's load: As usual", "设定后厨接单能力：正常"),
        ({"do": "load", "level": "auto"}, "set the kitchen's load: as the tickets are", "设定后厨接单能力：随订单变化"),
        ({"do": "log_in", "by": "pin"}, "logged in (PIN)", "登录（PIN 码）"),
        ({"do": "log_in", "by": "password"}, "logged in (password)", "登录（密码）"),
        (
            {"do": "account_add", "name": "Jo", "role": "waiter"},
            "added the account Jo (Waiter)",
            "新增账号 Jo（服务员）",
        ),
        (
            CHANGED | {"active": True},
            "changed the account Mei: Mei, Waiter, active",
            "修改账号 Mei：Mei，服务员，启用",
        ),
        (
            CHANGED | {"active": False},
            "changed the account Mei: Mei, Waiter, not active",
            "修改账号 Mei：Mei，服务员，停用",
        ),
        ({"do": "freeze", "table": "t1", "on": True}, "stopped the phones at table 9", "暂停手机点单（在 9 号桌）"),
        (
            {"do": "freeze", "table": "t1", "on": False},
            "let the phones order again at table 9",
            "恢复手机点单（在 9 号桌）",
        ),
        ({"do": "sold_out", "item": "dongpo-pork", "on": True}, "Dongpo Pork: sold out", "东坡肉：售罄"),
        ({"do": "sold_out", "item": "dongpo-pork", "on": False}, "Dongpo Pork: to be had again", "东坡肉：恢复供应"),
        ({"do": "own", "table": "t1", "on": True}, "looks after table 9", "负责 9 号桌"),
        ({"do": "own", "table": "t1", "on": False}, "looks after table 9 no longer", "不再负责 9 号桌"),
        ({"do": "stock", "item": "dongpo-pork", "count": 0}, "counted Dongpo Pork: 0", "东坡肉 限量：0"),
        ({"do": "stock", "item": "dongpo-pork", "count": None}, "stopped counting Dongpo Pork", "东坡肉 不再限量"),
        (LINE | {"percent": 10}, "took 10% off the bill at table 9", "9 号桌 账单 优惠 10%"),
        (LINE | {"amount": 100}, "took ¥1 off the bill at table 9", "9 号桌 账单 优惠 ¥1"),
        (LINE, "took nothing off the bill at table 9 any more", "9 号桌 账单 不再优惠"),
        (PAID, "took ¥5 at table 9 (WeChat Pay)", "9 号桌收款 ¥5（微信支付）"),
        (PAID | {"tip": 50}, "took ¥5 at table 9 (WeChat Pay), tip ¥0.50", "9 号桌收款 ¥5（微信支付），小费 ¥0.50"),
        ({"do": "printer_remove", "printer": "p144"}, "removed a printer", "移除了打印机"),
    ],
)
def test_no_word_of_the_programs_stands_in_a_sentence(meant: dict[str, Any], en: str, zh: str) -> None:
    assert (said(meant), said(meant, lang="zh")) == (en, zh)


def test_a_printer_that_is_gone_has_the_name_that_it_had() -> None:
    meant = {"do": "printer_remove", "printer": "p144"}
    assert said(meant, answer={"removed": {"en": "Hot"}}) == "removed the printer Hot"
