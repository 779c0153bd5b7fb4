"""The desk: every command, from whichever door, is judged by the rules here and committed, once.

What is at hand may be old, so a command is first decided on it and the store's script has the last word: if a
document has moved on, it is decided again on the newest; and nothing is refused before the newest has been looked at.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import msgspec

from ordering import commands, kitchen, staff, verdicts
from ordering import floor as floors
from ordering import load as loads
from ordering.clock import now
from ordering.commands import Command, fingerprint
from ordering.documents import FLOOR, LOAD, MENU, PACE, STAFF, STOCK, near_name, sitting_name, slips_name
from ordering.floor import Floor, Table
from ordering.ids import new_id
from ordering.limits import Limits
from ordering.load import Load
from ordering.menu import Menu
from ordering.near import SIGN_LASTS
from ordering.pace import Pace
from ordering.refused import Refused
from ordering.shelf import Shelf
from ordering.sitting import Moment, Sitting
from ordering.slips import records_of
from ordering.staff import Account
from ordering.store import Committed, Conflict, Document, Loaded, Record, Store, StoreAway, same_meaning
from ordering.turns import Turns
from ordering.values import Value
from ordering.verdicts import Case, Choices, Decision

ELSEWHERE = ("no_such_line", "no_such_ticket", "no_such_payment")  # what the party before may have
TRY_AGAIN = 0.05  # seconds before a commit is sent again after the connection failed under it
FILES_AT_HAND = 400  # pictures that are kept in memory: about 10 MB


_OF_A_GUEST = (MENU, STOCK, FLOOR, LOAD)  # documents that every command of a guest is decided on
_PACED = (commands.Place, commands.Fire)  # … and those that need the kitchen's pace, too

Rule = Callable[[Case], Decision]
Change = Callable[[Mapping[str, Any]], dict[str, Any]]
"""From the values of documents by name to those that are to be others."""
T = TypeVar("T")


class Desk:
    """Takes commands and reads documents for one shop."""

    def __init__(self, store: Store, shelf: Shelf, limits: Limits) -> None:
        self.store = store
        self._shelf = shelf
        self._limits = limits
        self._files: dict[str, bytes] = {}
        self._turns = Turns()

    async def look(self, *names: str) -> dict[str, Document]:
        """These documents as they are in the store now; raises `Refused` `store_away`."""
        return (await self.look_with_number(names)).documents

    async def look_with_number(self, names: Collection[str]) -> Loaded:
        """The same, with the shop's sequence number at that moment."""
        try:
            loaded = await self.store.load(list(names), known=self._shelf.known())
        except StoreAway as error:
            raise Refused("store_away") from error
        self._shelf.put(loaded.documents.values())
        return loaded

    async def table(self, code: str) -> Table:
        """The table with this code; raises `Refused` `no_such_table`."""
        floor = self._shelf.newest(FLOOR)
        if floor is None or floor.value is None or code not in floor.value.by_code:
            floor = (await self.look(FLOOR))[FLOOR]
        if floor.value is None or code not in floor.value.by_code:
            raise Refused("no_such_table")
        found: Table = floor.value.by_code[code]
        return found

    async def seat(self, sitting_id: str, who: str) -> Table | None:
        """The table at which this sitting is now, if this guest belongs to it."""
        name = sitting_name(sitting_id)
        documents = await self.look(FLOOR, name)
        found: Sitting | None = documents[name].value
        floor = documents[FLOOR].value or Floor()
        known = found is not None and any(guest.id == who for guest in found.guests)
        return floor.by_sitting.get(sitting_id) if known else None

    async def guests(self, sitting_id: str) -> set[str]:
        """Who is a guest of this sitting, or was one and has moved on; raises `Refused` `store_away`."""
        name = sitting_name(sitting_id)
        found: Sitting | None = (await self.look(name))[name].value
        return {guest.id for guest in found.guests} | found.left.keys() if found else set()

    async def belongs(self, sitting_id: str, table_id: str, who: str) -> bool:
        """Whether the sitting is the table's present one, or this guest is or was one of it."""
        name = sitting_name(sitting_id)
        documents = await self.look(FLOOR, name)
        floor, found = documents[FLOOR].value or Floor(), documents[name].value
        if floors.table_of(floor, table_id).sitting == sitting_id:
            return True
        return found is not None and any(guest.id == who for guest in found.guests)

    async def answer_to(self, who: str, op: str) -> dict[str, Any]:
        """The first answer to an op that took effect; raises `Refused` `no_such_op`."""
        try:
            loaded = await self.store.load((), op=(who, op))
        except StoreAway as error:
            raise Refused("store_away") from error
        if loaded.record is None:
            raise Refused("no_such_op")
        return _answer(loaded.record)

    def guest(self, who: str, sitting_id: str, command: commands.Diner) -> Coroutine[Any, Any, dict[str, Any]]:
        """A guest's command on the sitting that the guest belongs to."""
        name = sitting_name(sitting_id)
        names = [name, *_OF_A_GUEST]
        if isinstance(command, _PACED):
            names.append(PACE)
        # partial: what a function of one's own uses stands in cells, which cost a thousand instructions here.
        rule = partial(verdicts.diner, command, name)
        return self._do(_Person(who, "", True), command, names, rule, sitting_id)

    async def here(self, who: str, sitting_id: str, where: str) -> None:
        """A guest's page is looked at, with this category on it."""
        moment = now()
        with suppress(StoreAway):  # the next sign comes soon
            await self.store.sign(near_name(sitting_id), who, moment, where, moment - SIGN_LASTS)

    async def gone(self, who: str, sitting_id: str) -> None:
        """A guest's page is not looked at any more."""
        with suppress(StoreAway):
            await self.store.sign(near_name(sitting_id), who, None, "", now() - SIGN_LASTS)

    async def file(self, name: str) -> bytes:
        """A picture; raises `Refused` `no_such_page` or `store_away`."""
        content = self._files.get(name)
        if content is None:
            try:
                content = await self.store.file(name)
            except StoreAway as error:
                raise Refused("store_away") from error
            if content is None:
                raise Refused("no_such_page")
            if len(self._files) >= FILES_AT_HAND:
                del self._files[next(iter(self._files))]
            self._files[name] = content
        return content

    async def staff(self, account: Account, command: commands.Kitchen | commands.Floor) -> dict[str, Any]:
        """A command of the kitchen or the floor."""
        who = _Person(account.id, account.name)
        if isinstance(command, commands.SoldOut | commands.Count):
            return await self._do(who, command, [STOCK, MENU], lambda case: verdicts.availability(command, case))
        if isinstance(command, commands.SetLoad):
            return await self._do(who, command, [LOAD, PACE], lambda case: verdicts.set_load(command, case))
        floor = self._shelf.newest(FLOOR)
        if floor is None or floor.value is None or command.table not in floor.value.by_id:
            floor = (await self.look(FLOOR))[FLOOR]
        while True:
            choices = verdicts.choices_of(floor.value or Floor(), command)
            try:
                return await self._at_one_of(who, command, choices)
            except Refused:
                newer = (await self.look(FLOOR))[FLOOR]
                if verdicts.choices_of(newer.value or Floor(), command) == choices:
                    raise
                floor = newer

    async def log(self, most: int, before: int) -> list[tuple[int, dict[str, Any]]]:
        """The newest entries of the shop's log, or those before a number; raises `Refused` `store_away`."""
        try:
            return await self.store.log(most, before)
        except StoreAway as error:
            raise Refused("store_away") from error

    async def follow_load(self) -> bool:
        """Sets the kitchen's load to what follows from the open tickets and the times; whether it has changed."""
        seen = await self.look(FLOOR, PACE, MENU)
        menu: Menu | None = seen[MENU].value
        if menu is None:
            return False
        names = [sitting_name(id) for id in floors.open_sittings(seen[FLOOR].value or Floor())]
        found = (await self.look(*names)).values()
        tickets = kitchen.tickets(each.value for each in found if each.value is not None)
        open_now = sum(not ticket.waits for ticket in tickets)
        pace, capacity = seen[PACE].value or Pace(), menu.shop.capacity
        now_pressure, at = loads.pressure(open_now, pace, capacity), now()

        def rule(values: Mapping[str, Any]) -> dict[str, Any]:
            before = values[LOAD] or Load()
            after = loads.followed(before, now_pressure, pace, capacity, at)
            return {} if after is before else {LOAD: after}

        return await self.by_itself("kitchen", [LOAD], rule)

    async def by_itself(self, who: str, names: Collection[str], rule: Change) -> bool:
        """What a process does without anybody asking: commits what `rule` makes of the values of these documents.

        `rule` is asked on what is at hand and, before it is taken for an answer that nothing is to be done, on the
        newest. Returns whether something was committed; raises `Refused` `store_away`, when it may have been.
        """
        try:
            async with asyncio.timeout(self.store.timeout):
                return await self._by_itself(who, list(names), rule)
        except (StoreAway, TimeoutError) as error:
            raise Refused("store_away") from error

    async def _by_itself(self, who: str, names: list[str], rule: Change) -> bool:
        op = secrets.token_hex(8)
        seen = {name: document for name in names if (document := self._shelf.newest(name))}
        newest = False
        while True:
            values = {name: document.value for name, document in seen.items()}
            changes = rule(values) if len(seen) == len(names) else {}
            if not changes:
                if newest:
                    return False
                seen, newest = (await self.look_with_number(names)).documents, True
                continue
            entry = {"who": who, "at": now(), "in": list(changes)}
            outcome = await self._until_committed(who, op, entry, seen, changes)
            if isinstance(outcome, Conflict):
                self._shelf.put(outcome.documents.values())
                seen, newest = {**seen, **outcome.documents}, True
                continue
            if isinstance(outcome, Committed):
                self._shelf.take(outcome.documents.values(), outcome.s)
            return True

    async def _until_committed(
        self, who: str, op: str, entry: Mapping[str, Any], seen: Mapping[str, Document], changes: Mapping[str, Any]
    ) -> Committed | Conflict | Record:
        return await _until_it_answers(lambda: self.store.commit(who, op, who, b"{}", entry, seen, changes))

    async def manage(
        self, account: Account, command: commands.Manage, password: str = "", pin: str = ""
    ) -> dict[str, Any]:
        """A manager's command; `password` and `pin` are hashes."""

        def rule(case: Case) -> Decision:
            if isinstance(command, commands.Arrange):
                floor = case.values[FLOOR] or Floor()
                return Decision({FLOOR: floors.arranged(floor, command.table, command.x, command.y)}, {})
            if isinstance(command, commands.PrinterSave | commands.PrinterRemove):
                return verdicts.printers(command, case)
            return Decision({STAFF: verdicts.accounts(command, case, password, pin)}, {})

        name = {commands.Arrange: FLOOR, commands.PrinterSave: MENU, commands.PrinterRemove: MENU}.get(
            type(command), STAFF
        )
        return await self._do(_Person(account.id, account.name), command, [name], rule)

    async def tried(self, account: Account, right: bool, pin: bool) -> None:
        """Somebody gave this account's password or PIN: it stands in the log, and wrong PINs are counted."""
        kind = commands.LogIn if right else commands.WrongSecret
        command = kind(secrets.token_hex(8), "pin" if pin else "password")

        def rule(case: Case) -> Decision:
            known = case.values[STAFF]
            return Decision({STAFF: staff.tried(known, account.id, right, case.moment) if pin else known}, {})

        await self._do(_Person(account.id, account.name), command, [STAFF], rule)

    async def left(self, account: Account, login: int) -> None:
        """Somebody has left a device: the login that was made there at this time (ms) is over."""
        command = commands.LogOut(secrets.token_hex(8))

        def rule(case: Case) -> Decision:
            return Decision({STAFF: staff.left(case.values[STAFF], account.id, login, case.moment)}, {})

        await self._do(_Person(account.id, account.name), command, [STAFF], rule)

    async def _at_one_of(self, who: "_Person", command: Any, choices: Choices) -> dict[str, Any]:
        """A ticket or line may be of the present party, or of one before whose dishes are still being made."""
        for sittings in choices:
            names = [sitting_name(each) for each in sittings]

            def rule(case: Case, sittings: tuple[str, ...] = sittings) -> Decision:
                return verdicts.table(command, case, sittings)

            try:
                papers = await self._papers(command, sittings[0])
                needed = [*dict.fromkeys(names), FLOOR, *verdicts.also(command), *papers]
                return await self._do(who, command, needed, rule, sittings[0])
            except Refused as error:
                if error.word not in ELSEWHERE or sittings == choices[-1]:
                    raise
        raise AssertionError("a table always has a sitting")

    async def _papers(self, command: Any, sitting_id: str) -> list[str]:
        """The documents that know what was printed, for a command about that."""
        if isinstance(command, commands.PrintBill):
            return [slips_name(sitting_id)]
        if not isinstance(command, commands.Reprint):
            return []
        name = sitting_name(sitting_id)
        document = self._shelf.newest(name) or (await self.look(name))[name]
        return [slips_name(each) for each in sorted(records_of(document.value))] if document.value else []

    async def _do(
        self, who: "_Person", command: Command, names: list[str], rule: Rule, sitting_id: str = ""
    ) -> dict[str, Any]:
        """Takes its turn, and decides and commits within the store's time-out; raises `Refused` `busy` at once when
        too many others wait for theirs."""
        until = asyncio.get_running_loop().time() + self.store.timeout
        try:
            with self._limits.under_way:
                if not self._turns.at_once(names[0]):
                    await self._turns.wait(names[0], until)
                try:
                    return await self._decide(who, command, names, rule, sitting_id, until)
                finally:
                    self._turns.over(names[0])
        except (StoreAway, TimeoutError) as error:
            raise Refused("store_away") from error

    async def _decide(
        self, who: "_Person", command: Command, names: list[str], rule: Rule, sitting_id: str, until: float
    ) -> dict[str, Any]:
        meant = fingerprint(command)
        known = self._shelf.known()
        seen: dict[str, Document] = {}
        for name in names:
            if (document := known.get(name)) is not None:
                seen[name] = document
        newest = False
        while True:
            try:
                if len(seen) < len(names):
                    raise _NotAtHand
                case = _case(who, seen, names[0], sitting_id)
                decision = rule(case)
                if isinstance(command, commands.Shown) and not _changes(case, decision):
                    return {"op": command.op, "ok": True, "v": self._shelf.s}  # another display was first
            except (Refused, _NotAtHand):
                if newest:
                    raise
                load = partial(self.store.load, names, known, (who.id, command.op))
                loaded = await _until_it_answers(load, until, True)
                if loaded.record:
                    return _repeated(loaded.record, meant)
                self._shelf.put(loaded.documents.values())
                seen, newest = loaded.documents, True
                continue
            commit = self._commit(who, command, meant, case, seen, decision)
            outcome = await _until_it_answers(commit, until, not newest)
            if isinstance(outcome, Record):
                return _repeated(outcome, meant)
            if isinstance(outcome, Committed):
                self._shelf.take(outcome.documents.values(), outcome.s)
                v = case.moment.v if who.guest else outcome.s
                return {"op": command.op, "ok": True, "v": v, **decision.answer}
            self._shelf.put(outcome.documents.values())
            seen, newest = {**seen, **outcome.documents}, True

    def _commit(
        self,
        who: "_Person",
        command: Command,
        meant: str,
        case: Case,
        seen: Mapping[str, Document],
        decision: Decision,
    ) -> Callable[[], Awaitable[Committed | Conflict | Record]]:
        """What commits this decision."""
        changes = _changes(case, decision)
        v = case.moment.v if who.guest else None
        answer = msgspec.json.encode({"op": command.op, "ok": True, "v": v, **decision.answer})
        entry = {
            "who": who.id,
            "op": command.op,
            "at": case.moment.at,
            "in": list(changes),
            "meant": msgspec.Raw(meant.encode()),
            "answer": decision.answer,
        }
        return partial(self.store.commit, who.id, command.op, meant, answer, entry, seen, changes)


