"""The printers of the house. One process prints for the shop; when it dies, another takes over.

Whoever holds the lease reads off the sittings what is to be on paper (`ordering.slips`), and gives each printer one
job at a time. A job is claimed in the store when its printer is ready and before a byte is sent, and settled when it is
known what became of it. So whoever takes over knows what may be on paper, and marks it a COPY.
"""

import asyncio
import importlib
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any, NamedTuple

from ordering import escpos
from ordering import floor as floors
from ordering.clock import now
from ordering.desk import Desk
from ordering.documents import FLOOR, MENU, PRINTERS, sitting_name, slips_name
from ordering.floor import Floor
from ordering.menu import Menu, Printer
from ordering.printers import Delivered, deliver, trouble
from ordering.refused import Refused
from ordering.shelf import Shelf
from ordering.sitting import Sitting
from ordering.slips import (
    Bill,
    Outcome,
    Printers,
    Slip,
    Slips,
    Trouble,
    Why,
    bill_claimed,
    bills_due,
    claimed,
    due,
    records_of,
    route,
    settled,
)
from ordering.store import Store, StoreAway
from ordering.views.receipt import receipt
from ordering.views.text import text

log = logging.getLogger(__name__)

LEASE = "printing"
LEASE_LASTS = 3.0  # seconds after which another process takes over
RENEWED = 1.0  # seconds between renewals, and between looks by whoever waits for the lease
IDLE = 5.0  # seconds between looks at a menu without printers
TOGETHER = 0.05  # seconds that changes may gather before they are looked at
AGAIN = 2.0  # seconds before a printer that failed is tried again
PROBED_TROUBLED = 5.0  # seconds between looks at a printer in trouble for which nothing waits
PROBED = 30.0  # … at one that prints nothing: who opens the house should know before the first guest does
SLOW_AFTER = 30_000  # ms that a printer may have something to print without anything coming out
FINISHED_WITHIN = 5.0  # seconds that a process which ends leaves its jobs

Take = Callable[[Mapping[str, Any]], dict[str, Any]]


class Job(NamedTuple):
    """Something to be printed: `what` is printed by `by` for the printer `own`; `records` is the sitting whose
    document knows of it; `names` are the documents on which `take` decides whether it is still wanted, and claims
    it."""

    id: str
    what: Slip | Bill
    own: str
    by: Printer
    records: str
    names: tuple[str, ...]
    take: Take


class _Read(NamedTuple):
    """What is due of a sitting, and what that was read off."""

    sitting: Sitting
    menu: Menu
    slips: tuple[Slips | None, ...]
    due: tuple[tuple[str, Slip | Bill], ...]  # by the sitting whose records know of it

    def of(self, sitting: Sitting, menu: Menu, slips: tuple[Slips | None, ...]) -> bool:
        """Whether it was read off these very values."""
        same = self.sitting is sitting and self.menu is menu and len(self.slips) == len(slips)
        return same and all(one is other for one, other in zip(self.slips, slips, strict=True))


