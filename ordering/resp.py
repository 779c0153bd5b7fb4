"""A connection to the store: RESP over asyncio with hiredis's parser.

redis-py's asyncio pool swallows a cancellation now and then and lets a connection be closed under the one who uses
it, so a command could wait for as long as the store was frozen (docs/decisions/019-own-line.md). Here nothing is
awaited between the socket and the answer: when a connection is lost, everybody who waits on it knows at once.
"""

import asyncio
import ssl
from abc import abstractmethod
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import hiredis
from hiredis import ReplyError as ReplyError

Word = str | bytes | int
NOTHING_YET = object()  # of an answer; hiredis's own word for it, False, is also a value


class Server(NamedTuple):
    """Where to connect; `path` is a Unix socket, else `host` and `port`."""

    host: str
    port: int
    path: str
    tls: bool
    username: str | None
    password: str | None
    ca: str | None


class Connection(asyncio.Protocol):
    """One connection: commands go out with `ask`, complete answers come in to `_deal_with`."""

    def __init__(self) -> None:
        self._reader = hiredis.Reader(notEnoughData=NOTHING_YET)
        self._transport: asyncio.WriteTransport | None = None
        self._loop = asyncio.get_running_loop()
        self._unsent: list[bytes] = []
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self.heard_at = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio.Protocol."""
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is not registered as one

    def data_received(self, data: bytes) -> None:
        """Part of asyncio.Protocol: every complete answer in `data` is dealt with before it returns."""
        reader = self._reader
        reader.feed(data)
        while True:
            try:
                answer = reader.gets()
            except Exception as error:  # hiredis fails on what is no RESP in more ways than its own
                self._fail(ConnectionError(f"the store does not speak its language: {error}"))
                return
            if answer is NOTHING_YET:
                return
            try:
                self._deal_with(answer)
            except ConnectionError as error:
                self._fail(error)
                return
            self.heard_at = self._loop.time()

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of asyncio.Protocol."""
        self._fail(exc or ConnectionError("the store closed the connection"))

    def send(self, *words: Word) -> None:
        """Sends a command, in the loop's next round and together with what else is sent until then: the store reads,
        carries out, syncs and answers all of it at once."""
        packed = hiredis.pack_command(words)  # type: ignore[arg-type]  # its stub wants one word
        if not self._unsent:
            self._loop.call_soon(self._send_all)
        self._unsent.append(packed)

    def _send_all(self) -> None:
        unsent = b"".join(self._unsent)
        self._unsent.clear()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(unsent)

    def close(self, why: str = "closed") -> None:
        """Drops the connection at once."""
        if self._transport is not None:
            self._transport.abort()
        self._fail(ConnectionError(why))

    @abstractmethod
    def _deal_with(self, answer: Any) -> None:
        """Raises ConnectionError when it is not what can come on this connection."""

    def _fail(self, why: Exception) -> None:
        if not self.lost.done():
            self.lost.set_exception(why)
            self.lost.exception()  # looked at here: whoever awaits it still gets it
        if self._transport is not None:
            self._transport.close()


class Line(Connection):
    """A connection for commands: they go out in the order in which they were asked, without waiting for each other,
    and their answers come back in that order. What is asked together costs the store one read and one sync.

    An answer that takes longer than `patience` seconds ends the connection: whatever waits behind it would wait in
    vain. One timer for the connection watches over all of them.
    """

    def __init__(self, patience: float) -> None:
        super().__init__()
        self._patience = patience
        self.waiting: deque[tuple[asyncio.Future[Any], float]] = deque()  # answers to come, since when (loop's time)
        self._watch: asyncio.TimerHandle | None = None

    def ask(self, *words: Word) -> "asyncio.Future[Any]":
        """A command's answer, to come; an error that the store answers with is a value (`ReplyError`).

        The future fails with OSError when the connection is lost: the command may have been carried out.
        """
        answer = self._loop.create_future()
        if self.lost.done():
            answer.set_exception(ConnectionError("the connection is lost"))
            return answer
        self.send(*words)
        self.waiting.append((answer, self._loop.time()))
        if self._watch is None:
            self._watch = self._loop.call_later(self._patience, self._look)
        return answer

    def _look(self) -> None:
        """Looks at who has waited longest, and again when that one will have waited too long."""
        self._watch = None
        if not self.waiting:
            return
        due = self.waiting[0][1] + self._patience
        if due <= self._loop.time():
            self.close(f"no answer within {self._patience:g} s")
        else:
            self._watch = self._loop.call_at(due, self._look)

    def _deal_with(self, answer: Any) -> None:
        if not self.waiting:  # which of the answers belong to whom can't be told any more
            raise ConnectionError("the store has answered what nobody asked")
        waiting, _ = self.waiting.popleft()
        if not waiting.done():  # else whoever asked has given up
            waiting.set_result(answer)

    def _fail(self, why: Exception) -> None:
        super()._fail(why)
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        while self.waiting:
            waiting, _ = self.waiting.popleft()
            if not waiting.done():
                waiting.set_exception(ConnectionError(str(why)))


C = TypeVar("C", bound=Connection)


async def connect(server: Server, made: Callable[[], C]) -> C:
    """A connected protocol; it has not said who it is yet.

    Raises:
        OSError
    """
    loop = asyncio.get_running_loop()
    if server.path:
        _, connection = await loop.create_unix_connection(made, server.path)
    else:
        secure = ssl.create_default_context(cafile=server.ca) if server.tls else None
        _, connection = await loop.create_connection(made, server.host, server.port, ssl=secure)
    return connection


def credentials(server: Server) -> tuple[str, ...]:
    """The AUTH command for this server; empty when it wants none."""
    if not server.password:
        return ()
    return ("AUTH", *([server.username] if server.username else []), server.password)
