"""The door for WebSockets: the handshake, and the connected page that it leaves behind.

The handshake is a request like any other, and gone when it has been answered; what stays of a page is small, because
thousands stay.
"""

import asyncio
import logging
import re
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Awaitable, Mapping
from typing import Any, ClassVar

import msgspec
from tornado.iostream import IOStream, StreamClosedError
from tornado.web import RequestHandler
from tornado.websocket import WebSocketHandler, WebSocketProtocol13

from ordering import metrics
from ordering.handlers.base import Page, json_object, refusal, said
from ordering.handlers.door import command_from, decoder
from ordering.limits import TURN_LONGEST
from ordering.live import Seat
from ordering.refused import Refused
from ordering.services import Services
from ordering.views.audience import Audience, Form
from ordering.views.text import Text
from ordering.websocket import WebSocket

log = logging.getLogger(__name__)

PROTOCOLS: dict[str, Form] = {"html.ordering.v1": "html", "json.ordering.v1": "json"}
WAITING_MOST = 32  # commands of one phone that wait for their turn
KEY = re.compile(r"[A-Za-z0-9+/]{22}==")  # sixteen bytes
EARLY_MOST = 1 << 20  # bytes that may come with a handshake: more than Tornado reads at once
LEAVING = 1012  # close code: this process goes, come back at once to another
NOT_YOURS = 4403  # close code: do not come back


class Socket(WebSocket):
    """A connected page. Subclasses say who looks and carry commands out; a `live.Phone`."""

    __slots__ = ("_waiting", "_work", "seat", "services", "t")

    union: ClassVar[Any]
    _decoder: ClassVar[msgspec.json.Decoder[Any]]

    def __init_subclass__(cls) -> None:
        if "union" in cls.__dict__:
            cls._decoder = decoder(cls.union)  # to look it up by its twenty types takes as long as to read a command

    def __init__(self, services: Services, t: Text) -> None:
        super().__init__()
        self.services = services
        self.t = t
        self.seat: Seat | None = None
        self._waiting: deque[tuple[float, str]] | None = None
        self._work: asyncio.Task[None] | None = None

    @abstractmethod
    def carry_out(self, command: Any) -> Awaitable[dict[str, Any] | None]:
        """The answer of the desk, None when nobody waits for one. Raises `Refused`, at once or when awaited."""

    def read(self, sent: dict[str, Any]) -> Any:
        """The typed command in a message that is not exactly one: with the fields of a form around it."""
        sent.pop("_xsrf", None)
        return command_from(sent, self.union, form=False)

    def spend(self) -> None:
        """Counts a command; raises `Refused` `too_often`."""

    def owner(self) -> str:
        """Whose page this is: so many of one owner's are open at once; "": of nobody in particular."""
        return ""

    def enter(self, audience: Audience) -> None:
        """The connection is there: from now on it is pushed what this audience sees, or closed when that may not be."""
        try:
            self.seat = self.services.live.join(self, audience, self.owner())
        except Refused as refused:
            self.close(NOT_YOURS if refused.status < 500 else LEAVING, refused.word)

    def dismiss(self) -> None:
        """Tells the page not to come back: there are newer ones of the same phone. Part of `live.Phone`."""
        self.close(NOT_YOURS, "too_many_pages")

    def on_message(self, message: str | bytes) -> None:
        """Part of WebSocket: commands are carried out one after the other, so that they stay in order."""
        if isinstance(message, bytes):
            self._answer(self._refused(Refused("malformed", why="binary frame"), None))
            return
        try:
            self.spend()
        except Refused as refused:
            self._answer(self._refused(refused, _op_of(message)))
            return
        if self._work is None:
            self._work = self._loop.create_task(self._carry_out_all(message))
            return
        if self._waiting is None:
            self._waiting = deque()
        if len(self._waiting) < WAITING_MOST:
            self._waiting.append((time.monotonic(), message))
        else:
            self._answer(self._refused(Refused("too_often"), _op_of(message)))

    def on_full(self) -> None:
        """Part of WebSocket."""
        if self.seat is not None:
            self.seat.filled()

    def on_drained(self) -> None:
        """Part of WebSocket."""
        if self.seat is not None:
            self.seat.drained()

    def on_close(self) -> None:
        """Part of WebSocket."""
        if self._work is not None:
            self._work.cancel()
        if self.seat is not None:
            self.services.live.leave(self.seat)
            self.seat = None

    async def _carry_out_all(self, message: str) -> None:
        """This command, and those that come meanwhile."""
        answer = await self._carried_out(message)
        while True:
            if answer is not None:
                self._answer(answer)
            if not self._waiting:
                break
            came, message = self._waiting.popleft()
            if time.monotonic() - came > TURN_LONGEST:
                metrics.shed.labels(what="command").inc()
                answer = self._refused(Refused("busy"), _op_of(message))
            else:
                answer = await self._carried_out(message)
        self._work = None

    async def _carried_out(self, message: str) -> dict[str, Any] | None:
        op = None
        try:
            try:
                command = self._decoder.decode(message)
                op = command.op
            except (msgspec.MsgspecError, UnicodeError, RecursionError):
                sent = json_object(message)
                op = sent.get("op")
                command = self.read(sent)
            answer = await self.carry_out(command)
        except Refused as refused:
            metrics.commands.labels(door="socket", outcome=refused.word).inc()
            return self._refused(refused, op)
        except Exception:
            log.exception("a command failed")
            return self._refused(Refused("broken"), op)
        metrics.by_socket.number += 1
        return answer

    def _refused(self, refused: Refused, op: Any) -> dict[str, Any]:
        """The answer for a refusal, with the version that this socket was shown last."""
        view = self.seat.sent if self.seat else None
        return refusal(refused, said(refused, self.t, self.services.shelf), op) | {"v": view.v if view else 0}

    def _answer(self, answer: Mapping[str, Any]) -> None:
        """In one piece with the push that the command has caused."""
        self.send_along(msgspec.json.encode(answer))


