"""What stands on the paper, as a printer reads the bytes."""

import unicodedata

import pytest
from fake_printer import COMMANDS, rows
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from stories import MENU, Table

from ordering import escpos
from ordering import floor as floors
from ordering.floor import Floor
from ordering.menu import Menu, Printer
from ordering.slips import Entry, Going, Said, Slip
from ordering.views.receipt import receipt
from ordering.views.text import text

WOK = Printer("wok", {"zh": "热灶打印机", "en": "Wok"}, "wok.lan", stations=("kitchen",))
BAR = Printer("bar", {"zh": "吧台打印机", "en": "Bar"}, "bar.lan", columns=32)
WEST = Printer("west", {"en": "West"}, "west.lan", charset="cp1252")
SHOP = replace(MENU, printers=(WOK, BAR, WEST))
ENGLISH = replace(SHOP, shop=replace(SHOP.shop, languages=("en", "zh")))
FLOOR = Floor(tables=(floors.Table("t3", "3", 4, "hall", "c", "s"), floors.Table("t5", "5", 4, "hall", "d", "r")))
NUTS = MENU.allergens[0]
DUCK = Said(
    2, {"zh": "樟茶鸭", "en": "Tea-Smoked Duck"}, ({"zh": "少辣", "en": "Less hot"},), "no bones", "t3", (), Going.MAKE
)
SLIP = Slip(
    "ticket", "wok", "s", "s", "t3", "kitchen", 2, "Lin", 1_700_000_000_000, False, False, 0, (Entry("l", DUCK),)
)


def obeyed(job: bytes) -> tuple[str, list[tuple[str, bytes]]]:
    """The text as a printer prints it, and each run of it with the commands since the one before."""
    text, runs, commands, at = b"", [], b"", 0
    chinese = b"\x1c&" in job[:8]
    charset = "gb18030" if chinese else "cp1252"
    while at < len(job):
        if job[at] in b"\x1b\x1c\x1d":
            length = 2 + COMMANDS[job[at : at + 2]]
            commands += job[at : at + length]
            at += length
            continue
        end = at
        while end < len(job) and job[end] not in b"\x1b\x1c\x1d":
            end += 1
        runs.append((job[at:end].decode(charset), commands))
        text, commands, at = text + job[at:end], b"", end
    return text.decode(charset), runs


def on_paper(slip: Slip, by: Printer = WOK, menu: Menu = SHOP) -> list[str]:
    """The rows of a slip."""
    return rows(obeyed(escpos.slip(slip, by, menu, FLOOR))[0])


def test_a_ticket_says_table_round_dish_choices_and_note() -> None:
    assert on_paper(SLIP, menu=ENGLISH) == [
        "Table 3",
        "Kitchen · Round 2 · 06:13 · Lin",
        "-" * 48,
        "2 × Tea-Smoked Duck",
        "Less hot",
        "“no bones”",
    ]


def test_chinese_is_gb18030_in_the_printers_chinese_mode() -> None:
    job = escpos.slip(SLIP, WOK, SHOP, FLOOR)
    assert job.startswith(b"\x1b@\x1c&")
    assert "2 × 樟茶鸭".encode("gb18030") in job
    assert job.endswith(b"\x1bd\x06\x1dV\x00")
    rare = replace(DUCK, name={"zh": "𠮷㐂¥"})
    assert "2 × 𠮷㐂￥" in on_paper(replace(SLIP, entries=(Entry("l", rare),)))


def test_the_table_is_in_double_size_and_a_dish_in_double_height() -> None:
    _, runs = obeyed(escpos.slip(SLIP, WOK, ENGLISH, FLOOR))
    size = {words.strip(): commands for words, commands in runs}
    assert b"\x1d!\x11" in size["Table 3"]
    assert b"\x1d!\x01" in size["2 × Tea-Smoked Duck"]
    assert b"\x1d!\x00" in size["Less hot"]


def test_an_allergy_is_white_on_black() -> None:
    job = escpos.slip(replace(SLIP, entries=(Entry("l", replace(DUCK, allergies=(NUTS.id,))),)), WOK, ENGLISH, FLOOR)
    _, runs = obeyed(job)
    [commands] = [commands for words, commands in runs if words.startswith(f"Allergy: {NUTS.label['en']}")]
    assert b"\x1dB\x01" in commands


