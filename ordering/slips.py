"""What is to be printed: delivery records by line and printer, and the slips that follow from them.

A queue is not stored. A slip is read off a sitting and its records (a document of their own, `slips:{sitting}`, so
that what a printer does disturbs nobody's order): what is to be made and on no paper is a ticket, and what differs from
its paper is a change. Whoever prints claims the lines first and settles them afterwards; a claim that was never
settled may be on paper, so those lines are printed again as a COPY. A line's records stay in the document of the
sitting it was placed in, wherever the line goes.
"""

from collections.abc import Collection, Mapping
from enum import Enum, StrEnum
from functools import cached_property
from typing import Literal, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from ordering.menu import Menu, Names, Printer
from ordering.refused import Refused
from ordering.sitting import Line, Moment, Sitting, placed
from ordering.state import TO_MAKE, State

BACKUP_AFTER = 15_000  # ms that a printer fails before its backup prints: long enough to change a roll of paper
TRIES_OWN = 2  # prints without a confirmation after which the backup gets the slip at once
TRIES_MOST = 4  # … after which a person must look: nobody wants a ticket printed again and again
BILLS_KEPT = 20  # of a sitting

Kind = Literal["ticket", "change"]
Outcome = Literal["printed", "not_sent", "unknown"]
"""What became of a job: surely on paper, surely not, or perhaps."""


class Why(StrEnum):
    """Why a printer does not print; SLOW: it does, and can't keep up."""

    UNREACHABLE = "unreachable"
    SILENT = "silent"
    OFFLINE = "offline"
    COVER = "cover"
    PAPER = "paper"
    UNCONFIRMED = "unconfirmed"
    SLOW = "slow"


class Going(Enum):
    """What a paper tells the cook to do with a line."""

    MAKE = "make"
    HELD = "held"
    VOID = "void"


class Said(Struct, frozen=True):
    """What a paper says of a line."""

    qty: int
    name: Names
    modifiers: tuple[Names, ...]
    note: str
    table: str
    allergies: tuple[str, ...]
    going: Going


class Delivery(Struct, frozen=True):
    """One line on one printer: `said` is on paper surely, `perhaps` since a job went out that nobody has confirmed.

    `job` is the one that claims it now ("" none), `by` the printer that printed it last if that was the backup, `at`
    when it was claimed or settled last (ms), `tries` how often a print was not confirmed, `again` that somebody wants
    it once more.
    """

    line: str
    printer: str
    said: Said | None = None
    perhaps: Said | None = None
    job: str = ""
    by: str = ""
    at: int = 0
    tries: int = 0
    again: bool = False


class Bill(Struct, frozen=True):
    """A receipt, or what is owed by now, that somebody wants on paper (`at`, ms) from a printer, in a language.

    `closed` says that it is a receipt, `copy` that there was one before; `done` is when it was printed (ms; 0: not
    yet), `job` and `tries` are those of `Delivery`.
    """

    id: str
    printer: str
    lang: str
    at: int
    closed: bool = False
    copy: bool = False
    job: str = ""
    tries: int = 0
    done: int = 0

    @property
    def failed(self) -> bool:
        """Whether it was printed without a confirmation too often."""
        return self.tries + bool(self.job) >= TRIES_MOST


class Slips(Struct, frozen=True, dict=True):
    """The delivery records of the lines that a sitting has placed, and its bills on paper. (`dict=True` gives the
    look-up a place.)"""

    deliveries: tuple[Delivery, ...] = ()
    bills: tuple[Bill, ...] = ()

    @cached_property
    def by_sink(self) -> dict[tuple[str, str], Delivery]:
        """Deliveries by line and printer."""
        return {(each.line, each.printer): each for each in self.deliveries}


class Entry(Struct, frozen=True):
    """A line on a slip: what it says now, what the paper before says (None: nothing), and why it was taken back."""

    line: str
    new: Said
    old: Said | None = None
    reason: str = ""


class Slip(Struct, frozen=True):
    """What goes on one piece of paper of `printer`. `records` is the sitting whose document knows of it, `round` 0 when
    it tells of several, `at` when the (first) round was placed (ms), `tries` how often it was printed without a
    confirmation; `failed`: too often."""

    kind: Kind
    printer: str
    records: str
    sitting: str
    table: str
    station: str
    round: int
    guest: str
    at: int
    copy: bool
    failed: bool
    tries: int
    entries: tuple[Entry, ...]


class Trouble(Struct, frozen=True):
    """Why a printer does not print and since when (ms), how many slips wait for it, and which printer helps out."""

    why: Why
    since: int
    waiting: int = 0
    helper: str = ""


