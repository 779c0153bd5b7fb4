"""The desk: every command, from whichever door, is judged by the rules here and committed, once.

What is at hand may be old, so a command is first decided on it and the store's script has the last word: if a
document has moved on, it is decided again on the newest; and nothing is refused before the newest has been looked at.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from typing import Any, NamedTuple, TypeVar
from weakref import WeakValueDictionary

import msgspec

from ordering import bill, commands, firewall, guests, kitchen, parties, payments, sitting, staff
from ordering import floor as floors
from ordering import load as loads
from ordering import stock as stocks
from ordering.clock import now
from ordering.commands import Command, fingerprint
from ordering.documents import FLOOR, LOAD, MENU, PACE, STAFF, STOCK, near_name, sitting_name
from ordering.floor import CODE_LENGTH, CODE_LETTERS, Floor, Table
from ordering.load import Load
from ordering.menu import Menu, Terms, find
from ordering.near import SIGN_LASTS
from ordering.pace import Pace
from ordering.refused import Refused
from ordering.shelf import Shelf
from ordering.sitting import Moment, Sitting
from ordering.staff import Account, Staff
from ordering.state import State
from ordering.store import Committed, Conflict, Document, Loaded, Record, Store, StoreAway, same_meaning

ELSEWHERE = ("no_such_line", "no_such_ticket", "no_such_payment")  # what the party before may have
TRY_AGAIN = 0.05  # seconds before a commit is sent again after the connection failed under it
FILES_AT_HAND = 400  # pictures that are kept in memory: about 10 MB


class Case(NamedTuple):
    """What a rule decides on: values by name (None: does not exist yet), and the moment."""

    values: Mapping[str, Any]
    sitting: Sitting
    moment: Moment


class Decision(NamedTuple):
    """The documents afterwards, by name, and what the answer says besides `ok`."""

    values: dict[str, Any]
    answer: dict[str, Any]


Rule = Callable[[Case], Decision]
T = TypeVar("T")


class Desk:
    """Takes commands and reads documents for one shop."""

    def __init__(self, store: Store, shelf: Shelf) -> None:
        self.store = store
        self._shelf = shelf
        self._files: dict[str, bytes] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

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

    async def answer_to(self, who: str, op: str) -> dict[str, Any]:
        """The first answer to an op that took effect; raises `Refused` `no_such_op`."""
        try:
            loaded = await self.store.load((), op=(who, op))
        except StoreAway as error:
            raise Refused("store_away") from error
        if loaded.record is None:
            raise Refused("no_such_op")
        return _answer(loaded.record)

    async def guest(self, who: str, sitting_id: str, command: commands.Diner) -> dict[str, Any]:
        """A guest's command on the sitting that the guest belongs to."""
        name = sitting_name(sitting_id)

        def rule(case: Case) -> Decision:
            return _diner(command, case, name)

        names = [name, MENU, STOCK, FLOOR, LOAD]
        if isinstance(command, commands.Place | commands.Fire):
            names.append(PACE)
        return await self._do(_Person(who), command, names, rule, sitting_id)

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
            return await self._do(who, command, [STOCK, MENU], lambda case: _stock(command, case))
        if isinstance(command, commands.SetLoad):
            return await self._do(who, command, [LOAD, PACE], lambda case: _load(command, case))
        floor = self._shelf.newest(FLOOR)
        if floor is None or floor.value is None or command.table not in floor.value.by_id:
            floor = (await self.look(FLOOR))[FLOOR]
        while True:
            choices = _choices(floor.value or Floor(), command)
            try:
                return await self._at_one_of(who, command, choices)
            except Refused:
                newer = (await self.look(FLOOR))[FLOOR]
                if _choices(newer.value or Floor(), command) == choices:
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
        seen = await self.look(FLOOR, PACE, LOAD, MENU)
        menu: Menu | None = seen[MENU].value
        if menu is None:
            return False
        names = [sitting_name(id) for id in floors.open_sittings(seen[FLOOR].value or Floor())]
        found = (await self.look(*names)).values()
        tickets = kitchen.tickets(each.value for each in found if each.value is not None)
        open_now = sum(not ticket.waits for ticket in tickets)
        pace, load, capacity = seen[PACE].value or Pace(), seen[LOAD].value or Load(), menu.shop.capacity
        at = now()
        after = loads.followed(load, loads.pressure(open_now, pace, capacity), pace, capacity, at)
        if after is load:
            return False
        entry = {"who": "kitchen", "at": at, "in": [LOAD]}
        try:
            outcome = await self.store.commit(
                "kitchen", secrets.token_hex(8), "follow", b"{}", entry, {LOAD: seen[LOAD]}, {LOAD: after}
            )
        except StoreAway as error:
            raise Refused("store_away") from error
        if isinstance(outcome, Committed):
            self._shelf.take(outcome.documents.values(), outcome.s)
        return isinstance(outcome, Committed)

    async def manage(
        self, account: Account, command: commands.Manage, password: str = "", pin: str = ""
    ) -> dict[str, Any]:
        """A manager's command; `password` and `pin` are hashes."""

        def rule(case: Case) -> Decision:
            if isinstance(command, commands.Arrange):
                floor = case.values[FLOOR] or Floor()
                return Decision({FLOOR: floors.arranged(floor, command.table, command.x, command.y)}, {})
            return Decision({STAFF: _manage(command, case, password, pin)}, {})

        name = FLOOR if isinstance(command, commands.Arrange) else STAFF
        return await self._do(_Person(account.id, account.name), command, [name], rule)

    async def tried(self, account: Account, right: bool, pin: bool) -> None:
        """Somebody gave this account's password or PIN: it stands in the log, and wrong PINs are counted."""
        kind = commands.LogIn if right else commands.WrongSecret
        command = kind(secrets.token_hex(8), "pin" if pin else "password")

        def rule(case: Case) -> Decision:
            known = case.values[STAFF]
            return Decision({STAFF: staff.tried(known, account.id, right, case.moment) if pin else known}, {})

        await self._do(_Person(account.id, account.name), command, [STAFF], rule)

    async def left(self, account: Account) -> None:
        """Somebody has left a device."""
        command = commands.LogOut(secrets.token_hex(8))

        def rule(case: Case) -> Decision:
            return Decision({STAFF: case.values[STAFF]}, {})

        await self._do(_Person(account.id, account.name), command, [STAFF], rule)

    async def _at_one_of(self, who: "_Person", command: Any, choices: "_Choices") -> dict[str, Any]:
        """A ticket or line may be of the present party, or of one before whose dishes are still being made."""
        for sittings in choices:
            names = [sitting_name(each) for each in sittings]

            def rule(case: Case, sittings: tuple[str, ...] = sittings) -> Decision:
                return _staff(command, case, sittings)

            try:
                return await self._do(who, command, [*names, FLOOR, *_also(command)], rule, sittings[0])
            except Refused as error:
                if error.word not in ELSEWHERE or sittings == choices[-1]:
                    raise
        raise AssertionError("a table always has a sitting")

    async def _do(
        self, who: "_Person", command: Command, names: list[str], rule: Rule, sitting_id: str = ""
    ) -> dict[str, Any]:
        """Takes its turn, and decides and commits within the store's time-out."""
        turn = self._turns.setdefault(names[0], asyncio.Lock())
        try:
            async with asyncio.timeout(self.store.timeout), turn:
                return await self._decide(who, command, names, rule, sitting_id)
        except (StoreAway, TimeoutError) as error:
            raise Refused("store_away") from error

    async def _decide(
        self, who: "_Person", command: Command, names: list[str], rule: Rule, sitting_id: str
    ) -> dict[str, Any]:
        meant = fingerprint(command)
        seen = {name: document for name in names if (document := self._shelf.newest(name))}
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
                loaded = await _until_it_answers(
                    lambda: self.store.load(names, known=self._shelf.known(), op=(who.id, command.op))
                )
                if loaded.record:
                    return _repeated(loaded.record, meant)
                self._shelf.put(loaded.documents.values())
                seen, newest = loaded.documents, True
                continue
            outcome = await self._commit(who, command, meant, case, seen, decision)
            if isinstance(outcome, Record):
                return _repeated(outcome, meant)
            if isinstance(outcome, Committed):
                self._shelf.take(outcome.documents.values(), outcome.s)
                v = case.moment.v if _by_guest(command) else outcome.s
                return {"op": command.op, "ok": True, "v": v, **decision.answer}
            self._shelf.put(outcome.documents.values())
            seen, newest = {**seen, **outcome.documents}, True

    async def _commit(
        self,
        who: "_Person",
        command: Command,
        meant: str,
        case: Case,
        seen: Mapping[str, Document],
        decision: Decision,
    ) -> Committed | Conflict | Record:
        changes = _changes(case, decision)
        v = case.moment.v if _by_guest(command) else None
        answer = msgspec.json.encode({"op": command.op, "ok": True, "v": v, **decision.answer})
        entry = {"who": who.id, "at": case.moment.at, "in": list(changes), "meant": msgspec.Raw(meant.encode())}
        return await _until_it_answers(
            lambda: self.store.commit(who.id, command.op, meant, answer, entry, seen, changes)
        )


