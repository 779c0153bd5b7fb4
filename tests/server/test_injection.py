"""What people and managers type stays text, wherever it comes out: pages, pushes, receipts, paper, headers, logs.

Each hostile text goes through the doors into every field that takes one, and stands in every name of the house. What
comes out is compared with the same evening told in harmless words: the same elements and attributes in the same
order, the same commands to the printer, the same headers.
"""

import asyncio
import csv
import io
import json
import logging
import re
import subprocess
import unicodedata
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from html.parser import HTMLParser
from itertools import cycle
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from actors import Browser, Page, hang_up, new_op
from fake_printer import COMMANDS
from machines import KEYS
from msgspec import inspect
from tornado.httpserver import HTTPServer
from tornado.testing import bind_unused_port
from tornado.web import create_signed_value

from ordering import commands, escpos, options, slips
from ordering.app import application, services
from ordering.clock import now
from ordering.documents import FLOOR, MENU, PRINTERS, STAFF, STOCK, sitting_name
from ordering.embedded import Embedded
from ordering.menu import Menu, Ordering
from ordering.restaurant import DEMO, Restaurant, RestaurantError, read
from ordering.services import Services
from ordering.sitting import plain
from ordering.slips import Printers, Trouble, Why
from ordering.staff import Account, Staff
from ordering.store import Store
from ordering.views.receipt import receipt
from ordering.views.text import text

PORK, TOFU, RICE = "dongpo-pork", "mapo-tofu", "steamed-rice"
SHORT = 24  # characters of a name
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=1>',
    "' onfocus=alert(1) x='",
    "` onclick=1 &lt;b&gt;&#60;",
    "</title></textarea><!--",
    "--></style><svg onload=1>",
    "javascript:alert(1)",
    "{{7*7}}{% raw %}${7*7}",
    "%(name)s %s %n {n} \\",
    "=cmd|' /C calc'!A0",
    "+1",
    "-1+1",
    "@SUM(1)",
    "\t=1+1",
    "\r\n=1+2",
    "\uff1d1+1",
    "a\r\nSet-Cookie: x=1\r\n\r\n<b>",
    "%0d%0aSet-Cookie: x=1",
    "\x1b@\x1dV\x00\x10\x14\x01\x00a",
    "\x9b31m\x1b[2J\x07\x08a",
    "a\u202eb\u202c\u2066c\u061cd",
    "a\u2028b\u2029c\u0085d",
    "\u200ba\u2060\ufeff\u00ad\u200b",
    ") Tj ET endstream endobj",
    '","x\n"=1+1',
    "\U0001f468\u200d\U0001f373",
]
HARMLESS = [f"harmless {number:02}" for number in range(len(HOSTILE))]
TABLE = "/t/code0000"


# ---- a house in which everything is called so, and an evening in which everybody says so


class House:
    """A shop of its own, served from here; every answer is kept for a look at its headers."""

    def __init__(self, shared: Services, port: int, words: list[str]) -> None:
        self.shared = shared
        self.port = port
        self.words = words
        self.answers: list[tuple[str, Any]] = []

    def visitor(self, **cookies: str) -> "Visitor":
        """A browser with these cookies, signed."""
        visitor = Visitor(self)
        for name, value in cookies.items():
            visitor.cookies[name] = create_signed_value(KEYS.signing, name, value, key_version=0).decode()
        return visitor


class Visitor(Browser):
    """A browser of the house."""

    def __init__(self, house: House) -> None:
        super().__init__(house.port)
        self.house = house

    async def ask(self, method: str, path: str, *more: Any, **headers: Any) -> Any:
        """As a browser, and the house remembers."""
        answer = await super().ask(method, path, *more, **headers)
        self.house.answers.append((f"{method} {path}", answer))
        return answer

    async def does(self, path: str, do: str, **more: Any) -> dict[str, Any]:
        """A command that must succeed."""
        if "_xsrf" not in self.cookies:
            await self.json("/login")
        answer = await self.post(path, {"op": new_op(), "do": do, **more})
        assert answer.get("ok"), (do, more, answer)
        return answer


