"""A sitting's receipt: what was had, what it came to and who pays what; as values, and as a PDF.

The PDF names the fonts that every reader of PDFs brings along (Adobe's Times and Song), so nothing has to be embedded
and a receipt weighs a few KB.
"""

from io import BytesIO

from msgspec import Struct

from ordering.bill import Bill, owed, price, shares
from ordering.floor import Floor
from ordering.menu import Menu, Shop
from ordering.refused import N_
from ordering.sitting import Line, Sitting, placed
from ordering.state import State
from ordering.views.text import Text

MM = 72 / 25.4  # points
WIDTH, MARGIN = 80 * MM, 6 * MM  # the paper of a receipt printer; on a sheet of A4 it stays readable
LATIN, CHINESE = "Times-Roman", "STSong-Light"


class Row(Struct, frozen=True):
    """Equal dishes, counted together."""

    qty: int
    name: str
    other: str
    details: str
    amount: int


class Part(Struct, frozen=True):
    """Who pays how much, and the tip that they add; an empty name: nobody has claimed it."""

    name: str
    amount: int
    tip: int


class Paid(Struct, frozen=True):
    """What was paid in one way, less what was given back; tips are not in it."""

    method: str
    amount: int


class Receipt(Struct, frozen=True):
    """`at` is when the bill was closed (ms), or `closed` is False and it is what is owed by now."""

    id: str
    shop: Shop
    table: str
    at: int
    closed: bool
    rows: list[Row]
    bill: Bill
    tax_included: bool
    parts: list[Part]
    paid: list[Paid]


def receipt(sitting: Sitting, menu: Menu, floor: Floor, now: int, text: Text) -> Receipt:
    """The receipt of a closed sitting, or the bill of an open one."""
    terms = sitting.terms or menu.shop.terms
    table = floor.by_id.get(sitting.table)
    names = {
        guest.id: guest.name or text("Guest %(number)s", number=number)
        for number, guest in enumerate(sitting.guests, 1)
    }
    parts = [
        Part(names.get(share.guest, ""), share.amount, share.tip)
        for share in shares(sitting, placed(sitting), terms)
        if share.amount
    ]
    return Receipt(
        id=sitting.id,
        shop=menu.shop,
        table=table.name if table else "",
        at=sitting.closed or now,
        closed=bool(sitting.closed),
        rows=_rows(sitting, text),
        bill=owed(sitting, terms),
        tax_included=terms.tax_included,
        paid=_paid(sitting, text),
        parts=parts if len(parts) > 1 or any(part.tip for part in parts) else [],
    )


METHODS = {"cash": N_("Cash"), "card": N_("Card"), "wechat": N_("WeChat Pay"), "alipay": N_("Alipay")}


def _paid(sitting: Sitting, text: Text) -> list[Paid]:
    sums: dict[str, int] = {}
    for payment in sitting.payments:
        sums[payment.method] = sums.get(payment.method, 0) + payment.amount
    return [Paid(text(METHODS[method]), paid) for method, paid in sums.items() if paid]


def _rows(sitting: Sitting, text: Text) -> list[Row]:
    alike: dict[tuple[object, ...], list[Line]] = {}
    for line in placed(sitting):
        if line.state is not State.VOID:
            chosen = tuple(choice.id for choice in line.modifiers)
            alike.setdefault((line.item, chosen, line.unit_price), []).append(line)
    return [
        Row(
            qty=sum(line.qty for line in lines),
            name=text.pick(lines[0].name),
            other=text.other(lines[0].name),
            details=" · ".join(text.pick(choice.name) for choice in lines[0].modifiers),
            amount=sum(price(line) for line in lines),
        )
        for lines in alike.values()
    ]