def _changes(case: Case, decision: Decision) -> dict[str, Any]:
    return {name: value for name, value in decision.values.items() if value is not case.values[name]}


async def _until_it_answers(ask: Callable[[], Awaitable[T]]) -> T:
    """Asks again when the connection fails under it, until the caller's time is over: an `op` keeps a commit from
    happening twice."""
    while True:
        try:
            return await ask()
        except StoreAway:
            await asyncio.sleep(TRY_AGAIN)


class _Person(NamedTuple):
    """Who gives a command: the public id of a guest or of a staff account, and what the staff are called."""

    id: str
    name: str = ""


class _NotAtHand(Exception):
    """A document has not been read yet."""


def _by_guest(command: Command) -> bool:
    return isinstance(command, commands.Diner)


def _also(command: Command) -> tuple[str, ...]:
    """Which documents else a command about a table touches: what a station took, or on which terms a bill is made."""
    if isinstance(command, commands.Advance):
        return (PACE,) if command.to != State.COOKING.value else ()
    return _ALSO.get(type(command), ())


_ALSO: dict[type[Command], tuple[str, ...]] = {
    **dict.fromkeys(
        (
            commands.Close,
            commands.Part,
            commands.Void,
            commands.Comp,
            commands.Discount,
            commands.Pay,
            commands.Refund,
        ),
        (MENU,),
    ),
    commands.AddFor: (MENU, STOCK),
    commands.PlaceFor: (MENU, STOCK, PACE),
    commands.FireFor: (PACE,),
    commands.Approve: (PACE,),
}

