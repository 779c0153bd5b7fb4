"""How much the kitchen has to do, and what its guests are told of it.

A document of the shop (`load`). The kitchen sets its level, or it follows from what is open and how long it takes:
up at once, down only when it has been clearly less for a while, so that it does not flicker.
"""

from enum import IntEnum

from msgspec import Struct

from ordering.menu import Capacity, Item
from ordering.pace import Pace, typical
from ordering.refused import Refused

RELIEF = 0.75  # the part of a level's pressure below which it may end
LASTS = 2 * 60_000  # ms that a level lasts at least
ROUNDED = 5  # minutes: a wait that is told to the minute is believed to the minute


class Level(IntEnum):
    """What guests are told, and what they can have."""

    CALM = 0
    BUSY = 1
    SLOW = 2
    PAUSED = 3


WORDS: dict[str, Level] = {level.name.lower(): level for level in Level}

PRESSURE = {Level.BUSY: 1.0, Level.SLOW: 1.5, Level.PAUSED: 2.5}
"""The least pressure at which each level begins."""


class Load(Struct, frozen=True):
    """The level, since when (ms), how long dishes take now (minutes; 0: nobody can tell), and by whom it was set
    (a name; "": it followed by itself)."""

    level: int = Level.CALM
    at: int = 0
    minutes: int = 0
    by: str = ""

    @property
    def slow_hidden(self) -> bool:
        """Whether dishes that take long can't be had."""
        return self.level >= Level.SLOW

    @property
    def paused(self) -> bool:
        """Whether nothing can be sent."""
        return self.level >= Level.PAUSED


def pressure(tickets: int, pace: Pace, capacity: Capacity) -> float:
    """How the kitchen stands against what it is made for: 1.0 is just that. An empty kitchen has none, however long
    the last dishes took."""
    if not tickets:
        return 0.0
    return max(tickets / capacity.tickets, minutes(pace) / capacity.minutes)


def minutes(pace: Pace) -> int:
    """How long the slowest station takes now, rounded up as one would say it; 0 when nobody can tell."""
    took = max((typical(each) for each in pace.took.values()), default=0)
    return -(-took // (ROUNDED * 60_000)) * ROUNDED


def chosen(word: str, pace: Pace, name: str, at: int) -> Load:
    """The level that the staff have set; "auto" lets it follow by itself from now on."""
    if word == "auto":
        return Load(Level.CALM, at)
    return Load(WORDS[word], at, minutes(pace), name)


def followed(load: Load, now_pressure: float, pace: Pace, capacity: Capacity, at: int) -> Load:
    """The level that follows from the pressure; the same value while nothing changes or somebody has set it."""
    if load.by:
        return load
    most = WORDS[capacity.most]
    reached = max((level for level, least in PRESSURE.items() if now_pressure >= least), default=Level.CALM)
    level = min(reached, most)
    if level < load.level:
        kept = [each for each, least in PRESSURE.items() if each <= load.level and now_pressure >= least * RELIEF]
        level = min(max(kept, default=Level.CALM), most)
        if at - load.at < LASTS:
            level = Level(load.level)
    wait = minutes(pace) if level else 0
    if (level, wait) == (load.level, load.minutes):
        return load
    return Load(level, at if level != load.level else load.at, wait)


def must_take(load: Load) -> None:
    """Refuses while the kitchen takes nothing new."""
    if load.paused:
        raise Refused("paused")


def must_be_quick(load: Load, item: Item) -> None:
    """Refuses a dish that takes long while the kitchen has no time for it."""
    if item.slow and load.slow_hidden:
        raise Refused("slow_dish", item=item.name)
