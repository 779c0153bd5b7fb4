"""A long record with a fault in it, made as short as the fault allows."""

from collections.abc import Mapping, Sequence
from typing import Any

from chaos.checker import Violation, check

KEPT = ("menu", "log", "put")  # what gives the rest its meaning
CHECKS = 300  # of what was left out


def shrink(record: Sequence[Mapping[str, Any]], found: Violation) -> list[Mapping[str, Any]]:
    """A part of the record in which the same does not hold, in halves and then event by event."""
    frame = [event for event in record if event["e"] in KEPT]
    rest = [event for event in record if event["e"] not in KEPT]
    order = {id(event): place for place, event in enumerate(record)}

    def fails(some: Sequence[Mapping[str, Any]]) -> bool:
        whole = sorted([*frame, *some], key=lambda event: order[id(event)])
        return any(each[:2] == found[:2] for each in check(whole))

    if not fails(rest):
        return list(record)
    size, left = max(1, len(rest) // 2), CHECKS
    while size and left:
        at = 0
        while at < len(rest) and left:
            shorter = rest[:at] + rest[at + size :]
            left -= 1
            if fails(shorter):
                rest = shorter
            else:
                at += size
        size //= 2
    return rest
