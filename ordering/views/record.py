"""The shop's log in words: who did what, when and why."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgspec

from ordering.documents import SITTING
from ordering.floor import Floor
from ordering.menu import Menu, Shop
from ordering.sitting import Sitting
from ordering.staff import Staff
from ordering.views.receipt import METHODS
from ordering.views.text import Text


def N_(sentence: str) -> str:
    """Marks a sentence for the translators' catalogue."""
    return sentence


ACTS: dict[str, str] = {
    "founding": N_("opened the shop"),
    "log_in": N_("logged in (%(by)s)"),
    "log_in_wrong": N_("gave a wrong password or PIN"),
    "log_out": N_("left the device"),
    "account_add": N_("added the account %(name)s (%(role)s)"),
    "account_change": N_("changed the account %(account)s: %(name)s, %(role)s, active"),
    "account_secrets": N_("gave %(account)s another password or PIN"),
    "forget_devices": N_("let every device forget who may use a PIN"),
    "open": N_("opened table %(table)s"),
    "close": N_("closed the bill of table %(table)s"),
    "reopen": N_("opened a bill of table %(table)s again"),
    "move": N_("moved table %(table)s to %(to)s"),
    "merge": N_("joined table %(table)s with %(to)s"),
    "part": N_("parted table %(table)s: some to %(to)s"),
    "take": N_("went to table %(table)s"),
    "clear": N_("answered a call of table %(table)s"),
    "add": N_("added %(item)s ×%(qty)s %(at)s"),
    "change": N_("changed the portions of %(line)s by %(by)s"),
    "place": N_("sent the order to the kitchen %(at)s"),
    "hold": N_("put %(line)s on hold %(at)s"),
    "fire": N_("fired %(line)s %(at)s"),
    "advance": N_("%(line)s of table %(table)s: %(to)s"),
    "recall": N_("called back %(line)s of table %(table)s"),
    "undo": N_("undid a step at table %(table)s"),
    "shown": N_("saw a ticket of table %(table)s"),
    "acknowledge": N_("acknowledged a ticket of table %(table)s"),
    "rush": N_("let a ticket of table %(table)s go first"),
    "serve": N_("carried what was ready to table %(table)s"),
    "sold_out": N_("%(item)s: sold out"),
    "stock": N_("counted %(item)s: %(count)s"),
    "load": N_("set the kitchen's load: %(level)s"),
    "void": N_("took %(line)s back at table %(table)s"),
    "approve": N_("let round %(round)s %(at)s go to the kitchen"),
    "decline": N_("turned round %(round)s %(at)s down"),
    "freeze": N_("stopped the phones %(at)s"),
    "recode": N_("gave table %(table)s another code"),
    "own": N_("looks after table %(table)s"),
    "enter": N_("entered the table's PIN"),
    "arrange": N_("moved table %(table)s on the plan"),
    "print": N_("printed the bill of table %(table)s"),
    "reprint": N_("printed a ticket of table %(table)s again"),
    "printer_save": N_("set the printer %(name)s up: %(host)s"),
    "printer_remove": N_("removed the printer %(printer)s"),
    "comp": N_("gave %(line)s free at table %(table)s"),
    "discount": N_("took %(off)s off %(line)s at table %(table)s"),
    "pay": N_("took %(amount)s at table %(table)s (%(method)s), tip %(tip)s"),
    "refund": N_("gave %(amount)s back at table %(table)s"),
    "note": N_("left a note on %(line)s"),
    "restore": N_("put %(line)s back"),
    "share": N_("changed who shares %(line)s"),
    "again": N_("ordered something again"),
    "call": N_("called the staff: %(for)s"),
    "name": N_("is called %(name)s"),
    "colour": N_("took another colour"),
    "allergies": N_("told what to avoid"),
    "split": N_("changed how the bill is shared"),
    "claim": N_("claimed %(line)s"),
    "tip": N_("tips %(percent)s %%"),
}
"""A sentence for each command; its fields are those of the command."""

NOT: dict[str, str] = {
    "account_change": N_("changed the account %(account)s: %(name)s, %(role)s, not active"),
    "claim": N_("does not claim %(line)s any more"),
    "discount": N_("took nothing off %(line)s at table %(table)s any more"),
    "freeze": N_("let the phones order again %(at)s"),
    "hold": N_("put %(line)s with the rest %(at)s"),
    "own": N_("looks after table %(table)s no longer"),
    "pay": N_("took %(amount)s at table %(table)s (%(method)s)"),
    "printer_remove": N_("removed a printer"),
    "rush": N_("let a ticket of table %(table)s take its turn again"),
    "sold_out": N_("%(item)s: to be had again"),
    "stock": N_("stopped counting %(item)s"),
}
"""The sentence where a command takes back what it does otherwise, or a part of it is not there or not known."""

WORDS: dict[str, dict[str, str]] = {
    "by": {"password": N_("password"), "pin": N_("PIN")},
    "for": {
        "waiter": N_("a waiter"),
        "water": N_("water"),
        "cutlery": N_("cutlery"),
        "help": N_("help"),
        "bill": N_("the bill"),
    },
    "level": {
        "auto": N_("as the tickets are"),
        "calm": N_("As usual"),
        "busy": N_("Busy"),
        "slow": N_("No slow dishes"),
        "paused": N_("Orders paused"),
    },
    "method": METHODS,
    "role": {"kitchen": N_("Kitchen"), "waiter": N_("Waiter"), "manager": N_("Manager")},
}
"""What a command's fixed words are called, by its field."""


