"""Who may see and do what: every route by every method for every role, every command through its door and no other, and
nothing of a sitting for those who are not of it."""

import json
import re
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Any, get_args
from urllib.parse import urlencode

import pytest
from actors import Browser, Guest, Page, Staff, new_op
from fake_printer import fake_printer
from machines import KEYS, PASSWORD
from msgspec.structs import replace
from tornado.httpclient import HTTPClientError, HTTPResponse
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import create_signed_value

from ordering import commands, slips
from ordering.app import ROUTES, application, services
from ordering.clock import now
from ordering.documents import MENU, STAFF, near_name, sitting_name, slips_name
from ordering.embedded import Embedded
from ordering.founding import found
from ordering.handlers import assets
from ordering.handlers.socket import Handshake
from ordering.menu import Ordering
from ordering.services import Services
from ordering.signing import SigningKeys
from ordering.staff import Account
from ordering.store import Store

PORK, RICE = "dongpo-pork", "steamed-rice"
DAY = 24 * 3600  # seconds

# Down: each route and method. Across: what each role gets; where one cell stands alone, everybody gets that. A number
# is an answer's status, `login` the way there, `open` a socket that shows something, 4403 one that is closed for good.
#   nobody     without a cookie
#   guest      of the sitting at this table          other      a guest of another table who knows this one's code
#   abroad     a guest and the manager of another shop of the same store
#   waiter, cook, manager                            gone       a waiter who was let go since
#   demoted    a waiter whose role was changed since rekeyed    a manager who has another PIN since
#   expired    a guest's and the manager's cookies from long ago
#   forged     the same, signed by somebody else
MATRIX = """
route              method nobody  guest   other   abroad  waiter  cook    manager gone    demoted rekeyed expired forged
/                  GET    200
/                  POST   405
/t/{}              GET    200
/t/{}              POST   403     303     303     403     403     403     403     403     403     403     403     403
/t/{}/do           GET    405
/t/{}/do           POST   403     303     303     403     403     403     403     403     403     403     403     403
/t/{}/live         GET    400
/t/{}/live         POST   405
/t/{}/live         WS     open
/t/{}/op/{}        GET    404     200     404     404     404     404     404     404     404     404     404     404
/t/{}/op/{}        POST   405
/t/{}/item/{}      GET    200
/t/{}/item/{}      POST   405
/t/{}/line/{}      GET    200
/t/{}/line/{}      POST   405
/t/{}/view         GET    200
/t/{}/view         POST   405
/t/{}/back         GET    409
/t/{}/back         POST   405
/t/{}/receipt      GET    200
/t/{}/receipt      POST   405
/t/{}/receipt.pdf  GET    200
/t/{}/receipt.pdf  POST   405
/pictures/{}       GET    200
/pictures/{}       POST   405
/login             GET    200
/login             POST   403
/lock              GET    405
/lock              POST   403     login   login   login   login   login   login   login   login   login   login   login
/manage            GET    login   login   login   login   403     403     200     login   login   login   login   login
/manage            POST   405
/manage/do         GET    405
/manage/do         POST   403     403     403     403     403     403     303     403     403     403     403     403
/manage/plan       GET    login   login   login   login   403     403     200     login   login   login   login   login
/manage/plan       POST   405
/manage/printers   GET    login   login   login   login   403     403     200     login   login   login   login   login
/manage/printers   POST   405
/manage/log        GET    login   login   login   login   403     403     200     login   login   login   login   login
/manage/log        POST   405
/manage/log.csv    GET    login   login   login   login   403     403     200     login   login   login   login   login
/manage/log.csv    POST   405
/kitchen           GET    login   login   login   login   200     200     200     login   login   login   login   login
/kitchen           POST   405
/kitchen/do        GET    405
/kitchen/do        POST   403     403     403     403     303     303     303     403     403     403     403     403
/kitchen/live      GET    400
/kitchen/live      POST   405
/kitchen/live      WS     4403    4403    4403    4403    open    open    open    4403    4403    4403    4403    4403
/floor             GET    login   login   login   login   200     403     200     login   login   login   login   login
/floor             POST   405
/floor/do          GET    405
/floor/do          POST   403     403     403     403     303     403     303     403     403     403     403     403
/floor/live        GET    400
/floor/live        POST   405
/floor/live        WS     4403    4403    4403    4403    open    4403    open    4403    4403    4403    4403    4403
/floor/{}          GET    login   login   login   login   200     403     200     login   login   login   login   login
/floor/{}          POST   405
/floor/{}/live     GET    400
/floor/{}/live     POST   405
/floor/{}/live     WS     4403    4403    4403    4403    open    4403    open    4403    4403    4403    4403    4403
/floor/{}/code     GET    login   login   login   login   200     403     200     login   login   login   login   login
/floor/{}/code     POST   405
/floor/{}/log      GET    login   login   login   login   200     403     200     login   login   login   login   login
/floor/{}/log      POST   405
/healthz           GET    200
/healthz           POST   405
/readyz            GET    200
/readyz            POST   405
/metrics           GET    200
/metrics           POST   405
/static/{}         GET    200
/static/{}         POST   405
else               GET    404
else               POST   404
"""


