"""The clock of the system: rules are told the time, and this is where it comes from."""

import time


def now() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000
