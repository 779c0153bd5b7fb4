"""Slips and receipts as the bytes that an ESC/POS printer takes.

Everything that people wrote is cleaned of control characters before it is encoded, and neither GB18030 nor Windows-1252
uses control bytes inside a character: whatever a guest writes is printed, and never obeyed.
"""

import unicodedata
from collections.abc import Iterable
from typing import Any

from ordering.floor import Floor
from ordering.menu import Charset, Menu, Names, Printer
from ordering.slips import Entry, Going, Said, Slip
from ordering.views.receipt import Receipt, printed
from ordering.views.text import Text, text

CHINESE_ON, CHINESE_OFF = b"\x1c&", b"\x1c."  # FS &, FS .
CODE_PAGE_1252 = b"\x1bt\x10"  # ESC t 16
BIG = 14  # points: what a receipt writes as large as this is printed in double size
# What the printers' fonts don't have, and what people read instead.
INSTEAD: dict[Charset, dict[int, str]] = {
    "gb18030": str.maketrans({"¥": "￥", "−": "-", "–": "-", "\u00a0": " "}),
    "cp1252": str.maketrans({"→": ">", "−": "-", "\u00a0": " "}),
}


def language(menu: Menu) -> Text:
    """The language in which a shop prints: its first."""
    return text(menu.shop.languages[0])


def slip(shown: Slip, by: Printer, menu: Menu, floor: Floor) -> bytes:
    """The slip on the paper of the printer `by`; where that is a backup, the paper says for which printer."""
    t = language(menu)
    paper = _Paper(by)
    if shown.copy:
        paper.row(t("COPY"), big=True, inverted=True)
        paper.row(t("Perhaps printed already: look before you cook."), bold=True)
    if by.id != shown.printer:
        paper.row(t("For printer %(name)s", name=menu.printer[shown.printer].name), bold=True)
    if shown.kind == "change":
        paper.row(t("CHANGE"), big=True, inverted=True)
    paper.row(t("Table %(name)s", name=_table(shown.table, floor)), big=True)
    station = next((each.name for each in menu.stations if each.id == shown.station), {})
    about = [t("Round %(number)s", number=shown.round) if shown.round else "", t.time(shown.at, menu.shop)]
    paper.row(" · ".join(each for each in (t.pick(station), *about, shown.guest) if each))
    paper.rule()
    for entry in shown.entries:
        _entry(paper, entry, menu, floor, t)
    return paper.cut()


def receipt(shown: Receipt, by: Printer, t: Text, copy: bool = False) -> bytes:
    """The receipt, or what is owed by now: the same rows as its PDF."""
    paper = _Paper(by)
    if copy:
        paper.row(t("COPY"), big=True, inverted=True, centred=True)
    for row in printed(shown, t):
        if row.rule:
            paper.rule()
        paper.row(row.left, row.right, big=row.size >= BIG, centred=row.centred)
    return paper.cut()


def test(by: Printer, menu: Menu, at: int) -> bytes:
    """A page that shows whether a printer has the letters and the width that it is said to have."""
    t = language(menu)
    paper = _Paper(by)
    paper.row(t("Test"), big=True, centred=True)
    paper.row(t.pick(menu.shop.name), centred=True)
    paper.row(t.pick(by.name), t.time(at, menu.shop))
    paper.rule()
    paper.row(" · ".join(each for item in menu.items[:3] for each in item.name.values()))
    paper.row("¥ 1234567890", t("right edge"))
    paper.row(t("Allergy: %(what)s", what="—"), tall=True, inverted=True)
    return paper.cut()


def _entry(paper: "_Paper", entry: Entry, menu: Menu, floor: Floor, t: Text) -> None:
    new, old = entry.new, entry.old
    calls = {Going.VOID: t("VOID"), Going.HELD: t("ON HOLD"), Going.MAKE: ""}
    call = t("MAKE NOW") if old and old.going is Going.HELD and new.going is Going.MAKE else calls[new.going]
    if call:
        paper.row(call, tall=True, inverted=True)
    if old and old.table != new.table:
        paper.row(t("Table %(old)s → %(new)s", old=_table(old.table, floor), new=_table(new.table, floor)), tall=True)
    paper.row(f"{new.qty} × {t.pick(new.name)}", tall=True)
    if old and old.qty != new.qty:
        paper.row(f"{old.qty} → {new.qty}", tall=True)
    if new.modifiers:
        paper.row(" · ".join(map(t.pick, new.modifiers)), indent=4, bold=True)
    if new.note:
        paper.row(f"“{new.note}”", indent=4, bold=True)
    if entry.reason:
        paper.row(entry.reason, indent=4)
    _allergies(paper, new, old, {tag.id: tag.label for tag in menu.allergens}, t)


