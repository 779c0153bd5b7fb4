"""The shop's documents: what each is called and which value it holds."""

from msgspec import Struct

from ordering.floor import Floor
from ordering.load import Load
from ordering.menu import Menu
from ordering.near import Near
from ordering.pace import Pace
from ordering.sitting import Sitting
from ordering.slips import Printers, Slips
from ordering.staff import Staff
from ordering.stock import Stock

MENU = "menu"
STOCK = "stock"
FLOOR = "floor"
STAFF = "staff"
PACE = "pace"
LOAD = "load"
SITTING = "sitting:"
NEAR = "near:"
SLIPS = "slips:"
PRINTERS = "printers"

KINDS: dict[str, type[Struct]] = {
    MENU: Menu,
    STOCK: Stock,
    FLOOR: Floor,
    STAFF: Staff,
    PACE: Pace,
    LOAD: Load,
    SITTING.rstrip(":"): Sitting,
    NEAR.rstrip(":"): Near,
    SLIPS.rstrip(":"): Slips,
    PRINTERS: Printers,
}
"""Value types by the part of a document's name before the colon."""


def kind(name: str) -> type[Struct]:
    """The type of the value that the document of this name holds."""
    return KINDS[name.partition(":")[0]]


def sitting_name(sitting_id: str) -> str:
    """The name of a sitting's document."""
    return SITTING + sitting_id


def near_name(sitting_id: str) -> str:
    """The name of the document with the signs of life at a sitting's table."""
    return NEAR + sitting_id


def slips_name(sitting_id: str) -> str:
    """The name of the document that records what was printed of a sitting's lines."""
    return SLIPS + sitting_id