def where(pattern: str) -> str:
    """A route as the matrix writes it."""
    return re.sub(r"\\?\([^)]*\)", "{}", pattern)


class World:
    """A shop in the middle of an evening: somebody in every role, and what there is to be seen."""

    def __init__(self, shared: Services, port: int, abroad: Browser) -> None:
        self.shared = shared
        self.port = port
        self.people: dict[str, Browser] = {"abroad": abroad}
        self.known: dict[str, str] = {}

    async def begin(self) -> "World":
        """Everybody comes in."""
        tables = (await Browser(self.port).json("/"))["tables"]
        self.codes = {table["id"]: table["code"] for table in tables}
        guest, other = Guest(self.port, self.codes["t1"]), Guest(self.port, self.codes["t2"])
        for each in (guest, other):
            await each.scan()
            assert (await each.do("name", name="Lin"))["ok"]
        self.people |= {"nobody": Browser(self.port), "guest": guest, "other": other}
        roles = {
            "waiter": "waiter",
            "cook": "kitchen",
            "gone": "waiter",
            "demoted": "waiter",
            "rekeyed": "manager",
        }
        await self._hire({name: Account(name, name, role) for name, role in roles.items()})  # type: ignore[arg-type]
        for name in ("waiter", "cook", "manager", "gone", "demoted", "rekeyed"):
            self.people[name] = await self._with(staff=f"{name}|{now() - 1}")
        old, long_ago = now() - 3 * DAY * 1000, time.time() - 3 * DAY
        cookies = {"staff": f"manager|{old}", "guest": f"{'k' * 32}|t1|{await self.sitting('t1')}"}
        self.people["expired"] = await self._with(at=long_ago, **cookies)
        cookies["staff"] = f"manager|{now()}"
        self.people["forged"] = await self._with(secret="another secret", **cookies)
        manager = self.people["manager"]
        for command in (
            {"do": "account_change", "account": "gone", "name": "gone", "role": "waiter", "active": False},
            {"do": "account_change", "account": "demoted", "name": "demoted", "role": "kitchen", "active": True},
            {"do": "account_secrets", "account": "rekeyed", "pin": "2580"},
        ):
            assert (await manager.post("/manage/do", {"op": new_op(), **command}))["ok"], command
        return self

    async def sitting(self, table: str) -> str:
        """The table's present sitting."""
        return str((await Guest(self.port, self.codes[table]).scan())["sitting"]["id"])

    async def written(self) -> int:
        """The number of the newest entry of the shop's log."""
        return (await self.shared.desk.log(1, 0))[0][0]

    async def _hire(self, accounts: dict[str, Account]) -> None:
        seen = await self.shared.desk.look(STAFF)
        staff = seen[STAFF].value
        await put(self.shared, STAFF, replace(staff, accounts=(*staff.accounts, *accounts.values())))

    async def _with(self, secret: str = "", at: float = 0, **cookies: str) -> Browser:
        browser = Browser(self.port)
        await browser.json("/login")
        for name, value in cookies.items():
            keys = {0: secret} if secret else KEYS.signing
            signed = create_signed_value(keys, name, value, clock=lambda: at or time.time(), key_version=0)
            browser.cookies[name] = signed.decode()
        return browser


async def put(shared: Services, name: str, value: Any) -> None:
    """Another value in the place of a document's."""
    seen = await shared.desk.look(name)
    await shared.store.commit("test", new_op(), "test", b"{}", {"who": "test"}, seen, {name: value})
    await shared.desk.look(name)


@asynccontextmanager
async def another(
    shared: Services, url: str, shop: str, keys: SigningKeys | None = None
) -> AsyncIterator[tuple[Services, int]]:
    """A process more: of this shop, or of another one in the same store."""
    store = Store(url, shop)
    keys = keys or await store.signing_keys()
    made = services(shared.options._replace(shop=shop), store, keys.ids)
    await found(store, made.options)
    made.shelf.start()
    made.live.start()
    socket, port = bind_unused_port()
    server = HTTPServer(application(made, keys))
    server.add_sockets([socket])
    try:
        yield made, port
    finally:
        server.stop()
        await server.close_all_connections()
        await made.live.stop()
        await made.shelf.stop()
        await store.close()


@asynccontextmanager
async def world(shared: Services, port: int, url: str) -> AsyncIterator[World]:
    """The evening, with another shop beside it."""
    async with another(shared, url, f"{shared.options.shop}-2") as (_, there):
        abroad = await Staff(there).login()
        code = (await abroad.json("/"))["tables"][0]["code"]
        await abroad.json(f"/t/{code}")
        abroad.port = port
        yield await World(shared, port, abroad).begin()


# ---- every route