class Wanted(NamedTuple):
    """Which entries: of a person (an account's id), of a day, of a table (its id: the guests' acts, too), before a
    number."""

    person: str = ""
    day: date | None = None
    table: str = ""
    before: int = 0

    def fits(self, entry: Mapping[str, Any], staff: Staff, floor: Floor, shop: Shop) -> bool:
        """Whether the entry is one of those."""
        if self.person and entry["who"] != self.person:
            return False
        if self.day and _when(entry, shop).date() != self.day:
            return False
        meant = meaning(entry)
        if self.table:
            table = floor.by_id.get(self.table)
            here = table is not None and table.sitting in sittings_of(entry)
            return here or self.table in (meant.get("table"), meant.get("to"))
        ours = entry["who"] == "founding" or any(each.id == entry["who"] for each in staff.accounts)
        return ours and meant.get("do") != "shown"


class Entry(NamedTuple):
    """An entry in words."""

    number: int
    day: str
    time: str
    who: str
    what: str
    why: str


def meaning(entry: Mapping[str, Any]) -> dict[str, Any]:
    """The command of an entry; {} of one that has none."""
    meant = entry.get("meant")
    return meant if isinstance(meant, dict) else {}


def sittings_of(entry: Mapping[str, Any]) -> list[str]:
    """The sittings (ids) that an entry changed."""
    return [name.removeprefix(SITTING) for name in entry.get("in", ()) if name.startswith(SITTING)]


def entries(
    found: Iterable[tuple[int, Mapping[str, Any]]],
    sittings: Iterable[Sitting],
    *,
    menu: Menu,
    staff: Staff,
    floor: Floor,
    text: Text,
) -> list[Entry]:
    """The entries in words; `sittings` are those that they changed, as they are now."""
    known = {sitting.id: sitting for sitting in sittings}
    lines = {line.id: text.pick(line.name) for sitting in known.values() for line in (*sitting.lines, *sitting.removed)}
    people = {each.id: each.name for each in staff.accounts}
    for sitting in known.values():
        for number, guest in enumerate(sitting.guests, 1):
            people.setdefault(guest.id, guest.name or text("Guest %(number)s", number=number))
    tables = {table.id: table.name for table in floor.tables}
    told = []
    for number, entry in found:
        meant = meaning(entry)
        when = _when(entry, menu.shop)
        words = _Words(entry, lines, people, tables, menu, text)
        who = people.get(entry["who"], text("a guest") if meant else entry["who"])
        at = int(entry.get("at", 0))
        day, time = (text.date(at, menu.shop), f"{when:%H:%M:%S}") if at else ("", "")
        told.append(Entry(number, day, time, who, words.sentence(), str(meant.get("reason", ""))))
    return told


class _Words(dict[str, Any]):
    """A command's fields as people read them; what it does not have is left out."""

    def __init__(
        self,
        entry: Mapping[str, Any],
        lines: Mapping[str, str],
        people: Mapping[str, str],
        tables: Mapping[str, str],
        menu: Menu,
        text: Text,
    ) -> None:
        meant = self.meant = meaning(entry)
        super().__init__({name: _plain(value) for name, value in meant.items()})
        self.text = text
        for name, words in WORDS.items():
            if meant.get(name) in words:
                self[name] = text(words[meant[name]])
        self.act = str(meant.get("do", "founding"))
        for name in ("table", "to"):
            if meant.get(name) in tables:
                self[name] = tables[meant[name]]
        if self.act == "advance":
            self["to"] = text.state(str(meant.get("to", "ready")))
        self["line"] = _what(meant, lines, menu, text)
        item = menu.item.get(str(meant.get("item", "")))
        self["item"] = text.pick(item.name) if item else meant.get("item", "")
        self["account"] = people.get(str(meant.get("account", "")), "")
        self["at"] = text("at table %(name)s", name=self["table"]) if meant.get("table") else ""
        for name in ("amount", "tip"):
            if isinstance(meant.get(name), int):
                self[name] = text.money(meant[name], menu.shop)
        self["off"] = text.rate(meant["percent"] * 100) if meant.get("percent") else self["amount"]
        self["printer"] = _printer(entry, menu, text)

    def __missing__(self, name: str) -> str:
        return ""

    def sentence(self) -> str:
        """What was done."""
        said = (self._is_not() and NOT.get(self.act)) or ACTS.get(self.act)
        return (self.text(said) % self).strip() if said else self.act

    def _is_not(self) -> bool:
        """Whether it is a sentence of `NOT`."""
        meant = self.meant
        match self.act:
            case "account_change":
                return meant.get("active") is False
            case "discount":
                return not (meant.get("percent") or meant.get("amount"))
            case "pay":
                return not meant.get("tip")
            case "printer_remove":
                return not self["printer"]
            case "stock":
                return meant.get("count") is None
        return meant.get("on") is False


def _what(meant: Mapping[str, Any], lines: Mapping[str, str], menu: Menu, text: Text) -> str:
    """What a command was about: a dish, a ticket, or all that there is."""
    if line := str(meant.get("line", "")):
        return lines.get(line, text("a dish"))
    if ticket := str(meant.get("ticket", "")):
        _, number, station = ticket.split(".", 2)
        names = {each.id: text.pick(each.name) for each in menu.stations}
        return text("round %(number)s (%(station)s)", number=number, station=names.get(station, station))
    return text("the bill") if meant.get("do") == "discount" else text("everything")


def _printer(entry: Mapping[str, Any], menu: Menu, text: Text) -> str:
    """The name of the printer that an entry is about: of one that is gone, what was answered when it was removed."""
    printer = menu.printer.get(str(meaning(entry).get("printer", "")))
    answer = entry.get("answer") or {}
    return text.pick(printer.name if printer else answer.get("removed", {}))


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _when(entry: Mapping[str, Any], shop: Shop) -> datetime:
    at = int(entry.get("at", 0)) / 1000
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(shop.timezone))
