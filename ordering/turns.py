"""Turns: those who work at the same thing do so one after the other, in the order in which they came.

Nobody waits in most cases, and then a turn costs a look into a dict; a lock for each thing costs twenty times as much.
"""

import asyncio


class Turns:
    """Who has the turn at what, by name, and who waits for it. `over` must be called once for each turn."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}

    def at_once(self, name: str) -> bool:
        """Takes the turn if nobody has it; else one has to `wait`."""
        if name in self._waiting:
            return False
        self._waiting[name] = []
        return True

    async def wait(self, name: str, until: float) -> None:
        """Waits for the turn that somebody has; raises TimeoutError at `until` (the loop's time)."""
        mine = asyncio.get_running_loop().create_future()
        self._waiting[name].append(mine)
        try:
            async with asyncio.timeout_at(until):
                await mine
        except BaseException:
            if mine.done() and not mine.cancelled():  # it has become ours, and nobody will use it
                self.over(name)
            raise

    def over(self, name: str) -> None:
        """Gives the turn to whoever has waited longest."""
        waiting = self._waiting[name]
        while waiting:
            first = waiting.pop(0)
            if not first.done():
                first.set_result(None)
                return
        del self._waiting[name]