class Printing:
    """What one process does about the printers."""

    def __init__(self, desk: Desk, shelf: Shelf, store: Store) -> None:
        self._desk, self._shelf, self._store = desk, shelf, store
        self._me = secrets.token_hex(8)
        self._leads_until = 0.0
        self._renewed_at = 0.0
        self._watched: set[str] = set()
        self._keen = False
        self._wake = asyncio.Event()
        self._read: dict[str, _Read] = {}
        self._mine: set[str] = set()
        self._busy: dict[str, asyncio.Task[None]] = {}
        self._not_before: dict[str, float] = {}
        self._looked_at: dict[str, float] = {}
        self._whys: dict[str, Why | None] = {}  # by printer, what its last job or look said
        self._waits_since: dict[str, int] = {}
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins; returns at once."""
        self._shelf.listeners.append(self._changed)
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends: the jobs that are under way have a moment, then others may print."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._busy:
            await asyncio.wait(self._busy.values(), timeout=FINISHED_WITHIN)
        for task in self._busy.values():
            task.cancel()
        await asyncio.gather(*self._busy.values(), return_exceptions=True)
        if self._leads_until:
            try:
                await self._store.lease(LEASE, self._me, 0)
            except StoreAway:
                return  # it ends by itself

    def _changed(self, name: str) -> None:
        if name in self._watched:
            self._wake.set()

    async def _run(self) -> None:
        while True:
            pause = RENEWED
            try:
                menu = await self._menu()
                if menu is None or not menu.printers:
                    pause = IDLE
                    self._let_go()
                elif await self._leads():
                    await asyncio.to_thread(importlib.import_module, "escpos.printer")  # it takes half a second
                    await self._watch()
                    await self._look(menu)
                else:
                    self._let_go()
            except (Refused, StoreAway):
                self._leads_until = 0.0  # the store is away, which others say loudly
            except Exception:
                log.exception("the printers could not be looked after")
            try:
                async with asyncio.timeout(pause):
                    await self._wake.wait()
                await asyncio.sleep(TOGETHER)
            except TimeoutError:
                pass
            self._wake.clear()

    async def _menu(self) -> Menu | None:
        held = self._shelf.newest(MENU)
        menu: Menu | None = held.value if held else (await self._desk.look(MENU))[MENU].value
        return menu

    async def _leads(self, surely: bool = False) -> bool:
        """Whether this process has the lease; `surely` asks the store now."""
        moment = asyncio.get_running_loop().time()
        if surely or moment >= min(self._leads_until, self._renewed_at + RENEWED):
            holds = await self._store.lease(LEASE, self._me, int(LEASE_LASTS * 1000))
            self._renewed_at = moment
            self._leads_until = moment + LEASE_LASTS if holds else 0.0
        return self._leads_until > asyncio.get_running_loop().time()

    def _let_go(self) -> None:
        """Another process prints: nothing is watched and nothing known."""
        self._shelf.unwatch(self._watched)
        self._shelf.keen -= self._keen
        self._watched, self._keen = set(), False
        self._read.clear()
        self._whys.clear()
        self._waits_since.clear()

    async def _watch(self) -> None:
        """Keeps everything that says what is to be printed true."""
        self._shelf.keen += not self._keen
        self._keen = True
        await self._also({FLOOR, MENU, PRINTERS})
        ids = self._sittings()
        await self._also({sitting_name(id) for id in ids} | {slips_name(id) for id in ids})
        records = {each for id in ids if (sitting := self._sitting(id)) for each in records_of(sitting)}
        await self._also({slips_name(id) for id in records})
        wanted = {FLOOR, MENU, PRINTERS} | {sitting_name(id) for id in ids} | {slips_name(id) for id in records | ids}
        self._shelf.unwatch(self._watched - wanted)
        self._watched = wanted
        self._read = {id: read for id, read in self._read.items() if id in ids}

    async def _also(self, names: set[str]) -> None:
        new = names - self._watched
        if new:
            await self._shelf.watch(new)
            self._watched |= new

    def _value(self, name: str) -> Any:
        document = self._shelf.newest(name)
        return document.value if document else None

    def _sittings(self) -> set[str]:
        """Those that have something on a display or may have, and those closed lately: their slips, too."""
        floor: Floor = self._value(FLOOR) or Floor()
        return {*floors.open_sittings(floor), *floors.closed_sittings(floor)}

    def _sitting(self, id: str) -> Sitting | None:
        found: Sitting | None = self._value(sitting_name(id))
        return found

    def _due(self, menu: Menu) -> list[tuple[str, str, Slip | Bill]]:
        """Everything to be printed, oldest first: the sitting, the one whose records know of it, and what."""
        found = []
        for id in self._sittings():
            sitting = self._sitting(id)
            if sitting is None:
                continue
            known = self._read.get(id)
            records = sorted(records_of(sitting) | {id})
            slips = tuple(self._value(slips_name(each)) for each in records)
            if known is None or not known.of(sitting, menu, slips):
                by_id = {each: one for each, one in zip(records, slips, strict=True) if one}
                wanted: list[tuple[str, Slip | Bill]] = [
                    (slip.records, slip) for slip in due(sitting, menu, by_id, self._mine)
                ]
                if id in by_id:
                    wanted += [(id, bill) for bill in bills_due(by_id[id], self._mine) if bill.printer in menu.printer]
                known = self._read[id] = _Read(sitting, menu, slips, tuple(wanted))
            found += [(id, records, what) for records, what in known.due]
        return sorted(found, key=lambda each: each[2].at)

    async def _look(self, menu: Menu) -> None:
        """Gives every printer that is free the oldest of what is for it, and says which are in trouble."""
        moment, at = asyncio.get_running_loop().time(), now()
        every = self._due(menu)
        told: Printers = self._value(PRINTERS) or Printers()
        first: dict[str, Job] = {}
        helped: set[str] = set()
        for sitting, records, what in every:
            if not what.failed:
                by = route(what, menu, told, at)
                if by != what.printer:
                    helped.add(what.printer)
                if by not in first:
                    first[by] = self._job(sitting, records, what, menu.printer[by])
        for printer in menu.printers:
            if printer.id in self._busy or moment < self._not_before.get(printer.id, 0.0):
                continue
            if printer.id in first:
                self._begin(printer.id, self._print(first[printer.id], menu))
                continue
            patience = PROBED_TROUBLED if printer.id in told.troubles else PROBED
            if moment - self._looked_at.get(printer.id, -PROBED) >= patience:
                self._begin(printer.id, self._probe(printer))
        await self._tell(menu, told, [(what.printer, what.failed) for _, _, what in every], helped, at)

    def _job(self, sitting: str, records: str, what: Slip | Bill, by: Printer) -> Job:
        """Something to be printed by that printer, and how it is claimed."""
        id = secrets.token_hex(6)
        name = slips_name(records)
        if isinstance(what, Bill):

            def take_bill(values: Mapping[str, Any]) -> dict[str, Any]:
                slips: Slips = values[name] or Slips()
                wanted = any(each.id == what.id for each in bills_due(slips, self._mine))
                return {name: bill_claimed(slips, what.id, id)} if wanted else {}

            return Job(id, what, what.printer, by, records, (name, sitting_name(sitting)), take_bill)

        def take(values: Mapping[str, Any]) -> dict[str, Any]:
            slips: Slips = values[name] or Slips()
            mine: Sitting | None = values[sitting_name(sitting)]
            menu: Menu = values[MENU]
            wanted = mine is not None and what in due(mine, menu, {records: slips}, self._mine - {id})
            return {name: claimed(slips, what, id, by.id, now())} if wanted else {}

        return Job(id, what, what.printer, by, records, (name, sitting_name(sitting), MENU), take)

    def _begin(self, printer: str, work: Awaitable[None]) -> None:
        """Lets the printer do it; what follows is looked at when it is done."""
        task = asyncio.ensure_future(work)
        self._busy[printer] = task
        task.add_done_callback(lambda done: self._ended(printer, done))

    def _ended(self, printer: str, task: "asyncio.Future[None]") -> None:
        del self._busy[printer]
        self._wake.set()
        if not task.cancelled() and (error := task.exception()):
            self._not_before[printer] = asyncio.get_running_loop().time() + AGAIN
            log.error("the printer %s could not be looked after", printer, exc_info=error)

    async def _probe(self, printer: Printer) -> None:
        self._heard(printer, await trouble(printer))

    async def _print(self, job: Job, menu: Menu) -> None:
        """Prints one job: claims it as soon as the printer is ready, and says in the store what became of it."""
        asked = False

        async def claim() -> bool:
            nonlocal asked
            if not await self._leads(surely=True):
                return False
            asked = True
            return await self._desk.by_itself("printing", job.names, job.take)

        self._mine.add(job.id)
        try:
            content = self._content(job, menu)
            try:
                delivered = await deliver(job.by, content, claim)
            except (Refused, StoreAway):
                delivered = Delivered("not_sent")
            if asked:
                await self._settle(job, delivered.outcome)
            self._heard(job.by, delivered.why)
            if delivered.outcome == "printed":
                self._waits_since.pop(job.own, None)
        finally:
            self._mine.discard(job.id)
            self._read = {id: read for id, read in self._read.items() if all(job.records != at for at, _ in read.due)}

    def _content(self, job: Job, menu: Menu) -> bytes:
        floor: Floor = self._value(FLOOR)
        if isinstance(job.what, Slip):
            return escpos.slip(job.what, job.by, menu, floor)
        sitting: Sitting = self._value(sitting_name(job.records))
        words = text(job.what.lang)
        return escpos.receipt(receipt(sitting, menu, floor, now(), words), job.by, words, job.what.copy)

    async def _settle(self, job: Job, outcome: Outcome) -> None:
        """Until the store has it: as long as it does not, nobody else knows that the slip need not be printed."""
        name = slips_name(job.records)

        def rule(values: Mapping[str, Any]) -> dict[str, Any]:
            slips: Slips = values[name] or Slips()
            after = settled(slips, job.id, outcome, now())
            return {} if after is slips else {name: after}

        while True:
            try:
                await self._desk.by_itself("printing", [name], rule)
            except Refused:
                await asyncio.sleep(RENEWED)
            else:
                return

    def _heard(self, printer: Printer, why: Why | None) -> None:
        """What a job or a look has told of the printer."""
        moment = asyncio.get_running_loop().time()
        if why and self._whys.get(printer.id) != why:
            log.warning("the printer %s (%s:%s): %s", printer.id, printer.host, printer.port, why)
        self._whys[printer.id] = why
        self._looked_at[printer.id] = moment
        self._not_before[printer.id] = moment + AGAIN if why else 0.0

    async def _tell(
        self, menu: Menu, told: Printers, every: Iterable[tuple[str, bool]], helped: set[str], at: int
    ) -> None:
        """Says which printers are in trouble, where that has changed."""
        waiting: dict[str, list[bool]] = {}
        for id, failed in every:
            waiting.setdefault(id, []).append(failed)
        self._waits_since = {id: self._waits_since.get(id, at) for id in waiting}
        troubles = {}
        for printer in menu.printers:
            before = told.troubles.get(printer.id)
            why = self._whys.get(printer.id, before.why if before else None)
            mine = waiting.get(printer.id, [])
            if not why and any(mine):
                why = Why.UNCONFIRMED
            elif not why and mine and at - self._waits_since[printer.id] >= SLOW_AFTER:
                why = Why.SLOW
            if why:
                helper = printer.backup if printer.id in helped else ""
                since = before.since if before else self._waits_since.get(printer.id, at)
                troubles[printer.id] = Trouble(why, since, len(mine), helper)
        if troubles != told.troubles:

            def rule(values: Mapping[str, Any]) -> dict[str, Any]:
                same = (values[PRINTERS] or Printers()).troubles == troubles
                return {} if same else {PRINTERS: Printers(troubles)}

            await self._desk.by_itself("printing", [PRINTERS], rule)