@asynccontextmanager
async def house(url: str, restaurant: Restaurant, words: list[str]) -> AsyncIterator[House]:
    """The demo restaurant with everything named after these words, and somebody of the staff for each."""
    shop = f"injection-{new_op()}"
    store = Store(url, shop)
    chosen = options.read(["run.py", "--demo", f"--shop={shop}"], {})
    shared = services(chosen, store, KEYS.ids)
    values = {**named(restaurant, words), STOCK: restaurant.stock}
    staff = [Account(f"a{number}", f"a{number}", "waiter", pin="x") for number in range(len(words))]
    values[STAFF] = Staff((Account("manager", "manager", "manager", "x"), *staff))
    seen = (await store.load(list(values))).documents
    await store.commit("founding", new_op(), "founding", b"{}", {"who": "founding"}, seen, values)
    shared.shelf.start()
    shared.live.start()
    socket, port = bind_unused_port()
    server = HTTPServer(application(shared, KEYS))
    server.add_sockets([socket])
    try:
        yield House(shared, port, words)
    finally:
        await hang_up()
        server.stop()
        await server.close_all_connections()
        await shared.live.stop()
        await shared.shelf.stop()
        await store.close()


def named(restaurant: Restaurant, words: list[str]) -> dict[str, Any]:
    """Menu and floor with every name replaced by the next word, as a restaurant's file could say it."""
    spoken = cycle(map(printable, words))
    menu = msgspec.convert(_renamed(msgspec.to_builtins(restaurant.menu), spoken), Menu)
    shop = msgspec.structs.replace(menu.shop, ordering=Ordering(open="nod", portions=9999, rounds=9999, phones=9999))
    floor = restaurant._replace(
        areas=tuple(msgspec.structs.replace(area, name={"en": next(spoken)}) for area in restaurant.areas),
        tables=tuple(seats._replace(name=f"{next(spoken)}{seats.id}") for seats in restaurant.tables),
    ).floor((f"code{number:04}" for number in range(99)), (f"{number:012x}" for number in range(1, 99)))
    return {MENU: msgspec.structs.replace(menu, shop=shop), FLOOR: floor}


def printable(word: str) -> str:
    """The word without what a restaurant's file may not hold."""
    return "".join(char for char in word if unicodedata.category(char) != "Cc")


def _renamed(value: Any, words: Iterator[str], key: str = "") -> Any:
    if isinstance(value, dict):
        if key in ("name", "tagline", "description", "short", "unit") and value:
            word = next(words)
            return {"zh": f"{word}汉", "en": word}
        return {name: _renamed(each, words, name) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_renamed(each, words, key) for each in value]
    return next(words) if key in ("address", "currency_symbol", "glyph") else value


class Evening:
    """What came of the evening: pages, blocks, JSON, the table, the PDF and the papers, by name."""

    def __init__(self) -> None:
        self.pages: dict[str, str] = {}
        self.blocks: list[str] = []
        self.json: dict[str, Any] = {}
        self.csv = ""
        self.pdf = b""
        self.papers: dict[str, bytes] = {}


async def evening(here: House) -> Evening:
    """Everybody says a word wherever they can say something, and looks at everything."""
    told, guests = Evening(), [here.visitor() for _ in here.words]
    boss = here.visitor(staff=f"manager|{now()}", device=str(now() + 1000))
    waiters = [here.visitor(staff=f"a{number}|{now()}") for number in range(len(here.words))]
    for number, word in enumerate(here.words):
        known = {"account": f"a{number}", "role": "waiter", "active": True}
        await boss.does("/manage/do", "account_change", name=word[:SHORT], **known)
        printer = {"host": "printer.lan", "stations": ["kitchen"], "receipts": True}
        charset = ("gb18030", "cp1252")[number % 2]
        await boss.does("/manage/do", "printer_save", name=word[:SHORT], charset=charset, **printer)
    sitting, waits = await _at_the_table(guests, waiters, here.words)
    closed = await _parties_that_go(guests[0], waiters, here.words)
    await _in_trouble(here)
    await _seen(told, guests[0], boss, sitting, waits, closed)
    await _printed(told, here, sitting)
    return told


