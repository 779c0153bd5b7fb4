"""One connection that only listens: subscribed channels in, messages out, dead within two seconds of silence.

redis-py's PubSub reconnects silently, does not notice a half-open connection and races when request handlers
subscribe while the link drops (docs/decisions/003-own-subscriber.md). This is an asyncio protocol around
hiredis's parser instead: nothing is awaited between the socket and the document, and when the connection is lost it
is lost, for `shelf.py` to see.
"""

import asyncio
import ssl
from collections.abc import Callable, Iterable
from typing import Any, cast

import hiredis

from ordering.store import Server

CHANNELS_AT_ONCE = 100  # in one SSUBSCRIBE: keeps a single command small however many tables a board watches

Heard = Callable[[bytes, bytes], None]
Told = Callable[[bytes], None]


class Subscriber(asyncio.Protocol):
    """A connection in subscriber mode.

    Args:
        heard: called with channel and payload of each message.
        subscribed: called with a channel when the server has confirmed it.
        unsubscribed: called with a channel that the server has let go.
    """

    def __init__(self, heard: Heard, subscribed: Told, unsubscribed: Told) -> None:
        self._heard = heard
        self._subscribed = subscribed
        self._unsubscribed = unsubscribed
        self._reader = hiredis.Reader()
        self._transport: asyncio.WriteTransport | None = None
        self._loop = asyncio.get_running_loop()
        self.lost: asyncio.Future[None] = self._loop.create_future()
        self.heard_at = self._loop.time()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio.Protocol."""
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's is not registered as one

    def data_received(self, data: bytes) -> None:
        """Part of asyncio.Protocol: every complete answer in `data` is dealt with before it returns."""
        self.heard_at = self._loop.time()
        try:
            self._reader.feed(data)
            while (answer := self._reader.gets()) is not False:
                self._deal_with(answer)
        except hiredis.HiredisError as error:
            self._fail(ConnectionError(str(error)))

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of asyncio.Protocol."""
        self._fail(exc or ConnectionError("the store closed the connection"))

    def ask(self, *words: str | bytes) -> None:
        """Sends a command; answers come through the callbacks."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(hiredis.pack_command(words))  # type: ignore[arg-type]  # its stub wants one word

    def subscribe(self, channels: Iterable[str]) -> None:
        """Asks for these channels; each is confirmed through `subscribed`."""
        wanted = list(channels)
        for at in range(0, len(wanted), CHANNELS_AT_ONCE):
            self.ask("SSUBSCRIBE", *wanted[at : at + CHANNELS_AT_ONCE])

    def unsubscribe(self, channels: Iterable[str]) -> None:
        """Lets go of these channels."""
        for channel in channels:
            self.ask("SUNSUBSCRIBE", channel)

    def ping(self) -> None:
        """Asks for a sign of life; `heard_at` tells when one came."""
        self.ask("PING")

    def close(self) -> None:
        """Drops the connection at once."""
        if self._transport is not None:
            self._transport.abort()
        self._fail(ConnectionError("closed"))

    def _deal_with(self, answer: Any) -> None:
        if isinstance(answer, hiredis.ReplyError):
            self._fail(ConnectionError(str(answer)))
        elif isinstance(answer, list):
            kind, channel, *rest = answer
            if kind == b"smessage":
                self._heard(channel, rest[0])
            elif kind == b"ssubscribe":
                self._subscribed(channel)
            elif kind == b"sunsubscribe":
                self._unsubscribed(channel)

    def _fail(self, why: Exception) -> None:
        if not self.lost.done():
            self.lost.set_exception(why)
            self.lost.exception()  # looked at here: whoever awaits it still gets it
        if self._transport is not None:
            self._transport.close()


async def connect(server: Server, heard: Heard, subscribed: Told, unsubscribed: Told) -> Subscriber:
    """A connected and authenticated subscriber.

    Raises:
        OSError
    """
    loop = asyncio.get_running_loop()

    def made() -> Subscriber:
        return Subscriber(heard, subscribed, unsubscribed)

    if server.path:
        _, subscriber = await loop.create_unix_connection(made, server.path)
    else:
        secure = ssl.create_default_context(cafile=server.ca) if server.tls else None
        _, subscriber = await loop.create_connection(made, server.host, server.port, ssl=secure)
    if server.password:
        subscriber.ask("AUTH", *([server.username] if server.username else []), server.password)
    return subscriber
