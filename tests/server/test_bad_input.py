"""What is wrong gets a clear answer and changes nothing: through both doors, in process, on a real store."""

import asyncio
import contextlib
import json
from typing import Any

import pytest
from actors import PATIENCE, Guest, Staff, new_op
from machines import PASSWORD
from tornado.netutil import bind_sockets
from tornado.web import Application
from tornado.websocket import WebSocketClientConnection, WebSocketClosedError

from ordering import app as whole
from ordering.handlers import assets
from ordering.handlers.base import takes_gzip
from ordering.services import Services

PORK, TOFU = "dongpo-pork", "mapo-tofu"
EVIL = "<script>alert(1)</script>\"'&"


async def unchanged(guest: Guest, version: int = 0) -> None:
    """Nothing has happened to the sitting."""
    scanned = await guest.scan()
    assert scanned["version"] == version


BAD_COMMANDS: list[tuple[dict[str, Any], int, str]] = [
    ({"do": "add", "item": "unicorn"}, 409, "no_such_item"),
    ({"do": "add", "item": PORK, "modifiers": ["mild"]}, 409, "no_such_modifier"),
    ({"do": "add", "item": TOFU}, 409, "bad_choice"),
    ({"do": "add", "item": TOFU, "modifiers": ["mild", "medium", "hot"]}, 409, "bad_choice"),
    ({"do": "add", "item": PORK, "qty": 0}, 409, "too_few"),
    ({"do": "add", "item": PORK, "qty": -1}, 409, "too_few"),
    ({"do": "add", "item": PORK, "qty": 10**9}, 409, "too_many"),
    ({"do": "add", "item": PORK, "qty": 1.5}, 400, "malformed"),
    ({"do": "add", "item": PORK, "qty": "x"}, 400, "malformed"),
    ({"do": "add", "item": PORK, "note": "n" * 201}, 409, "too_long"),
    ({"do": "add", "item": PORK, "quantity": 2}, 400, "malformed"),
    ({"do": "add", "item": {"$ne": 1}}, 400, "malformed"),
    ({"do": "add"}, 400, "malformed"),
    ({"do": "drop table"}, 400, "malformed"),
    ({"item": PORK}, 400, "malformed"),
    ({"do": "add", "item": PORK, "op": None}, 400, "malformed"),
    ({"do": "add", "item": PORK, "op": ""}, 400, "malformed"),
    ({"do": "add", "item": PORK, "op": "x" * 65}, 400, "malformed"),
    ({"do": "change", "line": "nope", "by": 1}, 409, "no_such_line"),
    ({"do": "note", "line": "nope", "note": ""}, 409, "no_such_line"),
    ({"do": "place", "seen": 0}, 409, "nothing_to_place"),
    ({"do": "place", "seen": -1}, 400, "malformed"),
    ({"do": "call", "for": "pizza"}, 400, "malformed"),
    ({"do": "name", "name": "n" * 25}, 409, "too_long"),
    ({"do": "colour", "colour": 0}, 409, "no_such_choice"),
    ({"do": "colour", "colour": 9}, 409, "no_such_choice"),
    ({"do": "colour", "colour": "red"}, 400, "malformed"),
    ({"do": "allergies", "tags": ["unicorns"]}, 409, "no_such_choice"),
    ({"do": "allergies", "tags": ["spicy"]}, 409, "no_such_choice"),
    ({"do": "allergies", "tags": "soy"}, 400, "malformed"),
    ({"do": "allergies", "tags": ["soy"] * 33}, 400, "malformed"),
    ({"do": "restore", "line": "nope"}, 409, "too_late"),
    ({"do": "restore"}, 400, "malformed"),
    ({"do": "share", "line": "nope", "on": True}, 409, "no_such_line"),
    ({"do": "share", "line": "nope", "on": "yes"}, 400, "malformed"),
    ({"do": "hold", "line": "nope", "on": False}, 409, "no_such_line"),
    ({"do": "hold", "line": "nope"}, 400, "malformed"),
    ({"do": "fire"}, 409, "not_held"),
    ({"do": "fire", "line": "nope"}, 409, "no_such_line"),
    ({"do": "fire", "line": "no pe"}, 400, "malformed"),
    ({"do": "again"}, 409, "no_such_line"),
    ({"do": "again", "round": 1}, 409, "no_such_line"),
    ({"do": "again", "round": -1}, 400, "malformed"),
    ({"do": "split", "by": "luck"}, 400, "malformed"),
    ({"do": "split", "by": "equal", "people": -1}, 409, "no_such_choice"),
    ({"do": "split", "by": "equal", "people": 10**9}, 409, "too_many"),
    ({"do": "claim", "line": "nope", "on": True}, 409, "no_such_line"),
    ({"do": "tip", "percent": -1}, 409, "too_many"),
    ({"do": "tip", "percent": 101}, 409, "too_many"),
    ({"do": "tip", "percent": 1e9}, 400, "malformed"),
    ({"do": "close", "table": "t1"}, 400, "malformed"),
]