async def _at_the_table(guests: list[Visitor], waiters: list[Visitor], words: list[str]) -> tuple[str, str]:
    """A round of everybody's, of which much is taken back; the sitting, and a line in its cart."""
    sitting = str((await guests[0].json(TABLE))["sitting"]["id"])
    lines, spilt = [], []
    for guest, word in zip(guests, words, strict=True):
        await guest.json(TABLE)
        await guest.does(f"{TABLE}/do", "name", name=word[:SHORT])
        lines.append((await guest.does(f"{TABLE}/do", "add", item=TOFU, modifiers=["medium"], note=word))["line"])
        spilt.append((await guest.does(f"{TABLE}/do", "add", item=PORK, note=word))["line"])
    await guests[0].does(f"{TABLE}/do", "place", seen=(await guests[0].json(TABLE))["version"])
    await waiters[0].does("/floor/do", "approve", table="t1", round=1)
    waits = (await guests[0].does(f"{TABLE}/do", "add", item=RICE))["line"]
    for guest, waiter, word, line, gone in zip(guests, waiters, words, lines, spilt, strict=True):
        await guest.does(f"{TABLE}/do", "note", line=waits, note=word)
        await waiter.does("/floor/do", "void", table="t1", line=gone, reason=word)
        await waiter.does("/floor/do", "discount", table="t1", line=line, percent=10, reason=word)
        await waiter.does("/floor/do", "pay", table="t1", amount=100, method="card")
        blocks = (await waiter.json("/floor/t1"))["blocks"]
        payment = [block["id"] for id, block in blocks.items() if id.startswith("payment-") and block["refundable"]][-1]
        await waiter.does("/floor/do", "refund", table="t1", payment=payment, amount=50, reason=word)
    for guest, waiter, reason in zip(guests, waiters, ("waiter", "water", "help", "cutlery", "bill"), strict=False):
        await guest.does(f"{TABLE}/do", "call", **{"for": reason})
        call = (await waiter.json("/floor"))["blocks"]["table-t1"]["calls"][-1]
        await waiter.does("/floor/do", "take", table="t1", call=call["id"])
    await waiters[0].does("/kitchen/do", "load", level="busy")
    return sitting, waits


async def _parties_that_go(guest: Visitor, waiters: list[Visitor], words: list[str]) -> str:
    """A party whose rounds nobody wants, and one that goes and comes back; its sitting."""
    line = (await waiters[0].does("/floor/do", "add", table="t2", item=PORK))["line"]
    party = (await waiters[0].json("/floor/t2"))["blocks"]["party"]
    await waiters[0].does("/floor/do", "place", table="t2", seen=party["changed"])
    await guest.json("/t/code0002")
    for number, (waiter, word) in enumerate(zip(waiters, words, strict=True), 1):
        added = await guest.does("/t/code0002/do", "add", item=RICE, note=word)
        await guest.does("/t/code0002/do", "place", seen=added["v"])
        await waiter.does("/floor/do", "decline", table="t3", round=number, reason=word)
        await waiter.does("/floor/do", "comp", table="t2", line=line, reason=word)
        await waiter.does("/floor/do", "close", table="t2")
        await waiter.does("/floor/do", "reopen", table="t2", sitting=party["sitting"], reason=word)
    await waiters[0].does("/floor/do", "close", table="t2")
    return str(party["sitting"])


async def _in_trouble(here: House) -> None:
    """Every printer is in trouble, and the next one helps out."""
    seen = await here.shared.desk.look(MENU, PRINTERS)
    printers = [each.id for each in seen[MENU].value.printers]
    helpers = [*printers[1:], printers[0]]
    troubles = {each: Trouble(Why.PAPER, now(), 3, helper) for each, helper in zip(printers, helpers, strict=True)}
    await here.shared.store.commit("t", new_op(), "t", b"{}", {"who": "t"}, seen, {PRINTERS: Printers(troubles)})
    await here.shared.desk.look(PRINTERS)


