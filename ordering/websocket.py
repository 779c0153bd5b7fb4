"""A WebSocket after its handshake (RFC 6455): frames in and out on an asyncio transport, for thousands of phones.

Tornado makes the handshake; its own connection costs 15 KB and a task for each message (docs/decisions/022). Nothing
is awaited here. What a peer may make us hold is bounded: one message, one pong, and `UNSENT_MOST` bytes beside what
was just sent. Whoever subclasses says what messages mean; nothing of this system is known here.
"""

import asyncio
import struct
from abc import abstractmethod
from typing import cast

MESSAGE_LARGEST = 16 * 1024  # bytes, in one frame or in several
UNSENT_MOST = 16 * 1024  # bytes that may wait for the peer to read before it counts as full
FRAMES_AT_ONCE = 256  # of one peer, then the others have a turn
CLOSE_LONGEST = 5.0  # seconds that a peer has to answer a close frame, or to read what stands before it

BROKEN, NO_TEXT, TOO_BIG = 1002, 1007, 1009  # close codes, RFC 6455, section 7.4.1
_CONTINUED, _TEXT, _BINARY, _CLOSE, _PING, _PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_FIN, _RESERVED, _CONTROL, _MASKED = 0x80, 0x70, 0x08, 0x80
_WHOLE_TEXT = _FIN | _TEXT
_CONTROL_LONGEST = 125  # bytes
_NEVER_SENT = (1004, 1005, 1006, 1015)  # close codes
_LENGTH_16, _LENGTH_64 = 126, 127


