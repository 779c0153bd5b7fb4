"""The two doors, the same for guests and staff: a POST of a form or of JSON, and a WebSocket."""

import asyncio
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, get_args

import msgspec
from tornado.web import RequestHandler
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from ordering import metrics
from ordering.commands import Command
from ordering.handlers.base import Page, json_object, refusal
from ordering.limits import TURN_LONGEST
from ordering.live import Seat
from ordering.refused import Refused
from ordering.views.audience import Audience, Form

log = logging.getLogger(__name__)

PROTOCOLS: dict[str, Form] = {"html.ordering.v1": "html", "json.ordering.v1": "json"}
MESSAGE_LARGEST = 16 * 1024  # bytes
WAITING_MOST = 32  # commands of one phone that wait for their turn
LEAVING = 1012  # close code: this process goes, come back at once to another
NOT_YOURS = 4403  # close code: do not come back


def command_from(sent: Mapping[str, Any], union: Any, form: bool) -> Any:
    """The typed command.

    A form's fields are text, and may hold more than the command's; JSON must be exactly it.

    Raises:
        Refused: `malformed`, with what is wrong.
    """
    values = _form_values(sent, union) if form else dict(sent)
    try:
        return msgspec.convert(values, union, strict=not form)
    except msgspec.ValidationError as error:
        raise Refused("malformed", why=str(error)) from error


def _form_values(sent: Mapping[str, Any], union: Any) -> dict[str, Any]:
    """What of a form belongs to its command; radio groups are named `modifiers:{group}`."""
    types: dict[Any, type[Command]] = {each.__struct_config__.tag: each for each in get_args(union)}
    chosen = types.get(last(sent.get("do", "")))
    if chosen is None:
        raise Refused("malformed", why="do")
    fields = set(chosen.__struct_encode_fields__)
    values = {name: last(value) for name, value in sent.items() if name in fields or name == "do"}
    for several in fields & SEVERAL:
        picked = [value for name, value in sent.items() if name.partition(":")[0] == several]
        values[several] = [each for value in picked for each in (value if isinstance(value, list) else [value]) if each]
    return values


SEVERAL = {"modifiers", "tags", "lines", "guests", "stations"}  # fields that may come more than once


def last(value: Any) -> Any:
    """A form's field; where its name comes more than once, the last one counts."""
    return value[-1] if isinstance(value, list) else value


class Do(Page, ABC):
    """The door for POST. Subclasses say which commands there are, who asks, and where a form goes back to."""

    union: Any

    @abstractmethod
    async def carry_out(self, sent: dict[str, Any]) -> dict[str, Any]:
        """The answer of the desk; raises `Refused`."""

    @abstractmethod
    def back(self, sent: Mapping[str, Any]) -> str:
        """Where a form's answer leads."""

    async def post(self, *_: str) -> None:
        """Called by Tornado."""
        sent: dict[str, Any] = {}
        try:
            sent = self.fields()
            answer = await self.carry_out(sent)
        except Refused as refused:
            metrics.commands.labels(door="post", outcome=refused.word).inc()
            if self.wants_json or refused.status != 409:
                self.refuse(refused, sent.get("op"), back=self.back(sent), v=self.standing())
                return
            self.set_signed_cookie("flash", self.t.refusal(refused), httponly=True, expires_days=None)
        else:
            metrics.commands.labels(door="post", outcome="ok").inc()
            if self.wants_json:
                self.reply(answer)
                return
        self.redirect(self.back(sent), status=303)

    @abstractmethod
    def standing(self) -> int:
        """The version at which a refused command found things."""

    def command(self, sent: Mapping[str, Any]) -> Any:
        """The typed command in what was sent."""
        return command_from(sent, self.union, form=not self.sends_json)


