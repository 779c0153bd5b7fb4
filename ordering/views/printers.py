"""The printers that don't print what they should, on every board that they concern."""

from collections.abc import Collection

from msgspec import Struct

from ordering.menu import Menu
from ordering.slips import Printers, behind
from ordering.views.blocks import Block
from ordering.views.text import Text


class PrinterShown(Struct, frozen=True):
    """A printer in trouble: `why` (unreachable, silent, offline, cover, paper, unconfirmed or slow), since when (ms),
    how many slips wait for it, and the name of the printer that prints for it meanwhile ("": none)."""

    id: str
    name: str
    why: str
    since: int
    waiting: int
    helper: str


class PrintersShown(Struct, frozen=True):
    """Those that are in trouble."""

    troubled: list[PrinterShown]


def printers_block(menu: Menu, printers: Printers, text: Text, stations: Collection[str] = ()) -> Block:
    """The block that says which printers of these stations (none: of all) are in trouble."""
    return Block("printers", "printers", PrintersShown(troubled(menu, printers, text, stations)))


def troubled(menu: Menu, printers: Printers, text: Text, stations: Collection[str] = ()) -> list[PrinterShown]:
    """The printers of these stations (none: of all) that are in trouble."""
    return [
        PrinterShown(
            each.printer.id,
            text.pick(each.printer.name),
            each.trouble.why.value,
            each.trouble.since,
            each.trouble.waiting,
            text.pick(each.helper.name) if each.helper else "",
        )
        for each in behind(menu, printers, stations)
    ]
