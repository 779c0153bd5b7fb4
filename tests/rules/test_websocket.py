"""Frames, however they are cut and whatever is in them: read as one who reads them whole would, or refused.

The transport is a list, so that thousands of connections can be tried; real ones: tests/processes/test_hostile.py.
"""

import asyncio
import struct
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ordering.websocket import FRAMES_AT_ONCE, MESSAGE_LARGEST, UNSENT_MOST, WebSocket

CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN = 0x80


class Wire(asyncio.Transport):
    """What a socket writes, and whether it listens. `stuck`: nobody reads, so what is written stays."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.listening = True
        self.ended = False
        self.stuck = False
        self.unsent = 0
        self.socket: WebSocket | None = None

    def write(self, data: bytes | bytearray | memoryview) -> None:
        assert not self.ended
        self.written += bytes(data)
        if self.stuck:
            self.unsent += len(data)
            if self.unsent > UNSENT_MOST and self.socket and not self.socket.full:
                self.socket.pause_writing()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        assert (high, low) == (UNSENT_MOST, 0)

    def is_closing(self) -> bool:
        return self.ended

    def close(self) -> None:
        self.ended = True

    abort = close

    def pause_reading(self) -> None:
        self.listening = False

    def resume_reading(self) -> None:
        self.listening = True

    def frames(self) -> list[tuple[int, bytes]]:
        """What was written, as opcode and payload."""
        found, data = [], self.written
        while data:
            first, length = data[0], data[1]
            head = 2
            if length == 126:
                head, length = 4, int.from_bytes(data[2:4])
            elif length == 127:
                head, length = 10, int.from_bytes(data[2:10])
            found.append((first & 0x0F, data[head : head + length]))
            data = data[head + length :]
        return found


class Peer(WebSocket):
    """Keeps what comes."""

    def __init__(self) -> None:
        super().__init__()
        self.got: list[str | bytes] = []
        self.filled = self.drained = 0
        self.closed = 0

    def on_message(self, message: str | bytes) -> None:
        self.got.append(message)

    def on_full(self) -> None:
        self.filled += 1

    def on_drained(self) -> None:
        self.drained += 1

    def on_close(self) -> None:
        self.closed += 1


def told(story: Callable[[Peer, Wire], Awaitable[None]]) -> None:
    """A story of a socket that has just been opened."""

    async def run() -> None:
        peer, wire = Peer(), Wire()
        wire.socket = peer
        peer.connection_made(wire)
        await story(peer, wire)
        peer.connection_lost(None)  # its timers end with it
        assert peer.closed == 1

    asyncio.run(run())


def frame(opcode: int, payload: bytes, final: bool = True, mask: bytes = b"\x11\x22\x33\x44") -> bytes:
    """A client's frame."""
    length = len(payload)
    head = bytes([(FIN if final else 0) | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 2**16:
        head += bytes([0x80 | 126]) + struct.pack("!H", length)
    else:
        head += bytes([0x80 | 127]) + struct.pack("!Q", length)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


async def heard(peer: Peer, wire: Wire, data: bytes) -> None:
    """Lets it come, as far as the socket listens, and waits until all of it has been dealt with."""
    peer.data_received(data)
    for _ in range(len(data) // 6 // FRAMES_AT_ONCE + 2):
        await asyncio.sleep(0)


messages = st.lists(
    st.one_of(
        st.tuples(st.just(TEXT), st.text(max_size=300).map(str.encode)),
        st.tuples(st.just(BINARY), st.binary(max_size=300)),
        st.tuples(st.just(PING), st.binary(max_size=125)),
        st.tuples(st.just(PONG), st.binary(max_size=125)),
    ),
    max_size=12,
)


@given(messages, st.data())
def test_messages_come_whole_and_in_order_however_they_were_cut(
    sent: list[tuple[int, bytes]], data: st.DataObject
) -> None:
    stream = b""
    for opcode, payload in sent:
        mask = data.draw(st.binary(min_size=4, max_size=4))
        if opcode in (TEXT, BINARY) and data.draw(st.booleans()):
            cut = data.draw(st.integers(0, len(payload)))
            between = frame(PING, b"between") if data.draw(st.booleans()) else b""
            stream += frame(opcode, payload[:cut], False, mask) + between + frame(CONTINUED, payload[cut:], True, mask)
        else:
            stream += frame(opcode, payload, True, mask)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))

    async def story(peer: Peer, wire: Wire) -> None:
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            await heard(peer, wire, stream[start:end])
        expected = [payload.decode() if opcode == TEXT else payload for opcode, payload in sent if opcode < CLOSE]
        assert peer.got == expected
        assert not wire.ended
        pings = [payload for opcode, payload in sent if opcode == PING]
        pongs = [payload for opcode, payload in wire.frames()]
        assert all(opcode == PONG for opcode, _ in wire.frames())
        assert bool(pongs) == bool(pings or b"between" in pongs)
        assert set(pongs) <= {*pings, b"between"}

    told(story)


@given(st.lists(st.binary(max_size=400), max_size=10))
@settings(max_examples=300)
def test_whatever_comes_is_read_or_refused_with_a_code(parts: list[bytes]) -> None:
    async def story(peer: Peer, wire: Wire) -> None:
        for part in parts:
            if not wire.ended:
                await heard(peer, wire, part)
        if wire.ended:
            opcode, payload = wire.frames()[-1]
            assert opcode == CLOSE
            assert not payload or int.from_bytes(payload[:2]) >= 1000

    told(story)


@pytest.mark.parametrize("length", [0, 1, 125, 126, 127, 65535, 65536, 200_000])
def test_what_is_sent_has_the_length_that_it_says(length: int) -> None:
    async def story(peer: Peer, wire: Wire) -> None:
        peer.send(b"x" * length)
        assert wire.frames() == [(TEXT, b"x" * length)]

    told(story)


def test_many_small_frames_leave_room_for_others() -> None:
    async def story(peer: Peer, wire: Wire) -> None:
        peer.data_received(frame(TEXT, b"1") * (FRAMES_AT_ONCE * 3))
        assert len(peer.got) == FRAMES_AT_ONCE
        assert not wire.listening
        for _ in range(4):
            await asyncio.sleep(0)
        assert len(peer.got) == FRAMES_AT_ONCE * 3
        assert wire.listening

    told(story)


def test_who_does_not_read_is_not_listened_to_until_it_does() -> None:
    async def story(peer: Peer, wire: Wire) -> None:
        wire.stuck = True
        peer.send(b"x" * UNSENT_MOST)
        assert peer.full and peer.filled == 1
        written = len(wire.written)
        await heard(peer, wire, (frame(PING, b"p") + frame(TEXT, b"t")) * 50)
        assert len(wire.written) == written, "no pong is written to who does not read"
        assert not peer.got
        assert not wire.listening
        wire.stuck = False
        peer.resume_writing()
        assert peer.drained == 1
        await heard(peer, wire, frame(TEXT, b"last"))
        assert peer.got == [*["t"] * 50, "last"]
        assert (PONG, b"p") in wire.frames()

    told(story)


def test_a_message_that_is_too_long_is_refused_by_its_header_also_in_pieces() -> None:
    async def story(peer: Peer, wire: Wire) -> None:
        await heard(peer, wire, frame(TEXT, b"x" * MESSAGE_LARGEST, False))
        await heard(peer, wire, frame(CONTINUED, b"x")[:2] + b"\0\0\0\0")
        assert wire.frames() == [(CLOSE, struct.pack("!H", 1009) + b"message too big")]
        assert wire.ended

    told(story)


def test_after_our_close_frame_nothing_is_said_and_nothing_done() -> None:
    async def story(peer: Peer, wire: Wire) -> None:
        peer.close(4403, "not yours")
        peer.send(b"more")
        peer.close(1012)
        await heard(peer, wire, frame(TEXT, b"{}") + frame(PING, b""))
        assert wire.frames() == [(CLOSE, struct.pack("!H", 4403) + b"not yours")]
        assert not peer.got
        assert not wire.ended
        await heard(peer, wire, frame(CLOSE, struct.pack("!H", 4403)))
        assert wire.ended

    told(story)


def test_who_says_nothing_is_asked_and_then_cut_off() -> None:
    async def story(peer: Peer, wire: Wire) -> None:
        start = peer.heard_at
        peer.probe(start + 9, 10)
        assert not wire.written
        peer.probe(start + 10, 10)
        assert wire.frames() == [(PING, b"")]
        peer.probe(start + 19, 10)
        assert not wire.ended
        peer.probe(start + 20, 10)
        assert wire.ended

    told(story)


def test_who_answers_stays() -> None:
    async def story(peer: Peer, wire: Wire) -> None:
        start = peer.heard_at
        peer.probe(start + 10, 10)
        peer.heard_at = start + 11
        peer.probe(start + 20, 10)
        assert len(wire.frames()) == 1, "it was heard nine seconds ago"
        peer.probe(start + 21, 10)
        peer.probe(start + 30, 10)
        assert not wire.ended
        peer.probe(start + 31, 10)
        assert wire.ended

    told(story)


def test_what_came_with_the_handshake_is_not_lost() -> None:
    async def run() -> None:
        peer, wire = Peer(), Wire()
        peer.came_early(frame(TEXT, b"early")[:5])
        peer.connection_made(wire)
        peer.data_received(frame(TEXT, b"early")[5:])
        assert peer.got == ["early"]
        other = Peer()
        other.came_early(frame(TEXT, b"early"))
        other.connection_made(Wire())
        await asyncio.sleep(0)
        assert other.got == ["early"]

    asyncio.run(run())