@pytest.mark.parametrize(
    ("new", "said"),
    [
        (replace(DUCK, going=Going.VOID), "VOID"),
        (replace(DUCK, going=Going.HELD), "ON HOLD"),
        (replace(DUCK, table="t5"), "Table 3 → 5"),
        (replace(DUCK, allergies=(NUTS.id,)), f"Allergy: none → {NUTS.label['en']}"),
    ],
)
def test_a_change_says_what_was_and_what_is(new: Said, said: str) -> None:
    change = replace(SLIP, kind="change", table=new.table, entries=(Entry("l", new, DUCK, "dropped"),))
    shown = on_paper(change, menu=ENGLISH)
    assert shown[0] == "CHANGE"
    assert said in shown
    assert "2 × Tea-Smoked Duck" in shown
    assert "dropped" in shown


def test_what_was_on_hold_is_to_be_made_now() -> None:
    change = replace(SLIP, kind="change", entries=(Entry("l", DUCK, replace(DUCK, going=Going.HELD)),))
    assert "MAKE NOW" in on_paper(change, menu=ENGLISH)


def test_a_copy_and_a_helper_say_so() -> None:
    shown = on_paper(replace(SLIP, copy=True), BAR, ENGLISH)
    assert shown[0] == "COPY"
    assert "For printer Wok" in shown
    assert "COPY" not in on_paper(SLIP, menu=ENGLISH)


def test_a_western_printer_gets_its_own_letters() -> None:
    entry = Entry("l", replace(DUCK, name={"en": "Crème brûlée"}, table="t5"), DUCK)
    job = escpos.slip(replace(SLIP, kind="change", entries=(entry,)), WEST, ENGLISH, FLOOR)
    assert job.startswith(b"\x1b@\x1c.\x1bt\x10")
    assert "2 × Crème brûlée" in obeyed(job)[0]
    assert "Table 3 > 5" in obeyed(job)[0]


@given(st.text(max_size=60), st.text(max_size=60), st.sampled_from([WOK, BAR, WEST]))
def test_what_guests_write_is_printed_and_never_obeyed(note: str, name: str, by: Printer) -> None:
    def commands(note: str, name: str) -> list[bytes]:
        entry = Entry("l", replace(DUCK, note=note), None, name)
        runs = obeyed(escpos.slip(replace(SLIP, guest=name, entries=(entry,)), by, SHOP, FLOOR))[1]
        found = b"".join(each for _, each in runs)
        return [found[:4], found[-4:]]

    entry = Entry("l", replace(DUCK, note=f"\x1b@{note}\x10\x14\x1dV\x00"), None, "\x1dV\x01" + name)
    job = escpos.slip(replace(SLIP, guest=name, entries=(entry,)), by, SHOP, FLOOR)
    printed, runs = obeyed(job)
    assert not [char for char in printed if unicodedata.category(char) == "Cc" and char != "\n"]
    assert b"".join(each for _, each in runs).count(b"\x1b@") == 1
    assert job.count(b"\x1dV") == 1
    assert commands(note, name) == commands("x", "x")


@given(st.text(st.sampled_from("ab 汉字漢"), max_size=80), st.sampled_from([WOK, BAR]))
def test_no_row_is_wider_than_the_paper_and_no_word_is_lost(note: str, by: Printer) -> None:
    printed, _ = obeyed(escpos.slip(replace(SLIP, entries=(Entry("l", replace(DUCK, note=note)),)), by, SHOP, FLOOR))
    for row in printed.splitlines():
        assert sum(1 if char.isascii() else 2 for char in row) <= by.columns
    assert not note or f"“{note}”".replace(" ", "") in printed.replace(" ", "").replace("\n", "")


def test_a_receipt_is_what_its_pdf_says(menu: Menu) -> None:
    table = Table(menu)
    table.adds("dongpo-pork", 2)
    table.places()
    shown = receipt(table.sitting, menu, FLOOR, 1_700_000_000_000, text("en"))
    job = escpos.receipt(shown, replace(BAR, receipts=True), text("en"))
    printed = rows(obeyed(job)[0])
    assert "2 × Dongpo Pork ￥136" in printed
    assert any(row.startswith("Total") and row.endswith("￥136") for row in printed)
    for row in obeyed(job)[0].splitlines():
        assert sum(1 if char.isascii() else 2 for char in row) <= 32
