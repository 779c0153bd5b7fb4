"""What is done without anybody asking for it: the kitchen's load follows from what is open and how long it takes.

Every process looks, and whoever is first writes: all come to the same level from the same documents, and a commit that
finds the load changed meanwhile does nothing.
"""

import asyncio
import logging

from ordering.desk import Desk
from ordering.refused import Refused

log = logging.getLogger(__name__)

PAUSE = 5.0  # seconds between looks


class Duty:
    """The duties of one process."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins; returns at once."""
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(PAUSE)
            try:
                await self._desk.follow_load()
            except Refused:
                continue  # the store is away, which others say loudly
            except Exception:
                log.exception("the kitchen's load could not be followed")
