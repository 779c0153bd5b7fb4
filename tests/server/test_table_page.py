"""The page of a table is put together from parts that many share: nobody gets what is another's, and nothing is old."""

import asyncio
import gzip
import re
from collections.abc import Iterator
from typing import Any

import pytest
from actors import Guest, Staff, new_op
from hypothesis import given
from hypothesis import strategies as st
from machines import KEYS
from msgspec.structs import replace
from tornado.httpclient import AsyncHTTPClient, HTTPRequest, HTTPResponse
from tornado.ioloop import IOLoop
from tornado.web import RequestHandler

from ordering.app import services
from ordering.commands import Add, Change, SoldOut
from ordering.documents import MENU
from ordering.handlers import base
from ordering.menu import Menu
from ordering.services import Services
from ordering.staff import Account
from ordering.store import Committed, Store
from ordering.views import pieces, table_page
from ordering.views.audience import Audience
from ordering.views.blocks import View

PORK = "dongpo-pork"
BYTES = st.one_of(st.binary(max_size=300), st.binary(min_size=1, max_size=40).map(lambda part: part * 5000))


@given(st.lists(st.tuples(BYTES, st.booleans()), max_size=6))
def test_a_stream_that_is_put_together_unpacks_to_the_pieces(parts: list[tuple[bytes, bool]]) -> None:
    made = [pieces.shared(plain) if again else pieces.Piece(plain) for plain, again in parts]
    assert gzip.decompress(pieces.gzipped(made)) == pieces.joined(made) == b"".join(plain for plain, _ in parts)


@pytest.fixture
def elsewhere(shared: Services, io_loop: IOLoop) -> Iterator[Services]:
    """Another process of the same shop, of which the first hears nothing: nobody looks on, so nothing is watched."""
    store = Store(shared.store._url, shared.options.shop)
    yield services(shared.options, store, KEYS.ids)
    io_loop.run_sync(store.close)


async def page(guest: Guest, query: str = "", packed: bool = True) -> HTTPResponse:
    """The page as it goes over the line, not unpacked."""
    request = HTTPRequest(
        f"http://127.0.0.1:{guest.port}/t/{guest.code}{query}",
        headers={"Cookie": guest.cookie_header(), **({"Accept-Encoding": "gzip, deflate, br"} if packed else {})},
        decompress_response=False,
    )
    answer = await AsyncHTTPClient(force_instance=True).fetch(request)
    assert (answer.headers.get("Content-Encoding") == "gzip") == packed
    return answer


def html(answer: HTTPResponse) -> str:
    """What a browser makes of it."""
    return (gzip.decompress(answer.body) if "Content-Encoding" in answer.headers else answer.body).decode()


def fields(of: str, name: str) -> list[str]:
    """The values of the hidden fields of this name."""
    return re.findall(rf'<input type="hidden" name="{name}" value="([^"]*)">', of)


async def at_the_same_table(guest: Guest) -> Guest:
    """Another guest there."""
    other = Guest(guest.port, guest.code)
    await other.scan()
    return other


@pytest.mark.gen_test
async def test_two_guests_of_a_table_never_get_what_is_the_others(guest: Guest) -> None:
    jo = await at_the_same_table(guest)
    await guest.do("name", name="Lin <b>")
    await jo.do("name", name="Jo")
    await jo.do("colour", colour=5)
    await jo.do("allergies", tags=["nuts"])
    await guest.do("add", item=PORK)
    ids = {who: (await who.scan())["sitting"]["guest"] for who in (guest, jo)}
    ops: list[str] = []
    for who, other, name, share in ((guest, jo, "Lin &lt;b&gt;", "¥68"), (jo, guest, "Jo", "¥0")) * 2:
        for packed in (True, False):
            shown = html(await page(who, packed=packed))
            assert f'data-me="{ids[who]}"' in shown
            assert f'data-me="{ids[other]}"' not in shown
            assert f'name="name" value="{name}"' in shown
            assert f'<p id="my-share"><b>{share}</b>' in shown
            assert ('value="5" checked' in shown) == (who is jo)
            assert ('name="tags" value="nuts" checked' in shown) == (who is jo)
            assert {_token(value) for value in fields(shown, "_xsrf")} == {_token(who.cookies["_xsrf"])}
            assert _token(who.cookies["_xsrf"]) != _token(other.cookies["_xsrf"])
            ops += fields(shown, "op")
            for secret in (other.cookies["guest"], other.cookies["_xsrf"], who.cookies["guest"]):
                assert secret not in shown
    assert len(set(ops)) == len(ops) == 8 * 4, "every form of every page has an op of its own"