FIELDS: dict[str, dict[str, Any]] = {
    "/t/{}": {"do": "name", "name": "Lin"},
    "/t/{}/do": {"do": "name", "name": "Lin"},
    "/login": {"account": "nobody", "pin": "2580"},
    "/kitchen/do": {"do": "load", "level": "calm"},
    "/floor/do": {"do": "own", "table": "t1", "on": "true"},
    "/manage/do": {"do": "arrange", "table": "t1", "x": "1", "y": "1"},
}
UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec_WebSocket_Key": "dGhlIHNhbXBsZSBub25jZQ==",
    "Sec_WebSocket_Version": "13",
}


def rows() -> dict[tuple[str, str], dict[str, str]]:
    """The matrix: what each role gets, by route and method."""
    _, head, *lines = MATRIX.splitlines()
    roles = head.split()[2:]
    cells = (
        (route, method, found * len(roles) if len(found) == 1 else found)
        for route, method, *found in map(str.split, lines)
    )
    return {(route, method): dict(zip(roles, found, strict=True)) for route, method, found in cells}


def addresses(evening: World, known: dict[str, str]) -> dict[str, str]:
    """A real address for each route: at table 1, of what is there."""
    ids = {"op": known["op"], "item": PORK, "line": known["line"], "pictures": known["picture"], "floor": "t1"}
    found = {}
    for path, _ in ROUTES:
        route = where(path)
        first = route.removeprefix("/t/{}").partition("/{}")[0]
        at = route.replace("/t/{}", f"/t/{evening.codes['t1']}")
        found[route] = at.replace("{}", ids.get(first.strip("/"), ""))
    return found | {"/static/{}": assets.address("tokens.css"), "else": "/nope"}


def outcome(answer: HTTPResponse) -> str:
    """A cell of the matrix."""
    return "login" if answer.headers.get("Location", "").startswith("/login") else str(answer.code)


async def dialled(browser: Browser, path: str) -> str:
    """What becomes of a socket: a cell of the matrix."""
    try:
        socket = await browser.socket(path)
    except HTTPClientError as error:
        return str(error.code)
    found = "open" if await socket.read_message() else str(socket.close_code)
    socket.close()
    return found


@pytest.mark.gen_test
async def test_every_role_gets_at_every_address_what_the_matrix_says(
    http_server: object, http_port: int, shared: Services, embedded: Embedded
) -> None:
    sockets = {where(path) for path, handler in ROUTES if issubclass(handler, Handshake)}
    async with world(shared, http_port, embedded.url) as evening:
        guest = evening.people["guest"]
        added = await guest.post(f"/t/{evening.codes['t1']}/do", {"op": "the-op", "do": "add", "item": PORK})
        menu = (await shared.desk.look(MENU))[MENU].value
        picture = menu.item[PORK].picture
        known = {"op": "the-op", "line": added["line"], "picture": f"{picture.id}-{picture.widths[0]}"}
        paths, got = addresses(evening, known), {}
        for role, browser in evening.people.items():
            kept = dict(browser.cookies)
            for route, path in sorted(paths.items(), key=lambda each: each[0] == "/lock"):  # ends the login
                fields = FIELDS.get(route, {})
                asked = await browser.ask("GET", path)
                browser.cookies = dict(kept)
                got[route, "GET", role] = outcome(asked)
                if asked.code not in (400, 405):
                    program = await browser.ask("GET", path, Accept="application/json")
                    browser.cookies = dict(kept)
                    assert outcome(program) == outcome(asked).replace("login", "403"), (route, role)
                got[route, "POST", role] = outcome(await browser.submit(path, **fields))
                browser.cookies = dict(kept)
                if route in sockets:
                    got[route, "WS", role] = await dialled(browser, path)
                elif role == "manager":
                    upgraded = await browser.ask("GET", path, **UPGRADE)
                    assert outcome(upgraded) == outcome(asked), (route, role)
                browser.cookies = dict(kept)
    said = {(*row, role): cell for row, cells in rows().items() for role, cell in cells.items()}
    assert {cell: (found, said.get(cell)) for cell, found in got.items() if said.get(cell) != found} == {}


def test_the_matrix_knows_every_route_method_and_role() -> None:
    """A route that is new here has to say who may use it."""
    wanted = {(where(path), method) for path, _ in ROUTES for method in ("GET", "POST")}
    wanted |= {(where(path), "WS") for path, handler in ROUTES if issubclass(handler, Handshake)}
    wanted |= {(path, method) for path in ("/static/{}", "else") for method in ("GET", "POST")}
    assert rows().keys() == wanted


# ---- every command

MAY = {
    "diner": {"guest"},
    "kitchen": {"cook", "waiter", "manager"},
    "floor": {"waiter", "manager"},
    "manage": {"manager"},
}
"""Whose commands take effect through which door; at the guests' door: on this sitting, from another table's phone."""
UNIONS: dict[str, Any] = {
    "diner": commands.Diner,
    "kitchen": commands.Kitchen,
    "floor": commands.Floor,
    "manage": commands.Manage,
}