class WebSocket(asyncio.Protocol):
    """One peer. `full` says that it has not read what was sent; `heard_at` when it last said anything (loop's time)."""

    __slots__ = (
        "_held",
        "_kept",
        "_loop",
        "_no_more",
        "_opcode",
        "_over",
        "_pieces",
        "_pong",
        "_probed_at",
        "_transport",
        "_until",
        "ended",
        "full",
        "heard_at",
    )

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None  # not yet
        self._kept = b""  # what has come and is not dealt with: the beginning of a frame, mostly
        self._held = b""  # frames that wait for another one to go with
        self._pieces: bytearray | None = None  # of a message that comes in several frames
        self._opcode = 0
        self._pong: bytes | None = None  # owed: the newest is enough, section 5.5.3
        self._probed_at = 0.0
        self._no_more = True  # is to be sent: not yet, or a close frame has been, or the connection has ended
        self._over = False  # nothing is to be read any more
        self._until: asyncio.TimerHandle | None = None
        self.full = False
        self.ended = False
        self.heard_at = self._loop.time()

    # ---- for whoever subclasses

    @abstractmethod
    def on_message(self, message: str | bytes) -> None:
        """A whole message; a `str` when it is text."""

    @abstractmethod
    def on_full(self) -> None:
        """The peer does not read what it is sent."""

    @abstractmethod
    def on_drained(self) -> None:
        """The peer, which was full, has read everything."""

    @abstractmethod
    def on_close(self) -> None:
        """The connection has ended; called once."""

    # ---- what can be done to a peer

    def send(self, text: bytes) -> None:
        """Sends a text message (UTF-8); does nothing once the socket is closing."""
        if self._no_more:
            return
        global _sent_last, _framed
        if _sent_last is not text:
            _sent_last, _framed = text, _frame(_TEXT, text)
        if self._held:
            held, self._held = self._held, b""
            self._write(_framed + held)
        else:
            self._transport.write(_framed)  # type: ignore[union-attr]  # it is there: there is more to be sent

    def send_along(self, text: bytes) -> None:
        """Sends a text message behind the next one, in one piece with it; or in the loop's next round, if none comes
        until then."""
        if not self._held:
            self._loop.call_soon(self._send_held)
        self._held += _frame(_TEXT, text)

    def _send_held(self) -> None:
        held, self._held = self._held, b""
        if held and not self._no_more:
            self._write(held)

    def close(self, code: int, reason: str = "") -> None:
        """Begins to close: the peer answers, or is cut off after `CLOSE_LONGEST`."""
        if self._no_more:
            return
        self._no_more = True
        self._write(_frame(_CLOSE, struct.pack("!H", code) + reason.encode()))
        self._until = self._loop.call_later(CLOSE_LONGEST, self.cut)

    def cut(self) -> None:
        """Ends the connection without waiting for anything."""
        self._over = True
        if self._transport is not None:
            self._transport.abort()

    def probe(self, now: float, silence: float) -> None:
        """Asks whoever has said nothing for `silence` seconds for a sign of life, and cuts off who was asked so long
        ago and still says nothing."""
        if now - self.heard_at < silence or self._no_more:
            return
        if self._probed_at <= self.heard_at:
            self._probed_at = now
            self._write(_frame(_PING, b""))
        elif now - self._probed_at >= silence:
            self.cut()

    # ---- called by the transport

    def came_early(self, data: bytes) -> None:
        """Says before the connection is made what the peer has sent already."""
        self._kept = data

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Part of asyncio.Protocol."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is not registered as one
        self._transport.set_write_buffer_limits(high=UNSENT_MOST, low=0)
        self._no_more = False
        if self._kept:
            self._loop.call_soon(self._resume)

    def data_received(self, data: bytes) -> None:
        """Part of asyncio.Protocol."""
        self.heard_at = self._loop.time()
        if self._kept:
            data = self._kept + data
        self._kept = b""
        at, frames, end = 0, 0, len(data)
        while at < end and not (self._over or self.full) and (length := self._frame_at(data, at)):
            at += length
            frames += 1
            if frames == FRAMES_AT_ONCE and at < end:
                self._pause()
                self._loop.call_soon(self._resume)
                break
        if not self._over:
            self._kept = data[at:]
            if self._pong is not None and not self.full:
                self._send_pong()

    def connection_lost(self, exc: Exception | None) -> None:
        """Part of asyncio.Protocol."""
        self.ended = self._over = self._no_more = True
        if self._until is not None:
            self._until.cancel()
        self.on_close()

    def pause_writing(self) -> None:
        """Part of asyncio.Protocol: a peer that does not read is not listened to either."""
        self.full = True
        self._pause()
        self.on_full()

    def resume_writing(self) -> None:
        """Part of asyncio.Protocol."""
        self.full = False
        try:
            if self._pong is not None:
                self._send_pong()
            self._resume()
        finally:  # also where its own message failed: it is owed what it has missed
            self.on_drained()

    # ---- frames

    def _frame_at(self, data: bytes, at: int) -> int:
        """Deals with the frame that begins at `at`; returns its length, 0 when it has not come whole or is the last.

        Section 5.2.
        """
        had = len(data) - at
        if had < 2:
            return 0
        first, length = data[at], data[at + 1]
        if not length & _MASKED or first & _RESERVED:
            return self._fail(BROKEN)
        length &= 0x7F
        head = 6
        if length == _LENGTH_16:
            head = 8
        elif length == _LENGTH_64:
            head = 14
        if had < head:
            return 0
        if head != 6:
            length = int.from_bytes(data[at + 2 : at + head - 4])
        opcode = first & 0x0F
        if opcode & _CONTROL:
            if length > _CONTROL_LONGEST or not first & _FIN:
                return self._fail(BROKEN)
        elif length + (len(self._pieces) if self._pieces is not None else 0) > MESSAGE_LARGEST:
            return self._fail(TOO_BIG, "message too big")
        if had < head + length:
            return 0
        start = at + head
        payload = _unmasked(data[start - 4 : start], data[start : start + length]) if length else b""
        if first == _WHOLE_TEXT and self._pieces is None:  # nearly all
            self._whole(_TEXT, payload)
        elif opcode & _CONTROL:
            self._control(opcode, payload)
        else:
            self._part(opcode, payload, bool(first & _FIN))
        return head + length

    def _part(self, opcode: int, payload: bytes, final: bool) -> None:
        """A message, or a part of one. Section 5.4."""
        if opcode == _CONTINUED:
            if self._pieces is None:
                self._fail(BROKEN)
                return
            self._pieces += payload
            if final:
                opcode, payload, self._pieces = self._opcode, bytes(self._pieces), None
                self._whole(opcode, payload)
        elif self._pieces is not None or opcode not in (_TEXT, _BINARY):
            self._fail(BROKEN)
        elif final:
            self._whole(opcode, payload)
        else:
            self._opcode, self._pieces = opcode, bytearray(payload)

    def _whole(self, opcode: int, payload: bytes) -> None:
        if self._no_more:
            return
        if opcode == _BINARY:
            self.on_message(payload)
            return
        try:
            text = payload.decode()
        except UnicodeDecodeError:
            self._fail(NO_TEXT)
            return
        self.on_message(text)

    def _control(self, opcode: int, payload: bytes) -> None:
        """Section 5.5."""
        if opcode == _PING:
            self._pong = payload
        elif opcode == _CLOSE:
            self._closed_by_peer(payload)
        elif opcode != _PONG:
            self._fail(BROKEN)

    def _closed_by_peer(self, payload: bytes) -> None:
        """Answers with the same code, sections 5.5.1 and 7.4, and ends."""
        code = int.from_bytes(payload[:2])
        if payload and (not 1000 <= code < 5000 or code in _NEVER_SENT):
            self._fail(BROKEN)
            return
        if not _is_text(payload[2:]):
            self._fail(NO_TEXT)
            return
        if not self._no_more:
            self._no_more = True
            self._write(_frame(_CLOSE, payload[:2]))
        self._end()

    def _fail(self, code: int, reason: str = "") -> int:
        """Section 7.1.7: says why and ends."""
        if not self._no_more:
            self._no_more = True
            self._write(_frame(_CLOSE, struct.pack("!H", code) + reason.encode()))
        self._end()
        return 0

    def _end(self) -> None:
        """Ends when what was written has left, or after a time."""
        self._over = True
        if self._transport is not None:
            self._transport.close()
        if self._until is None and not self.ended:
            self._until = self._loop.call_later(CLOSE_LONGEST, self.cut)

    def _send_pong(self) -> None:
        if not self._no_more and self._pong is not None:
            self._write(_frame(_PONG, self._pong))
        self._pong = None

    def _write(self, frame: bytes) -> None:
        if self._transport is not None and not self.ended:
            self._transport.write(frame)

    def _pause(self) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.pause_reading()

    def _resume(self) -> None:
        """Listens again, beginning with what has come already; not to a peer that does not read."""
        if self._over or self.full or self._transport is None or self._transport.is_closing():
            return
        self._transport.resume_reading()
        if self._kept:
            self.data_received(b"")


_sent_last = _framed = b""
"""What was sent last, and its frame: everybody at a table is sent the same, one after the other."""


def _frame(opcode: int, payload: bytes) -> bytes:
    """A frame as a server sends it: whole and not masked."""
    length = len(payload)
    if length < _LENGTH_16:
        return bytes((_FIN | opcode, length)) + payload
    if length < 1 << 16:
        return struct.pack("!BBH", _FIN | opcode, _LENGTH_16, length) + payload
    return struct.pack("!BBQ", _FIN | opcode, _LENGTH_64, length) + payload


def _unmasked(mask: bytes, payload: bytes) -> bytes:
    """Section 5.3; as one long number, which is faster than byte by byte."""
    length = len(payload)
    key = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload) ^ int.from_bytes(key)).to_bytes(length)


def _is_text(data: bytes) -> bool:
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True