class LiveSocket(WebSocketHandler, Page, ABC):
    """The door for WebSockets. Subclasses say who looks at what, and carry commands out."""

    seat: Seat | None = None
    union: Any
    _worker: asyncio.Task[None] | None = None

    @abstractmethod
    async def audience(self, form: Form) -> Audience:
        """What this socket looks at; raises `Refused` when it may not."""

    @abstractmethod
    async def carry_out(self, sent: dict[str, Any]) -> dict[str, Any] | None:
        """The answer of the desk, None when nobody waits for one; raises `Refused`."""

    async def get(self, *args: str, **kwargs: str) -> None:
        """Called by Tornado: the handshake, unless those who are here already would suffer."""
        self.services.limits.page()
        self.services.live.must_have_room()
        await super().get(*args, **kwargs)

    def select_subprotocol(self, subprotocols: list[str]) -> str | None:
        """Called by Tornado: the first of ours that the client offers."""
        return next((each for each in subprotocols if each in PROTOCOLS), None)

    def get_compression_options(self) -> None:
        """Called by Tornado: none. A compressor costs each phone 145 KB and forbids shared frames."""

    async def open(self, *_: str, **__: str) -> None:
        """Called by Tornado after the handshake."""
        self.set_nodelay(True)
        self._waiting: asyncio.Queue[tuple[float, str | bytes]] = asyncio.Queue(WAITING_MOST)
        self._worker = asyncio.create_task(self._work())
        try:
            audience = await self.audience(PROTOCOLS.get(self.selected_subprotocol or "", "json"))
            if self.ws_connection is not None:
                self.seat = self.services.live.join(self, audience, self.owner())
        except Refused as refused:
            self.close(NOT_YOURS if refused.status < 500 else LEAVING, refused.word)

    def on_message(self, message: str | bytes) -> None:
        """Called by Tornado: hands over and returns, so that pings are answered while the store thinks."""
        try:
            self.spend()
            self._waiting.put_nowait((time.monotonic(), message))
        except (Refused, asyncio.QueueFull):
            self._answer(self._refused(Refused("too_often"), _op_of(message)))

    def on_close(self) -> None:
        """Called by Tornado; also for a socket that was never opened."""
        if self._worker is not None:
            self._worker.cancel()
        if self.seat is not None:
            self.services.live.leave(self.seat)
            self.seat = None

    def on_connection_close(self) -> None:
        """Called by Tornado. Its WebSocketHandler forgets the task that waits for the body of a handshake, where one
        was announced that never came."""
        RequestHandler.on_connection_close(self)
        super().on_connection_close()

    async def send(self, message: bytes) -> None:
        """Sends a text message; raises when the connection is gone. Part of `live.Phone`."""
        await self.write_message(message)

    def owner(self) -> str:
        """Whose page this is: so many of one owner's are open at once; "": of nobody in particular."""
        return ""

    def spend(self) -> None:
        """Counts a command; raises `Refused` `too_often`."""

    def dismiss(self) -> None:
        """Tells the page not to come back: there are newer ones of the same phone. Part of `live.Phone`."""
        self.close(NOT_YOURS, "too_many_pages")

    def drop(self) -> None:
        """Cuts the connection without waiting for a phone that does not read. Part of `live.Phone`."""
        if self.ws_connection is not None and self.ws_connection.stream is not None:
            self.ws_connection.stream.close()

    async def _work(self) -> None:
        while True:
            came, message = await self._waiting.get()
            if time.monotonic() - came > TURN_LONGEST:
                metrics.shed.labels(what="command").inc()
                answer: dict[str, Any] | None = self._refused(Refused("busy"), _op_of(message))
            else:
                answer = await self._carried_out(message)
            if answer is not None:
                self._answer(answer)

    async def _carried_out(self, message: str | bytes) -> dict[str, Any] | None:
        sent: dict[str, Any] = {}
        try:
            if isinstance(message, bytes):
                raise Refused("malformed", why="binary frame")
            sent = json_object(message)
            answer = await self.carry_out(sent)
        except Refused as refused:
            metrics.commands.labels(door="socket", outcome=refused.word).inc()
            return self._refused(refused, sent.get("op"))
        except Exception:
            log.exception("a command failed")
            return self._refused(Refused("broken"), sent.get("op"))
        metrics.commands.labels(door="socket", outcome="ok").inc()
        return answer

    def _refused(self, refused: Refused, op: Any) -> dict[str, Any]:
        """The answer for a refusal, with the version that this socket was shown last."""
        view = self.seat.sent if self.seat else None
        return refusal(refused, self.t, op) | {"v": view.v if view else 0}

    def _answer(self, answer: Mapping[str, Any]) -> None:
        try:
            written = self.write_message(msgspec.json.encode(answer))
        except WebSocketClosedError:
            return
        # Looked at, so that a phone which goes away while it is written to leaves no traceback.
        written.add_done_callback(lambda done: done.cancelled() or done.exception())

    def command(self, sent: Mapping[str, Any]) -> Any:
        """The typed command in what was sent."""
        return command_from(sent, self.union, form=False)


def _op_of(message: str | bytes) -> Any:
    try:
        return json_object(message).get("op")
    except Refused:
        return None
