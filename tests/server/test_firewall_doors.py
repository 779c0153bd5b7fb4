"""Who may order, through the doors: nods, frozen tables, PINs, codes that die, and the way back for a lost phone."""

import re
from typing import Any

import pytest
from actors import Guest, Staff, new_op
from machines import KEYS
from msgspec.structs import replace
from tornado.web import create_signed_value

from ordering.documents import MENU
from ordering.menu import Capacity, Ordering
from ordering.services import Services

PORK = "dongpo-pork"


async def rule(shared: Services, **ordering: Any) -> None:
    """The shop lets people order in this way."""
    seen = await shared.desk.look(MENU)
    menu = seen[MENU].value
    shop = replace(menu.shop, ordering=Ordering(**ordering))
    await shared.store.commit("test", new_op(), "rule", b"{}", {"who": "test"}, seen, {MENU: replace(menu, shop=shop)})
    await shared.desk.look(MENU)


async def place(guest: Guest, qty: int = 1) -> Any:
    """A round; the first answer that refuses it, or the last."""
    answer = await guest.do("add", item=PORK, qty=qty)
    return await guest.do("place", seen=(await guest.scan())["version"]) if answer.status == 200 else answer


async def tickets(staff: Staff) -> list[str]:
    """What the kitchen sees."""
    return list((await staff.json("/kitchen"))["order"]["tickets"])


@pytest.mark.gen_test
async def test_a_doubtful_order_is_seen_by_the_kitchen_after_one_tap(
    guest: Guest, http_port: int, shared: Services
) -> None:
    await rule(shared, portions=3)
    staff = await Staff(http_port).login()
    assert (await place(guest, 4)).status == 200
    assert await tickets(staff) == []
    table = (await staff.json("/floor"))["blocks"]["table-t1"]
    assert (table["status"], [ask["doubts"] for ask in table["asks"]]) == ("asks", [["quantity"]])
    assert (await staff.json("/floor/t1"))["blocks"]["party"]["asks"] == table["asks"]
    assert (await staff.floor("approve", table="t1", round=1)).status == 200
    assert len(await tickets(staff)) == 1
    assert (await place(guest, 9)).status == 200
    assert (await staff.floor("decline", table="t1", round=2, reason=" "))["error"] == "reason_needed"
    assert (await staff.floor("decline", table="t1", round=2, reason="a joke")).status == 200
    assert len(await tickets(staff)) == 1
    # What the staff send themselves asks nobody.
    await staff.floor("add", table="t1", item=PORK, qty=9)
    changed = (await staff.json("/floor/t1"))["blocks"]["party"]["changed"]
    assert (await staff.floor("place", table="t1", seen=changed)).status == 200
    assert len(await tickets(staff)) == 2


@pytest.mark.gen_test
async def test_a_frozen_table_can_call_and_nothing_else(guest: Guest, http_port: int) -> None:
    staff = await Staff(http_port).login()
    assert (await staff.floor("freeze", table="t1", on=True)).status == 200
    assert (await place(guest))["error"] == "frozen"
    assert (await guest.do("call", **{"for": "waiter"})).status == 200
    assert (await staff.json("/floor"))["blocks"]["table-t1"]["frozen"]
    assert (await staff.floor("freeze", table="t1", on=False)).status == 200
    assert (await place(guest)).status == 200


@pytest.mark.gen_test
async def test_the_staff_open_the_table_where_the_shop_wants_it(guest: Guest, http_port: int, shared: Services) -> None:
    await rule(shared, open="staff")
    assert (await place(guest))["error"] == "not_opened"
    await (await Staff(http_port).login()).floor("open", table="t1")
    assert (await place(guest)).status == 200