FORBIDDEN = ("forbidden", "no_cookies", "login_needed", "not_your_role", "sitting_closed")
REFUSED = ("malformed", "sitting_closed")  # at a door that does not have the command


def told_by(door: str) -> set[str]:
    """The commands of a door."""
    return {each.__struct_config__.tag for each in get_args(UNIONS[door])}


class Doors:
    """Sends a command to its door: first as everybody who may not, with nothing done, then as somebody who may."""

    def __init__(self, evening: World, actors: dict[str, str], by_socket: bool) -> None:
        self.evening = evening
        self.actors = actors
        self.by_socket = by_socket
        self.done: set[tuple[str, str]] = set()
        self.pages: dict[tuple[str, str], Page] = {}

    async def do(self, door: str, do: str, **more: Any) -> dict[str, Any]:
        """The answer to the one who may."""
        before = await self.evening.written()
        for role in self.evening.people:
            if role not in MAY[door]:
                refused = await self._post(door, role, do, more)
                assert refused["error"] in FORBIDDEN, (door, do, role, refused)
        for other, role in (("diner", "guest"), ("kitchen", "cook"), ("floor", "waiter"), ("manage", "manager")):
            if do not in told_by(other):
                assert (await self._post(other, role, do, more))["error"] in REFUSED, (other, do)
                if other != "manage":
                    assert (await (await self._page(other, role)).do(do, **more))["error"] in REFUSED, (other, do)
        if door == "diner":
            assert (await (await self._page(door, "waiter")).do(do, **more))["error"] == "forbidden", do
        assert await self.evening.written() == before, (door, do)
        actor = self.actors[door]
        if self.by_socket and door != "manage":
            answer = await (await self._page(door, actor)).do(do, **more)
        else:
            answer = await self._post(door, actor, do, more)
        assert answer.get("ok"), (door, do, more, answer)
        assert (await self.evening.written() > before) == (do != "printer_test"), (door, do)
        self.done.add((door, do))
        return answer

    async def _post(self, door: str, role: str, do: str, more: dict[str, Any]) -> dict[str, Any]:
        """By POST; a phone of another table names the sitting of this one."""
        path, sent = f"/{door}/do", {"op": new_op(), "do": do, **more}
        if door == "diner":
            here = role != "other"
            path = f"/t/{self.evening.codes['t1' if here else 't2']}/do"
            sent |= {} if here else {"sitting": self.evening.known["sitting"]}
        return await self.evening.people[role].post(path, sent)

    async def _page(self, door: str, role: str) -> Page:
        """The door's socket, opened once."""
        if (door, role) not in self.pages:
            path = f"/t/{self.evening.codes['t1']}/live" if door == "diner" else f"/{door}/live"
            page = self.pages[door, role] = Page(await self.evening.people[role].socket(path))
            await page.sees(lambda page: page.v >= 0)
        return self.pages[door, role]


@pytest.mark.parametrize(("by_socket", "cook", "waiter"), [(False, "cook", "waiter"), (True, "waiter", "manager")])
@pytest.mark.gen_test
async def test_a_command_takes_effect_for_whom_it_is_meant_and_changes_nothing_for_others(
    http_server: object, http_port: int, shared: Services, embedded: Embedded, by_socket: bool, cook: str, waiter: str
) -> None:
    async with world(shared, http_port, embedded.url) as evening:
        actors = {"diner": "guest", "kitchen": cook, "floor": waiter, "manage": "manager"}
        doors = Doors(evening, actors, by_socket)
        evening.known["sitting"] = await evening.sitting("t1")
        await _at_the_table(doors)
        await _in_the_house(doors)
        await _in_the_kitchen(doors)
        await _on_the_floor(doors)
        assert {(door, do) for door in UNIONS for do in told_by(door)} - doors.done == set()


async def seen_at(evening: World, table: str) -> int:
    """The version at which a table's cart is now."""
    return int((await Guest(evening.port, evening.codes[table]).scan())["version"])


async def ticket_at(evening: World, table: str) -> dict[str, Any]:
    """The last ticket of a table."""
    blocks = (await evening.people["manager"].json("/kitchen"))["blocks"]
    return [each for id, each in blocks.items() if id.startswith("ticket-") and each["table"] == table][-1]


async def _at_the_table(doors: Doors) -> None:
    menu = (await doors.evening.shared.desk.look(MENU))[MENU].value
    await doors.do("diner", "name", name="Lin")
    await doors.do("diner", "colour", colour=5)
    await doors.do("diner", "allergies", tags=[menu.allergens[0].id])
    line = doors.evening.known["line"] = (await doors.do("diner", "add", item=PORK))["line"]
    await doors.do("diner", "note", line=line, note="no skin")
    await doors.do("diner", "share", line=line, on=True)
    await doors.do("diner", "hold", line=line, on=True)
    await doors.do("diner", "change", line=line, by=-1)
    await doors.do("diner", "restore", line=line)
    await doors.do("diner", "place", seen=await seen_at(doors.evening, "t1"))
    await doors.do("diner", "fire", line=line)
    await doors.do("diner", "again", line=line)
    await doors.do("diner", "split", by="lines")
    await doors.do("diner", "claim", line=line, on=True)
    await doors.do("diner", "tip", percent=10)
    await doors.do("diner", "call", **{"for": "waiter"})
    await doors.do("diner", "enter", pin="none")