def _changes(case: Case, decision: Decision) -> dict[str, Any]:
    changes = {}
    for name, value in decision.values.items():
        if value is not case.values[name]:
            changes[name] = value
    return changes


async def _until_it_answers(ask: Callable[[], Awaitable[T]], until: float | None = None, first: bool = False) -> T:
    """Asks again when the connection fails under it, until the time is over (`until` by the loop's clock, None: the
    caller sees to it): an `op` keeps a commit from happening twice. The `first` question of a command has all the time
    that one answer may take, which the store's connection watches over already."""
    if first:
        try:
            return await ask()
        except StoreAway:
            await asyncio.sleep(TRY_AGAIN)
    async with asyncio.timeout_at(until):
        while True:
            try:
                return await ask()
            except StoreAway:
                await asyncio.sleep(TRY_AGAIN)


class _Person(Value, frozen=True):
    """Who gives a command: the public id of a guest or of a staff account, and what the staff are called."""

    id: str
    name: str = ""
    guest: bool = False


class _NotAtHand(Exception):
    """A document has not been read yet."""


def _case(who: _Person, seen: Mapping[str, Document], main: str, sitting_id: str) -> Case:
    values = {name: document.value for name, document in seen.items()}
    moment = Moment(seen[main].v + 1, now(), who.id, new_id()[:12], who.name)
    return Case(values, verdicts.sitting_of(values, sitting_id), moment)


def _repeated(record: Record, meant: str) -> dict[str, Any]:
    if not same_meaning(record, meant):
        raise Refused("op_reused")
    return _answer(record)


def _answer(record: Record) -> dict[str, Any]:
    """The first answer; the staff's number is the commit's, which was not known when the answer was stored."""
    answer: dict[str, Any] = msgspec.json.decode(record.answer)
    return answer if answer["v"] is not None else {**answer, "v": record.s}
