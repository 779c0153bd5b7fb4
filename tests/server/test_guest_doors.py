"""The doors of the guests' page: the view that is asked for, receipts, pictures, signs of life."""

import asyncio
import json
import re
import time

import pytest
from actors import Guest, Staff
from machines import KEYS
from tornado.httpclient import HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port

from ordering import metrics
from ordering.app import application
from ordering.bill import TIP_MOST
from ordering.handlers import diner
from ordering.refused import WORDS
from ordering.services import Services
from ordering.views.text import text

PORK = "dongpo-pork"


async def _view(guest: Guest, have: str = "", **more: str) -> HTTPResponse:
    query = "".join(f"&{name}={value}" for name, value in more.items())
    return await guest.ask("GET", f"/t/{guest.code}/view?form=json&have={have}{query}")


@pytest.mark.gen_test
async def test_a_view_that_is_asked_for_is_whole_at_first_and_a_difference_then(guest: Guest) -> None:
    first = await _view(guest)
    assert (first.code, first.headers["View"]) == (200, "whole")
    assert "totals" in json.loads(first.body)["set"]
    asked = asyncio.create_task(_view(guest, first.headers["Etag"].strip('"')))
    await asyncio.sleep(0.1)
    assert not asked.done(), "nothing new yet"
    line = (await guest.do("add", item=PORK))["line"]
    then = await asked
    assert (then.code, then.headers["View"]) == (200, "difference")
    push = json.loads(then.body)
    assert f"line-{line}" in push["set"]
    assert f"have-{PORK}" not in push["set"]


@pytest.mark.gen_test
async def test_a_view_that_is_older_than_the_tables_is_sent_whole_at_once(guest: Guest) -> None:
    first = await _view(guest)
    await guest.do("add", item=PORK)
    for have in (first.headers["Etag"].strip('"'), "nonsense", "", "x" * 500):
        then = await _view(guest, have)
        assert (then.code, then.headers["View"]) == (200, "whole"), have