async def _in_the_house(doors: Doors) -> None:
    await doors.do("manage", "account_add", name="Mei", role="waiter", pin="2580")
    await doors.do("manage", "account_change", account="waiter", name="waiter", role="waiter", active=True)
    await doors.do("manage", "account_secrets", account="rekeyed", pin="1470")
    await doors.do("manage", "forget_devices")
    await doors.do("manage", "arrange", table="t1", x=10, y=10)
    with fake_printer() as there:
        printer = {"name": "Wok", "host": "127.0.0.1", "port": there.port, "stations": ["kitchen"], "receipts": True}
        made = (await doors.do("manage", "printer_save", **printer))["printer"]
        await doors.do("manage", "printer_test", printer=made)
        await doors.do("manage", "printer_remove", printer=made)
        await doors.do("manage", "printer_save", **printer)


async def _in_the_kitchen(doors: Doors) -> None:
    line, ticket = doors.evening.known["line"], await ticket_at(doors.evening, "t1")
    ours = {"table": "t1", "ticket": ticket["id"]}
    await doors.do("kitchen", "shown", **ours)
    await doors.do("kitchen", "acknowledge", **ours, seen=ticket["v"])
    await doors.do("kitchen", "rush", **ours, on=True)
    await doors.do("kitchen", "advance", table="t1", line=line, to="cooking")
    await doors.do("kitchen", "undo", table="t1", back={line: "queued"})
    await doors.do("kitchen", "advance", **ours, to="ready")
    await doors.do("kitchen", "recall", **ours)
    await doors.do("kitchen", "advance", **ours, to="ready")
    await doors.do("kitchen", "serve", table="t1")
    await doors.do("kitchen", "sold_out", item=RICE, on=True)
    await doors.do("kitchen", "sold_out", item=RICE, on=False)
    await doors.do("kitchen", "stock", item=RICE, count=50)
    await doors.do("kitchen", "load", level="busy")
    await _printed(doors.evening)
    await doors.do("kitchen", "reprint", **ours)
    await _printed(doors.evening)
    await doors.do("floor", "reprint", **ours)


async def _printed(evening: World) -> None:
    """Everything of table 1 is on paper."""
    sitting = evening.known["sitting"]
    names = (MENU, sitting_name(sitting), slips_name(sitting))
    menu, seated, papers = (each.value for each in (await evening.shared.desk.look(*names)).values())
    papers = papers or slips.Slips()
    of = slips.said(seated, seated.lines[0])
    paper = slips.Delivery(seated.lines[0].id, menu.printers[0].id, said=of)
    await put(evening.shared, slips_name(sitting), replace(papers, deliveries=(paper,)))


async def _on_the_floor(doors: Doors) -> None:
    evening = doors.evening
    [call] = (await evening.people["manager"].json("/floor"))["blocks"]["table-t1"]["calls"]
    await doors.do("floor", "take", table="t1", call=call["id"])
    await doors.do("floor", "clear", table="t1", call=call["id"])
    await doors.do("floor", "open", table="t3")
    await doors.do("floor", "own", table="t3", on=True)
    await doors.do("floor", "freeze", table="t3", on=True)
    line = (await doors.do("floor", "add", table="t3", item=PORK, qty=2))["line"]
    await doors.do("floor", "place", table="t3", seen=await seen_at(evening, "t3"))
    await doors.do("floor", "hold", table="t3", line=line)
    await doors.do("floor", "fire", table="t3", line=line)
    ours = {"table": "t3", "ticket": (await ticket_at(evening, "t3"))["id"]}
    await doors.do("floor", "shown", **ours, looked=True)
    await doors.do("floor", "rush", **ours, on=True)
    await doors.do("floor", "advance", **ours, to="ready")
    await doors.do("floor", "serve", table="t3")
    await doors.do("floor", "comp", table="t3", line=line, reason="a treat")
    await doors.do("floor", "comp", table="t3", line=line, reason="a treat")
    await doors.do("floor", "discount", table="t1", percent=10, reason="a regular")
    await doors.do("floor", "pay", table="t1", amount=100, method="card")
    blocks = (await evening.people["manager"].json("/floor/t1"))["blocks"]
    payment = next(block["id"] for name, block in blocks.items() if name.startswith("payment-"))
    await doors.do("floor", "refund", table="t1", payment=payment, amount=100, reason="by mistake")
    await doors.do("floor", "discount", table="t1")
    await doors.do("floor", "print", table="t1")
    spilt = (await doors.do("floor", "add", table="t3", item=RICE))["line"]
    await doors.do("floor", "place", table="t3", seen=await seen_at(evening, "t3"))
    await doors.do("floor", "void", table="t3", line=spilt, reason="spilt")
    await _asked(doors)
    await doors.do("floor", "move", table="t3", to="t4")
    await doors.do("floor", "merge", table="t4", to="t2")
    await doors.do("floor", "part", table="t2", to="t5", lines=[line])
    left = (await evening.people["manager"].json("/floor/t5"))["blocks"]["party"]["sitting"]
    await doors.do("floor", "close", table="t5")
    await doors.do("floor", "reopen", table="t5", sitting=left, reason="too early")
    await doors.do("floor", "recode", table="t5")


