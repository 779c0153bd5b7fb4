"""The people of a bad evening: they tap at random, look at their pages, and try again as a phone does."""

import asyncio
import contextlib
import json
from collections.abc import Mapping
from random import Random
from typing import Any

from actors import Browser, Guest, Page, Staff
from tornado.httpclient import HTTPClientError
from tornado.websocket import WebSocketError

from chaos.house import House
from chaos.record import Record

NOTES = ("", "", "", "no onions", "for the child")
DISHES: Mapping[str, tuple[str, ...]] = {"soup": (), "pie": (), "fish": (), "beer": ("small", "large"), "wine": ()}
PATIENCE = 6.0  # seconds for an answer by socket
RETRIES = 40
FAILS = (OSError, ValueError, HTTPClientError, WebSocketError, TimeoutError, AssertionError, KeyError)
"""What a person sees when a port, nginx or the store dies under a request."""


class Evening:
    """What all of them share."""

    def __init__(self, house: House, record: Record, rng: Random, codes: list[str], spare: str) -> None:
        self.house = house
        self.record = record
        self.rng = rng
        self.codes = codes
        self.spare = spare  # the code of a table to which nobody goes by chance
        self.files = asyncio.Lock()  # held while something is done to the store's files
        self.on = True
        self.pages: dict[str, tuple[str, str, Page]] = {}
        self.unknown: list[tuple[Person, str, dict[str, Any], str]] = []

    def door(self) -> int:
        """Where somebody comes in."""
        return self.rng.choice(self.house.doors)


class Person:
    """Somebody with a device, and at most one page open on it."""

    kind = "guest"

    def __init__(self, evening: Evening, name: str, browser: Browser) -> None:
        self.evening = evening
        self.rng = Random(evening.rng.random())
        self.name = name
        self.browser = browser
        self.id = ""
        self.page: Page | None = None
        self._seated = True
        self._visits = 0

    @property
    def subject(self) -> str:
        """What this person's page shows."""
        return ""

    def path(self, door: str) -> str:
        """The address of a page's door."""
        raise NotImplementedError

    async def act(self) -> None:
        """Does something."""
        raise NotImplementedError

    async def live(self) -> None:
        """Acts until the evening is over."""
        while self.evening.on:
            await asyncio.sleep(self.rng.expovariate(4.0))
            with contextlib.suppress(*FAILS):
                await self._look()
                await self.act()

    async def _look(self) -> None:
        """A page is opened where there is none; now and then one is left without a word."""
        if self.page is not None and (self.page.closed or self.rng.random() < 0.02):
            self._leave()
        if self.page is None and self._seated and self.rng.random() < 0.7:
            await self.open()

    async def open(self) -> None:
        """A page, whatever door answers."""
        socket = await self.browser.socket(self.path("live"), port=self.evening.door())
        self._visits += 1
        name, subject = f"{self.name}/{self._visits}", self.subject
        self.page = Page(socket, lambda page: self.evening.record.show(name, self.kind, subject, page))
        self.evening.pages[name] = (self.kind, subject, self.page)
        await self.page.sees(lambda page: page.v >= 0 or page.closed, PATIENCE)

    def _leave(self) -> None:
        if self.page is not None:
            self.evening.pages.pop(f"{self.name}/{self._visits}", None)
            self.page.close()
            self.page = None

    async def do(self, command: Mapping[str, Any], door: str = "do") -> Mapping[str, Any]:
        """Sends a command until something definite comes back, or gives up; sometimes sends it once too often."""
        op = f"{self.rng.getrandbits(64):016x}"
        for _ in range(RETRIES):
            status, answer = await self._attempt(op, command, self.path(door))
            if status in (200, 400, 403, 404, 409):
                break
            if self.rng.random() < 0.1 or not self.evening.on:
                self.evening.unknown.append((self, op, dict(command), self.path(door)))
                return {}
            await asyncio.sleep(self.rng.uniform(0.05, 0.5))
        if status == 200 and self.rng.random() < 0.15:
            await asyncio.gather(*(self._attempt(op, command, self.path(door)) for _ in range(2)))
        return answer if status == 200 else {}

    async def _attempt(self, op: str, command: Mapping[str, Any], path: str) -> tuple[int, dict[str, Any]]:
        by_socket = self.evening.on and self.page is not None and not self.page.closed and self.rng.random() < 0.5
        record = self.evening.record
        id = record.ask(self.id, op, command, f"{self.kind}/{'socket' if by_socket else 'post'}")
        status, answer = 0, {}
        with contextlib.suppress(*FAILS):
            status, answer = await (self._by_socket if by_socket else self._by_post)(op, command, path)
        record.told(id, status, answer or None)
        return status, answer

    async def _by_socket(self, op: str, command: Mapping[str, Any], _: str) -> tuple[int, dict[str, Any]]:
        page = self.page
        assert page
        page.answers.pop(op, None)
        await page.socket.write_message(json.dumps({"op": op, **command}))
        await page.sees(lambda page: op in page.answers or page.closed, PATIENCE)
        answer = page.answers[op]
        return _status(answer), answer

    async def say(self, op: str, command: Mapping[str, Any], port: int) -> dict[str, Any]:
        """Sends a command once, through this port; {} when nothing definite comes back."""
        id = self.evening.record.ask(self.id, op, command, f"{self.kind}/post")
        status, answer, path = 0, {}, self.path("do")
        with contextlib.suppress(*FAILS):
            told = await self.browser.post(path, {"op": op, **command}, port)
            status, answer = (told.status if told else 0), dict(told)
        self.evening.record.told(id, status, answer or None)
        if status != 200:
            self.evening.unknown.append((self, op, dict(command), path))
        return answer if status == 200 else {}

    async def _by_post(self, op: str, command: Mapping[str, Any], path: str) -> tuple[int, dict[str, Any]]:
        answer = await self.browser.post(path, {"op": op, **command}, self.evening.door())
        return (answer.status if answer else 0), dict(answer)

    async def settle(self, op: str, command: Mapping[str, Any], path: str) -> None:
        """When all is well again: what has become of a command whose answer never came."""
        status = 0
        while status not in (200, 400, 403, 404, 409):
            status, _ = await self._attempt(op, command, path)
            await asyncio.sleep(0.05)


