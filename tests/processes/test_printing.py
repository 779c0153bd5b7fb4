"""Real servers and printers that behave as printers do: every ticket is on paper once, whatever dies; and what may be
there twice says so."""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from actors import Guest, Page, Staff, tables, tell
from fake_printer import FakePrinter, Manner, Paper, fake_printer, rows
from machines import Server, connected_to, short_folder
from tornado.httpclient import HTTPClientError

WOK, COLD = "dongpo-pork", "osmanthus-cake"
TAKEN_OVER = 10.0  # seconds within which another process must have printed what one that was killed was about to
SEED = int(os.environ.get("SEED", "0")) or random.randrange(1, 2**31)


class House:
    """A server, its printers by name, and its staff."""

    def __init__(self, server: Server, printers: list[FakePrinter]) -> None:
        self.server = server
        self.wok, self.cold, self.front = printers
        self.ids: dict[str, str] = {}

    async def open(self) -> "House":
        """The manager sets the printers up; each stands in for the next."""
        self.staff = await Staff(self.server.port).login()
        stations = {"front": [], "cold": ["dessert"], "wok": ["kitchen"]}
        for name, printed in stations.items():
            answer = await self.staff.post(
                "/manage/do",
                {
                    "op": f"printer-{name}",
                    "do": "printer_save",
                    "name": name,
                    "host": "127.0.0.1",
                    "port": getattr(self, name).port,
                    "stations": printed,
                    "receipts": name == "front",
                    "backup": self.ids.get("cold" if name == "wok" else "front", ""),
                },
            )
            assert answer.get("ok"), answer
            self.ids[name] = answer["printer"]
        self.tables = await tables(self.server.port)
        return self

    async def guest(self, table: int) -> Guest:
        """A guest at a table."""
        guest = Guest(random.choice(self.server.ports), self.tables[table]["code"])
        await guest.scan()
        return guest

    async def orders(self, guest: Guest, note: str, *items: str) -> list[str]:
        """Adds dishes with a note and sends them; the ids of the lines."""
        lines = []
        for item in items or (WOK,):
            answer = await guest.do("add", item=item, note=note)
            assert answer.get("ok"), answer
            lines.append(answer["line"])
        answer = await guest.do("place", seen=answer["v"])
        assert answer.get("ok"), answer
        return lines

    async def shown(self) -> list[dict[str, Any]]:
        """The printers in trouble, as the kitchen's display has them."""
        blocks = (await self.staff.json("/kitchen"))["blocks"]
        return list(blocks["printers"]["troubled"])


@contextlib.contextmanager
def _house(processes: int) -> Iterator[House]:
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(short_folder())
        printers = [stack.enter_context(fake_printer()) for _ in range(3)]
        server = Server(folder, processes).start()
        stack.callback(server.stop)
        yield House(server, printers)


@pytest.fixture
def house() -> Iterator[House]:
    """One process."""
    with _house(1) as made:
        yield made


@pytest.fixture
def pair() -> Iterator[House]:
    """Two processes: one prints, the other waits."""
    with _house(2) as made:
        yield made


