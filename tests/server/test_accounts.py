"""Logging in by password and PIN, roles, what ends a login, and the record of it all."""

import asyncio
import csv
import io
import re
from collections import Counter
from typing import Any

import pytest
from actors import Guest, Staff, new_op
from machines import PASSWORD
from redis.asyncio import Redis

from ordering.documents import STAFF
from ordering.embedded import Embedded
from ordering.limits import PASSWORDS, SECRETS_STRANGE, SECRETS_WAITING, Budgets
from ordering.services import Services

PIN = "2580"


async def manage(boss: Staff, do: str, **more: Any) -> Any:
    """A manager's command."""
    return await boss.post("/manage/do", {"op": new_op(), "do": do, **more})


async def hired(boss: Staff, shared: Services, name: str, role: str, **secrets: str) -> str:
    """A new account's id."""
    answer = await manage(boss, "account_add", name=name, role=role, **(secrets or {"pin": PIN}))
    assert answer.status == 200, answer
    staff = (await shared.desk.look(STAFF))[STAFF].value
    return str(next(each.id for each in staff.accounts if each.name == name))


async def switched(tablet: Staff, account: str, pin: str = PIN) -> Any:
    """Somebody else at the same tablet."""
    return await tablet.submit("/login", account=account, pin=pin)


@pytest.mark.gen_test
async def test_a_tablet_that_was_let_in_takes_pins_and_another_does_not(
    http_server: Any, http_port: int, shared: Services
) -> None:
    tablet = await Staff(http_port).login()
    mei = await hired(tablet, shared, "Mei", "waiter")
    answer = await switched(tablet, mei)
    assert (answer.code, answer.headers["Location"]) == (303, "/floor")
    assert "Mei" in await tablet.page("/floor")
    other = Staff(http_port)
    await other.json("/login")
    assert (await switched(other, mei)).code == 403
    assert "Mei" not in await other.page("/login")
    locked = await tablet.submit("/lock", next="/floor/t3")
    assert locked.headers["Location"] == "/login?next=/floor/t3"
    tablet.cookies.pop("staff")
    assert (await tablet.json("/floor")).status == 403
    assert "Mei" in await tablet.page("/login?next=/floor/t3")
    assert (await tablet.submit("/login", account=mei, pin=PIN, next="/floor/t3")).headers["Location"] == "/floor/t3"
    boss = await Staff(http_port).login()
    assert (await manage(boss, "forget_devices")).status == 200
    assert (await switched(tablet, mei)).code == 403


@pytest.mark.gen_test
async def test_five_wrong_pins_and_the_right_one_has_to_wait(
    http_server: Any, http_port: int, shared: Services
) -> None:
    tablet = await Staff(http_port).login()
    mei = await hired(tablet, shared, "Mei", "waiter")
    for _ in range(5):
        assert (await switched(tablet, mei, "9999")).code == 403
    waiting = await switched(tablet, mei)
    assert (waiting.code, b"5" in waiting.body) == (429, True)
    assert (await Staff(http_port).login()).cookies["staff"], "a password is not held up by it"


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("kitchen", {"/kitchen"}),
        ("waiter", {"/kitchen", "/floor", "/floor/t1"}),
        ("manager", {"/kitchen", "/floor", "/floor/t1", "/manage", "/manage/log", "/manage/log.csv"}),
    ],
)
@pytest.mark.gen_test
async def test_every_role_has_its_pages_and_no_others(
    http_server: Any, http_port: int, shared: Services, role: str, may: set[str]
) -> None:
    tablet = await Staff(http_port).login()
    await switched(tablet, await hired(tablet, shared, "Somebody", role))
    for path in ("/kitchen", "/floor", "/floor/t1", "/manage", "/manage/log", "/manage/log.csv"):
        assert (await tablet.ask("GET", path)).code == (200 if path in may else 403), path
    doors = {
        "/kitchen": ("load", {"level": "calm"}),
        "/floor": ("open", {"table": "t2"}),
        "/manage": ("forget_devices", {}),
    }
    for path, (do, more) in doors.items():
        answer = await tablet.post(f"{path}/do", {"op": new_op(), "do": do, **more})
        assert answer.status == (200 if path in may else 403), (path, answer)
        if path not in may:
            assert answer["error"] == "not_your_role"