_OF_ONE_BEFORE = (
    commands.Advance,
    commands.Recall,
    commands.Undo,
    commands.Shown,
    commands.Acknowledge,
    commands.Rush,
    commands.Serve,
    commands.Void,
    commands.Refund,
)
"""Commands that may be about a party which has left while its food, or its money, is still seen to."""

_Choices = tuple[tuple[str, ...], ...]


def _choices(floor: Floor, command: Any) -> _Choices:
    """The sittings that a command about a table may mean, one or two at a time; the first is the one it is about."""
    present = floors.table_of(floor, command.table).sitting
    if isinstance(command, commands.Move | commands.Merge | commands.Part) and command.to == command.table:
        raise Refused("same_table")
    match command:
        case commands.Move() | commands.Part():
            return ((present, floors.table_of(floor, command.to).sitting),)
        case commands.Merge():
            return ((floors.table_of(floor, command.to).sitting, present),)
        case commands.Reopen():
            return ((command.sitting, present),)
        case commands.Serve(party=party) if party in floors.sittings_at(floor, command.table):
            return ((party,),)
        case _ if isinstance(command, _OF_ONE_BEFORE):
            return tuple((each,) for each in floors.sittings_at(floor, command.table))
        case _:
            return ((present,),)


def _case(who: _Person, seen: Mapping[str, Document], main: str, sitting_id: str) -> Case:
    values = {name: document.value for name, document in seen.items()}
    moment = Moment(v=seen[main].v + 1, at=now(), who=who.id, fresh=secrets.token_hex(6), name=who.name)
    return Case(values, _sitting(values, sitting_id), moment)


def _sitting(values: Mapping[str, Any], sitting_id: str) -> Sitting:
    """The sitting that the command is about; one that does not exist yet must be the one its table waits with."""
    if not sitting_id:
        return Sitting("", "")
    found: Sitting | None = values[sitting_name(sitting_id)]
    if found is not None:
        return found
    floor: Floor = values[FLOOR] or Floor()
    table = next((table for table in floor.tables if table.sitting == sitting_id), None)
    if table is None:
        raise Refused("sitting_closed")
    return Sitting(sitting_id, table.id)


