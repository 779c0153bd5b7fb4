"""Ids that nobody else draws.

Chance comes from the system for many of them at a time: to ask for each takes as long as to decide a command.
"""

import os

DIGITS = 16  # hexadecimal
AT_ONCE = 128

_supply: list[str] = []


def new_id() -> str:
    """Eight bytes of chance, as hexadecimal digits."""
    if not _supply:
        drawn = os.urandom(AT_ONCE * DIGITS // 2).hex()
        _supply.extend(drawn[at : at + DIGITS] for at in range(0, len(drawn), DIGITS))
    return _supply.pop()


os.register_at_fork(after_in_child=_supply.clear)  # the parent draws those