def _allergies(paper: "_Paper", new: Said, old: Said | None, known: dict[str, Names], t: Text) -> None:
    def listed(said: Said) -> str:
        return t.listed(t.pick(known.get(tag, {"": tag})) for tag in said.allergies) or t("none")

    changed = old is not None and old.allergies != new.allergies
    if changed or new.allergies:
        what = f"{listed(old)} → {listed(new)}" if old and changed else listed(new)
        paper.row(t("Allergy: %(what)s", what=what), tall=True, inverted=True)


def _table(id: str, floor: Floor) -> str:
    return floor.by_id[id].name if id in floor.by_id else id


class _Paper:
    """One piece of paper, written from the top."""

    def __init__(self, printer: Printer) -> None:
        # Loading it takes as long as starting the rest of the server; few shops print.
        from escpos.printer import Dummy

        self._chinese = printer.charset == "gb18030"
        self._charset = printer.charset
        self._columns = printer.columns
        self._out: Any = Dummy()
        self._out.hw("INIT")
        self._out._raw(CHINESE_ON if self._chinese else CHINESE_OFF + CODE_PAGE_1252)

    def row(
        self,
        left: str,
        right: str = "",
        *,
        big: bool = False,
        tall: bool = False,
        bold: bool = False,
        inverted: bool = False,
        centred: bool = False,
        indent: int = 0,
    ) -> None:
        """A row, or as many as it takes: `big` is double size, `tall` double height, `right` stands at the edge."""
        # By GS !, which also holds for Chinese characters; ESC !, which is for Western ones alone, would not.
        self._out.set(custom_size=True, width=2 if big else 1, height=2 if big or tall else 1)
        self._out.set(bold=bold or big or tall, invert=inverted, align="center" if centred else "left")
        columns = self._columns // (2 if big else 1)
        left, right = self._clean(left), self._clean(right)
        room = columns - indent - (self._width(right) + 1 if right else 0)
        *before, last = self._wrapped(left, room)
        for words in before:
            self._line(" " * indent + words)
        gap = columns - indent - self._width(last) - self._width(right)
        self._line(" " * indent + last + (" " * gap + right if right else ""))

    def rule(self) -> None:
        """A line across."""
        self.row("-" * self._columns)

    def cut(self) -> bytes:
        """The whole of it, with the cut at the end."""
        self._out.set(custom_size=True, width=1, height=1, invert=False, bold=False, align="left")
        self._out.cut()
        return bytes(self._out.output)

    def _line(self, words: str) -> None:
        self._out._raw(words.encode(self._charset, "replace") + b"\n")

    def _wrapped(self, words: str, room: int) -> list[str]:
        """The text in rows of at most `room` columns, broken at spaces where there are any and between Chinese
        characters where there are none."""
        rows, row = [], ""
        for char in words:
            if self._width(row + char) > room and row:
                head, space, tail = row.rpartition(" ")
                if space and head.strip() and char != " ":
                    rows.append(head)
                    row = tail
                else:
                    rows.append(row.rstrip())
                    row = ""
            row += char if row or char != " " else ""
        return [*rows, row]

    def _clean(self, words: str) -> str:
        return "".join(_plain(words.translate(INSTEAD[self._charset])))

    def _width(self, words: str) -> int:
        """Columns. A printer's Chinese font has everything but ASCII in double width."""
        return sum(1 if char.isascii() or not self._chinese else 2 for char in words)


def _plain(words: str) -> Iterable[str]:
    """Without control characters, and without those that show nothing or half a character."""
    for char in words:
        kind = unicodedata.category(char)
        if kind == "Cc":
            yield " "
        elif kind not in ("Cf", "Cs", "Co", "Cn", "Zl", "Zp"):
            yield char
