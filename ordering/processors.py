"""Which of the machine's processors a process runs on (docs/decisions/027). Linux only; elsewhere the system decides."""

import os
from concurrent.futures import ThreadPoolExecutor

USABLE = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
"""Those that this program may use, numbered from 0; none where that can't be told."""


def enough(processes: int) -> bool:
    """Whether there are as many processes as processors, so that each may have one for itself."""
    return 1 < len(USABLE) <= processes


def stay(place: int) -> None:
    """Keeps this thread, and the loop in it, on one processor: what it needs is still in the caches when it is woken.
    `place` is the process's number, from 0."""
    os.sched_setaffinity(0, {USABLE[place % len(USABLE)]})


def _anywhere() -> None:
    if USABLE:
        os.sched_setaffinity(0, USABLE)


def helpers() -> ThreadPoolExecutor:
    """Threads for what takes long (passwords, PDF). They run on any processor, not on the loop's, where they would
    begin."""
    return ThreadPoolExecutor(thread_name_prefix="helper", initializer=_anywhere)