async def _seen(told: Evening, guest: Visitor, boss: Visitor, sitting: str, line: str, closed: str) -> None:
    refused = await guest.submit(f"{TABLE}/do", do="change", line=line, by="999")
    assert refused.code == 303, "the flash says why"
    pages = {
        guest: (f"{TABLE}?sitting={sitting}", f"{TABLE}/item/{TOFU}", f"{TABLE}/line/{line}", f"{TABLE}/receipt"),
        boss: (
            *("/kitchen", "/kitchen?station=kitchen&order=promise", "/kitchen?view=expo", "/floor", "/floor/t1"),
            *("/floor/t2", "/floor/t3", "/floor/t1/code", "/floor/t1/log", "/floor/t3/log", "/manage", "/manage/plan"),
            *("/manage/printers", "/manage/log", "/login", "/login?account=a1", "/"),
            f"/t/code0001/receipt?sitting={closed}",
        ),
    }
    for who, paths in pages.items():
        for number, path in enumerate(paths):
            lang = ("en", "zh")[number % 2]
            told.pages[path] = await who.page(f"{path}{'&' if '?' in path else '?'}lang={lang}")
    for who, path in ((guest, TABLE), (boss, "/kitchen"), (boss, "/kitchen?view=expo"), (boss, "/floor/t1")):
        told.json[path] = dict(await who.json(path))
    for who, path in (
        (guest, f"{TABLE}/live?lang=en"),
        (boss, "/kitchen/live?lang=en"),
        (boss, "/kitchen/live?view=expo&lang=en"),
        (boss, "/floor/live?lang=en"),
        (boss, "/floor/t1/live?lang=en"),
    ):
        page = Page(await who.socket(path, "html"))
        await page.sees(lambda page: page.v >= 0)
        told.blocks += page.blocks.values()
        page.close()
    for query in ("?lang=zh&table=t1", "?lang=zh&table=t3", "?lang=en"):
        told.csv += (await boss.page(f"/manage/log.csv{query}")).lstrip("\ufeff")
    told.pdf = (await guest.ask("GET", f"{TABLE}/receipt.pdf?lang=en")).body


async def _printed(told: Evening, here: House, sitting: str) -> None:
    documents = await here.shared.desk.look(MENU, FLOOR, sitting_name(sitting))
    menu, floor, seated = (each.value for each in documents.values())
    for by in menu.printers:
        for slip in slips.due(seated, menu, {}, ())[:: len(here.words)]:
            told.papers[f"{by.id} {slip.printer} {slip.kind}"] = escpos.slip(slip, by, menu, floor)
        told.papers[f"{by.id} test"] = escpos.test(by, menu, now())
        bill = receipt(seated, menu, floor, now(), text("en"))
        told.papers[f"{by.id} receipt"] = escpos.receipt(bill, by, text("en"))


# ---- looking at what came out


class Elements(HTMLParser):
    """What a page is made of: elements with the names of their attributes; and, apart, texts and attributes' values."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.shape: list[tuple[str, ...]] = []
        self.texts: list[str] = []
        self.links: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Part of `HTMLParser`."""
        self.shape.append((tag, *(name for name, _ in attrs)))
        self.texts += [value for _, value in attrs if value]
        self.links += [
            value or "" for name, value in attrs if name in ("href", "src", "action", "formaction", "srcset")
        ]

    def handle_endtag(self, tag: str) -> None:
        """Part of `HTMLParser`."""
        self.shape.append(("/", tag))

    def handle_data(self, data: str) -> None:
        """Part of `HTMLParser`."""
        self.texts.append(data)

    def handle_comment(self, data: str) -> None:
        """Part of `HTMLParser`."""
        self.shape.append(("comment", data))

    def handle_decl(self, decl: str) -> None:
        """Part of `HTMLParser`."""
        self.shape.append(("declaration", decl))

    def unknown_decl(self, data: str) -> None:
        """Part of `HTMLParser`."""
        self.shape.append(("declaration", data))

    def handle_pi(self, data: str) -> None:
        """Part of `HTMLParser`."""
        self.shape.append(("instruction", data))


def commands_of(paper: bytes) -> tuple[list[bytes], bytes]:
    """What a printer obeys, and what it prints."""
    obeyed, printed, at = [], b"", 0
    while at < len(paper):
        if paper[at : at + 2] in COMMANDS:
            length = 2 + COMMANDS[paper[at : at + 2]]
            obeyed.append(paper[at : at + length])
            at += length
        else:
            printed += paper[at : at + 1]
            at += 1
    return obeyed, printed