async def _asked(doors: Doors) -> None:
    """Rounds of table 2 that wait for a nod."""
    menu = (await doors.evening.shared.desk.look(MENU))[MENU].value
    await put(doors.evening.shared, MENU, replace(menu, shop=replace(menu.shop, ordering=Ordering(portions=1))))
    guest = doors.evening.people["other"]
    assert isinstance(guest, Guest)
    for number, do in enumerate(("approve", "decline"), 1):
        await guest.do("add", item=PORK, qty=2)
        assert (await guest.do("place", seen=await seen_at(doors.evening, "t2")))["ok"]
        await doors.do("floor", do, table="t2", round=number, **({"reason": "a joke"} if do == "decline" else {}))


# ---- nothing of a sitting for those who are not of it


class Party:
    """Guests who have chosen, sent and named themselves, so that there is something to be found."""

    def __init__(self, port: int, code: str) -> None:
        self.lin, self.silent = Guest(port, code), Guest(port, code)
        self.code = code

    async def begin(self) -> "Party":
        """Lin orders; somebody beside her only looks."""
        self.sitting = str((await self.lin.scan())["sitting"]["id"])
        await self.silent.scan()
        await self.lin.do("name", name="Lin of old")
        line = (await self.lin.do("add", item=PORK, note="allergic to cats"))["line"]
        self.op = new_op()
        assert (await self.lin.do("place", self.op, seen=(await self.lin.scan())["version"]))["ok"]
        waits = (await self.lin.do("add", item=RICE, note="allergic to dogs"))["line"]
        me = (await self.lin.scan())["sitting"]["guest"]
        self.marks = ("Lin of old", "allergic to", line, waits, me)
        self.lines = (line, waits)
        return self


async def asked(browser: Browser, path: str, accept: str = "") -> str:
    """An answer as text, its address to go to included."""
    kept = dict(browser.cookies)
    answer = await browser.ask("GET", path, Accept=accept)
    browser.cookies = kept
    body = answer.body or b""
    if answer.headers.get("Content-Type") == "application/pdf":
        body = subprocess.run(["pdftotext", "-", "-"], input=body, capture_output=True, check=True).stdout
    return answer.headers.get("Location", "") + body.decode()


async def sights(browser: Browser, code: str, sitting: str, line: str) -> dict[str, str]:
    """All that a phone can be shown of a sitting, by the way of asking."""
    at, named = f"/t/{code}", f"sitting={sitting}"
    paths = ["", "/receipt", "/receipt.pdf", f"/item/{PORK}", f"/line/{line}", "/view", "/view?form=json"]
    found = {path: await asked(browser, f"{at}{path}{'&' if '?' in path else '?'}{named}") for path in paths}
    found["as JSON"] = await asked(browser, f"{at}?{named}", "application/json")
    for form in ("html", "json"):
        socket = await browser.socket(f"{at}/live?{named}", form)
        found[f"live, {form}"] = str(await socket.read_message())
        socket.close()
    return found


async def attempts(browser: Browser, code: str, sitting: str, line: str) -> list[dict[str, Any]]:
    """What a phone can try to do to a sitting: the answers."""
    do, answers = f"/t/{code}/do", []
    for sent in (
        {"do": "add", "item": PORK},
        {"do": "change", "line": line, "by": 1},
        {"do": "place", "seen": 99},
        {"do": "call", "for": "bill"},
        {"do": "name", "name": "Eve"},
        {"do": "enter", "pin": "1234"},
    ):
        answers.append(await browser.post(do, {"op": new_op(), "sitting": sitting, **sent}))
        answers.append(await browser.post(f"{do}?sitting={sitting}", {"op": new_op(), **sent}))
        fields = {"_xsrf": browser.cookies["_xsrf"], "op": new_op(), "sitting": sitting, **sent}
        form = await browser.ask(
            "POST",
            do,
            urlencode(fields),
            Content_Type="application/x-www-form-urlencoded",
            Accept="application/json",
        )
        answers.append(json.loads(form.body))
    page = Page(await browser.socket(f"/t/{code}/live?sitting={sitting}"))
    await page.sees(lambda page: page.v >= 0)
    await page.socket.write_message(json.dumps({"do": "here", "at": "soups"}))
    answers.append(await page.do("add", item=PORK))
    page.close()
    page = Page(await browser.socket(f"/t/{code}/live"))
    await page.sees(lambda page: page.v >= 0)
    answers.append(await page.do("add", item=PORK, sitting=sitting))
    page.close()
    return answers


