"""The people of an evening in a restaurant (`dinner.py`): parties, a kitchen and a waiter, as they are in life.

Everything that is a guess about life has a name here. Minutes are those of the evening, which is played faster.
"""

import asyncio
import html
import itertools
import json
import random
import re
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple
from urllib.parse import urlencode

from machines import PASSWORD, Server
from meter import family
from swarm import Line, Phone

from ordering.kitchen import ticket_id
from ordering.menu import Item
from ordering.restaurant import DEMO, read

# ---- an evening, in minutes of life. Where there is no source it is a guess that errs towards more work at once.

EVENING = 180.0  # 18:00 to 21:00: the hours in which a dining room is full
FIRST_COME = 50.0  # within which every table has its first party: doors open to full house
LAST_COME = 95.0  # after which nobody sits down: a party stays for about 75, and the kitchen closes at nine
SITTING_DOWN = 1.0  # between the first and the last phone of a party: the code goes round, or all scan at once
STUDY = 4.0  # from the page to the first dish: a menu of 70 dishes is read, and talked about
APART = 0.6  # between the taps of one guest who chooses: they scroll and read; half a minute each
AGREE = 0.5  # before a round is sent: "has everybody got something?"
COOK = 9.0  # from the round to the dish that is ready, on average: stations turn amber at 8 and red at 15
CARRY = 1.0  # from ready to served
EAT = 9.0  # before the next round
BILL = 3.0  # from "the bill, please" to the card: the waiter's way
WIPE = 6.0  # before the next party sits down

# ---- what a party does

ROUNDS = (2, 1, 0.5)  # dishes of a guest in each round: a dish and a drink, something more, a dessert for some
CHANGES = 0.25  # of the dishes: one portion more, for somebody who wants it, too
NOTES = 0.10  # of the dishes: "no coriander"
LOOKING = 0.25  # of the phones have their screen on: some 15 minutes of an hour; the others lie on the table …
SIGN = 20.0  # … and give a sign of life every so many seconds, as static/diner.js does; not played faster
PICTURES = 4  # on the first screen of a phone: the cover and three dishes; the rest is loaded when scrolled to

# ---- how they look at it

PATIENCE = 20.0  # seconds for an answer
AGAIN = 2.0  # seconds until what was refused as busy is sent again, as static/live.js does
RULES = ("cart_changed", "sold_out", "nothing_to_place")  # refusals that are part of a dinner; counted apart
LIVE = re.compile(r'data-live="([^"]+)"')
FILES = re.compile(r'(?:href|src)="(/static/[^"]+)"')
PICTURE = re.compile(r'src="(/pictures/[^"]+)"')
VERSION = re.compile(rb'"v":\s*(\d+)')


class Clock:
    """Minutes of the evening, which go faster than life and can stand still."""

    def __init__(self, speed: float) -> None:
        self._speed = speed / 60
        self._began = time.monotonic()
        self._still = 0.0
        self._stopped_at = 0.0
        self._going = asyncio.Event()
        self._going.set()
        self.silent = False  # not even a sign of life

    def now(self) -> float:
        """Minutes since the evening began."""
        at = time.monotonic() if self._going.is_set() else self._stopped_at
        return (at - self._began - self._still) * self._speed

    async def sleep(self, minutes: float) -> None:
        """So long; longer while the evening stands still."""
        until = self.now() + minutes
        while (rest := until - self.now()) > 0:
            await self._going.wait()
            await asyncio.sleep(rest / self._speed)
        await self._going.wait()

    def start(self) -> None:
        """The evening begins now."""
        self._began = time.monotonic()

    def stop(self) -> None:
        """Everybody freezes after what they are doing."""
        self._stopped_at = time.monotonic()
        self._going.clear()

    def go_on(self) -> None:
        """And goes on."""
        self._still += time.monotonic() - self._stopped_at
        self._going.set()