def _diner(command: commands.Diner, case: Case, name: str) -> Decision:
    """Which rule decides a guest's command."""
    mine, moment = case.sitting, case.moment
    menu, stock, pace = case.values[MENU], case.values[STOCK] or stocks.Stock(), case.values.get(PACE) or Pace()
    load = case.values[LOAD] or Load()
    ordering = menu.shop.ordering
    if isinstance(command, commands.Enter):
        after, let_in = firewall.enter(mine, command.pin, moment)
        return Decision({name: after}, {"let_in": let_in})
    table, calling = (case.values[FLOOR] or Floor()).by_id.get(mine.table), isinstance(command, commands.CallStaff)
    firewall.must_be_let_in(mine, table, ordering, moment.who, calling)
    match command:
        case commands.Add():
            loads.must_be_quick(load, find(menu, command.item))
            after, line = sitting.add(mine, menu, stock, command, moment)
            return Decision({name: after}, {"line": line})
        case commands.Again():
            after, lines = sitting.again(mine, menu, stock, command, moment)
            for each in lines:
                loads.must_be_quick(load, find(menu, sitting.line_of(after, each).item))
            return Decision({name: after}, {"lines": lines})
        case commands.Place():
            loads.must_take(load)
            after, rest = sitting.place(mine, menu, stock, pace, command, moment)
            after = firewall.checked(after, menu.shop, moment)
            return Decision({name: after, STOCK: rest}, {"round": len(after.rounds)})
        case commands.Fire():
            after = sitting.fire(mine, pace, command, moment)
        case commands.Allergies():
            after = guests.avoid(mine, menu, command, moment)
        case _:
            after = _PLAIN[type(command)](mine, command, moment)
    return Decision({name: after}, {})


_PLAIN: dict[type[Command], Callable[[Sitting, Any, Moment], Sitting]] = {
    commands.Change: sitting.change,
    commands.Note: sitting.note,
    commands.Restore: sitting.restore,
    commands.Share: sitting.share,
    commands.Hold: sitting.hold,
    commands.CallStaff: guests.call,
    commands.Name: guests.name,
    commands.Colour: guests.colour,
    commands.SplitBill: bill.split,
    commands.Claim: bill.claim,
    commands.Tip: bill.tip,
}
"""The guests' commands that need nothing but the sitting."""


def _stock(command: commands.SoldOut | commands.Count, case: Case) -> Decision:
    """Which rule decides a command about what can be had."""
    find(case.values[MENU], command.item)
    stock = case.values[STOCK] or stocks.Stock()
    if isinstance(command, commands.SoldOut):
        return Decision({STOCK: stocks.mark(stock, command.item, command.on)}, {})
    return Decision({STOCK: stocks.count(stock, command.item, command.count)}, {})


def _manage(command: commands.Manage, case: Case, password: str, pin: str) -> Staff:
    """Which rule decides a manager's command."""
    known, moment = case.values[STAFF], case.moment
    match command:
        case commands.AccountAdd():
            return staff.add(known, command.name, command.role, password, pin, moment)
        case commands.AccountChange():
            return staff.change(known, command.account, command.name, command.role, command.active, moment)
        case commands.AccountSecrets():
            return staff.secrets(known, command.account, password, pin, moment)
        case commands.ForgetDevices():
            return staff.forget_devices(known, moment)
        case _:
            raise AssertionError(f"no rule for {command!r}")


def _load(command: commands.SetLoad, case: Case) -> Decision:
    """The kitchen says how much it can take."""
    pace = case.values[PACE] or Pace()
    return Decision({LOAD: loads.chosen(command.level, pace, case.moment.name, case.moment.at)}, {})


