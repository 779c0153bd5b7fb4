"""Whatever comes in by HTTP is answered, and never with 500 or a traceback in the log: bodies, cookies, addresses.

Longer, with other seeds: `make fuzz MINUTES=60`.
"""

import asyncio
import json
import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote_from_bytes, urlencode

import msgspec
import pytest
from actors import PATIENCE, Browser, Guest, Staff
from arbitrary import JSON, SOME, arbitrary, types_of
from hypothesis import given
from hypothesis import strategies as st
from machines import KEYS, PASSWORD, bundled_store
from tornado.netutil import bind_sockets

from ordering import commands, options
from ordering.app import HEADERS_LARGEST, application, http_server, services
from ordering.founding import found
from ordering.store import Store

PORK = "dongpo-pork"


class House:
    """A server in this process that is asked by raw bytes; runs only while it is asked."""

    def __init__(self, runner: asyncio.Runner, port: int) -> None:
        self.run = runner.run
        self.port = port
        self.guest = Guest(port, "")
        self.staff = Staff(port)
        self.faults: list[str] = []

    async def settle(self) -> None:
        """A guest with a line in the cart, one that is placed, and a manager who is logged in."""
        tables = (await Browser(self.port).json("/"))["tables"]
        self.guest = Guest(self.port, tables[0]["code"])
        await self.guest.scan()
        await self.guest.do("add", item=PORK)
        await self.guest.do("place", seen=1)
        await self.guest.do("add", item=PORK)
        await self.staff.login()
        await self.staff.json("/login")

    def paths(self) -> list[str]:
        """Every page that there is."""
        table = f"/t/{self.guest.code}"
        return [
            "/",
            table,
            f"{table}/live",
            f"{table}/op/x",
            f"{table}/item/{PORK}",
            f"{table}/item/unicorn",
            f"{table}/line/x",
            f"{table}/back",
            f"{table}/receipt",
            f"{table}/receipt.pdf",
            "/pictures/x",
            "/login",
            "/manage",
            "/manage/plan",
            "/manage/printers",
            "/manage/log",
            "/manage/log.csv",
            "/kitchen",
            "/kitchen/live",
            "/floor",
            "/floor/live",
            "/floor/t1",
            "/floor/t1/live",
            "/floor/t1/code",
            "/floor/t1/log",
            "/floor/t99",
            "/healthz",
            "/readyz",
            "/metrics",
            "/nowhere",
            "/t/2222222222",
        ]

    def doors(self) -> list[str]:
        """Every address that takes a body."""
        return [f"/t/{self.guest.code}/do", "/kitchen/do", "/floor/do", "/manage/do", "/login", "/lock"]

    def answered(self, method: str, path: bytes, headers: dict[str, bytes], body: bytes = b"") -> int:
        """The status of the answer to a request, which is no 500; and nobody has complained in the log. 0: headers
        that are too long are cut off."""
        lines = [f"{method} ".encode() + path + b" HTTP/1.1", *(f"{k}: ".encode() + v for k, v in headers.items())]
        lines += [b"Content-Length: %d" % len(body)] if method == "POST" else []
        head = b"\r\n".join([*lines, b"", b""])
        status = self.run(self._asked(head + body))
        if not status and len(head) > HEADERS_LARGEST:
            return 0
        assert status == 503 or 200 <= status < 500, status
        faults, self.faults[:] = list(self.faults), []
        assert not faults, faults[0][-1500:]
        return status

    async def _asked(self, request: bytes) -> int:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            try:
                writer.write(request)
                first = await reader.readline()
                if first.startswith(b"HTTP/1.1 101"):
                    return 101 + 100
                await reader.read()
                return int(first.split()[1]) if first else 0
            finally:
                writer.close()

    def common(self, who: Browser | None) -> dict[str, bytes]:
        """The headers of a browser that keeps no connection."""
        cookies = {"Cookie": who.cookie_header().encode()} if who else {}
        return {"Host": f"127.0.0.1:{self.port}".encode(), "Connection": b"close", **cookies}


