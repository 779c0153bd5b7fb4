"""How long a station has lately taken, so that a guest is told an honest time.

A document of the shop (`pace`), written when a line becomes ready.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

KEPT = 20  # lines of a station: about a quarter of an hour of a busy evening
ENOUGH = 3  # lines from which something may be said
MOST = 0.8  # the part of the lines that were ready by the time that is told: better early than late
LONGEST = 3 * 60 * 60_000  # ms; a line that was forgotten on the display says nothing of the kitchen


class Pace(Struct, frozen=True):
    """For each station how long its last lines took from being sent to being ready (ms), oldest first."""

    took: dict[str, tuple[int, ...]] = {}


def due(pace: Pace, station: str, at: int) -> int:
    """When a line sent at this moment is likely to be ready (ms since 1970); 0 while nobody can tell."""
    took = typical(pace.took.get(station, ()))
    return at + took if took else 0


def typical(took: Iterable[int]) -> int:
    """The time (ms) within which most of these were ready; 0 while there are too few to tell."""
    known = sorted(took)
    if len(known) < ENOUGH:
        return 0
    return known[min(len(known) - 1, int(len(known) * MOST))]


def with_lines(pace: Pace, lines: Iterable[tuple[str, int]]) -> Pace:
    """The pace with some lines more: station, and what it took (ms). The same value when none of them counts."""
    took = dict(pace.took)
    for station, span in lines:
        if 0 <= span <= LONGEST:
            took[station] = (*took.get(station, ()), span)[-KEPT:]
    return pace if took == pace.took else replace(pace, took=took)