def _token(sent: str) -> bytes:
    """What a masked `_xsrf` value stands for."""
    found = RequestHandler._decode_xsrf_token(None, sent)[1]  # type: ignore[arg-type]
    assert found
    return found


@pytest.mark.gen_test
async def test_packed_or_not_a_page_is_the_same_and_caches_are_told(guest: Guest) -> None:
    await guest.do("add", item=PORK, note="少糖")
    packed, plain = await page(guest), await page(guest, packed=False)

    def common(answer: HTTPResponse) -> str:
        return re.sub(r'name="(_xsrf|op)" value="[^"]*"', "", html(answer))

    assert common(packed) == common(plain)
    assert len(packed.body) < len(plain.body) / 5
    for answer in (packed, plain):
        assert answer.headers["Vary"] == "Accept-Encoding"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Etag" not in answer.headers
        assert int(answer.headers["Content-Length"]) == len(answer.body)
        assert not {"\0", "\1"} & set(html(answer)), "every mark has been filled"


@pytest.mark.gen_test
async def test_a_page_has_the_blocks_that_are_pushed(guest: Guest) -> None:
    jo = await at_the_same_table(guest)
    await guest.do("add", item=PORK)
    await guest.do("place", seen=(await guest.scan())["version"])
    await jo.do("add", item="steamed-rice", qty=2)
    pushed = await guest.look("html")
    shown = html(await page(guest))
    assert pushed.blocks
    for name, block in pushed.blocks.items():
        assert block in shown, name
    for name, ids in pushed.order.items():
        inside = shown.partition(f'<ul id="{name}"')[2].partition(">")[2]
        assert inside.startswith("".join(pushed.blocks[id] for id in ids) + "</ul>"), name
    pushed.close()


@pytest.mark.gen_test
async def test_what_another_process_has_committed_shows_at_once(guest: Guest, elsewhere: Services) -> None:
    assert "data-sold-out" not in html(await page(guest))
    await _changed(elsewhere, lambda menu: replace(menu, shop=replace(menu.shop, name={"en": "The Other Name"})))
    assert "<h1>The Other Name</h1>" in html(await page(guest))
    last = (await _changed(elsewhere, lambda menu: menu)).items[-1].id
    assert f'id="item-{last}"' in html(await page(guest))
    await _changed(elsewhere, lambda menu: replace(menu, items=menu.items[:-1]))
    assert f'id="item-{last}"' not in html(await page(guest))
    await _changed(elsewhere, lambda menu: replace(menu, shop=replace(menu.shop, accent="#005f73")))
    branded = await page(guest)
    style = re.search(r"<style>(.*?)</style>", html(branded))
    assert style and "--accent:#005f73" in style[1]
    assert "'sha256-" in branded.headers["Content-Security-Policy"]
    cook = Account("manager", "manager", "manager", "")
    await elsewhere.desk.staff(cook, SoldOut(new_op(), PORK, on=True))
    assert re.search(rf'id="item-{PORK}"[^>]* data-sold-out', html(await page(guest)))
    await elsewhere.desk.staff(cook, SoldOut(new_op(), PORK, on=False))
    assert "data-sold-out" not in html(await page(guest))
    mine = (await guest.scan())["sitting"]
    line = (await elsewhere.desk.guest(mine["guest"], mine["id"], Add(new_op(), PORK)))["line"]
    assert f'id="line-{line}"' in html(await page(guest))
    await elsewhere.desk.guest(mine["guest"], mine["id"], Change(new_op(), line, -1))
    assert f'id="line-{line}"' not in html(await page(guest))


async def _changed(process: Services, change: Any) -> Menu:
    """The menu as another process writes it."""
    seen = (await process.store.load([MENU])).documents
    menu: Menu = change(seen[MENU].value)
    outcome = await process.store.commit("test", new_op(), "test", b"{}", {"who": "test"}, seen, {MENU: menu})
    assert isinstance(outcome, Committed)
    return menu


@pytest.mark.gen_test
async def test_the_language_is_each_guests_own(guest: Guest) -> None:
    jo = await at_the_same_table(guest)
    for query, who, tag in (("?lang=zh", guest, "zh-CN"), ("?lang=en", jo, "en")) * 2:
        answer = await page(who, query)
        assert f'<html lang="{tag}">' in html(answer)
        assert answer.headers["Content-Language"] == tag
        assert f'<a href="/t/{guest.code}?lang=' in html(answer)
    sitting = (await guest.scan())["sitting"]["id"]
    assert f'<a href="/t/{guest.code}?sitting={sitting}&amp;lang=' in html(await page(guest, f"?sitting={sitting}"))
    assert f'<a href="/t/{guest.code}?lang=' in html(await page(guest))