class Complaints(logging.Handler):
    """Collects what would stand in the log as a fault."""

    def __init__(self, into: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._into = into

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info or record.levelno >= logging.ERROR:
            self._into.append(logging.Formatter().format(record))


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    """A shop of the demo, behind the real HTTP server."""
    with bundled_store() as embedded, asyncio.Runner() as runner:
        chosen = options.read(["run.py", "--demo"], {options.MANAGER_PASSWORD: PASSWORD})
        store = Store(embedded.url, chosen.shop)
        made = services(chosen, store, KEYS.ids)
        sockets = bind_sockets(0, "127.0.0.1")

        async def begin() -> None:
            await found(store, chosen)
            made.shelf.start()
            made.live.start()
            server.append(http_server(application(made, KEYS)))
            server[0].add_sockets(sockets)

        async def end() -> None:
            server[0].stop()
            await server[0].close_all_connections()
            await made.live.stop()
            await made.shelf.stop()
            await store.close()

        server: list[Any] = []
        runner.run(begin())
        built = House(runner, sockets[0].getsockname()[1])
        runner.run(built.settle())
        listener = Complaints(built.faults)
        logging.getLogger().addHandler(listener)
        yield built
        logging.getLogger().removeHandler(listener)
        runner.run(end())


ENDING = st.sampled_from([b"", b"%ff", b"%00", b"%0a", b"%C2%80", b"%F0%9F%8D%9C", b"%2e%2e%2f", b"+", b"%", b"%zz"])
VALUE = st.one_of(
    st.binary(max_size=30).map(quote_from_bytes).map(str.encode),
    st.sampled_from(
        [
            b"0",
            b"1",
            b"-1",
            b"a" * 900,
            b"json",
            b"html",
            b"expo",
            b"kitchen",
            b"promise",
            b"kitchen,bar",
            b",",
            b"zh",
            b"en",
            b"/floor",
            b"//evil.example",
            b"2026-02-30",
            b"9" * 5000,
            b"%EF%BC%91",
            b"t1",
            b"2%7C1%7C0",
            b"W%2F%22x",
        ]
    ),
    ENDING,
)
QUERY_NAMES = [
    "sitting",
    "have",
    "form",
    "lang",
    "station",
    "order",
    "view",
    "token",
    "next",
    "account",
    "before",
    "table",
    "day",
    "person",
    "_xsrf",
    "x%ff",
]
QUERY = st.lists(st.tuples(st.sampled_from(QUERY_NAMES), VALUE), max_size=4)
WHO = st.sampled_from(["nobody", "guest", "staff"])


def _who(house: House, name: str) -> Browser | None:
    return {"guest": house.guest, "staff": house.staff}.get(name)


@SOME
@given(st.data(), QUERY, WHO, st.sampled_from([b"text/html", b"application/json", b"\xff"]))
def test_any_question_mark_is_answered(
    house: House, data: Any, query: list[tuple[str, bytes]], who: str, accept: bytes
) -> None:
    path = data.draw(st.sampled_from(house.paths()))
    asked = b"&".join(name.encode() + b"=" + value for name, value in query)
    house.answered("GET", path.encode() + b"?" + asked, house.common(_who(house, who)) | {"Accept": accept})


COOKIE = st.one_of(
    st.text(max_size=40).map(str.encode),
    st.binary(max_size=40),
    st.sampled_from([b"2|1:0|10:1|5:guest|4:YQ==|00", b"2|zz|zz|1", b"1|2|3", b'"\\377"', b"2|", b"x" * 4000, b"en"]),
).map(lambda value: value.replace(b"\r", b"").replace(b"\n", b"").replace(b"\x00", b""))
COOKIES = st.dictionaries(st.sampled_from(["guest", "staff", "device", "flash", "lang", "_xsrf", "é", "$x"]), COOKIE)


@SOME
@given(st.data(), COOKIES, st.booleans())
def test_any_cookies_are_answered(house: House, data: Any, cookies: dict[str, bytes], post: bool) -> None:
    path = data.draw(st.sampled_from(house.doors() if post else house.paths()))
    held = b"; ".join(name.encode() + b"=" + value for name, value in cookies.items())
    body = b"do=add&op=x&_xsrf=" + quote_from_bytes(cookies.get("_xsrf", b"")).encode() if post else b""
    kind = {"Content-Type": b"application/x-www-form-urlencoded"}
    house.answered("POST" if post else "GET", path.encode(), house.common(None) | kind | {"Cookie": held}, body)


BOUNDARY = b"bb"
PART = st.builds(
    lambda head, body: b"--bb\r\n" + head + b"\r\n\r\n" + body + b"\r\n",
    st.sampled_from(
        [
            b'Content-Disposition: form-data; name="do"',
            b'Content-Disposition: form-data; name="a"; filename="\xff"',
            b"Content-Disposition: form-data",
            b"X",
            b"",
            b"Content-Disposition: form-data; name*=utf-8''%ff",
        ]
    ),
    st.sampled_from([b"add", b"\xff", b""]) | st.binary(max_size=20),
)
KINDS = st.sampled_from(
    [
        b"application/x-www-form-urlencoded",
        b"multipart/form-data; boundary=bb",
        b"multipart/form-data",
        b"multipart/form-data; boundary=",
        b"multipart/form-dataxyz; boundary=bb",
        b"application/json",
        b"text/plain",
        b"",
        b"application/json; charset=utf-16",
        b"multipart/form-data; boundary=\xe9",
        b"application/x-www-form-urlencoded;\xff",
    ]
) | st.binary(max_size=20).map(lambda kind: kind.replace(b"\r", b"").replace(b"\n", b"").replace(b"\x00", b""))
BODIES = st.one_of(
    st.binary(max_size=200),
    JSON.map(lambda value: json.dumps(value).encode()),
    st.lists(PART, max_size=4).map(lambda parts: b"".join(parts) + b"--bb--\r\n"),
    st.lists(PART, max_size=4).map(b"".join),
    st.sampled_from([b"[" * 16_000, b'{"a":' * 10_000, b"&" * 30_000, b"a=%ff", b"%ff=a", b"\xff=\xff", b"a&" * 5000]),
)


@SOME
@given(st.data(), KINDS, BODIES, WHO, st.booleans())
def test_any_body_is_answered(house: House, data: Any, kind: bytes, body: bytes, who: str, json_back: bool) -> None:
    path = data.draw(st.sampled_from(house.doors()))
    asked = _who(house, who)
    headers = house.common(asked) | {"Content-Type": kind}
    headers |= {"Accept": b"application/json"} if json_back else {}
    headers |= {"X-XSRFToken": asked.cookies["_xsrf"].encode()} if asked else {}
    house.answered("POST", path.encode(), headers, body)


FORM_VALUE = st.one_of(
    st.sampled_from(
        ["t1", PORK, PORK + "\n", "x\r\nX-Evil: 1", "on", "1", "", "/floor", "|", "expo|x", "é", "9" * 4999]
    ),
    st.text(max_size=20),
)
DOORS = {0: commands.Diner, 1: commands.Kitchen, 2: commands.Floor, 3: commands.Manage}
KNOWN = {
    "table": ["t1"],
    "item": [PORK, "mapo-tofu"],
    "seen": [1, 2, 3, 4],
    "qty": [1],
    "modifiers": ["mild"],
    "line": ["x"],
    "ticket": ["x"],
    "to": ["t2"],
}


@SOME
@given(st.sampled_from([0, 1, 2, 3]), st.randoms(), FORM_VALUE, st.sampled_from(["", "back", "sitting", "next"]))
def test_any_form_is_answered(house: House, door: int, rng: Any, wrong: str, more: str) -> None:
    types = types_of(DOORS[door])
    right = arbitrary(types[rng.choice(sorted(set(types) - UNANSWERED))], rng, KNOWN)
    sent = {**msgspec.json.decode(msgspec.json.encode(right), type=dict[str, Any]), "op": f"o{rng.randrange(10**9)}"}
    if rng.random() < 0.8:
        sent[rng.choice(sorted(sent.keys() - {"do"}))] = wrong
    if more:
        sent[more] = wrong
    asked = house.staff if door else house.guest
    headers = house.common(asked) | {"Content-Type": b"application/x-www-form-urlencoded"}
    body = urlencode({**sent, "_xsrf": asked.cookies["_xsrf"]}, doseq=True)
    house.answered("POST", house.doors()[door].encode(), headers, body.encode())


UNANSWERED = {"account_change", "account_secrets", "account_add", "printer_test", "freeze", "recode", "close", "move"}
"""What would lock the manager out, takes a hash or a printer, or clears the table that the others look at."""