@pytest.mark.gen_test
async def test_whoever_is_let_go_sees_and_does_nothing_more_at_once(
    http_server: Any, http_port: int, shared: Services
) -> None:
    tablet, boss = await Staff(http_port).login(), await Staff(http_port).login()
    mei = await hired(boss, shared, "Mei", "waiter")
    await switched(tablet, mei)
    page = await tablet.look("floor")
    assert (await manage(boss, "account_change", account=mei, name="Mei", role="waiter", active=False)).status == 200
    await page.sees(lambda page: page.closed, 3)
    assert page.socket.close_code == 4403
    assert (await tablet.floor("open", table="t4"))["error"] == "login_needed"


@pytest.mark.gen_test
async def test_a_login_that_was_left_is_over_wherever_its_cookie_is(http_server: Any, http_port: int) -> None:
    tablet, other = await Staff(http_port).login(), await Staff(http_port).login()
    thief = Staff(http_port)
    thief.cookies = dict(tablet.cookies)
    page = await thief.look("floor")
    assert (await tablet.submit("/lock")).code == 303
    await page.sees(lambda page: page.closed, 3)
    assert page.socket.close_code == 4403
    assert (await thief.json("/floor"))["error"] == "login_needed"
    assert (await thief.floor("open", table="t4"))["error"] == "login_needed"
    assert (await other.json("/floor")).status == 200


@pytest.mark.gen_test
async def test_a_tablet_is_left_also_while_the_store_refuses(
    http_server: Any, http_port: int, embedded: Embedded
) -> None:
    tablet = await Staff(http_port).login()
    async with Redis(unix_socket_path=embedded.url.removeprefix("unix://")) as raw:
        await raw.config_set("maxmemory", "1")
        try:
            answer = await tablet.submit("/lock")
        finally:
            await raw.config_set("maxmemory", "0")
    assert answer.code == 503
    assert tablet.cookies["staff"] == '""'
    assert (await tablet.json("/floor")).status == 403


@pytest.mark.gen_test
async def test_guesses_that_are_sent_all_at_once_are_counted_like_others(
    http_server: Any, http_port: int, shared: Services, caplog: pytest.LogCaptureFixture
) -> None:
    shared.limits.passwords = Budgets(PASSWORDS._replace(at_once=3))
    stranger = Staff(http_port)
    await stranger.json("/login")
    guesses = [stranger.submit("/login", name="manager", password=f"guess {number}") for number in range(12)]
    assert Counter([answer.code for answer in await asyncio.gather(*guesses)]) == {403: 3, 429: 9}
    assert "too many wrong passwords for 'manager'" in caplog.text


@pytest.mark.gen_test
async def test_strangers_who_guess_keep_nobody_waiting_who_works_here(http_server: Any, http_port: int) -> None:
    tablet, stranger = await Staff(http_port).login(), Staff(http_port)
    await stranger.json("/login")
    most = SECRETS_STRANGE + SECRETS_WAITING
    guesses = [asyncio.create_task(stranger.submit("/login", name=f"n{n}", password="x")) for n in range(most + 5)]
    await asyncio.wait(guesses, return_when=asyncio.FIRST_COMPLETED)
    assert (await tablet.submit("/login", password=PASSWORD)).code == 303
    assert not all(each.done() for each in guesses), "a known device does not stand in their line"
    answers = await asyncio.gather(*guesses)
    assert Counter(answer.code for answer in answers) == {403: most, 503: 5}, "who is too many is told at once"


@pytest.mark.gen_test
async def test_a_store_that_is_full_does_not_tell_whether_there_is_such_an_account(
    http_server: Any, http_port: int, embedded: Embedded
) -> None:
    stranger = Staff(http_port)
    await stranger.json("/login")
    async with Redis(unix_socket_path=embedded.url.removeprefix("unix://")) as raw:
        await raw.config_set("maxmemory", "1")
        try:
            answers = [await stranger.submit("/login", name=name, password="x") for name in ("manager", "nobody")]
        finally:
            await raw.config_set("maxmemory", "0")
    assert [answer.code for answer in answers] == [403, 403]
    made_up = re.compile(rb'value="[A-Za-z0-9_|-]{20,}"')  # tokens of the form
    assert len({made_up.sub(b"", answer.body) for answer in answers}) == 1