class Tally:
    """What was seen, in all shops."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.took: dict[str, list[float]] = {}  # ms
        self.errors: list[str] = []
        self.received = self.sent = 0  # bytes, as the phones see it

    def timed(self, what: str, since: float) -> None:
        """Something took until now."""
        self.took.setdefault(what, []).append((time.perf_counter() - since) * 1000)

    def wrong(self, what: str) -> None:
        """Something that must not be."""
        self.counts["errors"] += 1
        if len(self.errors) < 20:
            self.errors.append(what)

    def add(self, end: Line | Phone) -> None:
        """What went over a connection that is not needed any more."""
        self.received += end.received
        self.sent += end.sent


class Page(Phone):
    """A page with its socket: sends commands, and knows which version it shows."""

    def __init__(self, tally: Tally, port: int, path: str, cookie: str) -> None:
        super().__init__(port, path, cookie)
        self.tally = tally
        self.sitting = path.partition("sitting=")[2].partition("&")[0]
        self.v = -1
        self.came: dict[int, float] = {}  # when the last versions came
        self.left = False
        self._answers: dict[str, asyncio.Future[dict[str, Any]]] = {}
        self._waits: list[tuple[int, asyncio.Future[None]]] = []
        self._ops = itertools.count()
        self._name = f"{random.getrandbits(48):x}"
        self.heard, self.lost = self._hear, self._lose

    async def do(self, do: str, **more: Any) -> dict[str, Any]:
        """The answer to a command; {} when there was none that is any good. Sent again where it is refused as busy."""
        op = f"{self._name}-{next(self._ops)}"
        began, refused = time.perf_counter(), False
        self.tally.counts["commands"] += 1
        try:
            async with asyncio.timeout(PATIENCE):
                while (told := await self._asked({"op": op, "do": do, **more})).get("error") == "busy":
                    refused = True
                    await asyncio.sleep(AGAIN)
        except TimeoutError:
            self.tally.wrong(f"{do}: busy for too long" if refused else f"{do}: no answer")
            return {}
        except ConnectionError:
            self.tally.wrong(f"{do}: the socket is gone")
            return {}
        self.tally.timed("tap to answer", began)
        if "error" in told:
            if told["error"] in RULES:
                self.tally.counts["refused by a rule"] += 1
            else:
                self.tally.wrong(f"{do} {more}: {told}")
            return {}
        self.tally.counts["busy, then taken"] += refused
        return {**told, "began": began}

    async def _asked(self, command: dict[str, Any]) -> dict[str, Any]:
        """What is answered when it is sent once; raises `ConnectionError` without a socket."""
        if self.transport is None:
            raise ConnectionError
        op = command["op"]
        answer = self._answers[op] = asyncio.get_running_loop().create_future()
        try:
            self.send(json.dumps(command).encode())
            return await answer
        finally:
            self._answers.pop(op, None)

    async def reaches(self, v: int) -> float:
        """When the page showed this version, or a later one."""
        if self.v < v:
            waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waits.append((v, waiting))
            try:
                async with asyncio.timeout(PATIENCE):
                    await waiting
            except TimeoutError:
                self.tally.wrong(f"a page stands at {self.v} and not at {v}")
                return time.perf_counter()
        return min((at for shown, at in self.came.items() if shown >= v), default=time.perf_counter())

    def leave(self) -> None:
        """The page is closed."""
        self.left = True
        self.tally.add(self)
        self.cut()

    def _hear(self, _: Phone, message: bytes) -> None:
        if b'"set"' in message:
            self.tally.counts["pushes"] += 1
            found = VERSION.search(message)
            self.v = int(found[1]) if found else self.v
            self.came[self.v] = time.perf_counter()
            if len(self.came) > 8:
                del self.came[next(iter(self.came))]
            for wait in [each for each in self._waits if each[0] <= self.v]:
                self._waits.remove(wait)
                if not wait[1].done():
                    wait[1].set_result(None)
        elif b'"op"' in message:
            told = json.loads(message)
            answer = self._answers.get(told["op"])
            if answer and not answer.done():
                answer.set_result(told)

    def _lose(self, _: Phone) -> None:
        if not self.left:
            self.tally.wrong(f"a socket was closed: {self.path.split('?')[0][-8:]} {self.refused[:60]}")


class Kitchen(Page):
    """The kitchen's display: notes when each ticket comes."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.expected: dict[bytes, float] = {}

    def _hear(self, phone: Phone, message: bytes) -> None:
        for ticket in [each for each in self.expected if each in message]:
            self.tally.timed("round to display", self.expected.pop(ticket))
        super()._hear(phone, message)


class Evening(NamedTuple):
    """What all share: the time, what was seen, and what may be ordered."""

    clock: Clock
    tally: Tally
    guests: int  # at a table
    dishes: Sequence[Item]


