"""Which rule decides which command, and which documents it needs.

Pure: a case is what is known, a decision is what it becomes. The desk reads the one and commits the other.
"""

import secrets
from collections.abc import Callable, Mapping
from typing import Any

from ordering import bill, commands, firewall, guests, kitchen, parties, payments, sitting, staff
from ordering import floor as floors
from ordering import load as loads
from ordering import stock as stocks
from ordering.commands import Command
from ordering.documents import FLOOR, LOAD, MENU, PACE, STAFF, STOCK, sitting_name, slips_name
from ordering.floor import CODE_LENGTH, CODE_LETTERS, Floor
from ordering.load import Load
from ordering.menu import NAME_LONGEST, Menu, Printer, Terms, find, with_printer, without_printer
from ordering.pace import Pace
from ordering.refused import Refused
from ordering.sitting import Moment, Sitting
from ordering.slips import Slips, bill_wanted, records_of, reprint
from ordering.staff import Staff
from ordering.state import State
from ordering.values import Value

_NO_STOCK, _NO_PACE, _NO_LOAD = stocks.Stock(), Pace(), Load()  # for documents that do not exist yet


class Case(Value, frozen=True):
    """What a rule decides on: values by name (None: does not exist yet), and the moment."""

    values: Mapping[str, Any]
    sitting: Sitting
    moment: Moment


class Decision(Value, frozen=True):
    """The documents afterwards, by name, and what the answer says besides `ok`."""

    values: dict[str, Any]
    answer: dict[str, Any]


Choices = tuple[tuple[str, ...], ...]


def also(command: Command) -> tuple[str, ...]:
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
    commands.PrintBill: (MENU,),
    commands.Decline: (STOCK,),
    commands.PlaceFor: (MENU, STOCK, PACE),
    commands.FireFor: (PACE,),
    commands.Approve: (PACE,),
}


def choices_of(floor: Floor, command: Any) -> Choices:
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
        case commands.PrintBill(sitting=left) if left:
            if left not in (present, *floors.closed_sittings(floor, command.table)):
                raise Refused("no_such_bill")
            return ((left,),)
        case commands.Serve(party=party) if party in floors.sittings_at(floor, command.table):
            return ((party,),)
        case commands.Recall():
            at = (*floors.sittings_at(floor, command.table), *floors.closed_sittings(floor, command.table))
            return tuple((each,) for each in dict.fromkeys(at))
        case _ if isinstance(command, _OF_ONE_BEFORE):
            return tuple((each,) for each in floors.sittings_at(floor, command.table))
        case _:
            return ((present,),)


_OF_ONE_BEFORE = (
    commands.Advance,
    commands.Undo,
    commands.Shown,
    commands.Acknowledge,
    commands.Rush,
    commands.Serve,
    commands.Void,
    commands.Refund,
    commands.Reprint,
)
"""Commands that may be about a party which has left while its food, or its money, is still seen to."""


def sitting_of(values: Mapping[str, Any], sitting_id: str) -> Sitting:
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


def diner(command: commands.Diner, name: str, case: Case) -> Decision:
    """Which rule decides a guest's command; `name` is the name of the sitting's document."""
    mine, moment = case.sitting, case.moment
    menu, stock, pace = case.values[MENU], case.values[STOCK] or _NO_STOCK, case.values.get(PACE) or _NO_PACE
    load = case.values[LOAD] or _NO_LOAD
    ordering = menu.shop.ordering
    if isinstance(command, commands.Enter):
        after, let_in = firewall.enter(mine, command.pin, moment)
        return Decision({name: after}, {"let_in": let_in})
    table, calling = (case.values[FLOOR] or Floor()).by_id.get(mine.table), isinstance(command, commands.CallStaff)
    firewall.must_be_let_in(mine, table, ordering, moment.who, calling)
    if plain := _PLAIN.get(type(command)):
        return Decision({name: plain(mine, command, moment)}, {})
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
            return Decision({name: sitting.fire(mine, pace, command, moment)}, {})
        case commands.Allergies():
            return Decision({name: guests.avoid(mine, menu, command, moment)}, {})
    raise LookupError(f"no rule decides {command!r}")


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


