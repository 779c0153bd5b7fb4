"""Who came by which code: when a table is given another one, whoever came by the old one and does not sit there goes.

The others are asked for in the store, not in what is at hand: a guest must never be sent away by mistake.
"""

import asyncio
from collections.abc import Iterable
from typing import Protocol

from ordering.desk import Desk
from ordering.documents import FLOOR
from ordering.refused import Refused
from ordering.shelf import Shelf


class Visitor(Protocol):
    """A page that is kept true: whose it is, and which sitting it shows."""

    guest: str
    sitting_id: str

    def shut_out(self) -> None:
        """Ends it for good."""

    def send_back(self) -> None:
        """Ends it; whoever may comes again, and is judged at the door."""


class Codes:
    """The visitors of one process by the code in their address."""

    def __init__(self, shelf: Shelf, desk: Desk) -> None:
        self._shelf = shelf
        self._desk = desk
        self._visitors: dict[str, set[Visitor]] = {}
        self._asking: set[asyncio.Task[None]] = set()
        shelf.listeners.append(self._changed)

    def came(self, code: str, visitor: Visitor) -> None:
        """Somebody looks on who was let in by this code; needs a `left`."""
        self._visitors.setdefault(code, set()).add(visitor)
        self._look([code])  # it may have been replaced since the door was opened

    def left(self, code: str, visitor: Visitor) -> None:
        """They have gone; said twice does no harm."""
        visitors = self._visitors.get(code, set())
        visitors.discard(visitor)
        if not visitors:
            self._visitors.pop(code, None)

    def _changed(self, name: str) -> None:
        if name == FLOOR:
            self._look(self._visitors)

    def _look(self, codes: Iterable[str]) -> None:
        floor = self._shelf.newest(FLOOR)
        if floor is None or floor.value is None:
            return
        visitors = [visitor for code in codes if code not in floor.value.by_code for visitor in self._visitors[code]]
        if visitors:
            task = asyncio.create_task(self._judge(visitors))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)

    async def _judge(self, visitors: list[Visitor]) -> None:
        try:
            known = {id: await self._desk.guests(id) for id in {visitor.sitting_id for visitor in visitors}}
        except Refused:  # the store is away: nobody stays unseen, and nobody is sent away for good
            for visitor in visitors:
                visitor.send_back()
            return
        for visitor in visitors:
            if visitor.guest not in known[visitor.sitting_id]:
                visitor.shut_out()