COME_AGAIN = ("store_away", "too_often", "busy", "broken")


def _status(answer: Mapping[str, Any]) -> int:
    """What the same answer would be by POST, as far as it matters."""
    if answer.get("ok"):
        return 200
    return 503 if answer.get("error") in COME_AGAIN else 409


class Diner(Person):
    """Orders at a table, and goes to another now and then."""

    def __init__(self, evening: Evening, name: str, codes: list[str]) -> None:
        self.guest = Guest(evening.door(), "")
        super().__init__(evening, name, self.guest)
        self._codes = codes
        self._sitting = ""
        self._seated = False

    @property
    def subject(self) -> str:
        """The sitting."""
        return self._sitting

    def path(self, door: str) -> str:
        """At the sitting that the page showed."""
        return f"/t/{self.guest.code}/{door}?sitting={self._sitting}"

    async def sit_down(self) -> None:
        """Scans a table's code."""
        self._leave()
        self.guest.code = self.rng.choice(self._codes)
        self._seated = False
        scanned = await self.guest.scan(self.evening.door())
        self.id, self._sitting = scanned["sitting"]["guest"], scanned["sitting"]["id"]
        self._seated = True

    async def act(self) -> None:
        """Adds, changes, places; scans again when the party has gone."""
        if not self._seated or self.rng.random() < 0.01:
            await self.sit_down()
        page = self.page
        if page is None or page.v < 0 or page.closed:
            await self.do(self._add())
            return
        if page.blocks.get("sitting", {}).get("state") in ("closed", "moved") or page.blocks["sitting"].get("gone"):
            self._seated = False
            return
        mine = [line for line in page.lines().values() if line["state"] == "cart"]
        chance = self.rng.random()
        if mine and chance < 0.25:
            await self.do({"do": "place", "seen": page.v})
        elif mine and chance < 0.4:
            await self.do({"do": "change", "line": self.rng.choice(mine)["id"], "by": self.rng.choice((1, 1, -1, -2))})
        elif mine and chance < 0.5:
            await self.do({"do": "note", "line": self.rng.choice(mine)["id"], "note": self.rng.choice(NOTES)})
        elif chance < 0.9:
            await self.do(self._add())

    def _add(self) -> dict[str, Any]:
        item = self.rng.choice(list(DISHES))
        sizes = DISHES[item]
        return {
            "do": "add",
            "item": item,
            "qty": self.rng.choice((1, 1, 1, 2)),
            "modifiers": [self.rng.choice(sizes)] if sizes else [],
            "note": self.rng.choice(NOTES),
        }

    async def settle(self, op: str, command: Mapping[str, Any], path: str) -> None:
        """Asks whether it went through; half of them just try again."""
        if self.rng.random() < 0.5:
            await super().settle(op, command, path)
            return
        path = path.replace("/do", f"/op/{op}")
        while (answer := await self.guest.json(path, self.evening.door())).status not in (200, 404):
            await asyncio.sleep(0.1)
        self.evening.record.note("learn", who=self.id, op=op, answer=dict(answer) if answer.status == 200 else None)


