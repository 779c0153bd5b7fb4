"""What one phone, one table and one process may ask for; and the keys that sign cookies."""

import asyncio
from typing import Any

import pytest
from actors import Browser, Guest, Staff, new_op
from machines import PASSWORD, on_a_shop
from tornado.ioloop import IOLoop
from tornado.web import Application

from ordering import limits, live
from ordering.embedded import Embedded
from ordering.limits import GUEST, PAGES_OF_A_GUEST, PASSWORDS, Budgets, Limits, Rate
from ordering.services import Services
from ordering.store import Store

PORK = "dongpo-pork"
SLOW = Rate(0.001, 5)


def test_a_phone_has_one_budget_through_both_doors(guest: Guest, shared: Services, io_loop: IOLoop) -> None:
    shared.limits.guests = Budgets(SLOW)

    async def story() -> None:
        page = await guest.look()
        for number in range(3):
            assert (await page.do("add", item=PORK))["ok"], number
        for number in range(2):
            assert (await guest.do("add", item=PORK))["ok"], number
        refused = await guest.do("add", item=PORK)
        assert (refused.status, refused["error"]) == (429, "too_often")
        assert (await page.do("add", item=PORK))["error"] == "too_often"
        again = await guest.look()
        assert (await again.do("add", item=PORK))["error"] == "too_often", "another socket is no other phone"
        other = Guest(guest.port, guest.code)
        await other.scan()
        assert (await other.do("add", item=PORK))["ok"], "nor is the next phone this one"

    io_loop.run_sync(story)


def test_a_table_has_a_budget_and_the_next_table_another(guest: Guest, shared: Services, io_loop: IOLoop) -> None:
    shared.limits.parties = Budgets(SLOW)

    async def story() -> None:
        answers = []
        for _ in range(7):
            phone = Guest(guest.port, guest.code)
            await phone.scan()
            answers.append((await phone.do("add", item=PORK)).get("error"))
        assert answers == [None] * 5 + ["too_often"] * 2
        beside = Guest(guest.port, (await guest.json("/"))["tables"][1]["code"])
        await beside.scan()
        assert (await beside.do("add", item=PORK))["ok"]

    io_loop.run_sync(story)


def test_what_was_refused_as_too_often_costs_nothing(io_loop: IOLoop) -> None:
    async def story() -> None:
        kept = Limits()
        guest, party = kept.guests.of("lin"), kept.parties.of("a")
        for _ in range(int(GUEST.at_once)):
            kept.allowance("lin", "a").spend()
        full_at = party._full_at
        with pytest.raises(Exception, match="too_often"):
            kept.allowance("lin", "a").spend()
        assert party._full_at == full_at
        assert not guest.has()

    io_loop.run_sync(story)


def test_the_oldest_page_of_a_phone_gives_way(guest: Guest, shared: Services, io_loop: IOLoop) -> None:
    async def story() -> None:
        pages = [await guest.look() for _ in range(PAGES_OF_A_GUEST)]
        newest = await guest.look()
        await pages[0].sees(lambda page: page.closed)
        assert pages[0].socket.close_code == 4403
        assert not any(page.closed for page in [*pages[1:], newest])
        assert len(shared.live.phones()) == PAGES_OF_A_GUEST
        other = Guest(guest.port, guest.code)
        await other.scan()
        await other.look()
        assert not pages[1].closed, "another phone's pages are another's"
        for page in pages:
            page.close()
        async with asyncio.timeout(5):
            while len(shared.live.phones()) > 2:
                await asyncio.sleep(0.01)

    io_loop.run_sync(story)


def test_a_table_and_a_process_hold_so_many_pages(
    guest: Guest, shared: Services, io_loop: IOLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live, "PAGES_OF_A_PARTY", 2)

    async def story() -> None:
        phones = [Guest(guest.port, guest.code) for _ in range(3)]
        for phone in phones:
            await phone.scan()
        one, two = await phones[0].look(), await phones[1].look()
        socket = await phones[2].socket(f"/t/{guest.code}/live")
        assert await socket.read_message() is None
        assert (socket.close_code, socket.close_reason) == (4403, "too_many_pages")
        monkeypatch.setattr(live, "PAGES", 2)
        staff = await Staff(guest.port).login()
        answer = await staff.ask(
            "GET",
            "/kitchen/live",
            Upgrade="websocket",
            Connection="Upgrade",
            Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==",
            Sec_WebSocket_Version="13",
        )
        assert (answer.code, answer.headers["Retry-After"]) == (503, "2")
        assert not one.closed
        assert not two.closed

    io_loop.run_sync(story)