def pdf(shown: Receipt, text: Text) -> bytes:
    """The receipt as a PDF, one page as long as it must be."""
    # Loading it takes as long as starting the rest of the server; few receipts are wanted as PDF.
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont
    from reportlab.pdfgen.canvas import Canvas

    pdfmetrics.registerFont(UnicodeCIDFont(CHINESE))
    rows = printed(shown, text)
    height = sum(row.space + row.size * 1.35 for row in rows) + 2 * MARGIN
    written = BytesIO()
    canvas = Canvas(written, pagesize=(WIDTH, height), invariant=True, lang=text.html_lang)
    canvas.setTitle(f"{text.pick(shown.shop.name)} {shown.table}")

    def width(words: str, size: float) -> float:
        return float(sum(pdfmetrics.stringWidth(run, font, size) for font, run in _runs(words)))

    def draw(words: str, x: float, y: float, size: float) -> None:
        for font, run in _runs(words):
            canvas.setFont(font, size)
            canvas.drawString(x, y, run)
            x += pdfmetrics.stringWidth(run, font, size)

    y = height - MARGIN
    for row in rows:
        y -= row.space + row.size * 1.35
        if row.rule:
            canvas.setLineWidth(0.4)
            canvas.line(
                MARGIN, y + row.size * 1.35 + row.space / 2, WIDTH - MARGIN, y + row.size * 1.35 + row.space / 2
            )
        room = WIDTH - 2 * MARGIN - (width(row.right, row.size) + 2 * MM if row.right else 0)
        words = row.left
        while width(words, row.size) > room and len(words) > 1:
            words = words[:-2] + "…"
        x = (WIDTH - width(words, row.size)) / 2 if row.centred else MARGIN
        draw(words, x, y, row.size)
        if row.right:
            draw(row.right, WIDTH - MARGIN - width(row.right, row.size), y, row.size)
    canvas.save()
    return written.getvalue()


class Printed(Struct, frozen=True):
    """A line of print; sizes in points, `space` above it, `rule` a line across in that space."""

    left: str
    right: str = ""
    size: float = 9
    space: float = 0
    centred: bool = False
    rule: bool = False


def printed(shown: Receipt, text: Text) -> list[Printed]:
    shop, bill = shown.shop, shown.bill

    def money(value: int) -> str:
        return text.money(value, shop)

    rows = [Printed(text.pick(shop.name), size=15, centred=True)]
    if other := text.other(shop.name):
        rows.append(Printed(other, size=9, centred=True))
    if shop.address:
        rows.append(Printed(shop.address, size=8, centred=True, space=2))
    title = text("Receipt") if shown.closed else text("Bill so far")
    rows.append(Printed(title, f"{text.date(shown.at, shop)} {text.time(shown.at, shop)}", space=12))
    rows.append(Printed(text("Table %(name)s", name=shown.table), shown.id))
    for number, row in enumerate(shown.rows):
        first = number == 0
        rows.append(
            Printed(f"{row.qty} × {row.name}", money(row.amount), size=10, space=10 if first else 4, rule=first)
        )
        rows += [Printed(f"      {beside}", size=7.5) for beside in (row.other, row.details) if beside]
    rows.append(Printed(text("Dishes"), money(bill.lines), space=10, rule=True))
    if bill.off:
        rows.append(Printed(text("Taken off"), money(-bill.off)))
    if bill.service:
        rows.append(Printed(text("Service charge"), money(bill.service)))
    for tax in bill.taxes:
        sentence = text("of which %(rate)s tax") if shown.tax_included else text("%(rate)s tax")
        rows.append(Printed(sentence % {"rate": text.rate(tax.rate)}, money(tax.amount), size=8))
    rows.append(Printed(text("Total"), money(bill.total), size=14, space=5))
    rows += [Printed(paid.method, money(paid.amount)) for paid in shown.paid]
    if shown.paid and (left := bill.total - sum(paid.amount for paid in shown.paid)):
        rows.append(Printed(text("Left to pay"), money(left)))
    tip = text("Tip")
    for number, part in enumerate(shown.parts):
        first = number == 0
        name = part.name or text("Nobody yet")
        rows.append(Printed(name, money(part.amount), space=10 if first else 0, rule=first))
        if part.tip:
            rows.append(Printed(f"      {tip}", money(part.tip), size=8))
    rows.append(Printed(text("Thank you, and see you again!"), centred=True, space=14))
    return rows


def _runs(words: str) -> list[tuple[str, str]]:
    """The text in pieces of one font each."""
    runs: list[tuple[str, str]] = []
    for char in words.replace("−", "-"):
        font = LATIN if _latin(char) else CHINESE
        if runs and runs[-1][0] == font:
            runs[-1] = (font, runs[-1][1] + char)
        else:
            runs.append((font, char))
    return runs


def _latin(char: str) -> bool:
    try:
        return bool(char.encode("cp1252"))
    except UnicodeEncodeError:
        return False
