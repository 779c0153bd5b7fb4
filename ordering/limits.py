"""How much one phone, one table and one process may ask for at once; beyond it the answer is 429 or 503, at once.

Never by address: a whole dining room shares one. All limits stand here, and in `docs/operations.md`.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NamedTuple

from ordering import metrics
from ordering.refused import Refused


class Rate(NamedTuple):
    """So many a second for long, and so many at once."""

    a_second: float
    at_once: float


GUEST = Rate(100, 300)  # commands of one phone: far above a person, below what hurts a table
PARTY = Rate(200, 600)  # commands of all phones of a table
PASSWORDS = Rate(20 / 300, 20)  # wrong passwords for one name, from devices that nobody has logged in on
SECRETS_KNOWN = 2  # passwords and PINs that are checked at a time: each takes 64 MB and a processor
SECRETS_STRANGE = 1  # … of devices on which nobody has logged in: they never keep those who work here waiting
SECRETS_WAITING = 10  # that wait for their turn
KNOWN_BUDGETS = 20_000  # of a kind that are kept; whose was looked up longest ago starts afresh, but for open pages
PAGES_OF_A_GUEST = 8  # open at once on one phone; the oldest gives way
PAGES_OF_A_PARTY = 200
PAGES = 12_000  # of one process
UNDER_WAY = 400  # commands that one process has taken and not answered
TURN_LONGEST = 2.0  # seconds that a command may wait for its turn; who sent it has given up by then, or tries again
LAG = 1.0  # seconds that the loop may be late before new pages are turned away
LOOK = 0.5  # seconds between looks at the loop
RETRY_AFTER = 2  # seconds, as HTTP's header says it


class Budget:
    """A token bucket, known by the time at which it will be full again: one number, as there are thousands."""

    __slots__ = ("_full_at", "_rate")

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._full_at = 0.0

    def has(self, now: float | None = None) -> bool:
        """Whether one more is allowed; `now` is `time.monotonic()`."""
        missing = (self._full_at - (now or time.monotonic())) * self._rate.a_second
        return missing <= self._rate.at_once - 1

    def take(self, now: float | None = None) -> None:
        """Takes one."""
        now = now or time.monotonic()
        self._full_at = (now if now > self._full_at else self._full_at) + 1 / self._rate.a_second

    def give_back(self) -> None:
        """It was none."""
        self._full_at -= 1 / self._rate.a_second


class Budgets:
    """Everybody's budget of one kind."""

    def __init__(self, rate: Rate) -> None:
        self._rate = rate
        self._budgets: OrderedDict[str, Budget] = OrderedDict()

    def of(self, name: str) -> Budget:
        """Somebody's."""
        budget = self._budgets.get(name)
        if budget is None:
            budget = self._budgets[name] = Budget(self._rate)
            if len(self._budgets) > KNOWN_BUDGETS:
                self._budgets.popitem(last=False)
        else:
            self._budgets.move_to_end(name)
        return budget


class Allowance:
    """What one guest may still send, as that guest and as one of their table."""

    __slots__ = ("_own", "_shared")

    def __init__(self, own: Budget, shared: Budget) -> None:
        self._own = own
        self._shared = shared

    def spend(self) -> None:
        """Counts a command; raises `Refused` `too_often`."""
        own, shared, now = self._own, self._shared, time.monotonic()
        if not (own.has(now) and shared.has(now)):
            raise Refused("too_often")
        own.take(now)
        shared.take(now)


class Queue:
    """So many at a time, and so many that wait for their turn; who comes then is turned away."""

    def __init__(self, at_once: int, waiting: int) -> None:
        self._turns = asyncio.Semaphore(at_once)
        self._most = at_once + waiting
        self._here = 0

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """One's turn; raises `Refused` `busy`."""
        if self._here >= self._most:
            metrics.shed.labels(what="login").inc()
            raise Refused("busy")
        self._here += 1
        try:
            async with self._turns:
                yield
        finally:
            self._here -= 1


class UnderWay:
    """Around a command on its way; raises `Refused` `busy` when there are too many already."""

    def __init__(self) -> None:
        self._number = 0

    def __enter__(self) -> None:
        if self._number >= UNDER_WAY:
            metrics.shed.labels(what="command").inc()
            raise Refused("busy")
        self._number += 1

    def __exit__(self, *_: object) -> None:
        self._number -= 1


class Limits:
    """What one process keeps count of."""

    def __init__(self) -> None:
        self.guests, self.parties, self.passwords = Budgets(GUEST), Budgets(PARTY), Budgets(PASSWORDS)
        self.under_way = UnderWay()
        self._watching: asyncio.Task[None] | None = None
        self.lag = 0.0
        self.secrets = Queue(SECRETS_KNOWN, SECRETS_WAITING)
        self.strangers_secrets = Queue(SECRETS_STRANGE, SECRETS_WAITING)

    def start(self) -> None:
        """Begins to look at the loop."""
        self._watching = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Ends."""
        if self._watching:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)

    def allowance(self, guest: str, party: str) -> Allowance:
        """A guest's. Whoever asks again gets the same budgets, unless `KNOWN_BUDGETS` others have come between."""
        return Allowance(self.guests.of(guest), self.parties.of(party))

    def page(self) -> None:
        """A page is asked for; raises `Refused` `busy` when those that are open would suffer."""
        if self.lag > LAG:
            metrics.shed.labels(what="page").inc()
            raise Refused("busy")

    async def _watch(self) -> None:
        """Late twice in a row: one long round of the loop, as when thousands leave at once, is over when it is seen."""
        loop = asyncio.get_running_loop()
        before = 0.0
        while True:
            due = loop.time() + LOOK
            await asyncio.sleep(LOOK)
            late = loop.time() - due
            self.lag, before = min(late, before), late
            metrics.lag.set(self.lag)