@pytest.mark.gen_test
async def test_what_was_refused_is_said_once_and_to_nobody_else(guest: Guest) -> None:
    jo = await at_the_same_table(guest)
    refused = await guest.submit(f"/t/{guest.code}/do", do="change", line="none", by="1")
    assert refused.code == 303
    assert 'class="flash"' not in html(await page(jo))
    answer = await page(guest)
    assert 'class="flash" role="alert">' in html(answer)
    gone = [cookie for cookie in answer.headers.get_list("Set-Cookie") if cookie.startswith("flash=")]
    assert gone and '""' in gone[0]
    del guest.cookies["flash"]
    assert 'class="flash"' not in html(await page(guest))


@pytest.mark.gen_test
async def test_the_next_party_gets_its_own_page_and_the_party_before_its_receipt(guest: Guest) -> None:
    staff = await Staff(guest.port).login()
    await guest.do("add", item=PORK)
    before = (await guest.scan())["sitting"]["id"]
    table = (await guest.json("/"))["tables"][0]["id"]
    assert 'data-state="open"' in html(await page(guest))
    await staff.floor("close", table=table)
    old, new = html(await page(guest, f"?sitting={before}")), html(await page(Guest(guest.port, guest.code)))
    assert f'data-sitting="{before}" data-state="closed"' in old
    assert 'data-state="free"' in new
    assert before not in new


@pytest.mark.gen_test
async def test_a_page_asks_the_store_once(guest: Guest, shared: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    load = shared.store.load

    async def counted(names: Any, **more: Any) -> Any:
        asked.append(names)
        return await load(names, **more)

    monkeypatch.setattr(shared.store, "load", counted)
    sitting = (await guest.scan())["sitting"]["id"]
    for query in ("", f"?sitting={sitting}"):
        asked.clear()
        await page(guest, query)
        assert len(asked) == 1, query


@pytest.mark.gen_test
async def test_the_guests_cookie_is_signed_again_before_it_grows_old(
    guest: Guest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sent(answer: HTTPResponse) -> bool:
        return any(cookie.startswith("guest=") for cookie in answer.headers.get_list("Set-Cookie"))

    assert sent(await page(Guest(guest.port, guest.code))), "a new phone"
    assert not sent(await page(guest)), "the same, signed a moment ago"
    other = Guest(guest.port, (await guest.json("/"))["tables"][1]["code"])
    other.cookies = guest.cookies
    assert sent(await page(other)), "another table"
    monkeypatch.setattr(base, "SIGNED_AGAIN", -1.0)
    assert sent(await page(guest)), "an old one"


def test_a_view_stands_while_its_documents_do_and_for_a_second_at_most() -> None:
    lately, audience, made = table_page.Lately(), Audience("diner", "html", "en", "s"), []

    def make() -> tuple[View, Any]:
        made.append(len(made))
        return View(0, {}, {}, {}), made[-1]

    sitting = object()
    values = {"sitting": sitting, "stock": None}
    asked = [
        (values, 1000, 0),
        (dict(values), 1000 + table_page.STANDS - 1, 0),
        (values, 1000 + table_page.STANDS, 1),
        ({**values, "stock": object()}, 2000, 2),
        ({**values, "sitting": object()}, 2000, 3),
        ({"sitting": sitting}, 2000, 4),
        ({"sitting": sitting}, 1999, 5),
    ]
    for documents, at, number in asked:
        assert lately.page(audience, documents, at, make).parts == number
    assert lately.page(replace(audience, lang="zh"), {"sitting": sitting}, 1999, make).parts == 6


@pytest.mark.gen_test
async def test_many_at_once_get_each_their_own(guest: Guest) -> None:
    crowd = [await at_the_same_table(guest) for _ in range(8)]
    ids = [(await who.scan())["sitting"]["guest"] for who in crowd]

    async def reload(number: int) -> None:
        for _ in range(5):
            shown = html(await page(crowd[number]))
            assert re.findall(r'data-me="([^"]*)"', shown) == [ids[number]]
            await crowd[number].do("add", item="steamed-rice")

    await asyncio.gather(*(reload(number) for number in range(len(crowd))))
