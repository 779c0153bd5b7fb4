"""The manager's rooms: the staff, and the record of what everybody did."""

import asyncio
import csv
import io
from collections.abc import Mapping
from datetime import date
from typing import Any

from ordering import commands, escpos
from ordering.clock import now
from ordering.documents import FLOOR, MENU, PRINTERS, STAFF, sitting_name
from ordering.floor import Floor, spots
from ordering.handlers.door import Do
from ordering.handlers.login import hashed
from ordering.handlers.staff import StaffOnly
from ordering.menu import Menu
from ordering.printers import deliver
from ordering.refused import Refused
from ordering.slips import Printers
from ordering.staff import ROOMS, Room, Staff, must_be_secret
from ordering.views.printers import troubled
from ordering.views.record import Entry, Wanted, entries, sittings_of

SHOWN = 100  # entries of a page
LOOKED_AT = 20_000  # entries that are searched for those that are wanted
CHUNK = 1000
EXPORTED = 10_000
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # the wide ones where people write Chinese


class Manage(StaffOnly):
    """A page that only managers may use."""

    room: Room = "manage"


class StaffPage(Manage):
    """GET /manage: who works here."""

    async def get(self) -> None:
        """Called by Tornado."""
        if not await self.let_in():
            return
        documents = await self.services.desk.look(STAFF, MENU)
        staff: Staff = documents[STAFF].value
        self.show(
            "manage/staff.html",
            shop=documents[MENU].value.shop,
            accounts=staff.accounts,
            me=self.who,
            flash=self.flash(),
            page="staff",
        )


class PlanPage(Manage):
    """GET /manage/plan: where the tables stand."""

    async def get(self) -> None:
        """Called by Tornado."""
        if not await self.let_in():
            return
        documents = await self.services.desk.look(FLOOR, MENU)
        floor: Floor = documents[FLOOR].value
        where = spots(floor)
        areas = [
            (
                area.id,
                self.t.pick(area.name),
                [(table, *where[table.id]) for table in floor.tables if table.area == area.id],
            )
            for area in floor.areas
        ]
        self.show("manage/plan.html", shop=documents[MENU].value.shop, areas=areas, flash=self.flash(), page="plan")


class PrintersPage(Manage):
    """GET /manage/printers: the printers of the house, and how they are."""

    async def get(self) -> None:
        """Called by Tornado."""
        if not await self.let_in():
            return
        documents = await self.services.desk.look(MENU, PRINTERS)
        menu: Menu = documents[MENU].value
        self.show(
            "manage/printers.html",
            shop=menu.shop,
            printers=menu.printers,
            troubled={each.id: each for each in troubled(menu, documents[PRINTERS].value or Printers(), self.t)},
            stations=[(station.id, self.t.pick(station.name)) for station in menu.stations],
            flash=self.flash(),
            page="printers",
        )


class ManageDo(Manage, Do):
    """POST /manage/do. Secrets are hashed here, before anything else sees the command."""

    union = commands.Manage

    async def carry_out(self, sent: dict[str, Any]) -> dict[str, Any]:
        """The desk's answer."""
        await self.must_be_staff()
        command = self.command(sent)
        if isinstance(command, commands.AccountAdd | commands.AccountSecrets):
            must_be_secret(command.password, command.pin)
            queue = self.services.limits.secrets
            secrets = (await hashed(command.password, queue), await hashed(command.pin, queue))
            return await self.services.desk.manage(self.who, command, *secrets)
        if isinstance(command, commands.PrinterTest):
            await self._tested(command.printer)
            return {"op": command.op, "ok": True, "v": self.standing()}
        return await self.services.desk.manage(self.who, command)

    async def _tested(self, id: str) -> None:
        """Lets a printer print a test; raises `Refused` with what is wrong with it."""
        menu: Menu = (await self.services.desk.look(MENU))[MENU].value
        if id not in menu.printer:
            raise Refused("no_such_printer")
        printer = menu.printer[id]
        test = await asyncio.to_thread(escpos.test, printer, menu, now())
        delivered = await deliver(printer, test, _surely)
        if delivered.why:
            raise Refused("printer_trouble", why=delivered.why)

    def back(self, sent: Mapping[str, Any]) -> str:
        """The page that the form came from."""
        do = str(sent.get("do", ""))
        if do.startswith("printer_"):
            return "/manage/printers"
        return "/manage/plan" if do == "arrange" else "/manage"

    def standing(self) -> int:
        """The shop's sequence number as far as it is known here."""
        return self.services.shelf.s