def harmed(told: Evening, usual: Evening, words: list[str]) -> list[Any]:
    """Where a word is more than a text, or is not said where the harmless one in its place is."""
    found: list[Any] = []

    def compare(where: str, texts: list[str], others: list[str]) -> None:
        all_of_it, of_the_other = "\0".join(texts), "\0".join(others)
        for word, harmless in zip(words, HARMLESS, strict=True):
            if harmless in of_the_other and not as_said(word).search(all_of_it):
                found.append((where, "does not say", word))

    pairs = [*zip(told.pages.items(), usual.pages.items(), strict=True)]
    pairs += [(("a block", one), ("", other)) for one, other in zip(told.blocks, usual.blocks, strict=True)]
    for (name, page), (_, other) in pairs:
        mine, theirs = Elements(page), Elements(other)
        if mine.shape != theirs.shape:
            found.append(
                (
                    name,
                    "elements",
                    [pair for pair in zip(mine.shape, theirs.shape, strict=False) if pair[0] != pair[1]][:2],
                )
            )
        compare(name, mine.texts, theirs.texts)
        found += [(name, link) for link in mine.links if not LINK.match(link)]
    for path, answer in told.json.items():
        compare(path, _strings(answer), _strings(usual.json[path]))
    cells, others = _cells(told.csv), _cells(usual.csv)
    compare("csv", cells, others)
    found += [("csv", cell) for cell in cells if cell.startswith(FORMULA)]
    if len(cells) != len(others):
        found.append(("csv", len(cells), len(others)))
    if _objects(told.pdf) != _objects(usual.pdf):
        found.append(("pdf", _objects(told.pdf), _objects(usual.pdf)))
    for (name, paper), (_, other) in zip(told.papers.items(), usual.papers.items(), strict=True):
        (obeyed, printed), (harmless, _) = commands_of(paper), commands_of(other)
        if set(obeyed) != set(harmless) or obeyed.count(CUT) != 1:
            found.append((name, set(obeyed) ^ set(harmless)))
        found += [(name, byte) for byte in printed if (byte < 0x20 and byte != 0x0A) or byte == 0x7F]
    return found


def as_said(word: str) -> re.Pattern[str]:
    """The word as a person's, cut to a name's length or not, or as the house's."""
    return re.compile("|".join(map(re.escape, (plain(word[:SHORT], 99), plain(word, 99), printable(word)))))


LINK = re.compile(r"(/(?!/)|\?|#|data:image|$)")
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # a spreadsheet reckons with what begins so
CUT = b"\x1dV\x00"


def _cells(table: str) -> list[str]:
    return [cell for row in csv.reader(io.StringIO(table, newline="")) for cell in row]