@pytest.mark.gen_test
@pytest.mark.parametrize(("command", "status", "word"), BAD_COMMANDS, ids=lambda value: str(value)[:40])
async def test_a_bad_command_is_refused_through_both_doors(
    guest: Guest, command: dict[str, Any], status: int, word: str
) -> None:
    sent = {"op": new_op()} | command
    answer = await guest.post(f"/t/{guest.code}/do", sent)
    assert (answer.status, answer["error"]) == (status, word), answer
    assert answer["message"]
    assert answer["op"] == sent["op"]
    assert answer["v"] == 0
    page = await guest.look()
    await page.socket.write_message(json.dumps(sent))
    by_socket = await page.sees(lambda page: page.answers.get(sent["op"]))
    assert by_socket["error"] == word
    page.close()
    await unchanged(guest)


@pytest.mark.gen_test
@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b'"x"', b"\xff\xfe", b'{"op":', b"null", b"\\ud800"])
async def test_a_body_that_is_no_json_object_is_refused(guest: Guest, body: bytes) -> None:
    answer = await guest.post(f"/t/{guest.code}/do", body)
    assert (answer.status, answer["error"]) == (400, "malformed")
    await unchanged(guest)


@pytest.mark.gen_test
@pytest.mark.parametrize("tail", ["\n", "\r\n", " ", "\u2028"])
async def test_an_id_with_a_line_end_is_none(guest: Guest, tail: str) -> None:
    by_form = await guest.submit(f"/t/{guest.code}/do", do="add", item=PORK + tail)
    assert by_form.code == 400
    by_json = await guest.do("add", item=PORK + tail)
    assert (by_json.status, by_json["error"]) == (400, "malformed")


@pytest.mark.gen_test
async def test_brackets_without_end_are_malformed_through_both_doors(guest: Guest) -> None:
    body = '{"op":"x","do":' + "[" * 15_000
    answer = await guest.post(f"/t/{guest.code}/do", body)
    assert (answer.status, answer["error"]) == (400, "malformed")
    page = await guest.look()
    await page.socket.write_message(body)
    assert (await page.sees(lambda page: page.answers.get(None)))["error"] == "malformed"


@pytest.mark.gen_test
async def test_an_address_that_is_no_text_is_refused_on_a_page(guest: Guest) -> None:
    for path in (f"/t/{guest.code}?sitting=%ff", "/?lang=%80", "/kitchen?station=%ff"):
        page = await guest.ask("GET", path)
        assert (page.code, "<h1>" in page.body.decode()) == (400, True), path


