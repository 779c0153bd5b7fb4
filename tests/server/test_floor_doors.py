"""What the staff may send: every command with something wrong gets a clear answer through both doors, and changes
nothing."""

from typing import Any

import pytest
from actors import Guest, Staff, new_op

PORK = "dongpo-pork"
LINE, IN_CART, TICKET, PAYMENT = (
    "the line",
    "a line of the cart",
    "the ticket",
    "the payment",
)  # stand for ids that only the story knows
BAD_FLOOR: list[tuple[dict[str, Any], int, str]] = [
    ({"do": "open", "table": "t99"}, 404, "no_such_table"),
    ({"do": "open", "table": "t1"}, 409, "already_open"),
    ({"do": "close", "table": "t5"}, 409, "not_open"),
    ({"do": "move", "table": "t1", "to": "t1"}, 409, "same_table"),
    ({"do": "move", "table": "t1", "to": "t2"}, 409, "table_taken"),
    ({"do": "move", "table": "t5", "to": "t6"}, 409, "not_open"),
    ({"do": "merge", "table": "t1", "to": "t5"}, 409, "not_open"),
    ({"do": "merge", "table": "t1", "to": "t99"}, 404, "no_such_table"),
    ({"do": "part", "table": "t1", "to": "t5"}, 409, "nothing_to_part"),
    ({"do": "part", "table": "t1", "to": "t5", "lines": ["x"]}, 409, "no_such_line"),
    ({"do": "part", "table": "t1", "to": "t5", "lines": "x"}, 400, "malformed"),
    ({"do": "reopen", "table": "t1", "sitting": "x", "reason": "r"}, 409, "sitting_closed"),
    ({"do": "add", "table": "t1", "item": "unicorn"}, 409, "no_such_item"),
    ({"do": "add", "table": "t1", "item": PORK, "guest": "nobody"}, 409, "no_such_choice"),
    ({"do": "add", "table": "t1", "item": PORK, "qty": 0}, 409, "too_few"),
    ({"do": "place", "table": "t2", "seen": 0}, 409, "nothing_to_place"),
    ({"do": "place", "table": "t1", "seen": -1}, 400, "malformed"),
    ({"do": "hold", "table": "t1", "line": "x"}, 409, "no_such_line"),
    ({"do": "fire", "table": "t1"}, 409, "not_held"),
    ({"do": "void", "table": "t1", "line": LINE, "reason": "r" * 201}, 409, "too_long"),
    ({"do": "void", "table": "t1", "line": LINE}, 400, "malformed"),
    ({"do": "void", "table": "t1", "line": LINE, "reason": " "}, 409, "reason_needed"),
    ({"do": "hold", "table": "t1", "line": IN_CART}, 409, "wrong_state"),
    ({"do": "comp", "table": "t1", "line": LINE, "reason": "  "}, 409, "reason_needed"),
    ({"do": "discount", "table": "t1", "percent": 10}, 409, "reason_needed"),
    ({"do": "discount", "table": "t1", "percent": 101, "reason": "r"}, 409, "no_such_choice"),
    ({"do": "discount", "table": "t1", "amount": -5, "reason": "r"}, 409, "no_such_choice"),
    ({"do": "discount", "table": "t1", "amount": 10**12, "reason": "r"}, 409, "no_such_choice"),
    ({"do": "pay", "table": "t1", "amount": 0, "method": "cash"}, 409, "not_that_much"),
    ({"do": "pay", "table": "t1", "amount": 10**9, "method": "card"}, 409, "not_that_much"),
    ({"do": "pay", "table": "t1", "amount": 12.5, "method": "card"}, 400, "malformed"),
    ({"do": "pay", "table": "t1", "amount": 100, "method": "gold"}, 400, "malformed"),
    ({"do": "pay", "table": "t1", "amount": 100, "method": "cash", "given": 50}, 409, "too_little_given"),
    ({"do": "refund", "table": "t1", "payment": "x", "amount": 1, "reason": "r"}, 409, "no_such_payment"),
    ({"do": "refund", "table": "t1", "payment": PAYMENT, "amount": 1, "reason": ""}, 409, "reason_needed"),
    ({"do": "refund", "table": "t1", "payment": PAYMENT, "amount": 10**6, "reason": "r"}, 409, "not_that_much"),
    ({"do": "take", "table": "t1", "call": "x"}, 409, "no_such_call"),
    ({"do": "serve", "table": "t1"}, 409, "no_such_ticket"),
    ({"do": "dance", "table": "t1"}, 400, "malformed"),
]
BAD_KITCHEN: list[tuple[dict[str, Any], int, str]] = [
    ({"do": "undo", "table": "t1", "back": {}}, 400, "malformed"),
    ({"do": "undo", "table": "t1", "back": {"x": "queued"}}, 409, "no_such_line"),
    ({"do": "undo", "table": "t1", "back": {LINE: "served"}}, 400, "malformed"),
    ({"do": "shown", "table": "t1", "ticket": "x"}, 409, "no_such_ticket"),
    ({"do": "acknowledge", "table": "t1", "ticket": TICKET, "seen": 0}, 409, "look_again"),
    ({"do": "acknowledge", "table": "t1", "ticket": "x", "seen": 1}, 409, "no_such_ticket"),
    ({"do": "rush", "table": "t1", "ticket": TICKET, "on": False}, 409, "no_such_ticket"),
    ({"do": "rush", "table": "t1", "ticket": TICKET, "on": "yes"}, 400, "malformed"),
    ({"do": "load", "level": "asleep"}, 400, "malformed"),
]


