"""One connection that only listens: subscribed channels in, messages out, dead within two seconds of silence.

redis-py's PubSub reconnects silently, does not notice a half-open connection and races when request handlers
subscribe while the link drops (docs/decisions/003-own-subscriber.md). Here nothing is awaited between the socket and
the document, and when the connection is lost it is lost, for `shelf.py` to see.
"""

from collections.abc import Callable, Iterable
from typing import Any

from ordering.resp import Connection, ReplyError, Server, connect, credentials

CHANNELS_AT_ONCE = 100  # in one SSUBSCRIBE: keeps a single command small however many tables a board watches

Heard = Callable[[bytes, bytes], None]
Told = Callable[[bytes], None]


class Subscriber(Connection):
    """A connection in subscriber mode.

    Args:
        heard: called with channel and payload of each message.
        subscribed: called with a channel when the server has confirmed it.
        unsubscribed: called with a channel that the server has let go.
    """

    def __init__(self, heard: Heard, subscribed: Told, unsubscribed: Told) -> None:
        super().__init__()
        self._heard = heard
        self._subscribed = subscribed
        self._unsubscribed = unsubscribed

    def subscribe(self, channels: Iterable[str]) -> None:
        """Asks for these channels; each is confirmed through `subscribed`."""
        wanted = list(channels)
        for at in range(0, len(wanted), CHANNELS_AT_ONCE):
            self.send("SSUBSCRIBE", *wanted[at : at + CHANNELS_AT_ONCE])

    def unsubscribe(self, channels: Iterable[str]) -> None:
        """Lets go of these channels."""
        for channel in channels:
            self.send("SUNSUBSCRIBE", channel)

    def ping(self) -> None:
        """Asks for a sign of life; `heard_at` tells when one came."""
        self.send("PING")

    def _deal_with(self, answer: Any) -> None:
        if type(answer) is list and len(answer) == 3:  # first what comes most: a pattern takes 3 µs
            what, channel, payload = answer
            if what == b"smessage" and type(channel) is type(payload) is bytes:
                self._heard(channel, payload)
                return
        elif isinstance(answer, ReplyError):
            raise ConnectionError(str(answer))
        match answer:
            case [b"ssubscribe", bytes(channel), *_]:
                self._subscribed(channel)
            case [b"sunsubscribe", bytes(channel), *_]:
                self._unsubscribed(channel)
            case [b"smessage" | b"ssubscribe" | b"sunsubscribe", *_]:
                raise ConnectionError(f"the store has sent a broken message: {answer[0].decode()}")


async def subscriber(server: Server, heard: Heard, subscribed: Told, unsubscribed: Told) -> Subscriber:
    """A connected and authenticated subscriber.

    Raises:
        OSError
    """
    made = await connect(server, lambda: Subscriber(heard, subscribed, unsubscribed))
    if access := credentials(server):
        made.send(*access)
    return made