@pytest.mark.gen_test
async def test_a_body_of_ten_megabytes_is_refused_with_its_limit(guest: Guest) -> None:
    note = "n" * 10_000_000
    answer = await guest.post(f"/t/{guest.code}/do", {"op": "x", "do": "add", "item": PORK, "note": note})
    assert (answer.status, answer["error"]) == (413, "too_large")
    assert "65536" in answer["message"]
    by_form = await guest.submit(f"/t/{guest.code}/do", do="add", item=PORK, note=note)
    assert by_form.code == 413
    await unchanged(guest)


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("limit", "sent"),
    [
        ("IDLE", b"GET / HTTP/1.1\r\nHost: x\r\n"),
        ("BODY_TIME", b"POST /login HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nname="),
        ("BODY_TIME", b"GET /kitchen/live HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nContent-Length: 9\r\n\r\n"),
    ],
)
async def test_headers_or_a_body_that_never_come_are_not_waited_for(
    app: Application, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, limit: str, sent: bytes
) -> None:
    monkeypatch.setattr(whole, limit, 0.2)
    server, sockets = whole.http_server(app), bind_sockets(0, "127.0.0.1")
    server.add_sockets(sockets)
    reader, writer = await asyncio.open_connection(*sockets[0].getsockname())
    writer.write(sent)
    async with asyncio.timeout(PATIENCE):
        assert await reader.read() == b""
    writer.close()
    server.stop()
    assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.gen_test
async def test_a_message_of_ten_megabytes_closes_the_socket_and_nothing_else(guest: Guest) -> None:
    page, other = await guest.look(), await guest.look()
    with contextlib.suppress(WebSocketClosedError):  # cut while it was still being sent
        await page.socket.write_message(json.dumps({"op": "x", "do": "add", "item": PORK, "note": "n" * 10_000_000}))
    await page.sees(lambda page: page.closed)
    assert page.socket.close_code in (1009, None)
    assert (await other.do("add", item=PORK))["ok"]


@pytest.mark.gen_test
async def test_a_binary_frame_is_refused(guest: Guest) -> None:
    page = await guest.look()
    await page.socket.write_message(b'{"op":"x","do":"add","item":"dongpo-pork"}', binary=True)
    assert (await page.sees(lambda page: page.answers.get(None)))["error"] == "malformed"
    await page.socket.write_message("not json")
    await unchanged(guest)


@pytest.mark.gen_test
async def test_a_socket_that_talks_to_a_table_that_there_is_not_leaves_no_traceback(
    guest: Guest, caplog: pytest.LogCaptureFixture
) -> None:
    socket = await guest.socket("/t/zzzzzzzz/live")
    await socket.write_message('{"op": "x", "do": "add", "item": "dongpo-pork"}')
    while await socket.read_message() is not None:
        pass
    assert socket.close_code == 4403
    assert "Traceback" not in caplog.text
    assert "Uncaught" not in caplog.text


@pytest.mark.gen_test
async def test_an_unknown_table_is_not_found(guest: Guest) -> None:
    stranger = Guest(guest.port, "2222222222")
    for answer in (await stranger.scan(), await guest.json("/t/2222222222/op/x")):
        assert (answer.status, answer["error"]) == (404, "no_such_table")
    stranger.cookies = dict(guest.cookies)
    assert (await stranger.do("add", item=PORK)).status == 404
    page = await stranger.ask("GET", "/t/2222222222")
    assert page.code == 404
    assert "<h1>" in page.body.decode()
    socket: WebSocketClientConnection = await stranger.socket("/t/2222222222/live")
    assert await socket.read_message() is None
    assert socket.close_code == 4403


@pytest.mark.gen_test
async def test_without_xsrf_or_with_a_forged_guest_nothing_is_done(guest: Guest) -> None:
    command = {"op": new_op(), "do": "add", "item": PORK}
    answer = await guest.ask("POST", f"/t/{guest.code}/do", json.dumps(command), Content_Type="application/json")
    assert answer.code == 403
    by_form = await guest.submit(f"/t/{guest.code}/do", _xsrf="", do="add", item=PORK)
    assert by_form.code == 403
    real, guest.cookies["guest"] = guest.cookies["guest"], guest.cookies["guest"][:-4] + "0000"
    assert (await guest.do("add", item=PORK)).status == 403
    guest.cookies["guest"] = real
    inside = await guest.post(f"/t/{guest.code}/do", command | {"_xsrf": guest.cookies["_xsrf"]})
    assert inside["ok"]