async def evening(guest: Guest, http_port: int) -> tuple[Staff, dict[str, str]]:
    """Table 1 has sent a dish and paid a part, table 2 is taken; and the ids of these."""
    staff = await Staff(http_port).login()
    line = (await guest.do("add", item=PORK))["line"]
    await guest.do("place", seen=(await guest.scan())["version"])
    waits = (await guest.do("add", item="steamed-rice"))["line"]
    assert (await staff.floor("pay", table="t1", amount=100, method="card")).status == 200
    assert (await staff.floor("open", table="t2")).status == 200
    blocks = (await staff.json("/floor/t1"))["blocks"]
    payment = next(block["id"] for name, block in blocks.items() if name.startswith("payment-"))
    tickets = (await staff.json("/kitchen"))["order"]["tickets"]
    return staff, {LINE: line, IN_CART: waits, PAYMENT: payment, TICKET: tickets[0].removeprefix("ticket-")}


@pytest.mark.parametrize(
    ("door", "command", "status", "word"),
    [("floor", *row) for row in BAD_FLOOR] + [("kitchen", *row) for row in BAD_KITCHEN],
)
@pytest.mark.gen_test
async def test_a_bad_command_says_what_is_wrong_and_changes_nothing(
    guest: Guest, http_port: int, door: str, command: dict[str, Any], status: int, word: str
) -> None:
    staff, ids = await evening(guest, http_port)
    before = [(await staff.json(page))["blocks"] for page in ("/floor", "/kitchen", "/floor/t1", "/floor/t2")]
    sent = {
        name: {ids.get(key, key): each for key, each in value.items()}
        if isinstance(value, dict)
        else ids.get(value, value)
        if isinstance(value, str)
        else value
        for name, value in command.items()
    }
    answer = await staff.post(f"/{door}/do", {"op": new_op(), **sent})
    assert (answer.status, answer["error"]) == (status, word)
    assert answer["message"]
    if "undo" not in command["do"]:
        back = await staff.submit(f"/{door}/do", **sent)
        assert back.code in (303, status)
    page = await staff.look(door if door == "kitchen" else "floor")
    assert (await page.do(**sent))["error"] == word
    assert [(await staff.json(page))["blocks"] for page in ("/floor", "/kitchen", "/floor/t1", "/floor/t2")] == before


@pytest.mark.gen_test
async def test_money_that_is_sent_twice_is_taken_once(guest: Guest, http_port: int) -> None:
    staff, _ = await evening(guest, http_port)
    op = new_op()
    first = await staff.floor("pay", op, table="t1", amount=500, method="card")
    again = await staff.floor("pay", op, table="t1", amount=500, method="card")
    assert (first.status, again.status, again["v"]) == (200, 200, first["v"])
    assert (await staff.floor("pay", op, table="t1", amount=600, method="card"))["error"] == "op_reused"
    assert (await staff.json("/floor/t1"))["blocks"]["sums"]["paid"] == 600


@pytest.mark.parametrize("path", ["/floor", "/floor/t1", "/kitchen", "/kitchen?view=expo"])
@pytest.mark.gen_test
async def test_nobody_looks_without_a_login(guest: Guest, path: str) -> None:
    assert (await guest.ask("GET", path)).code == 303
    assert (await guest.json(path)).status == 403
    door = "/kitchen/do" if "kitchen" in path else "/floor/do"
    refused = await guest.post(door, {"op": new_op(), "do": "open", "table": "t3"})
    assert (refused.status, refused["error"]) == (403, "login_needed")


@pytest.mark.gen_test
async def test_what_a_display_tells_again_changes_nothing(guest: Guest, http_port: int) -> None:
    staff, ids = await evening(guest, http_port)
    for looked in (False, True):
        first = await staff.kitchen("shown", table="t1", ticket=ids[TICKET], looked=looked)
        again = await staff.kitchen("shown", table="t1", ticket=ids[TICKET], looked=looked)
        assert (first.status, again.status) == (200, 200)
        assert (await staff.json("/kitchen"))["v"] == first["v"]


@pytest.mark.gen_test
async def test_a_table_that_there_is_not_shuts_the_socket(guest: Guest, http_port: int) -> None:
    staff = await Staff(http_port).login()
    socket = await staff.socket("/floor/t99/live")
    assert await socket.read_message() is None
    assert socket.close_code == 4403


@pytest.mark.gen_test
async def test_a_bill_is_opened_again_at_its_own_table_only(guest: Guest) -> None:
    staff = await Staff(guest.port).login()
    assert (await guest.do("add", item="dongpo-pork"))["ok"]
    left = (await guest.scan())["sitting"]["id"]
    assert (await staff.floor("close", table="t1"))["ok"]
    assert (await staff.floor("open", table="t1"))["ok"]
    elsewhere = await staff.floor("reopen", table="t2", sitting=left, reason="by mistake")
    assert (elsewhere.status, elsewhere["error"]) == (409, "no_such_choice"), "those who sit there now lose their table"
    present = (await guest.scan())["sitting"]["id"]
    assert present != left
    here = await staff.floor("reopen", table="t1", sitting=present, reason="by mistake")
    assert (here.status, here["error"]) == (409, "already_open")
    assert (await staff.floor("reopen", table="t1", sitting="nothing", reason="x")).status == 409


@pytest.mark.gen_test
async def test_what_is_left_to_pay_is_said_in_the_shops_money(guest: Guest, http_port: int) -> None:
    staff, _ = await evening(guest, http_port)
    sent = {"table": "t1", "amount": 10**9, "method": "card"}
    await staff.ask("GET", "/floor?lang=zh")
    assert "¥67" in (await staff.floor("pay", **sent))["message"]
    assert "¥67" in (await (await staff.look("floor")).do("pay", **sent))["message"]
    await staff.submit("/floor/do", do="pay", **sent)
    assert "¥67" in await staff.page("/floor/t1")