class Printers(Struct, frozen=True):
    """The printers in trouble, by id: a document of the shop (`printers`), written by whoever prints."""

    troubles: dict[str, Trouble] = {}


class Behind(NamedTuple):
    """A printer in trouble, and the one that prints for it, if any."""

    printer: Printer
    trouble: Trouble
    helper: Printer | None


def due(sitting: Sitting, menu: Menu, slips: Mapping[str, Slips], mine: Collection[str]) -> tuple[Slip, ...]:
    """The slips that this sitting's lines still need, oldest first.

    `slips` are the records by sitting (see `records_of`), `mine` the jobs under way: a claim of any other job is of
    somebody who has died.
    """
    found: dict[_Paper, list[Entry]] = {}
    tries: dict[_Paper, int] = {}
    for line in placed(sitting):
        records = line.placed_in or sitting.id
        known = slips[records].by_sink if records in slips else {}
        truth = said(sitting, line)
        for printer in menu.printers:
            if line.station not in printer.stations:
                continue
            record = known.get((line.id, printer.id))
            want = _want(line, truth, record, mine)
            if want is None:
                continue
            number = line.round if want.kind == "ticket" else 0
            paper = _Paper(want.kind, printer.id, records, line.station, number, want.copy, want.failed)
            found.setdefault(paper, []).append(Entry(line.id, truth, want.old, line.reason))
            tries[paper] = max(tries.get(paper, 0), _tries(record))
    made = [_slip(sitting, paper, tuple(entries), tries[paper]) for paper, entries in found.items()]
    return tuple(sorted(made, key=lambda slip: (slip.at, slip.kind, slip.round, slip.station)))


def records_of(sitting: Sitting) -> set[str]:
    """The sittings whose records know of this one's placed lines."""
    return {line.placed_in or sitting.id for line in placed(sitting)}


def said(sitting: Sitting, line: Line) -> Said:
    """What a paper should say of the line now."""
    waits = line.state in (State.HELD, State.ASKED)
    going = Going.HELD if waits else Going.VOID if line.state is State.VOID else Going.MAKE
    modifiers = tuple(choice.name for choice in line.modifiers)
    return Said(line.qty, line.name, modifiers, line.note, sitting.table, line.allergies, going)


def claimed(slips: Slips, slip: Slip, job: str, by: str, at: int) -> Slips:
    """The records once `job` is to print the slip on the printer `by`."""
    known = dict(slips.by_sink)
    helper = by if by != slip.printer else ""
    for entry in slip.entries:
        sink = (entry.line, slip.printer)
        record = known.get(sink, Delivery(*sink))
        known[sink] = replace(record, perhaps=entry.new, job=job, by=helper, at=at, tries=_tries(record))
    return replace(slips, deliveries=tuple(known.values()))


def settled(slips: Slips, job: str, outcome: Outcome, at: int) -> Slips:
    """The records once it is known what became of the job; the same value when none is claimed by it any more."""
    if job not in {each.job for each in slips.deliveries} | {each.job for each in slips.bills}:
        return slips
    after = (_settled(each, outcome, at) if each.job == job else each for each in slips.deliveries)
    bills = (_paid(each, outcome, at) if each.job == job else each for each in slips.bills)
    return Slips(tuple(each for each in after if each.said or each.perhaps), tuple(bills))


def reprint(slips: Slips, lines: Collection[str]) -> Slips:
    """The records with these lines wanted once more, as a COPY, wherever they are on paper already; what was in doubt
    stays so."""

    def wanted(each: Delivery) -> Delivery:
        return replace(each, again=True, tries=min(each.tries, 1)) if each.line in lines else each

    return replace(slips, deliveries=tuple(map(wanted, slips.deliveries)))


def bill_wanted(slips: Slips, menu: Menu, printer: str, lang: str, closed: bool, moment: Moment) -> Slips:
    """The records with a bill to be printed ("" as printer: on the first that prints receipts); once it is `closed`,
    every print but the first is a copy.

    Raises `Refused` `no_such_printer`.
    """
    able = [each.id for each in menu.printers if each.receipts]
    if not able or (printer and printer not in able):
        raise Refused("no_such_printer")
    copy = closed and any(each.closed for each in slips.bills)
    bill = Bill(moment.fresh, printer or able[0], lang, moment.at, closed, copy)
    return replace(slips, bills=(*slips.bills[-BILLS_KEPT:], bill))