@pytest.mark.gen_test
async def test_nobody_sees_or_changes_a_sitting_that_is_not_theirs(
    http_server: object, http_port: int, shared: Services
) -> None:
    codes = {table["id"]: table["code"] for table in (await Browser(http_port).json("/"))["tables"]}
    manager = await Staff(http_port).login()
    parties = {table: await Party(http_port, codes[table]).begin() for table in ("t1", "t2", "t3", "t4")}
    eve, stranger = Guest(http_port, codes["t5"]), Guest(http_port, codes["t6"])
    assert (await eve.scan()).status == (await stranger.scan()).status == 200
    await eve.do("name", name="Eve")
    for sent in (
        {"do": "close", "table": "t2"},
        {"do": "move", "table": "t3", "to": "t9"},
        {"do": "merge", "table": "t4", "to": "t1"},
    ):
        assert (await manager.floor(**sent))["ok"], sent
    for table, party in parties.items():
        line, name = party.lines[table != "t2"], sitting_name(party.sitting)
        before = (await shared.desk.look(name))[name]
        # From another table; and from the one where the party was before, by a code that leads to somebody else now.
        for code in {codes["t5"]} | ({party.code} if table != "t1" else set()):
            for who in (eve, stranger, manager, Browser(http_port)):
                seen = await sights(who, code, party.sitting, line)
                if who is manager:
                    printed = seen.pop("/receipt") + seen.pop("/receipt.pdf")
                    assert ("Dongpo Pork" in printed) == (table != "t4"), "its dishes are on the bill of table 1 now"
                for way, shown in seen.items():
                    marks = (*party.marks, *(["Dongpo Pork"] if "receipt" in way else []))
                    assert not [mark for mark in marks if mark in shown], (table, code == party.code, way)
                    assert codes["t9"] not in shown and codes["t1"] not in shown, (table, way)
                assert len(seen) > 7
                if who in (eve, stranger):
                    for answer in await attempts(who, code, party.sitting, line):
                        assert answer["error"] in ("sitting_closed", "forbidden"), (table, answer)
                    unknown = await who.json(f"/t/{code}/op/never")
                    known = await who.json(f"/t/{code}/op/{party.op}")
                    assert (known.status, known["error"]) == (unknown.status, unknown["error"]) == (404, "no_such_op")
        after = (await shared.desk.look(name))[name]
        assert after.revision == before.revision, table
        near = (await shared.desk.look(near_name(party.sitting)))[near_name(party.sitting)].value
        assert near is None, "a sign of life of somebody else"


@pytest.mark.gen_test
async def test_who_belongs_to_a_sitting_sees_it_wherever_it_went(
    http_server: object, http_port: int, shared: Services
) -> None:
    codes = {table["id"]: table["code"] for table in (await Browser(http_port).json("/"))["tables"]}
    manager = await Staff(http_port).login()
    closed, moved = [await Party(http_port, codes[table]).begin() for table in ("t2", "t3")]
    present = await sights(Browser(http_port), closed.code, closed.sitting, closed.lines[1])
    for way, shown in present.items():
        told = "Dongpo Pork" if "receipt" in way or "item" in way else "dogs" if "line" in way else "Lin of old"
        assert told in shown, way
    await manager.floor("close", table="t2")
    await manager.floor("move", table="t3", to="t9")
    for phone in (closed.lin, closed.silent):
        seen = await sights(phone, closed.code, closed.sitting, closed.lines[0])
        for way in ("", "/view", "/view?form=json", "as JSON", "live, html", "live, json"):
            assert "Lin of old" in seen[way], way
        assert "Dongpo Pork" in seen["/receipt"]
        assert "Dongpo Pork" in seen["/receipt.pdf"]
        assert (await phone.do("add", item=PORK, sitting=closed.sitting))["error"] == "sitting_closed"
    for phone in (moved.lin, moved.silent):
        seen = await sights(phone, moved.code, moved.sitting, moved.lines[1])
        assert seen[""].startswith(f"/t/{codes['t9']}?sitting={moved.sitting}")
        assert "allergic to dogs" in seen["live, json"]
        assert (await phone.do("add", item=PORK, sitting=moved.sitting))["ok"]
    # A link that was sent to a friend opens an old sitting for nobody, and the friend can order all the same.
    friend = Guest(http_port, closed.code)
    page = await friend.page(f"/t/{closed.code}?sitting={closed.sitting}&lang=en")
    assert ("This bill is closed" in page, f'href="/t/{closed.code}"' in page) == (True, True)
    assert (await friend.do("add", item=PORK))["error"] == "sitting_closed"
    await friend.scan()
    assert (await friend.do("add", item=PORK))["ok"]