@pytest.mark.gen_test
async def test_a_stranger_with_a_photographed_code_needs_the_pin(
    guest: Guest, http_port: int, shared: Services
) -> None:
    await rule(shared, pin=True)
    assert (await place(guest)).status == 200
    stranger = Guest(http_port, guest.code)
    seen = str(await stranger.scan())
    assert (await place(stranger))["error"] == "pin_needed"
    staff = await Staff(http_port).login()
    pin = (await staff.json("/floor/t1"))["blocks"]["party"]["pin"]
    assert re.fullmatch("[0-9]{4}", pin)
    assert f">{pin}<" not in await stranger.page(f"/t/{guest.code}")
    assert f"'pin': '{pin}'" not in seen
    assert pin in await guest.page(f"/t/{guest.code}")
    assert not (await stranger.do("enter", pin="nope"))["let_in"]
    assert (await place(stranger))["error"] == "pin_needed"
    assert (await stranger.do("enter", pin=pin))["let_in"]
    assert (await place(stranger)).status == 200
    assert pin not in str([entry.get("meant") for _, entry in await shared.store.log(100)])


@pytest.mark.gen_test
async def test_a_sittings_code_dies_with_its_bill_and_a_new_one_can_be_given_at_any_time(
    guest: Guest, http_port: int, shared: Services
) -> None:
    await rule(shared, codes="sitting")
    staff = await Staff(http_port).login()
    assert (await place(guest)).status == 200
    stranger = Guest(http_port, guest.code)
    await stranger.scan()
    # Another code in the middle of the evening: those who sit there follow, a stranger's photograph leads nowhere.
    assert (await staff.floor("recode", table="t1")).status == 200
    assert (await stranger.scan()).status == 404
    assert (await place(stranger)).status == 404
    sitting = (await staff.json("/floor/t1"))["blocks"]["party"]["sitting"]
    followed = await guest.ask("GET", f"/t/{guest.code}?sitting={sitting}")
    assert followed.code == 303
    guest.code = followed.headers["Location"].split("/t/")[1].split("?")[0]
    assert (await place(guest)).status == 200
    assert (await staff.floor("close", table="t1")).status == 200
    assert (await Guest(http_port, guest.code).scan()).status == 404


@pytest.mark.gen_test
async def test_who_has_lost_the_page_comes_back_as_themselves(guest: Guest, http_port: int) -> None:
    staff = await Staff(http_port).login()
    await guest.do("name", name="Lin")
    assert (await place(guest)).status == 200
    page = await staff.page("/floor/t1/code?lang=en")
    assert ("Lin has lost the page" in page, page.count("<svg") >= 2) == (True, True)
    me = (await guest.scan())["sitting"]["guest"]
    sitting = (await staff.json("/floor/t1"))["blocks"]["party"]["sitting"]
    found = Guest(http_port, guest.code)
    for token in ("", "nonsense", guest.cookies["guest"]):
        assert (await found.ask("GET", f"/t/{guest.code}/back?token={token}")).code == 409
    token = create_signed_value(KEYS.signing, "back", f"{me}|{sitting}", key_version=0).decode()
    back = await found.ask("GET", f"/t/{guest.code}/back?token={token}")
    assert (back.code, back.headers["Location"]) == (303, f"/t/{guest.code}?sitting={sitting}")
    assert (await found.scan())["sitting"]["guest"] == me
    await place(found)
    assert len((await staff.json("/floor/t1"))["blocks"]["party"]["guests"]) == 1
    assert (await guest.ask("GET", "/floor/t1/code")).code == 303


@pytest.mark.gen_test
async def test_the_load_follows_from_the_open_tickets_until_somebody_sets_it(
    guest: Guest, http_port: int, shared: Services
) -> None:
    seen = await shared.desk.look(MENU)
    menu = seen[MENU].value
    shop = replace(menu.shop, capacity=Capacity(tickets=1, minutes=20, most="slow"))
    await shared.store.commit("test", new_op(), "rule", b"{}", {"who": "test"}, seen, {MENU: replace(menu, shop=shop)})
    await shared.desk.look(MENU)
    phone = await guest.look()
    assert not await shared.desk.follow_load()
    assert (await place(guest)).status == 200
    assert await shared.desk.follow_load()
    await phone.sees(lambda page: page.blocks["load"]["level"] == "busy")
    assert not await shared.desk.follow_load()
    assert (await place(guest)).status == 200
    assert await shared.desk.follow_load()
    await phone.sees(lambda page: page.blocks["load"]["level"] == "slow")
    staff = await Staff(http_port).login()
    await staff.kitchen("load", level="calm")
    await phone.sees(lambda page: page.blocks["load"]["level"] == "calm")
    assert not await shared.desk.follow_load()