def bills_due(slips: Slips, mine: Collection[str]) -> tuple[Bill, ...]:
    """The bills that are not on paper yet, oldest first; one that may be is a copy."""
    return tuple(
        replace(each, copy=each.copy or bool(each.job) or each.tries > 0)
        for each in slips.bills
        if not each.done and each.job not in mine
    )


def bill_claimed(slips: Slips, bill: str, job: str) -> Slips:
    """The records once `job` is to print the bill; a job of somebody who has died counts as a try."""
    return replace(
        slips,
        bills=tuple(
            replace(each, job=job, tries=each.tries + bool(each.job)) if each.id == bill else each
            for each in slips.bills
        ),
    )


def route(slip: Slip | Bill, menu: Menu, printers: Printers, now: int) -> str:
    """The id of the printer that is to print it: its own, or the backup once that has failed for long or has not
    confirmed it several times."""
    own = menu.printer[slip.printer]
    trouble = printers.troubles.get(own.id)
    if not trouble or not own.backup or own.backup in printers.troubles:
        return own.id
    late = now - trouble.since >= BACKUP_AFTER or slip.tries >= TRIES_OWN
    return own.backup if late else own.id


def behind(menu: Menu, printers: Printers, stations: Collection[str] = ()) -> tuple[Behind, ...]:
    """The printers of these stations (none: of all) that don't print what they should, in the menu's order."""
    return tuple(
        Behind(printer, trouble, menu.printer.get(trouble.helper))
        for printer in menu.printers
        if (trouble := printers.troubles.get(printer.id))
        and (not stations or any(each in stations for each in printer.stations))
    )


class _Paper(NamedTuple):
    """What lines must have in common to stand on one slip; `round` is 0 for changes: one slip tells of all rounds."""

    kind: Kind
    printer: str
    records: str
    station: str
    round: int
    copy: bool
    failed: bool


class _Want(NamedTuple):
    """The kind of slip that a line is wanted on, and what its paper says that is not so any more."""

    kind: Kind
    copy: bool = False
    old: Said | None = None
    failed: bool = False


def _want(line: Line, truth: Said, record: Delivery | None, mine: Collection[str]) -> _Want | None:
    """On which kind of slip the line belongs now, if on any."""
    if record is None:
        return _Want("ticket") if line.state in TO_MAKE else None
    if record.job in mine:
        return None
    paper = record.perhaps or record.said
    same = paper == truth
    failed = same and _tries(record) >= TRIES_MOST
    if record.again:
        return _Want("ticket", copy=True, failed=failed)
    if line.state is State.SERVED or (same and record.perhaps is None):
        return None
    if record.said is None and line.state in TO_MAKE:
        # Perhaps no paper tells of it at all: a change alone would not do.
        return _Want("ticket", True, None if same else paper, failed)
    if record.said is None and line.state is State.READY and same:
        return None  # it was made without the paper
    return _Want("change", same, record.said if same else paper, failed)


def _tries(record: Delivery | None) -> int:
    """How often it was printed without a confirmation; the job of somebody who has died is one."""
    return record.tries + bool(record.job) if record else 0


def _settled(record: Delivery, outcome: Outcome, at: int) -> Delivery:
    match outcome:
        case "printed":
            return replace(record, said=record.perhaps, perhaps=None, job="", at=at, tries=0, again=False)
        case "not_sent":
            return replace(record, perhaps=record.perhaps if record.tries else None, job="", at=at)
        case "unknown":
            return replace(record, job="", at=at, tries=record.tries + 1)


def _paid(bill: Bill, outcome: Outcome, at: int) -> Bill:
    match outcome:
        case "printed":
            return replace(bill, job="", done=at)
        case "not_sent":
            return replace(bill, job="")
        case "unknown":
            return replace(bill, job="", tries=bill.tries + 1)


def _slip(sitting: Sitting, paper: _Paper, entries: tuple[Entry, ...], tries: int) -> Slip:
    of = {line.id: line.round for line in sitting.lines}
    numbers = sorted({of[entry.line] for entry in entries})
    first = sitting.rounds[numbers[0] - 1]
    one = len(numbers) == 1
    return Slip(
        kind=paper.kind,
        printer=paper.printer,
        records=paper.records,
        sitting=sitting.id,
        table=sitting.table,
        station=paper.station,
        round=first.number if one else 0,
        guest=next((guest.name for guest in sitting.guests if guest.id == first.guest and one), ""),
        at=first.at,
        copy=paper.copy,
        failed=paper.failed,
        tries=tries,
        entries=entries,
    )