@pytest.mark.gen_test
async def test_another_sites_origin_gets_no_socket(guest: Guest, http_port: int) -> None:
    for origin, allowed in (
        ("http://evil.example", False),
        (f"http://127.0.0.1:{http_port + 1}", False),
        ("null", False),
        (f"http://127.0.0.1:{http_port}", True),
    ):
        answer = (
            await guest.ask(
                "GET",
                f"/t/{guest.code}/live",
                Upgrade="websocket",
                Connection="Upgrade",
                Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==",
                Sec_WebSocket_Version="13",
                Origin=origin,
            )
            if not allowed
            else None
        )
        if answer:
            assert answer.code == 403, origin
        else:
            (await guest.socket(f"/t/{guest.code}/live", Origin=origin)).close()


@pytest.mark.gen_test
async def test_markup_in_every_text_stays_text_on_every_page(guest: Guest) -> None:
    assert (await guest.do("name", name=EVIL[:24]))["ok"]
    line = (await guest.do("add", item=PORK, note=EVIL))["line"]
    staff = await Staff(guest.port).login()
    pages = [await guest.page(f"/t/{guest.code}"), await guest.page(f"/t/{guest.code}/line/{line}")]
    placed = await guest.do("place", seen=(await guest.scan())["version"])
    assert placed["ok"], placed
    assert (await staff.floor("void", table="t1", line=line, reason=EVIL))["ok"]
    again = (await guest.do("add", item=PORK, note=EVIL))["v"]
    assert (await guest.do("place", seen=again))["ok"]
    pages += [await guest.page(f"/t/{guest.code}"), await staff.page("/kitchen"), await staff.page("/floor")]
    board = await staff.look("kitchen", "html")
    phone = await guest.look("html")
    pages += [*board.blocks.values(), *phone.blocks.values()]
    assert any("&lt;script&gt;" in page for page in pages)
    for page in pages:
        assert "<script>alert" not in page


@pytest.mark.gen_test
async def test_staff_doors_stay_shut_for_guests(guest: Guest) -> None:
    for path in ("/kitchen", "/floor"):
        page = await guest.ask("GET", path)
        assert (page.code, page.headers["Location"].startswith("/login?next=")) == (303, True)
        assert (await guest.json(path)).status == 403
        answer = await guest.post(f"{path}/do", {"op": new_op(), "do": "close", "table": "t1"})
        assert answer.status == 403
        socket = await guest.socket(f"{path}/live")
        assert await socket.read_message() is None
        assert socket.close_code == 4403


@pytest.mark.gen_test
async def test_a_wrong_password_is_refused_and_leads_nowhere_else(guest: Guest, http_port: int) -> None:
    staff = Staff(http_port)
    await staff.json("/login")
    for name, password in (("manager", "wrong"), ("nobody", PASSWORD), ("manager", "")):
        answer = await staff.submit("/login", name=name, password=password)
        assert answer.code == 403
        assert "staff" not in staff.cookies
    answer = await staff.submit("/login", password=PASSWORD, next="https://evil.example/")
    assert answer.headers["Location"] == "/floor"