def test_a_process_with_too_much_to_do_turns_commands_away_at_once(
    guest: Guest, shared: Services, io_loop: IOLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "UNDER_WAY", 1)

    async def story() -> None:
        with shared.limits.under_way:
            op = new_op()
            refused = await guest.do("add", op, item=PORK)
            assert (refused.status, refused["error"]) == (503, "busy")
            form = await guest.submit(f"/t/{guest.code}/do", do="add", item=PORK)
            assert form.code == 503
            assert form.headers["Retry-After"] == "2"
            assert 'name="op"' in form.body.decode(), "a form can be sent again as it was"
        assert (await guest.do("add", op, item=PORK))["ok"]

    io_loop.run_sync(story)


def test_new_pages_are_turned_away_when_those_that_are_open_would_suffer(
    guest: Guest, shared: Services, io_loop: IOLoop
) -> None:
    async def story() -> None:
        page = await guest.look()
        shared.limits.lag = 3.0
        for path in (f"/t/{guest.code}", f"/t/{guest.code}/view"):
            answer = await guest.ask("GET", path)
            assert (answer.code, answer.headers["Retry-After"]) == (503, "2"), path
        assert (await guest.ask("GET", "/healthz")).code == 200
        assert (await page.do("add", item=PORK))["ok"], "who is here can go on"
        shared.limits.lag = 0.0
        assert (await guest.ask("GET", f"/t/{guest.code}")).code == 200

    io_loop.run_sync(story)


def test_wrong_passwords_from_outside_do_not_lock_out_a_known_tablet(
    guest: Guest, shared: Services, io_loop: IOLoop
) -> None:
    shared.limits.passwords = Budgets(PASSWORDS._replace(at_once=3))

    async def login(browser: Browser, name: str, password: str) -> int:
        return (await browser.submit("/login", name=name, password=password)).code

    async def story() -> None:
        tablet = await Staff(guest.port).login()
        for name in ("manager", "nobody"):  # whether there is such an account can't be told
            stranger = Browser(guest.port)
            await stranger.json("/login")
            assert [await login(stranger, name, "wrong") for _ in range(5)] == [403, 403, 403, 429, 429]
            assert await login(stranger, name, PASSWORD) == 429
        assert await login(tablet, "manager", PASSWORD) == 303

    io_loop.run_sync(story)


def cookie(answer: Any, name: str) -> str:
    """A cookie as it was set."""
    return next(each for each in answer.headers.get_list("Set-Cookie") if each.startswith(f"{name}="))


def test_cookies_are_secure_behind_a_proxy_that_is_trusted_and_only_there(
    guest: Guest, shared: Services, app: Application, io_loop: IOLoop
) -> None:
    async def story() -> None:
        for proto, secure in (("https", True), ("http", False)):
            phone = Browser(guest.port)
            answer = await phone.ask("GET", f"/t/{guest.code}", X_Forwarded_Proto=proto)
            for name in ("guest", "_xsrf"):
                assert ("secure" in cookie(answer, name).lower()) == secure, (proto, name)
                assert "samesite=lax" in cookie(answer, name).lower()
            assert "httponly" in cookie(answer, "guest").lower()
        distrustful = shared._replace(options=shared.options._replace(trusted_proxies=("192.0.2.7",)))
        for rule in app.wildcard_router.rules:
            if rule.target_kwargs.get("services"):
                rule.target_kwargs["services"] = distrustful
        answer = await Browser(guest.port).ask("GET", f"/t/{guest.code}", X_Forwarded_Proto="https")
        assert "secure" not in cookie(answer, "guest").lower()

    io_loop.run_sync(story)


def test_a_new_key_signs_and_the_old_one_is_honoured_until_it_is_dropped(
    guest: Guest, shared: Services, app: Application, io_loop: IOLoop
) -> None:
    async def story() -> None:
        app.settings.update((await shared.store.signing_keys()).settings())
        staff = await Staff(guest.port).login()
        before = await shared.store.signing_keys()
        kept = await shared.store.new_signing_key(keep=True)
        assert kept.newest == before.newest + 1
        assert kept.ids == before.ids, "guests stay who they are"
        app.settings.update(kept.settings())
        assert (await staff.json("/kitchen")).status == 200
        later = await Staff(guest.port).login()
        dropped = await shared.store.new_signing_key(keep=False)
        assert list(dropped.signing) == [kept.newest + 1]
        app.settings.update(dropped.settings())
        for each in (staff, later):
            assert (await each.json("/kitchen")).status == 403
        garbage = Browser(guest.port)
        garbage.cookies["guest"] = "dGVzdA==|1234567890|1234567890abcdef1234567890abcdef12345678"
        assert (await garbage.ask("GET", f"/t/{guest.code}")).code == 200, "of Tornado's first version: not ours"

    io_loop.run_sync(story)


def test_processes_that_start_together_agree_on_their_keys(embedded: Embedded) -> None:
    async def story(store: Store) -> None:
        others = [Store(embedded.url, store.shop) for _ in range(5)]
        found = await asyncio.gather(*(each.signing_keys() for each in (store, *others)))
        assert all(each == found[0] for each in found)
        for each in others:
            await each.close()

    on_a_shop(embedded, story)