class TurnedAway(WebSocket):
    """Whoever may not look; hears why, and that is all."""

    __slots__ = ()

    def on_message(self, message: str | bytes) -> None:
        """Part of WebSocket."""

    def on_full(self) -> None:
        """Part of WebSocket."""

    def on_drained(self) -> None:
        """Part of WebSocket."""

    def on_close(self) -> None:
        """Part of WebSocket."""


class Handshake(WebSocketHandler, Page, ABC):
    """The request that becomes a socket. Subclasses say who comes, and what is looked at."""

    _let_through = False
    wants_json = True  # what is refused instead of a handshake is read by a program

    @abstractmethod
    async def enters(self, form: Form) -> tuple[Socket, Audience]:
        """Who comes and what they look at; raises `Refused` when they may not."""

    async def get(self, *args: str, **kwargs: str) -> None:
        """Called by Tornado: unless those who are here already would suffer, it looks at the handshake; what is none,
        or comes from another site, it refuses by itself."""
        self.services.limits.page()
        self.services.live.must_have_room()
        await super().get(*args, **kwargs)
        if not self._let_through:
            return
        protocol = self._accept()
        stream = self.detach()
        stream.set_nodelay(True)
        try:
            await self._seat(stream, PROTOCOLS.get(protocol, "json"))
        except BaseException:
            stream.close()  # nobody else has it
            raise

    async def _seat(self, stream: IOStream, form: Form) -> None:
        """Whoever has made the handshake on this connection enters, or hears why not."""
        try:
            socket, audience = await self.enters(form)
        except Refused as refused:
            away = TurnedAway()
            if await _taken_over(stream, away):
                away.close(NOT_YOURS if refused.status < 500 else LEAVING, refused.word)
            return
        if await _taken_over(stream, socket):
            socket.enter(audience)

    def get_websocket_protocol(self) -> None:
        """Called by Tornado when it has found nothing against the handshake: the connection will be ours, so it gets
        none, and what it answers then (426) stands where the version is not ours either.

        Raises:
            Refused: `malformed`, what Tornado's connection would have refused (RFC 6455, section 4.2.1).
        """
        headers = self.request.headers
        if headers.get("Sec-WebSocket-Version") != "13":
            return
        if self.request.version != "HTTP/1.1" or not KEY.fullmatch(headers.get("Sec-WebSocket-Key", "")):
            raise Refused("malformed", why="HTTP/1.1, Sec-WebSocket-Key")
        self._let_through = True

    def on_connection_close(self) -> None:
        """Called by Tornado. Its WebSocketHandler forgets the task that waits for the body of a handshake, where one
        was announced that never came."""
        RequestHandler.on_connection_close(self)
        super().on_connection_close()

    def _accept(self) -> str:
        """Answers the handshake (RFC 6455, section 4.2.2); returns the sub-protocol, "" when none of ours is offered.
        No extension: a compressor costs each phone 145 KB and forbids shared frames."""
        headers = self.request.headers
        offered = [each.strip() for each in headers.get("Sec-WebSocket-Protocol", "").split(",")]
        protocol = next((each for each in offered if each in PROTOCOLS), "")
        self.clear()
        self.clear_header("Content-Type")
        self.set_status(101)
        self.set_header("Upgrade", "websocket")
        self.set_header("Connection", "Upgrade")
        key = headers.get("Sec-WebSocket-Key", "")
        self.set_header("Sec-WebSocket-Accept", WebSocketProtocol13.compute_accept_value(key))
        if protocol:
            self.set_header("Sec-WebSocket-Protocol", protocol)
        self.finish()
        return protocol


async def _taken_over(stream: IOStream, socket: WebSocket) -> bool:
    """Moves a connection from Tornado's stream to the socket; False when it has ended meanwhile."""
    try:
        await stream.write(b"")  # done when the answer to the handshake has left
        early = asyncio.ensure_future(stream.read_bytes(EARLY_MOST, partial=True))
        if early.done():
            socket.came_early(early.result())
        else:
            early.add_done_callback(lambda ended: ended.exception())  # it ends with the stream, and nobody waits
        taken = stream.socket.dup()
    except (StreamClosedError, OSError):
        stream.close()
        return False
    stream.close()
    try:
        await asyncio.get_running_loop().connect_accepted_socket(lambda: socket, taken)
    except OSError:
        taken.close()
        return False
    return not socket.ended


def _op_of(message: str) -> Any:
    try:
        return json_object(message).get("op")
    except Refused:
        return None