@pytest.mark.gen_test
@pytest.mark.parametrize(
    ("door", "command", "status", "word"),
    [
        ("kitchen", {"do": "advance", "table": "t1", "line": "nope", "to": "cooking"}, 409, "no_such_line"),
        ("kitchen", {"do": "advance", "table": "t1", "ticket": "nope", "to": "cooking"}, 409, "no_such_ticket"),
        ("kitchen", {"do": "advance", "table": "t99", "line": "nope", "to": "cooking"}, 404, "no_such_table"),
        ("kitchen", {"do": "advance", "table": "t1", "line": "nope", "to": "burnt"}, 400, "malformed"),
        ("kitchen", {"do": "recall", "table": "t1", "ticket": "nope"}, 409, "no_such_ticket"),
        ("kitchen", {"do": "sold_out", "item": "unicorn", "on": True}, 409, "no_such_item"),
        ("kitchen", {"do": "stock", "item": PORK, "count": -1}, 400, "malformed"),
        ("kitchen", {"do": "close", "table": "t1"}, 400, "malformed"),
        ("floor", {"do": "close", "table": "t1"}, 409, "not_open"),
        ("floor", {"do": "clear", "table": "t1", "call": "nope"}, 409, "no_such_call"),
        ("floor", {"do": "void", "table": "t1", "line": "nope", "reason": ""}, 409, "no_such_line"),
    ],
)
async def test_a_bad_command_of_the_staff_is_refused(
    guest: Guest, door: str, command: dict[str, Any], status: int, word: str
) -> None:
    staff = await Staff(guest.port).login()
    answer = await staff.post(f"/{door}/do", {"op": new_op(), **command})
    assert (answer.status, answer["error"]) == (status, word), answer


@pytest.mark.gen_test
async def test_the_process_that_commits_does_not_wait_for_the_echo(guest: Guest, shared: Services) -> None:
    page = await guest.look()
    await shared.shelf.stop()  # nothing is heard from the store any more
    await page.at((await guest.do("add", item=PORK))["v"])


@pytest.mark.gen_test
async def test_more_commands_than_a_person_can_tap_are_too_often(guest: Guest) -> None:
    page = await guest.look()
    for number in range(3000):
        await page.socket.write_message(json.dumps({"op": f"n{number}", "do": "place", "seen": 0}))
    refused = await page.sees(lambda page: [a for a in page.answers.values() if a["error"] == "too_often"], PATIENCE)
    assert refused[0]["v"] == 0


@pytest.mark.gen_test
async def test_methods_and_addresses_that_are_not_there_get_an_answer(guest: Guest) -> None:
    for method, path, status in (
        ("GET", f"/t/{guest.code}/do", 405),
        ("PUT", f"/t/{guest.code}", 405),
        ("GET", "/nope", 404),
        ("GET", f"/static/{assets.VERSION}/../../run.py", 404),
        ("GET", f"/static/{assets.VERSION}/none.css", 404),
        ("GET", "/static/diner.css", 404),
        ("GET", f"/t/{guest.code}/live", 400),
        ("GET", f"/t/{guest.code}/item/unicorn", 409),
        ("GET", f"/t/{guest.code}/line/nope", 409),
    ):
        answer = await guest.ask(method, path, b"" if method == "PUT" else None)
        assert answer.code == status, (method, path, answer.code)
        assert "Traceback" not in (answer.body or b"").decode()
        assert "Server" not in answer.headers, path
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path


@pytest.mark.gen_test
async def test_whoever_asks_with_head_gets_the_headers(guest: Guest) -> None:
    for path in ("/healthz", "/readyz", f"/static/{assets.VERSION}/diner.css"):
        answer = await guest.ask("HEAD", path)
        assert (answer.code, answer.body) == (200, b""), path


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip, deflate, br", True), ("GZIP", True), ("br;q=1.0, gzip;q=0.5", True), ("*", True), ("br, *;q=0.1", True),
        ("", False), ("identity", False), ("gzip;q=0", False), ("gzip; q=0.0, identity", False), ("gzip;q=0, *", False),
        ("x-gzip", False), ("gzipx", False), ("*;q=0", False),
    ],
)  # fmt: skip
def test_only_who_takes_gzip_gets_it(accepted: str, packed: bool) -> None:
    assert takes_gzip(accepted) is packed