def availability(command: commands.SoldOut | commands.Count, case: Case) -> Decision:
    """Which rule decides a command about what can be had."""
    find(case.values[MENU], command.item)
    stock = case.values[STOCK] or stocks.Stock()
    if isinstance(command, commands.SoldOut):
        return Decision({STOCK: stocks.mark(stock, command.item, command.on)}, {})
    return Decision({STOCK: stocks.count(stock, command.item, command.count)}, {})


def accounts(command: commands.Manage, case: Case, password: str, pin: str) -> Staff:
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


def printers(command: commands.PrinterSave | commands.PrinterRemove, case: Case) -> Decision:
    """Which rule decides a command about the printers of the house."""
    menu: Menu = case.values[MENU]
    if isinstance(command, commands.PrinterRemove):
        without = without_printer(menu, command.printer)
        return Decision({MENU: without}, {"removed": menu.printer[command.printer].name})  # the record keeps the name
    before = menu.printer.get(command.printer)
    if command.printer and before is None:
        raise Refused("no_such_printer")
    name = sitting.plain(command.name, NAME_LONGEST)
    made = Printer(
        id=command.printer or f"p{case.moment.fresh}",
        name=before.name if before and name in before.name.values() else {menu.shop.languages[0]: name},
        host=command.host.strip(),
        port=command.port,
        columns=command.columns,
        stations=command.stations,
        receipts=command.receipts,
        backup=command.backup,
        charset=command.charset,
    )
    return Decision({MENU: with_printer(menu, made)}, {"printer": made.id})


def set_load(command: commands.SetLoad, case: Case) -> Decision:
    """The kitchen says how much it can take."""
    pace = case.values[PACE] or Pace()
    return Decision({LOAD: loads.chosen(command.level, pace, case.moment.name, case.moment.at)}, {})


def table(command: Any, case: Case, sittings: tuple[str, ...]) -> Decision:
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
            after, rest = firewall.declined(mine, stock, command.round, command.reason, moment)
            return Decision({name: after, STOCK: case.values[STOCK] if rest is stock else rest}, {})
        case commands.Freeze():
            return Decision({FLOOR: firewall.frozen(floor, command.table, command.on)}, {})
        case commands.Recode():
            return Decision({FLOOR: firewall.recoded(floor, command.table, new_code())}, {})
        case commands.Own():
            return Decision({FLOOR: firewall.owned(floor, command.table, moment.who if command.on else "")}, {})
        case commands.PrintBill():
            return Decision(_bill_printed(command, case, mine), {})
        case commands.Reprint():
            return Decision(_reprinted(case, command.ticket), {})
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


def _bill_printed(command: commands.PrintBill, case: Case, mine: Sitting) -> dict[str, Any]:
    """The document with a bill wanted on paper."""
    menu: Menu = case.values[MENU]
    name, languages = slips_name(mine.id), menu.shop.languages
    lang = command.lang if command.lang in languages else languages[0]
    slips = case.values[name] or Slips()
    return {name: bill_wanted(slips, menu, command.printer, lang, bool(mine.closed), case.moment)}


def _reprinted(case: Case, ticket: str) -> dict[str, Any]:
    """The documents with the papers of a ticket wanted once more."""
    wanted = {line.id for line in kitchen.ticket_lines(case.sitting, ticket)}
    papers = [slips_name(each) for each in sorted(records_of(case.sitting))]
    if not set(papers) <= case.values.keys():
        raise Refused("look_again")
    known = {name: case.values[name] for name in papers if case.values[name]}
    after = {name: reprint(slips, wanted) for name, slips in known.items()}
    if after == known:
        raise Refused("nothing_printed")
    return after


def _parties(command: Any, case: Case, sittings: tuple[str, ...]) -> Decision:
    """Which rule decides a command about two sittings."""
    floor, moment, mine = case.values[FLOOR], case.moment, case.sitting
    other = sitting_of(case.values, sittings[1])
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