def _strings(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [each for part in value.values() for each in _strings(part)]
    if isinstance(value, list):
        return [each for part in value for each in _strings(part)]
    return [value] if isinstance(value, str) else []


def _objects(pdf: bytes) -> tuple[int, int]:
    """How many objects and dictionary keys that do something a PDF has; and a reader can read it."""
    read = subprocess.run(["pdftotext", "-", "-"], input=pdf, capture_output=True, check=True)
    assert read.stderr == b"", "a broken file"
    assert len(read.stdout) > 40
    return len(re.findall(rb"\d+ \d+ obj", pdf)), len(re.findall(rb"/(JavaScript|JS|OpenAction|URI|AA|Launch)\b", pdf))


@pytest.mark.gen_test(timeout=60)
async def test_whatever_is_said_stays_text_everywhere(
    embedded: Embedded, restaurant: Restaurant, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(embedded.url, restaurant, HARMLESS) as here:
        usual, known = await evening(here), header_names(here)
    async with house(embedded.url, restaurant, HOSTILE) as here:
        told, names = await evening(here), header_names(here)
    assert harmed(usual, usual, HARMLESS) == []
    assert harmed(told, usual, HOSTILE) == []
    assert names == known
    assert [(asked, answer.code) for asked, answer in here.answers if answer.code >= 500] == []
    logged = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert [line for line in logged if not re.search(r": [23]\d\d in \d+ ms$", line)] == []  # slow is no fault here


def header_names(here: House) -> set[str]:
    """The headers of every answer, and the cookies in them."""
    answers = [answer for _, answer in here.answers]
    cookies = [cookie for answer in answers for cookie in answer.headers.get_list("Set-Cookie")]
    return {name for answer in answers for name in answer.headers} | {cookie.partition("=")[0] for cookie in cookies}


# ---- what is no text at all


def text_fields() -> set[tuple[str, str]]:
    """The fields of all commands that take any text, by command."""
    found = set()
    for union in (commands.Diner, commands.Kitchen, commands.Floor, commands.Manage):
        for command in get_args(union):
            for field in inspect.type_info(command).fields:  # type: ignore[union-attr]
                if isinstance(field.type, inspect.StrType) and field.type.pattern is None:
                    found.add((command.__struct_config__.tag, field.name))
    return found


SPOKEN = {
    "diner": [("add", "note"), ("note", "note"), ("name", "name"), ("enter", "pin")],
    "floor": [
        *(("add", "note"), ("void", "reason"), ("comp", "reason"), ("discount", "reason"), ("refund", "reason")),
        *(("decline", "reason"), ("reopen", "reason"), ("print", "lang")),
    ],
    "manage": [
        *(("account_add", "name"), ("account_add", "password"), ("account_add", "pin"), ("account_change", "name")),
        *(("account_secrets", "password"), ("account_secrets", "pin"), ("printer_save", "name")),
        ("printer_save", "host"),
    ],
}
REST: dict[str, dict[str, Any]] = {
    "add": {"item": PORK},
    "note": {"line": "x"},
    "void": {"line": "x"},
    "comp": {"line": "x"},
    "discount": {"percent": 1},
    "refund": {"payment": "x", "amount": 1},
    "decline": {"round": 1},
    "reopen": {"sitting": "x"},
    "account_add": {"name": "Mei", "role": "waiter", "pin": "2580"},
    "account_change": {"account": "a0", "name": "Mei", "role": "waiter", "active": True},
    "account_secrets": {"account": "a0"},
    "printer_save": {"name": "Wok", "host": "wok.lan", "receipts": True},
}
BROKEN = ("\\ud800", "\\udfff\\ud800", "x" * 3000)  # half a character, two in the wrong order, very long; in JSON


def test_every_text_that_a_command_takes_is_tried_here() -> None:
    assert {each for fields in SPOKEN.values() for each in fields} == text_fields()


@pytest.mark.gen_test
async def test_half_characters_and_endless_texts_are_refused_by_every_field(
    embedded: Embedded, restaurant: Restaurant, caplog: pytest.LogCaptureFixture
) -> None:
    async with house(embedded.url, restaurant, HARMLESS[:2]) as here:
        guest, boss = here.visitor(), here.visitor(staff=f"manager|{now()}")
        await guest.json(TABLE)
        await boss.json("/login")
        before = await here.shared.desk.log(1, 0)
        for door, fields in SPOKEN.items():
            who, path = (guest, f"{TABLE}/do") if door == "diner" else (boss, f"/{door}/do")
            for do, field in fields:
                if (do, field) == ("print", "lang"):
                    continue  # what is no language there is the shop's
                for broken in BROKEN:
                    sent = {
                        "op": new_op(),
                        "do": do,
                        **REST.get(do, {}),
                        **({"table": "t1"} if door == "floor" else {}),
                    }
                    body = json.dumps(sent | {field: "BROKEN"}).replace("BROKEN", broken)
                    answer = await who.post(path, body)
                    assert answer.status in (400, 409), (do, field, broken[:9], answer)
        for op in ("x\n", "x y", "", "x" * 65):
            assert (await guest.post(f"{TABLE}/do", {"op": op, "do": "name", "name": "Lin"})).status == 400, op
        for field in ("op", "do", "_xsrf", "sitting", "item", "back", "next", "lang"):
            for value in (b"%ff%fe", b"%00", b"%ed%a0%80", b"%0d%0aSet-Cookie:+x=1", b"x" * 3000):
                for who, path in ((guest, f"{TABLE}/do"), (boss, "/floor/do"), (boss, "/lock"), (guest, "/login")):
                    kept = dict(who.cookies)
                    asked = await who.ask("GET", f"{path.removesuffix('/do')}?{field}={value.decode()}")
                    form = f"_xsrf={who.cookies['_xsrf']}&op={new_op()}&account=nobody&do=open&{field}={value.decode()}"
                    sent = await who.ask("POST", path, form, Content_Type="application/x-www-form-urlencoded")
                    who.cookies = kept
                    assert asked.code < 500, (path, field, value)
                    assert sent.code < 500, (path, field, value)
        did = [entry["meant"]["do"] for number, entry in await here.shared.desk.log(999, 0) if number > before[0][0]]
        assert set(did) <= {"log_out"}
        assert header_names(here).isdisjoint({"x", "Set-Cookie: x=1"})
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.ERROR] == []


@pytest.mark.gen_test
async def test_an_answer_leads_only_to_a_page_of_ours(embedded: Embedded, restaurant: Restaurant) -> None:
    async with house(embedded.url, restaurant, HARMLESS[:2]) as here:
        guest, boss = here.visitor(), here.visitor(staff=f"manager|{now()}")
        await guest.json(TABLE)
        await boss.json("/login")
        for word in (
            *HOSTILE,
            "//evil.example",
            "\\\\evil.example",
            "https://evil.example/",
            "dongpo-pork\n",
            "x\r\ny: z",
        ):
            for who, path, fields in (
                (guest, f"{TABLE}/do", {"do": "add", "item": word}),
                (guest, f"{TABLE}/do", {"do": "add", "item": [word, PORK]}),
                (guest, f"{TABLE}/do", {"do": ["name", word], "name": word[:SHORT], "sitting": word}),
                (boss, "/floor/do", {"do": "open", "table": "t5", "back": word}),
                (boss, "/kitchen/do", {"do": "load", "level": "calm", "back": f"{word}|{word}"}),
                (boss, "/manage/do", {"do": ["forget_devices"], "back": word}),
                (boss, "/lock", {"next": word}),
                (boss, "/login", {"next": word, "account": word, "pin": word}),
            ):
                kept = dict(who.cookies)
                answer = await who.submit(path, **fields)
                who.cookies = kept
                assert answer.code < 500, (path, fields, answer.code)
                location = answer.headers.get("Location", "/")
                assert re.fullmatch(r"/(?!/)[!-~]*", location), (path, fields, location)
        assert "x" not in header_names(here)


@pytest.mark.parametrize("bad", ["\x00", "\n", "\x1b", "\x7f", "\x9b", "\r\n"])
@pytest.mark.parametrize(
    "kind", ["shop", "stations", "tags", "categories", "items", "groups", "areas", "tables", "address"]
)
def test_no_name_of_a_restaurants_file_holds_a_control_character(tmp_path: Path, kind: str, bad: str) -> None:
    escaped = "".join(f"\\u{ord(char):04x}" for char in bad)
    before = {
        "shop": 'name = { zh = "',
        "address": 'address = "',
        "tables": '{ name = "',
    }.get(kind)
    source = DEMO.read_text()
    at = source.index(before) if before else source.index('name = { zh = "', source.index(f"\n[[{kind}"))
    place = source.index('"', at) + 1
    end = source.index('"', place)
    for where in (place, end):
        file = tmp_path / "restaurant.toml"
        file.write_text(source[:where] + escaped + source[where:])
        with pytest.raises(RestaurantError):
            read(file)


# ---- the log


@pytest.mark.gen_test
async def test_nothing_that_is_sent_makes_a_line_of_the_log(
    embedded: Embedded, restaurant: Restaurant, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, "asyncio")
    forged = "WARNING ordering: forged"
    async with house(embedded.url, restaurant, HARMLESS[:2]) as here:
        for line in (
            f"GET /nope%0a{forged.replace(' ', '%20')} HTTP/1.1",
            f"GET /nope\r{forged.replace(' ', '-')} HTTP/1.1",
            "GET /\x1b[2Jnope HTTP/1.1",
            f"GET /?lang=%ff%0a{forged.replace(' ', '%20')} HTTP/1.1",
            f"GE\x1bT / HTTP/1.1\r\nX: {forged}",
            f"GET / HTTP/1.1\r\nCookie: staff=2|1:0|1:0|5:staff|\x1b[2J{forged}",
            f"GET / HTTP/1.1\r\nAccept-Language: \x1b[2J{forged}",
            f"GET {TABLE}/live HTTP/1.1\r\nUpgrade: websocket\r\nOrigin: http://\x1b[2J{forged}",
            f"GET {TABLE}/item/x%0a{forged.replace(' ', '%20')} HTTP/1.1",
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
            writer.write(f"{line}\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n".encode())
            async with asyncio.timeout(5):
                await reader.read()
            writer.close()
    for record in caplog.records:
        said = record.getMessage()
        assert not [char for char in said if unicodedata.category(char) == "Cc"], said
        assert record.levelno < logging.ERROR, said