def _staff(command: Any, case: Case, sittings: tuple[str, ...]) -> Decision:
    """Which rule decides a command about a table."""
    if len(sittings) > 1:
        return _parties(command, case, sittings)
    floor, moment, mine, name = case.values[FLOOR], case.moment, case.sitting, sitting_name(sittings[0])
    menu, stock = case.values.get(MENU), case.values.get(STOCK) or stocks.Stock()
    terms, pace = menu.shop.terms if menu else Terms(), case.values.get(PACE) or Pace()
    match command:
        case commands.Open():
            return Decision({name: sitting.opened(mine, moment)}, {})
        case commands.Close():
            code = new_code() if menu and menu.shop.ordering.codes == "sitting" else ""
            freed, closed = floors.close(floor, mine, terms, moment, code)
            return Decision({name: closed, FLOOR: freed}, {})
        case commands.AddFor():
            after, line = sitting.add_for(mine, case.values[MENU], stock, command, moment)
            return Decision({name: after}, {"line": line})
        case commands.PlaceFor():
            after, rest = sitting.place_for(mine, case.values[MENU], stock, pace, command, moment)
            return Decision({name: after, STOCK: rest}, {"round": len(after.rounds)})
        case commands.FireFor():
            return Decision({name: sitting.fire(mine, pace, command, moment)}, {})
        case commands.HoldFor():
            return Decision({name: sitting.hold_for(mine, command.line, moment)}, {})
        case commands.Approve():
            return Decision({name: firewall.approved(mine, command.round, pace, moment)}, {})
        case commands.Decline():
            return Decision({name: firewall.declined(mine, command.round, command.reason, moment)}, {})
        case commands.Freeze():
            return Decision({FLOOR: firewall.frozen(floor, command.table, command.on)}, {})
        case commands.Recode():
            return Decision({FLOOR: firewall.recoded(floor, command.table, new_code())}, {})
        case commands.Own():
            return Decision({FLOOR: firewall.owned(floor, command.table, moment.who if command.on else "")}, {})
        case commands.Clear():
            return Decision({name: guests.cleared(mine, command.call)}, {})
        case commands.Take():
            return Decision({name: guests.taken(mine, command.call, moment)}, {})
        case commands.Pay() | commands.Refund() | commands.Comp() | commands.Discount():
            return Decision({name: _MONEY[type(command)](mine, terms, command, moment)}, {})
        case commands.Advance(line="") as advance:
            after = kitchen.advance_ticket(mine, advance.ticket, State(advance.to), moment)
        case commands.Advance() as advance:
            after = kitchen.advance_line(mine, advance.line, State(advance.to), moment)
        case commands.Undo():
            after = kitchen.undo(mine, command.back, moment)
        case commands.Shown():
            after = kitchen.shown(mine, command.ticket, command.looked, moment)
        case commands.Acknowledge():
            after = kitchen.acknowledge(mine, command.ticket, command.seen, moment)
        case commands.Rush():
            after = kitchen.rush(mine, command.ticket, command.on, moment)
        case commands.Serve():
            after = kitchen.serve(mine, moment)
        case commands.Recall(line=""):
            after = kitchen.recall_ticket(mine, command.ticket, moment)
        case commands.Recall():
            after = kitchen.recall_line(mine, command.line, moment)
        case commands.Void():
            after = payments.covered(kitchen.void(mine, command.line, command.reason, moment), mine.terms or terms)
        case _:
            raise AssertionError(f"no rule for {command!r}")
    changed = {name: after, FLOOR: floors.departed(floor, after)}
    if PACE in case.values:
        before = case.values[PACE]
        pace = kitchen.paced(before or Pace(), mine, after)
        changed[PACE] = before if pace == Pace() else pace
    return Decision(changed, {})


_MONEY: dict[type[Command], Callable[[Sitting, Terms, Any, Moment], Sitting]] = {
    commands.Pay: payments.pay,
    commands.Refund: payments.refund,
    commands.Comp: payments.comp,
    commands.Discount: payments.discount,
}
"""The staff's commands about money."""


def _parties(command: Any, case: Case, sittings: tuple[str, ...]) -> Decision:
    """Which rule decides a command about two sittings."""
    floor, moment, mine = case.values[FLOOR], case.moment, case.sitting
    other = _sitting(case.values, sittings[1])
    names = [sitting_name(each) for each in sittings]
    match command:
        case commands.Move():
            done = parties.move(floor, mine, other, command.to, moment)
        case commands.Merge():
            done = parties.merge(floor, other, mine, command.to, moment)
            names.reverse()
        case commands.Part():
            terms = case.values[MENU].shop.terms
            done = parties.part(floor, mine, other, command.to, command.lines, command.guests, terms, moment)
        case commands.Reopen():
            freed, after = parties.reopen(floor, mine, other, command.reason, moment)
            return Decision({names[0]: after, FLOOR: freed}, {})
        case _:
            raise AssertionError(f"no rule for {command!r}")
    return Decision({names[0]: done.sitting, names[1]: done.other, FLOOR: done.floor}, {})


def new_code() -> str:
    """A table's code."""
    return "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))


def _repeated(record: Record, meant: str) -> dict[str, Any]:
    if not same_meaning(record, meant):
        raise Refused("op_reused")
    return _answer(record)


def _answer(record: Record) -> dict[str, Any]:
    """The first answer; the staff's number is the commit's, which was not known when the answer was stored."""
    answer: dict[str, Any] = msgspec.json.decode(record.answer)
    return answer if answer["v"] is not None else {**answer, "v": record.s}