# ---- forged requests


@pytest.mark.gen_test
async def test_no_form_is_taken_from_another_page(
    http_server: object, http_port: int, shared: Services, embedded: Embedded
) -> None:
    doors = [route for (route, method), cells in rows().items() if method == "POST" and set(cells.values()) != {"405"}]
    assert len(doors) == 8
    async with world(shared, http_port, embedded.url) as evening:
        paths = addresses(evening, {"op": "x", "line": "x", "picture": "x"})
        manager, foreign = evening.people["manager"], Browser(http_port)
        manager.cookies["guest"] = evening.people["guest"].cookies["guest"]
        await foreign.json("/login")
        before = await evening.written()
        for route in doors:
            fields = FIELDS.get(route, {}) | ({"password": PASSWORD} if route == "/login" else {})
            for token in ("", "wrong", foreign.cookies["_xsrf"], manager.cookies["_xsrf"].replace("|", "|0", 1)):
                for path in (paths[route], f"{paths[route]}?_xsrf={token}"):
                    kept = dict(manager.cookies)
                    answer = await manager.submit(path, **fields | {"_xsrf": token})
                    assert answer.code in (403, 404), (route, token)
                    assert (answer.code == 404) == (route == "else")
                    sent = {"op": new_op(), **fields, "_xsrf": token}
                    body = json.dumps(sent)
                    program = await manager.ask("POST", path, body, Content_Type="application/json", X_XSRFToken=token)
                    assert program.code == answer.code, (route, token)
                    assert manager.cookies == kept, (route, "nobody was let in or out")
        assert await evening.written() == before
        assert (await manager.submit("/floor/do", **FIELDS["/floor/do"])).code == 303


@pytest.mark.gen_test
async def test_a_socket_opens_for_pages_of_its_own_origin_and_for_programs(
    http_server: object, http_port: int, shared: Services, embedded: Embedded
) -> None:
    origins = {
        "http://evil.example": False,
        "null": False,
        "": False,
        f"http://127.0.0.1:{http_port + 1}": False,
        "http://127.0.0.1": False,
        f"http://sub.127.0.0.1:{http_port}": False,
        f"http://127.0.0.1.evil.example:{http_port}": False,
        f"http://evil.example/127.0.0.1:{http_port}": False,
        f"http://127.0.0.1:{http_port}@evil.example": False,
        f"http://127.0.0.1:{http_port}": True,
    }
    async with world(shared, http_port, embedded.url) as evening:
        paths = addresses(evening, {"op": "x", "line": "x", "picture": "x"})
        manager = evening.people["manager"]
        manager.cookies["guest"] = evening.people["guest"].cookies["guest"]
        for route in (route for route, method in rows() if method == "WS"):
            assert await dialled(manager, paths[route]) == "open", (route, "a program sends no origin")
            for origin, right in origins.items():
                with suppress(HTTPClientError):
                    socket = await manager.socket(paths[route], Origin=origin)
                    assert right, (route, origin)
                    assert await socket.read_message()
                    socket.close()
                    continue
                assert not right, (route, origin)


# ---- another process of the same shop, which may not have heard yet


@pytest.mark.gen_test
async def test_whoever_is_let_go_is_nobody_on_every_port_at_once(
    http_server: object, http_port: int, shared: Services, embedded: Embedded
) -> None:
    async with (
        world(shared, http_port, embedded.url) as evening,
        another(shared, embedded.url, shared.options.shop, KEYS) as (_, there),
    ):
        waiter, manager = evening.people["waiter"], evening.people["manager"]
        own = {"do": "own", "table": "t1"}
        assert (await waiter.post("/floor/do", {"op": new_op(), **own, "on": True}, there))["ok"]
        gone = {"do": "account_change", "account": "waiter", "name": "waiter", "role": "waiter", "active": False}
        assert (await manager.post("/manage/do", {"op": new_op(), **gone}))["ok"]
        refused = await waiter.post("/floor/do", {"op": new_op(), **own, "on": False}, there)
        assert refused.get("error") == "login_needed", refused
        for path in ("/floor", "/kitchen", "/floor/t1", "/floor/t1/code", "/floor/t1/log"):
            assert outcome(await waiter.ask("GET", path, port=there)) == "login", path


@pytest.mark.gen_test
async def test_a_code_that_was_replaced_leads_nowhere_on_any_port(
    http_server: object, http_port: int, shared: Services, embedded: Embedded
) -> None:
    async with (
        world(shared, http_port, embedded.url) as evening,
        another(shared, embedded.url, shared.options.shop, KEYS) as (_, there),
    ):
        stranger = Guest(there, evening.codes["t1"])
        assert (await stranger.scan()).status == 200
        recode = {"op": new_op(), "do": "recode", "table": "t1"}
        assert (await evening.people["manager"].post("/floor/do", recode))["ok"]
        assert (await stranger.scan()).status == 404
        assert (await stranger.do("add", item=PORK)).status == 404