class Record(Manage):
    """GET /manage/log: what was done, the latest first; by person, day and table."""

    async def get(self) -> None:
        """Called by Tornado."""
        if not await self.let_in():
            return
        wanted = self._wanted()
        documents = await self.services.desk.look(STAFF, MENU, FLOOR)
        found, older = await self._entries(wanted, SHOWN)
        menu: Menu = documents[MENU].value
        floor: Floor = documents[FLOOR].value
        values = {"menu": menu, "staff": documents[STAFF].value, "floor": floor}
        self.show(
            "manage/log.html",
            shop=menu.shop,
            entries=await self._told(found, values),
            older=older,
            wanted=wanted,
            people=documents[STAFF].value.accounts,
            tables=[(table.id, table.name) for table in floor.tables],
            page="log",
            rooms=ROOMS[self.who.role],
            here=self.request.path,
        )

    def _wanted(self) -> Wanted:
        day = self.get_query_argument("day", "")
        try:
            chosen = date.fromisoformat(day) if day else None
        except ValueError:
            chosen = None
        before = self.get_query_argument("before", "")
        return Wanted(
            person=self.get_query_argument("person", "")[:64],
            day=chosen,
            table=self.get_query_argument("table", "")[:64],
            before=int(before) if before.isascii() and before.isdecimal() and len(before) < 16 else 0,
        )

    async def _entries(self, wanted: Wanted, most: int) -> tuple[list[tuple[int, dict[str, Any]]], int]:
        """Those that are wanted, and before which number to look for more (0: there are none)."""
        documents = await self.services.desk.look(STAFF, MENU, FLOOR)
        staff, floor = documents[STAFF].value, documents[FLOOR].value
        found: list[tuple[int, dict[str, Any]]] = []
        before, seen = wanted.before, 0
        while seen < LOOKED_AT:
            chunk = await self.services.desk.log(CHUNK, before)
            seen += len(chunk)
            for number, entry in chunk:
                before = number
                if wanted.fits(entry, staff, floor, documents[MENU].value.shop):
                    found.append((number, entry))
                    if len(found) == most:
                        return found, before
            if len(chunk) < CHUNK:
                return found, 0
        return found, before

    async def _told(self, found: list[tuple[int, dict[str, Any]]], values: dict[str, Any]) -> list[Entry]:
        names = {sitting_name(id) for _, entry in found for id in sittings_of(entry)}
        loaded = await self.services.desk.look(*names) if names else {}
        sittings = [document.value for document in loaded.values() if document.value]
        return entries(found, sittings, **values, text=self.t)


class TableRecord(Record):
    """GET /floor/{table}/log: what was done at one table, for every waiter."""

    room = "floor"

    async def get(self, table: str = "") -> None:
        """Called by Tornado."""
        self._table = table
        await super().get()

    def _wanted(self) -> Wanted:
        return super()._wanted()._replace(table=self._table, person="")


class RecordCsv(Record):
    """GET /manage/log.csv: the same as a table for spreadsheets."""

    async def get(self) -> None:
        """Called by Tornado."""
        if not await self.let_in():
            return
        documents = await self.services.desk.look(STAFF, MENU, FLOOR)
        values = {"menu": documents[MENU].value, "staff": documents[STAFF].value, "floor": documents[FLOOR].value}
        found, _ = await self._entries(self._wanted(), EXPORTED)
        out = io.StringIO()
        rows = csv.writer(out)
        rows.writerow([self.t(word) for word in ("When", "Who", "What", "Why")])
        for entry in await self._told(found, values):
            rows.writerow([_cell(each) for each in (f"{entry.day} {entry.time}", entry.who, entry.what, entry.why)])
        self.set_header("Content-Type", "text/csv; charset=utf-8")
        self.set_header("Content-Disposition", 'attachment; filename="log.csv"')
        self.finish("\ufeff" + out.getvalue())


async def _surely() -> bool:
    return True


def _cell(text: str) -> str:
    """No spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