@pytest.mark.parametrize(
    ("command", "word"),
    [
        ({"do": "account_add", "name": "Mei", "role": "waiter"}, "no_secret"),
        ({"do": "account_add", "name": "manager", "role": "waiter", "pin": PIN}, "name_taken"),
        ({"do": "account_add", "name": "Mei", "role": "king", "pin": PIN}, "malformed"),
        ({"do": "account_add", "name": "Mei", "role": "waiter", "pin": "1111"}, "weak_pin"),
        ({"do": "account_secrets", "account": "manager", "password": "short"}, "weak_password"),
        ({"do": "account_secrets", "account": "x", "pin": PIN}, "no_such_account"),
        ({"do": "account_change", "account": "manager", "name": "b", "role": "waiter", "active": True}, "last_manager"),
        (
            {"do": "account_change", "account": "manager", "name": "b", "role": "manager", "active": False},
            "last_manager",
        ),
    ],
)
@pytest.mark.gen_test
async def test_a_bad_account_is_refused_in_words(
    http_server: Any, http_port: int, shared: Services, command: dict[str, Any], word: str
) -> None:
    boss = await Staff(http_port).login()
    before = (await shared.desk.look(STAFF))[STAFF].value
    answer = await boss.post("/manage/do", {"op": new_op(), **command})
    assert answer["error"] == word, answer
    assert (await shared.desk.look(STAFF))[STAFF].value == before


@pytest.mark.gen_test
async def test_the_record_says_who_did_what_when_and_why_and_no_secret(
    guest: Guest, http_port: int, shared: Services
) -> None:
    boss, tablet = await Staff(http_port).login(), await Staff(http_port).login()
    mei = await hired(boss, shared, "=Mei", "waiter")
    await switched(tablet, mei)
    line = (await guest.do("add", item="dongpo-pork"))["line"]
    await guest.do("name", name="Lin")
    await guest.do("place", seen=(await guest.scan())["version"])
    await tablet.floor("void", table="t1", line=line, reason="=HYPERLINK(1)")
    await tablet.floor("open", table="t2")
    await boss.ask("GET", "/manage/log?lang=en")
    page = await boss.page("/manage/log?lang=en")
    for said in (
        "took Dongpo Pork back at table 1",
        "=HYPERLINK(1)",
        "opened table 2",
        "logged in (PIN)",
        "added the account",
    ):
        assert said in page, said
    assert "sent the order" not in page, "guests' acts are shown for a table that is asked for"
    for secret in (PIN, PASSWORD, "argon2"):
        assert secret not in page
        assert secret not in str(await shared.store.log(1000))
    of_table = await boss.page("/manage/log?table=t1")
    for said in ("Lin", "added Dongpo Pork", "sent the order", "took Dongpo Pork back"):
        assert said in of_table, said
    assert "opened table 2" not in of_table
    assert "opened table 2" not in await boss.page("/manage/log?person=manager")
    assert "opened table 2" in await boss.page(f"/manage/log?person={mei}")
    assert "Nothing like that" in await boss.page("/manage/log?day=2020-02-02")
    assert "Nothing like that" not in await boss.page("/manage/log?day=nonsense&before=x")
    table = list(csv.reader(io.StringIO((await boss.page("/manage/log.csv")).lstrip("\ufeff"))))
    assert table[0] == ["When", "Who", "What", "Why"]
    assert [row[1] for row in table if "Dongpo" in row[2]] == ["'=Mei"]
    assert [row[3] for row in table if "Dongpo" in row[2]] == ["'=HYPERLINK(1)"]


@pytest.mark.gen_test
async def test_a_long_record_comes_in_pages(http_server: Any, http_port: int) -> None:
    boss = await Staff(http_port).login()
    for number in range(130):
        await boss.kitchen("stock", item="dongpo-pork", count=number)
    first = await boss.page("/manage/log?lang=en")
    assert ("counted Dongpo Pork: 129" in first, "counted Dongpo Pork: 10<" in first) == (True, False)
    older = first.split("&amp;before=")[1].split('"')[0]
    second = await boss.page(f"/manage/log?lang=en&before={older}")
    assert ("counted Dongpo Pork: 129" in second, "counted Dongpo Pork: 10<" in second) == (False, True)
    assert "before=" not in second
