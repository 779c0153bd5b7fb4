"""Who is at the table right now, and where on the menu: signs of life of the guests' pages.

A document of the shop (`near:{sitting}`) that no command writes and nobody needs to trust: it is not in the log, and
a sign that is old does not count any more.
"""

from msgspec import Struct

SIGN_LASTS = 45_000  # ms; a page that is looked at gives a sign every 20 seconds
CHOOSING_LASTS = 60_000  # ms after which somebody who stays at one place is not choosing any more


class Sign(Struct, frozen=True):
    """When a guest's page last gave a sign, and which category it showed since when."""

    at: int
    where: str = ""
    since: int = 0


class Near(Struct, frozen=True):
    """Signs by guest; a phone that has not done anything yet is there under the id that it will have."""

    signs: dict[str, Sign] = {}


def here(near: Near, now: int) -> dict[str, Sign]:
    """The signs that still count."""
    return {guest: sign for guest, sign in near.signs.items() if now - sign.at <= SIGN_LASTS}


def choosing(sign: Sign, now: int) -> str:
    """The category at which somebody is choosing right now, "" if none."""
    return sign.where if now - sign.since <= CHOOSING_LASTS else ""


def ends(sign: Sign) -> tuple[int, int]:
    """From when on (ms) a sign does not count, and says no more where somebody is choosing."""
    return sign.at + SIGN_LASTS + 1, sign.since + CHOOSING_LASTS + 1