class OfTheStaff(Person):
    """Somebody who is logged in."""

    def __init__(self, evening: Evening, name: str) -> None:
        self.staff = Staff(evening.house.ports[0])
        super().__init__(evening, name, self.staff)
        self.id = "manager"


class Cook(OfTheStaff):
    """Makes what is on a station's display ("": all of them)."""

    kind = "kitchen"

    def __init__(self, evening: Evening, name: str, station: str) -> None:
        super().__init__(evening, name)
        self._station = station

    @property
    def subject(self) -> str:
        """The station."""
        return self._station

    def path(self, door: str) -> str:
        """At this station."""
        return f"/kitchen/{door}" + (f"?station={self._station}" if self._station and door == "live" else "")

    async def act(self) -> None:
        """Moves lines and tickets on; calls one back; counts what is left."""
        page = self.page
        if page is None or page.v < 0 or page.closed:
            return
        chance = self.rng.random()
        if chance < 0.1:
            await self._count()
            return
        tickets = [block for id, block in page.blocks.items() if id.startswith("ticket-")]
        if not tickets:
            return
        ticket = self.rng.choice(tickets)
        line = self.rng.choice(ticket["lines"])
        to = {"queued": "cooking", "cooking": "ready", "ready": "served"}.get(line["state"])
        if chance < 0.2 and line["state"] in ("cooking", "ready"):
            await self.do({"do": "recall", "table": ticket["table"], "line": line["id"]})
        elif chance < 0.6 and ticket["next"]:
            await self.do({"do": "advance", "table": ticket["table"], "to": ticket["next"], "ticket": ticket["id"]})
        elif to:
            await self.do({"do": "advance", "table": ticket["table"], "to": to, "line": line["id"]})

    async def _count(self) -> None:
        item = self.rng.choice(("fish", "wine", "pie"))
        if item != "pie" and self.rng.random() < 0.7:
            await self.do({"do": "stock", "item": item, "count": self.rng.randint(0, 40)})
        else:
            await self.do({"do": "sold_out", "item": item, "on": self.rng.random() < 0.3})


class Waiter(OfTheStaff):
    """Opens tables, adds, takes back, takes money, closes bills, moves parties."""

    kind = "floor"

    def path(self, door: str) -> str:
        """The floor's."""
        return f"/floor/{door}"

    async def act(self) -> None:
        """Sees to a table."""
        if self.page is None or self.page.v < 0 or self.page.closed:
            return
        tables = [block for id, block in self.page.blocks.items() if id.startswith("table-")]
        table = self.rng.choice(tables[:-1])  # the last one is the spare one
        if table["status"] == "free":
            if self.rng.random() < 0.3:
                await self.do({"do": "open", "table": table["id"]})
            return
        party = (await self.staff.json(f"/floor/{table['id']}", self.evening.door()))["blocks"]
        lines = [block for id, block in party.items() if id.startswith("line-")]
        chance = self.rng.random()
        if chance < 0.2 and party["party"]["guests"]:
            who = self.rng.choice(party["party"]["guests"])["id"]
            command = {"do": "add", "table": table["id"], "item": "soup", "qty": 1, "guest": who}
            await self.do(command)
        elif chance < 0.3 and lines:
            line = self.rng.choice(lines)["id"]
            await self.do({"do": "void", "table": table["id"], "line": line, "reason": "burnt"})
        elif chance < 0.6 and party["sums"]["left"] > 0:
            amount = self.rng.randint(1, party["sums"]["left"])
            method = self.rng.choice(("card", "wechat"))
            await self.do({"do": "pay", "table": table["id"], "amount": amount, "method": method})
        elif chance < 0.7:
            free = [each["id"] for each in tables[:-1] if each["status"] == "free"]
            if free:
                await self.do({"do": "move", "table": table["id"], "to": self.rng.choice(free)})
        elif chance < 0.8 or party["sums"]["left"] == 0:
            await self.do({"do": "close", "table": table["id"]})