async def until(holds: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Waits until it does."""
    async with asyncio.timeout(seconds):
        while True:
            found = holds()
            found = await found if isinstance(found, Awaitable) else found
            if found:
                return found
            await asyncio.sleep(0.05)


def with_note(printer: FakePrinter, note: str) -> list[Paper]:
    """The papers on which a note stands."""
    return [paper for paper in printer.papers if f"“{note}”" in paper]


def original(paper: str) -> bool:
    """Whether it is a ticket, and no copy or change."""
    return not {"加印", "更改"} & set(rows(paper))


def test_a_ticket_comes_out_once_and_then_what_changes(house: House) -> None:
    async def story() -> None:
        await house.open()
        guest = await house.guest(0)
        pork, lotus = await house.orders(guest, "n1", WOK, COLD)
        await until(lambda: with_note(house.wok, "n1") and with_note(house.cold, "n1"))
        table, other = house.tables[0], house.tables[5]
        [paper] = with_note(house.wok, "n1")
        assert f"{table['name']} 号桌" in paper
        assert original(paper)
        answer = await house.staff.floor("move", table=table["id"], to=other["id"])
        assert answer.get("ok"), answer
        await until(lambda: len(with_note(house.wok, "n1")) == 2 and len(with_note(house.cold, "n1")) == 2)
        assert f"{table['name']} 号桌 → {other['name']} 号桌" in house.wok.papers[-1]
        await house.staff.floor("void", table=other["id"], line=pork, reason="dropped")
        await until(lambda: len(with_note(house.wok, "n1")) == 3)
        assert {"更改", "退菜", "dropped"} <= set(rows(house.wok.papers[-1]))
        ticket = next(
            block
            for id, block in (await house.staff.json("/kitchen"))["blocks"].items()
            if id.startswith("ticket-") and block["lines"][0]["id"] == lotus
        )
        answer = await house.staff.kitchen("reprint", table=other["id"], ticket=ticket["id"])
        assert answer.get("ok"), answer
        await until(lambda: len(with_note(house.cold, "n1")) == 3)
        assert rows(house.cold.papers[-1])[0] == "加印"
        await asyncio.sleep(1)
        assert [len(each.papers) for each in (house.wok, house.cold, house.front)] == [3, 3, 0]
        assert not await house.shown()

    tell(story())


def test_bills_and_receipts_come_out_where_the_waiter_wants_them(house: House) -> None:
    async def story() -> None:
        await house.open()
        guest = await house.guest(1)
        await house.orders(guest, "n2")
        table = house.tables[1]["id"]
        at = (await house.staff.json(f"/floor/{table}"))["blocks"]["party"]["sitting"]
        assert (await house.staff.floor("print", table=table, printer=house.ids["front"], lang="en"))["ok"]
        await until(lambda: house.front.papers)
        assert "Bill so far" in house.front.papers[0]
        assert "1 × Dongpo Pork ￥68" in rows(house.front.papers[0])
        await house.staff.floor("close", table=table)
        for number in (2, 3):
            assert (await house.staff.floor("print", table=table, sitting=at))["ok"]
            await until(lambda number=number: len(house.front.papers) == number)
        assert rows(house.front.papers[1])[0] != "加印"
        assert rows(house.front.papers[2])[0] == "加印"
        refused = await house.staff.floor("print", table=table, sitting=at, printer=house.ids["wok"])
        assert refused["error"] == "no_such_printer"
        refused = await house.staff.floor("print", table=table, sitting="nobody")
        assert refused["error"] == "no_such_bill"

    tell(story())


def test_a_printer_without_paper_is_on_the_display_and_another_prints_for_it(house: House) -> None:
    async def story() -> None:
        await house.open()
        kitchen: Page = await house.staff.look("kitchen")
        house.wok.paper_end = True
        guest = await house.guest(2)
        await house.orders(guest, "n3")

        def troubled(page: Page) -> Any:
            return [each for each in page.blocks["printers"]["troubled"] if each["waiting"] or each["helper"]]

        [trouble] = await kitchen.sees(troubled)
        assert (trouble["name"], trouble["why"], trouble["waiting"]) == ("wok", "paper", 1)
        assert "缺纸" in await house.staff.page("/kitchen")
        [paper] = await until(lambda: with_note(house.cold, "n3"), 25)
        assert "代“wok”打印" in paper
        assert not with_note(house.wok, "n3")
        house.wok.paper_end = False
        await kitchen.sees(lambda page: not page.blocks["printers"]["troubled"], 15)
        await house.orders(guest, "n4")
        await until(lambda: with_note(house.wok, "n4"))
        assert len(with_note(house.cold, "n3")) == 1
        kitchen.close()

    tell(story())


def test_another_process_takes_over_from_one_that_is_killed_while_it_prints(pair: House) -> None:
    async def story() -> None:
        await pair.open()
        guest = await pair.guest(3)
        await pair.orders(guest, "n5")
        await until(lambda: with_note(pair.wok, "n5"))
        pair.wok.manner = "never confirms"
        await pair.orders(guest, "n6")
        await until(lambda: with_note(pair.wok, "n6"))
        os.kill(pid_of(pair.server, pair.wok.port), signal.SIGKILL)
        pair.wok.manner = "well"
        await pair.orders(guest, "n7")
        await until(lambda: len(with_note(pair.wok, "n6")) == 2 and with_note(pair.wok, "n7"), TAKEN_OVER)
        await asyncio.sleep(1)
        assert [list(map(original, with_note(pair.wok, note))) for note in ("n5", "n6", "n7")] == [
            [True],
            [True, False],
            [True],
        ]

    tell(story())


CHAOS = 12.0  # seconds
MANNERS: list[Manner] = ["hears nothing", "cut in the middle", "vanishes after printing"]


def test_every_line_is_on_paper_once_whatever_happens_to_printers_and_processes(pair: House) -> None:
    """Printers vanish, hang, run out of paper and cut off in the middle while processes are killed."""
    dice = random.Random(SEED)
    printed: list[str] = []

    async def orders() -> None:
        for number in range(1000):
            note, table = f"x{number}x", dice.choice(pair.tables)["id"]
            with contextlib.suppress(OSError, ValueError, HTTPClientError):
                item = dice.choice([WOK, COLD])
                port = dice.choice(pair.server.ports)
                await pair.staff.floor("add", port=port, table=table, item=item, note=note)
                seen = (await pair.staff.json(f"/floor/{table}"))["blocks"]["party"]["changed"]
                sent = await pair.staff.floor("place", table=table, seen=seen)
                if sent.get("ok"):
                    printed.append(note)
            await asyncio.sleep(dice.uniform(0.1, 0.5))

    async def breaks() -> None:
        while True:
            printer = dice.choice([pair.wok, pair.cold, pair.front])
            how = dice.choice([*MANNERS, "paper", "plug", "kill"])
            if how == "kill":
                os.kill(dice.choice(pair.server.children()), signal.SIGKILL)
            elif how == "plug":
                printer.unplug()
            elif how == "paper":
                printer.paper_end = True
            else:
                printer.manner = how
            await asyncio.sleep(dice.uniform(0.5, 2))
            mend(printer, how)

    def mend(printer: FakePrinter, how: str) -> None:
        printer.manner, printer.paper_end = "well", False
        if how == "plug":
            printer.plug_in()

    def papers(note: str) -> list[Paper]:
        return [paper for each in (pair.wok, pair.cold, pair.front) for paper in with_note(each, note)]

    async def story() -> None:
        await pair.open()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CHAOS), asyncio.TaskGroup() as group:
                group.create_task(orders())
                group.create_task(breaks())
        for printer in (pair.wok, pair.cold, pair.front):
            printer.unplug()
            mend(printer, "plug")
        await until(lambda: all(papers(note) for note in printed), 40)

    print(f"SEED={SEED}")
    tell(story())
    assert len(printed) > 10
    twice = {note for note in printed if sum(map(original, papers(note))) > 1}
    assert not twice, f"SEED={SEED}"


def pid_of(server: Server, port: int) -> int:
    """The server's process that is connected to a port of this machine."""
    return next(pid for pid in server.children() if port in connected_to(pid))