class Shop:
    """A restaurant: its server, its staff's pages."""

    def __init__(self, server: Server, evening: Evening) -> None:
        self.server, self.evening = server, evening
        self.tally, self.clock = evening.tally, evening.clock
        self.tables: list[dict[str, str]] = []
        self.pages: set[Page] = set()
        self.kitchen: Kitchen
        self.floor: Page
        self.staff = Line(server.port)

    @property
    def pids(self) -> list[int]:
        """Its processes."""
        assert self.server.process
        return family(self.server.process.pid)

    async def open(self) -> "Shop":
        """The staff log in and open their pages."""
        _, _, body = await self.staff.ask("GET", "/", Accept="application/json")
        self.tables = json.loads(body)["tables"]
        await self.staff.ask("GET", "/login", Accept="application/json")
        fields = {"_xsrf": self.staff.cookies["_xsrf"], "op": "login", "password": PASSWORD}
        form = {"Content_Type": "application/x-www-form-urlencoded"}
        status, _, body = await self.staff.ask("POST", "/login", urlencode(fields).encode(), **form)
        if status != 303:
            raise RuntimeError(f"no login: {status} {body[:200]!r}")
        port, cookie = self.server.port, self.staff.cookie()
        self.kitchen = Kitchen(self.tally, port, "/kitchen/live", cookie)
        self.floor = Page(self.tally, port, "/floor/live", cookie)
        await self.kitchen.connect()
        await self.floor.connect()
        return self

    async def dinner(self) -> None:
        """Every table's evening."""
        await asyncio.gather(*(self._table(each) for each in self.tables))

    async def _table(self, table: dict[str, str]) -> None:
        await self.clock.sleep(random.uniform(0, FIRST_COME))
        while self.clock.now() <= LAST_COME:
            self.tally.counts["parties"] += 1
            try:
                await Party(self, table).dine()
            except (OSError, EOFError, RuntimeError, KeyError, AssertionError) as error:
                self.tally.wrong(f"a party: {error!r}")
                return
            await self.clock.sleep(random.expovariate(1 / WIPE))

    def close(self) -> None:
        """The staff go home."""
        for page in (self.kitchen, self.floor):
            page.leave()
        self.tally.add(self.staff)
        self.staff.close()


