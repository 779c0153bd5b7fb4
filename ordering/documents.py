"""The shop's documents: what each is called and which value it holds."""

from typing import Any

from msgspec import Struct
from msgspec.json import Decoder

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


_DECODERS = {kind: Decoder(type) for kind, type in KINDS.items()}


def decoder(name: str) -> Decoder[Any]:
    """What reads the value that the document of this name holds; raises KeyError when there is no such document."""
    return _DECODERS[name.partition(":")[0]]


def sitting_name(sitting_id: str) -> str:
    """The name of a sitting's document."""
    return SITTING + sitting_id


def near_name(sitting_id: str) -> str:
    """The name of the document with the signs of life at a sitting's table."""
    return NEAR + sitting_id


def slips_name(sitting_id: str) -> str:
    """The name of the document that records what was printed of a sitting's lines."""
    return SLIPS + sitting_id