@pytest.mark.gen_test
async def test_a_view_of_which_nothing_is_new_ends_in_time(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(diner, "POLL_LONGEST", 0.3)
    first = await _view(guest)
    began = time.monotonic()
    assert (await _view(guest, first.headers["Etag"].strip('"'))).code == 204
    assert time.monotonic() - began < 5


@pytest.mark.gen_test
async def test_who_stops_asking_is_forgotten(guest: Guest, shared: Services) -> None:
    first = await _view(guest)
    have = first.headers["Etag"].strip('"')
    reader, writer = await asyncio.open_connection("127.0.0.1", guest.port)
    request = f"GET /t/{guest.code}/view?form=json&have={have} HTTP/1.1\r\nHost: x\r\nCookie: {guest.cookie_header()}"
    writer.write(f"{request}\r\n\r\n".encode())
    async with asyncio.timeout(5):
        while len(shared.live.phones()) != 1:
            await asyncio.sleep(0.02)
        writer.close()
        await writer.wait_closed()
        while shared.live.phones():
            await asyncio.sleep(0.02)
    assert reader.at_eof()


@pytest.mark.gen_test
async def test_a_strangers_view_is_of_no_sitting_but_the_tables(guest: Guest) -> None:
    assert (await guest.ask("GET", "/t/2222222222/view")).code == 404
    await guest.do("add", item=PORK, note="ours")
    other = await _view(guest, sitting="0" * 12)
    assert b"ours" not in (other.body or b"")


@pytest.mark.gen_test
async def test_a_sign_of_life_shows_who_is_there_and_gets_no_answer(guest: Guest) -> None:
    page, other = await guest.look(), await guest.look()
    await page.do("name", name="Lin")
    await page.socket.write_message(json.dumps({"do": "here", "at": "soups"}))
    presence = await other.sees(lambda page: page.blocks["presence"]["choosing"] and page.blocks["presence"])
    assert list(presence["choosing"].values()) == ["soups"]
    assert None not in page.answers
    page.close()


@pytest.mark.gen_test
@pytest.mark.parametrize(
    "sign",
    [{"do": "here", "at": 5}, {"do": "here", "at": "x" * 65}, {"do": "here", "at": "a b"}, {"do": "here", "x": 1}],
)
async def test_a_bad_sign_of_life_is_refused(guest: Guest, sign: dict[str, object]) -> None:
    page = await guest.look()
    await page.socket.write_message(json.dumps(sign))
    assert (await page.sees(lambda page: page.answers.get(None)))["error"] == "malformed"
    by_post = await guest.post(f"/t/{guest.code}/do", {"op": "x", **sign})
    assert by_post.status == 400


@pytest.mark.gen_test
async def test_a_receipt_is_a_page_and_a_pdf_of_the_same_sums(guest: Guest) -> None:
    added = await guest.do("add", item=PORK, qty=2, note="<b>no skin</b>")
    await guest.do("place", seen=added["v"])
    staff = await Staff(guest.port).login()
    sitting = (await guest.scan())["sitting"]["id"]
    assert (await staff.floor("close", table="t1"))["ok"]
    page = await guest.page(f"/t/{guest.code}/receipt?sitting={sitting}")
    assert "136" in page
    pdf = await guest.ask("GET", f"/t/{guest.code}/receipt.pdf?sitting={sitting}")
    assert (pdf.code, pdf.headers["Content-Type"]) == (200, "application/pdf")
    assert pdf.body.startswith(b"%PDF-")
    assert "attachment" in pdf.headers["Content-Disposition"]


@pytest.mark.gen_test
async def test_a_receipt_of_nothing_is_an_answer_and_no_error(guest: Guest) -> None:
    for path in ("receipt", "receipt.pdf"):
        assert (await guest.ask("GET", f"/t/{guest.code}/{path}")).code == 200
        assert (await guest.ask("GET", f"/t/2222222222/{path}")).code == 404
        assert (await guest.ask("GET", f"/t/{guest.code}/{path}?sitting={'0' * 12}")).code == 200


@pytest.mark.gen_test
async def test_pictures_are_kept_for_ever_and_a_missing_one_is_no_page(guest: Guest) -> None:
    item = next(item for item in (await guest.scan())["menu"]["items"] if item["picture"])
    name = f"{item['picture']['id']}-{item['picture']['widths'][0]}"
    answer = await guest.ask("GET", f"/pictures/{name}")
    assert (answer.code, answer.headers["Content-Type"]) == (200, "image/webp")
    assert "immutable" in answer.headers["Cache-Control"]
    assert answer.body[8:12] == b"WEBP"
    missing = await guest.ask("GET", "/pictures/0000000000000000-184")
    assert (missing.code, missing.body) == (404, b"")
    for strange in ("..%2f..%2frun.py", "x", "a" * 5000):
        assert (await guest.ask("GET", f"/pictures/{strange}")).code == 404


@pytest.mark.gen_test
async def test_without_cookies_the_answer_says_what_is_needed(guest: Guest) -> None:
    guest.cookies.clear()
    answer = await guest.submit(f"/t/{guest.code}/do", do="add", item=PORK)
    assert answer.code == 403
    assert text("zh")(WORDS["no_cookies"].sentence) in answer.body.decode()


@pytest.mark.gen_test
async def test_each_form_of_the_page_leads_back_to_where_it_was(guest: Guest) -> None:
    line = (await guest.do("add", item=PORK))["line"]
    for fields, place in (
        ({"do": "name", "name": "Lin"}, "#me"),
        ({"do": "allergies", "tags": ["soy", "gluten"]}, "#me"),
        ({"do": "allergies"}, "#me"),
        ({"do": "hold", "line": line, "on": "true"}, "#order"),
        ({"do": "share", "line": line, "on": "true"}, "#order"),
        ({"do": "split", "by": "equal", "people": "3"}, "#bill-sheet"),
        ({"do": "tip", "percent": str(TIP_MOST)}, "#bill-sheet"),
        ({"do": "add", "item": PORK}, f"#dish-{PORK}"),
    ):
        answer = await guest.submit(f"/t/{guest.code}/do", **fields)
        assert (answer.code, answer.headers["Location"].endswith(place)) == (303, True), (fields, answer.headers)


@pytest.mark.gen_test
async def test_the_time_of_a_page_is_counted_whole(guest: Guest, monkeypatch: pytest.MonkeyPatch) -> None:
    took = metrics.page_seconds._sum.get
    before = took()
    look = diner.TablePage.find_table

    async def slow(page: diner.TablePage, code: str) -> None:
        await asyncio.sleep(0.2)
        await look(page, code)

    monkeypatch.setattr(diner.TablePage, "find_table", slow)
    await guest.page(f"/t/{guest.code}")
    assert took() - before > 0.19


@pytest.mark.gen_test
async def test_each_command_is_counted_once_whichever_door_it_came_by(guest: Guest) -> None:
    async def counted(door: str) -> float:
        text = (await guest.ask("GET", "/metrics")).body.decode()
        found = re.search(rf'^ordering_commands_total{{door="{door}",outcome="ok"}} (\S+)$', text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    page = await guest.look()
    before = {door: await counted(door) for door in ("socket", "post")}
    for _ in range(3):
        assert (await page.do("add", item=PORK))["ok"]
    assert (await guest.do("add", item=PORK))["ok"]
    for _ in range(2):  # to ask again counts nothing
        assert (await counted("socket"), await counted("post")) == (before["socket"] + 3, before["post"] + 1)


@pytest.mark.gen_test
async def test_a_page_that_there_is_not_says_where_to_go(guest: Guest, shared: Services) -> None:
    door, port = bind_unused_port()
    real = HTTPServer(application(shared._replace(options=shared.options._replace(demo=False)), KEYS))
    real.add_socket(door)
    for at, way in ((guest.port, 'href="/"'), (port, "The QR code on the table leads to its page.")):
        answer = await guest.ask("GET", "/nowhere?lang=en", port=at)
        assert (answer.code, way in answer.body.decode()) == (404, True), way
    real.stop()


@pytest.mark.gen_test
async def test_one_portion_is_not_called_portions(guest: Guest) -> None:
    line = (await guest.do("add", item="dongpo-pork"))["line"]
    assert "<span>1 portion</span>" in await guest.page(f"/t/{guest.code}?lang=en")
    await guest.do("change", line=line, by=1)
    assert "<span>2 portions</span>" in await guest.page(f"/t/{guest.code}?lang=en")