class Party:
    """Who sits at a table, from the first page to the closed bill."""

    def __init__(self, shop: Shop, table: dict[str, str]) -> None:
        self.shop, self.table = shop, table
        self.tally, self.clock = shop.tally, shop.clock
        self.guests: list[Page] = []
        self.sitting = ""
        self.owed = 0  # minor units

    async def dine(self) -> None:
        """All of it."""
        self.guests = list(
            await asyncio.gather(*(self._sit_down(number) for number in range(self.shop.evening.guests)))
        )
        await self.clock.sleep(random.uniform(0.5, 1.5) * STUDY)
        for number, dishes in enumerate(ROUNDS, 1):
            stations = set().union(*await asyncio.gather(*(self._choose(guest, dishes) for guest in self.guests)))
            await self.clock.sleep(AGREE)
            if stations and not await self._send(number):
                raise RuntimeError("a round was refused")
            await asyncio.gather(*(self._make(ticket_id(self.sitting, number, each)) for each in stations))
            await self.clock.sleep(random.uniform(0.5, 1.5) * EAT)
        await random.choice(self.guests).do("call", **{"for": "bill"})
        await self.clock.sleep(BILL)
        await self._pay()
        for guest in self.guests:
            self.shop.pages.discard(guest)
            guest.leave()

    async def _sit_down(self, number: int) -> Page:
        await self.clock.sleep(number * SITTING_DOWN / self.shop.evening.guests)
        guest = await arrive(self.tally, self.shop.server.port, self.table["code"])
        self.sitting = guest.sitting
        self.shop.pages.add(guest)
        self.tally.counts["guests"] += 1
        return guest

    async def _choose(self, guest: Page, dishes: float) -> set[str]:
        """The stations of what a guest has put into the cart."""
        stations = set()
        for _ in range(int(dishes) + (random.random() < dishes % 1)):
            await self.clock.sleep(random.expovariate(1 / APART))
            item = random.choice(self.shop.evening.dishes)
            added = await self._tap(guest, "add", item=item.id)
            if not added:
                continue
            stations.add(item.station)
            self.owed += item.price
            if random.random() < CHANGES:
                await self.clock.sleep(random.expovariate(1 / APART))
                self.owed += item.price if await self._tap(guest, "change", line=added["line"], by=1) else 0
            if random.random() < NOTES:
                await self.clock.sleep(random.expovariate(1 / APART))
                await self._tap(guest, "note", line=added["line"], note="不要香菜")
        return stations

    async def _tap(self, guest: Page, do: str, **more: Any) -> dict[str, Any]:
        """A command whose effect is waited for on another guest's page."""
        answer = await guest.do(do, **more)
        others = [each for each in self.guests if each is not guest]
        if answer and others:
            shown = await random.choice(others).reaches(answer["v"])
            self.tally.took.setdefault("tap to other phone", []).append((shown - answer["began"]) * 1000)
        return answer

    async def _send(self, number: int) -> bool:
        """The round to the kitchen, by one of them, who sees what all have chosen."""
        guest = random.choice(self.guests)
        await guest.reaches(max(each.v for each in self.guests))
        self.shop.kitchen.expected[ticket_id(self.sitting, number, "").encode()] = time.perf_counter()
        return bool(await guest.do("place", seen=guest.v))

    async def _make(self, ticket: str) -> None:
        """A ticket on its way: seen by the display, made, carried."""
        at = {"table": self.table["id"], "ticket": ticket}
        await self.shop.kitchen.do("shown", **at)
        await self.clock.sleep(random.uniform(0.5, 1.5) * COOK)
        await self.shop.kitchen.do("advance", **at, to="ready")
        await self.clock.sleep(random.expovariate(1 / CARRY))
        await self.shop.kitchen.do("advance", **at, to="served")

    async def _pay(self) -> None:
        """A waiter opens the table's page, takes the money, and closes the bill."""
        table = self.table["id"]
        status, _, _ = await self.shop.staff.ask("GET", f"/floor/{table}", Accept_Encoding="gzip", Accept="text/html")
        self.tally.counts["staff's pages"] += 1
        if status != 200:
            self.tally.wrong(f"GET /floor/…: {status}")
        if self.owed:
            await self.shop.floor.do("pay", table=table, amount=self.owed, method="card")
        await self.shop.floor.do("close", table=table)


async def arrive(tally: Tally, port: int, code: str) -> Page:
    """A phone scans a code: the page with what a browser loads beside it, and the socket."""
    line, began = Line(port), time.perf_counter()
    status, headers, body = await line.ask("GET", f"/t/{code}", Accept_Encoding="gzip", Accept="text/html")
    tally.timed("page", began)
    tally.counts["pages"] += 1
    if status != 200 or headers.get("content-encoding") != "gzip":
        raise RuntimeError(f"GET /t/…: {status}")
    text = zlib.decompress(body, 31).decode()
    for path in [*dict.fromkeys(FILES.findall(text)), *list(dict.fromkeys(PICTURE.findall(text)))[:PICTURES]]:
        status, _, _ = await line.ask("GET", html.unescape(path), Accept_Encoding="gzip")
        tally.counts["files"] += 1
        if status != 200:
            tally.wrong(f"GET {path}: {status}")
    guest = Page(tally, port, html.unescape(LIVE.findall(text)[0]), line.cookie())
    tally.add(line)
    line.close()
    await guest.connect()
    return guest


async def signs(shops: Sequence[Shop], evening: Evening) -> None:
    """Phones that are looked at say so, in the time of life."""
    categories = sorted({item.category for item in evening.dishes})
    due = 0.0
    while True:
        await asyncio.sleep(0.1)
        if evening.clock.silent:
            continue
        pages = [page for shop in shops for page in shop.pages if page.transport and not page.left]
        due += len(pages) * LOOKING * 0.1 / SIGN
        while due >= 1 and pages:
            due -= 1
            random.choice(pages).send(json.dumps({"do": "here", "at": random.choice(categories)}).encode())
            evening.tally.counts["signs of life"] += 1


def simple_dishes() -> list[Item]:
    """Dishes of the demo without choices, that are always to be had."""
    demo = read(DEMO)
    hours = {category.id for category in demo.menu.categories if category.hours}
    counted = repr(demo.stock)
    return [
        item
        for item in demo.menu.items
        if not (item.groups or item.hours or item.slow or item.category in hours or f"'{item.id}'" in counted)
    ]
