"""The documents that this process keeps at hand, and those of them that somebody looks at: kept true.

One task owns the subscriber. After every (re)connect, and after every confirmation of a channel, the document is read
again: subscribe first, then read, so nothing falls between. A look at all watched documents every second (while a
staff board watches) or every few seconds finds whatever was lost in a way nobody thought of, and proves the shop's
sequence number.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from itertools import chain

from ordering.store import Document, Store, StoreAway
from ordering.subscriber import Subscriber, subscriber

log = logging.getLogger(__name__)

SILENCE = 2.0  # seconds without a sign of life after which the subscriber's connection counts as dead
TICK = 0.5  # seconds of silence after which there is a ping, and then between pings
LOOK_KEEN = 1.0  # seconds between looks while a board watches: it must prove its number every second
LOOK_CALM = 5.0  # … while only guests watch
LINGER = 15.0  # seconds that a channel is kept after its last watcher: phones flap
BACK_OFF = (
    0.05,
    0.5,
)  # seconds before connecting again, growing: a page is to be true within a second of the healing
REMEMBERED = 2000  # documents nobody watches that are kept for the next command

Changed = Callable[[str], None]


class Shelf:
    """Documents by name.

    `s` is the newest sequence number of the shop up to which everything watched here is known. `live` says that
    the subscriber is connected and everything watched has been read since; `proved_at` is the loop's time when a
    look last showed `s` to be the store's. `listeners` are called with the name of each document that changes, and
    with "" when `live` does. `keen` counts the staff boards that look on.
    """

    def __init__(self, store: Store) -> None:
        self.s = 0
        self.live = False
        self.proved_at = 0.0
        self.keen = 0
        self.repairs = 0
        self.reconnects = 0
        self.listeners: list[Changed] = []
        self._store = store
        self._documents: dict[str, Document] = {}
        self._watchers: Counter[str] = Counter()
        self._left_at: dict[str, float] = {}
        self._subscribed: set[str] = set()
        self._letting_go: set[str] = set()
        self._unread: set[str] = set()
        self._waiting: dict[str, list[asyncio.Future[None]]] = {}
        self._catching_up = True
        self._number_wanted = False
        self._unheard: dict[str, Document] = {}  # what the last look found otherwise than it was told
        self._changed: set[str] = set()  # documents that are others since the last read began
        self._wake = asyncio.Event()
        self._subscriber: Subscriber | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begins to listen; returns at once."""
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._read())]

    async def stop(self) -> None:
        """Ends the tasks and the connection."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._subscriber:
            self._subscriber.close()

    def newest(self, name: str) -> Document | None:
        """The document as far as this process knows; it may be older than the store's."""
        return self._documents.get(name)

    def known(self) -> Mapping[str, Document]:
        """Every document at hand, so that what has not changed need not be read again."""
        return self._documents

    def proved(self, seconds: float) -> bool:
        """Whether a look within the last `seconds` showed that `s` is the store's number."""
        return self.live and asyncio.get_running_loop().time() - self.proved_at <= seconds

    async def watch(self, names: Iterable[str], number: bool = False) -> None:
        """Keeps these documents true from now on; returns when each has been read after its channel was confirmed; with
        `number`, and `s` too.

        Every `watch` needs an `unwatch`, unless it is cancelled.
        """
        wanted = list(names)
        for name in wanted:
            self._watchers[name] += 1
            self._left_at.pop(name, None)
        missing = [name for name in wanted if name not in self._subscribed]
        if missing and self._subscriber:
            self._subscriber.subscribe(map(self._store.keys.document, missing))
        # A phone that comes from another port may have seen more than a broken subscription here: read again.
        self._unread.update(name for name in wanted if name in self._subscribed)
        done: list[asyncio.Future[None]] = [asyncio.get_running_loop().create_future() for _ in wanted]
        for name, future in zip(wanted, done, strict=True):
            self._waiting.setdefault(name, []).append(future)
        self._number_wanted |= number
        self._wake.set()
        try:
            await asyncio.gather(*done)
        except asyncio.CancelledError:
            self.unwatch(wanted)
            raise

    def unwatch(self, names: Iterable[str]) -> None:
        """Takes back one `watch`; the channel is let go a little later."""
        for name in names:
            self._watchers[name] -= 1
            if self._watchers[name] <= 0:
                del self._watchers[name]
                self._left_at[name] = asyncio.get_running_loop().time()

    def take(self, documents: Iterable[Document], s: int) -> None:
        """Documents that this process has committed itself, as number `s`: no need to wait for the echo."""
        if s == self.s + 1:
            self.s = s
        for document in documents:
            self._take_newer(document)

    def put(self, documents: Iterable[Document]) -> None:
        """Documents that were read for a page or a command: taken as they are, unless something watched is newer."""
        for document in documents:
            held = self._documents.get(document.name)
            if held is not None and held.revision == document.revision:
                self._documents[document.name] = self._documents.pop(document.name)  # used last
            elif document.name in self._watchers:
                self._take_newer(document)
            else:
                self._set(document)

    # ---- what comes in

    def _heard(self, channel: bytes, payload: bytes) -> None:
        try:
            document = self._store.message(channel, payload, self._documents)
        except StoreAway as error:
            log.error("a message on %r can't be read: %s", channel, error)
            return
        if self.live and document.s > self.s:
            self.s = document.s
        if (
            self._unheard
            and (found := self._unheard.get(document.name)) is not None
            and found.revision == document.revision
        ):
            del self._unheard[document.name]
        self._take_newer(document)

    def _confirmed(self, channel: bytes) -> None:
        name = self._store.keys.name(channel)
        self._subscribed.add(name)
        self._unread.add(name)
        self._wake.set()

    def _let_go(self, channel: bytes) -> None:
        name = self._store.keys.name(channel)
        if name in self._letting_go:
            self._letting_go.discard(name)
        elif self._subscriber:
            self._subscriber.close()  # not asked for: the slot has moved to another server

    def _take_newer(self, document: Document) -> None:
        held = self._documents.get(document.name)
        if held is None or document.v > held.v:
            self._set(document)

    def _set(self, document: Document) -> None:
        self._changed.add(document.name)
        # Again to the end: what was used longest ago is forgotten first.
        self._documents.pop(document.name, None)
        self._documents[document.name] = document
        for listener in self.listeners:
            listener(document.name)

    # ---- reading

    async def _read(self) -> None:
        """Reads what is unread, all of it together, and looks at everything watched when that is due."""
        loop = asyncio.get_running_loop()
        looked_at = 0.0
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, looked_at + self._pause() - loop.time())):
                    await self._wake.wait()
            self._wake.clear()
            # After a fault everything is read as soon as anything can be read, not when the next look is due.
            catching_up = (self._catching_up or not self.live) and self._watchers.keys() <= self._subscribed
            whole = catching_up or self._number_wanted or loop.time() >= looked_at + self._pause()
            names = self._unread | (self._watchers.keys() if whole else set())
            if not names and not whole:
                continue
            unread, self._unread = self._unread, set()
            number_wanted, self._number_wanted = self._number_wanted, False
            waiting = {name: self._waiting.pop(name) for name in unread if name in self._waiting}
            try:
                await self._read_now(names, whole, unread)
            except Exception as error:  # whatever it was: nobody else would read again
                if not isinstance(error, StoreAway):
                    log.exception("reading failed; it is tried again")
                elif self.live:
                    log.warning("the store is away: %s", error)
                self._unread |= unread
                self._number_wanted |= number_wanted
                for name, futures in waiting.items():
                    self._waiting.setdefault(name, []).extend(futures)
                self._set_live(False)
                await asyncio.sleep(random.uniform(*BACK_OFF))  # noqa: S311 - jitter, not a secret
                self._wake.set()
                continue
            if whole:
                looked_at = loop.time()
                self._forget()
                self._set_live(self._subscriber is not None and not self._catching_up)
            for future in chain.from_iterable(waiting.values()):
                if not future.done():
                    future.set_result(None)

    def _pause(self) -> float:
        return LOOK_KEEN if self.keen else LOOK_CALM

    async def _read_now(self, names: set[str], whole: bool, expected: set[str]) -> None:
        """Takes what the store has as it is, even with a lower version; unless something newer came meanwhile."""
        self._changed.clear()
        s_before, connection = self.s, self._subscriber
        confirmed = self._watchers.keys() <= self._subscribed
        heard_of = self._subscribed - expected
        started = asyncio.get_running_loop().time()
        loaded = await self._store.load(list(names), known=self._documents)
        if whole:
            self._note_repairs()
        for name, document in loaded.documents.items():
            held = self._documents.get(name)
            if held is not None and held.revision == document.revision:
                continue
            if name in self._changed:
                self._take_newer(document)
                continue
            if held is not None and name in heard_of and self.live:
                self._unheard[name] = document
            self._set(document)
        if whole:
            # Every watched document is now at least as new as number `loaded.s`.
            self.s = loaded.s if self.s == s_before else max(self.s, loaded.s)
            self.proved_at = started
            if connection is not None and connection is self._subscriber:
                self._catching_up = self._catching_up and not confirmed

    def _note_repairs(self) -> None:
        """What a look found whose message has not come until the next one was lost; a message may be a little later
        than the look's answer, as it comes by another connection."""
        for name, document in self._unheard.items():
            self.repairs += 1
            log.warning("nobody had told of version %s of %s: a look has put it right", document.v, name)
        self._unheard.clear()

    def _forget(self) -> None:
        """Lets go of channels that nobody has watched for a while, and of the oldest documents nobody watches."""
        now = asyncio.get_running_loop().time()
        late = [name for name, at in self._left_at.items() if now - at > LINGER]
        for name in late:
            del self._left_at[name]
        if self._subscriber:
            leaving = self._subscribed.intersection(late)
            self._subscriber.unsubscribe(map(self._store.keys.document, leaving))
            self._letting_go |= leaving
            self._subscribed -= leaving
        for name in list(self._documents)[: max(0, len(self._documents) - REMEMBERED)]:
            if name not in self._watchers and name not in self._left_at:
                del self._documents[name]

    # ---- the subscriber's connection

    async def _listen(self) -> None:
        """Connects, watches over the connection, and begins again when it is lost."""
        pause = BACK_OFF[0]
        while True:
            try:
                async with asyncio.timeout(self._store.timeout):
                    server = await self._store.server()
                    connected = await subscriber(server, self._heard, self._confirmed, self._let_go)
                self._begin(connected)
                await self._watch_over(connected)
            except Exception as error:  # whatever it was: nobody else would connect again
                if not isinstance(error, OSError | StoreAway):  # TimeoutError is an OSError
                    log.exception("the subscriber failed; it connects again")
                elif self._subscriber:
                    log.warning("the subscriber's connection is lost: %s", str(error) or type(error).__name__)
                if self._subscriber:
                    pause = BACK_OFF[0]
            if self._subscriber:
                self._subscriber.close()
                self._subscriber = None
                self.reconnects += 1
            self._set_live(False)
            await asyncio.sleep(random.uniform(0, pause))  # noqa: S311 - jitter, not a secret
            pause = min(pause * 2, BACK_OFF[1])

    def _begin(self, connected: Subscriber) -> None:
        """A fresh connection: nothing counts as subscribed, and everything is to be read again."""
        self._subscriber = connected
        self._unheard.clear()
        self._subscribed, self._letting_go, self._catching_up = set(), set(), True
        connected.subscribe(map(self._store.keys.document, [*self._watchers, *self._left_at]))
        self._wake.set()

    async def _watch_over(self, connected: Subscriber) -> None:
        """Pings, until the connection is lost or silent; raises what ended it."""
        loop = asyncio.get_running_loop()
        while loop.time() - connected.heard_at <= SILENCE:
            if loop.time() - connected.heard_at >= TICK:
                connected.ping()
            await asyncio.wait([connected.lost], timeout=TICK)
            if connected.lost.done():
                connected.lost.result()
        self._store.hang_up()  # its other connections are half-open, too: whoever waits on one asks again at once
        raise TimeoutError("the store has been silent")

    def _set_live(self, live: bool) -> None:
        if live != self.live:
            self.live = live
            for listener in self.listeners:
                listener("")
