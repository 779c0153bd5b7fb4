"""Whoever speaks HTTP or WebSocket wrongly, slowly or without end is cut off, and their neighbours notice nothing.

After each: a phone on the same process still gets its pushes, the process is the same, nothing in its log is a fault of
ours, its open files are as many as before, and its memory has not grown by more than is said.
"""

import asyncio
import itertools
import os
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from actors import PATIENCE, Guest, tables, tell
from machines import Server, short_folder

PORK = "dongpo-pork"
LARGEST = 16 * 1024  # bytes of a message
CONTINUED, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
FIN, RSV1, RSV2, RSV3 = 0x80, 0x40, 0x20, 0x10
MASK = b"\x01\x02\x03\x04"
LITTLE = 4 * 1024  # KB that a process may grow by for one who misbehaves: what its allocator takes at a time
CROWD = 1000
PARTIES = itertools.count()
WARM = 20  # pages until the collector has looked


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The demo on one port, after its first pages: what it makes once and keeps is nobody's misbehaviour."""
    with short_folder() as folder:
        running = Server(folder).start()
        try:
            tell(_first_pages(running))
            yield running
        finally:
            running.stop()


async def _first_pages(server: Server) -> None:
    guest = Guest(server.port, (await tables(server.port))[2]["code"])
    for _ in range(WARM):
        await guest.page(f"/t/{guest.code}")
        page = await guest.look(form="html")
        await page.do("name", name="first")
        page.close()


@asynccontextmanager
async def unharmed(server: Server, grows: int = LITTLE) -> AsyncIterator[Guest]:
    """A neighbour who sits at another table of the same process, before and after what is done inside."""
    others = (await tables(server.port))[1:]  # in turn: a table has room for so many guests
    neighbour = Guest(server.port, others[next(PARTIES) % len(others)]["code"])
    await neighbour.scan()
    page = await neighbour.look()
    await page.do("name", name="before")
    [pid] = server.children()
    files, memory, said = open_files(pid), resident(pid), len(server.said())
    try:
        async with asyncio.timeout(PATIENCE * 5):
            yield neighbour
    finally:
        while WIRES:
            WIRES.pop().close()
        await asyncio.sleep(0)  # they close in the loop's next round
    answer = await neighbour.do("name", name="after")
    await page.at(answer["v"])
    assert (await page.do("add", item=PORK))["ok"]
    assert server.children() == [pid]
    new = server.said()[said:]
    assert "Traceback" not in new, new
    async with asyncio.timeout(PATIENCE):
        while open_files(pid) > files:
            await asyncio.sleep(0.05)
    grown = resident(pid) - memory
    assert grown < grows, f"{grown} KB more"
    page.close()


def open_files(pid: int) -> int:
    """How many files and sockets the process has open."""
    return len(os.listdir(f"/proc/{pid}/fd"))


def resident(pid: int) -> int:
    """Resident memory in KB."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0])


WIRES: list["Wire"] = []
"""The connections of the story that is told now."""


class Wire:
    """A connection on which anything can be said."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, server: Server) -> "Wire":
        """A fresh connection."""
        made = cls(*await asyncio.open_connection("127.0.0.1", server.port, limit=2**22))
        WIRES.append(made)
        return made

    async def say(self, data: bytes) -> None:
        """Sends; what is cut off meanwhile is no fault here."""
        with suppress(ConnectionError):
            self._writer.write(data)
            await self._writer.drain()

    async def heard(self) -> bytes:
        """Everything that comes until the server closes."""
        heard = b""
        async with asyncio.timeout(PATIENCE):
            with suppress(ConnectionError):
                while part := await self.reader.read(65536):
                    heard += part
        return heard

    async def frame(self) -> tuple[int, bytes]:
        """The next frame's opcode and payload; opcode -1 when the connection has ended."""
        try:
            async with asyncio.timeout(PATIENCE):
                first, length = await self.reader.readexactly(2)
                if length == 126:
                    length = int.from_bytes(await self.reader.readexactly(2))
                elif length == 127:
                    length = int.from_bytes(await self.reader.readexactly(8))
                return first & 0x0F, await self.reader.readexactly(length)
        except (asyncio.IncompleteReadError, ConnectionError):
            return -1, b""

    async def ended(self) -> int | None:
        """The code with which the server closed the socket; None when it cut the connection without a word."""
        code: int | None = None
        while (frame := await self.frame())[0] != -1:
            if frame[0] == CLOSE:
                code = int.from_bytes(frame[1][:2]) if frame[1] else 1005
        return code

    async def answer(self, opcode: int = TEXT, about: bytes = b"") -> bytes:
        """The next frame of this kind that says something about it."""
        while (frame := await self.frame())[0] != -1:
            if frame[0] == opcode and about in frame[1]:
                return frame[1]
        raise AssertionError("the connection has ended")

    def close(self) -> None:
        """Ends it without a word."""
        self._writer.transport.abort()


def handshake(server: Server, guest: Guest, *more: str) -> bytes:
    """What a phone says first."""
    lines = [
        f"GET /t/{guest.code}/live HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "Upgrade: websocket",
        "Connection: Upgrade", f"Cookie: {guest.cookie_header()}",
    ]  # fmt: skip
    if not any("Key" in each for each in more):
        lines.append("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    if not any("Version" in each for each in more):
        lines.append("Sec-WebSocket-Version: 13")
    return "\r\n".join([*lines, *more, "", ""]).encode()


def frame(opcode: int, payload: bytes = b"", first: int = FIN, mask: bytes = MASK, length: int | None = None) -> bytes:
    """A frame as a client sends it; `length` is what its header says, where that is not the truth."""
    said = len(payload) if length is None else length
    head = bytes([first | opcode])
    bit = 0x80 if mask else 0
    if said < 126:
        head += bytes([bit | said])
    elif said < 2**16:
        head += bytes([bit | 126]) + struct.pack("!H", said)
    else:
        head += bytes([bit | 127]) + struct.pack("!Q", said)
    masked = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload)) if mask else payload
    return head + mask + masked


async def opened(server: Server, *more: str) -> Wire:
    """An open WebSocket of a guest at the first table; its first push has come."""
    guest = Guest(server.port, (await tables(server.port))[0]["code"])
    await guest.scan()
    wire = await Wire.to(server)
    await wire.say(handshake(server, guest, *more))
    head = await wire.reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 101"), head
    assert b"permessage-deflate" not in head
    await wire.answer(about=b'"set"')
    return wire


def of_length(length: int) -> bytes:
    """A command that is so many bytes long."""
    start = b'{"op":"long","do":"name","name":"'
    return start + b"n" * (length - len(start) - 2) + b'"}'


BROKEN: dict[str, tuple[bytes, tuple[int | None, ...]]] = {
    "a message of one byte too many": (frame(TEXT, of_length(LARGEST + 1)), (1009,)),
    "a header that announces ten megabytes": (frame(TEXT, length=10 * 2**20), (1009,)),
    "a header that announces all the bytes there are": (frame(TEXT, length=2**63 - 1), (1009,)),
    "a header with a negative length": (frame(TEXT, length=2**64 - 1), (1009,)),
    "a frame without a mask": (frame(TEXT, b"{}", mask=b""), (1002,)),
    "a long control frame": (frame(PING, b"x" * 126), (1002, None)),
    "a fragmented control frame": (frame(PING, b"x", first=0), (1002, None)),
    "a continuation of nothing": (frame(CONTINUED, b"x"), (1002, None)),
    "a message inside a message": (frame(TEXT, b"{", first=0) + frame(TEXT, b"}"), (1002, None)),
    "the first reserved bit, as for a compressed message": (frame(TEXT, b"\xaa\x56", first=FIN | RSV1), (1002, None)),
    "the second reserved bit": (frame(TEXT, b"{}", first=FIN | RSV2), (1002, None)),
    "the third reserved bit": (frame(TEXT, b"{}", first=FIN | RSV3), (1002, None)),
    "an unknown opcode": (frame(0x3, b"{}"), (1002, None)),
    "an unknown control opcode": (frame(0xB), (1002, None)),
    "text that is no text": (frame(TEXT, b"\xff\xfe\xed\xa0\x80"), (1007, None)),
    "a close frame of one byte": (frame(CLOSE, b"\x03"), (1002, 1005, None)),
    "a close frame with a reason that is no text": (frame(CLOSE, b"\x03\xe8\xff\xfe"), (1007, 1000, None)),
    "a close frame with a code that there is not": (frame(CLOSE, b"\x00\x01"), (1002, 1, None)),
    "a close frame, and more": (frame(CLOSE, b"\x03\xe8") + frame(TEXT, b"{}") * 50, (1000,)),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_frame_ends_its_own_socket_only(server: Server, name: str) -> None:
    async def story() -> None:
        async with unharmed(server):
            wire = await opened(server)
            sent, codes = BROKEN[name]
            await wire.say(sent)
            assert await wire.ended() in codes

    tell(story())


def test_a_message_as_long_as_may_be_is_read(server: Server) -> None:
    async def story() -> None:
        async with unharmed(server):
            wire = await opened(server)
            await wire.say(frame(TEXT, of_length(LARGEST)))
            assert b"too_long" in await wire.answer(about=b'"long"')
            await wire.say(frame(BINARY, b"\x00" * LARGEST))
            assert b"malformed" in await wire.answer(about=b'"error"')

    tell(story())


def test_a_message_in_pieces_is_read_with_pings_between_them(server: Server) -> None:
    async def story() -> None:
        async with unharmed(server):
            wire = await opened(server)
            whole = of_length(300)
            await wire.say(frame(TEXT, whole[:1], first=0))
            for byte in whole[1:-1]:
                await wire.say(frame(CONTINUED, bytes([byte]), first=0))
            await wire.say(frame(PING, b"here?"))
            assert await wire.answer(PONG) == b"here?"
            await wire.say(frame(CONTINUED, whole[-1:]))
            assert b"too_long" in await wire.answer(about=b'"long"')

    tell(story())


def test_pieces_without_end_are_cut_off_at_the_limit(server: Server) -> None:
    async def story() -> None:
        async with unharmed(server):
            wire = await opened(server)
            await wire.say(frame(TEXT, b"[", first=0))
            for _ in range(LARGEST // 100 + 1):
                await wire.say(frame(CONTINUED, b"[" * 100, first=0))
            assert await wire.ended() in (1009, None)
            empty = await opened(server)
            await empty.say(frame(TEXT, first=0) + frame(CONTINUED, first=0) * 50_000)
            await empty.say(frame(PING, b"still?"))
            assert await empty.answer(PONG) == b"still?"

    tell(story())


def test_compression_is_offered_in_vain(server: Server) -> None:
    async def story() -> None:
        async with unharmed(server):
            wire = await opened(server, "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits")
            await wire.say(frame(TEXT, b"\x00" * 100, first=FIN | RSV1))
            assert await wire.ended() in (1002, None)

    tell(story())


def test_a_flood_of_pings_is_answered_without_memory(server: Server) -> None:
    async def story() -> None:
        async with unharmed(server):
            wire = await opened(server)
            asking = asyncio.create_task(wire.say(frame(PING, b"p" * 125) * 20_000 + frame(PING, b"last")))
            assert await wire.answer(PONG, b"last")
            await asking
            deaf = await opened(server)
            await deaf.say(frame(PING, b"p" * 125) * 2_000)
            deaf.close()

    tell(story())


def test_a_close_that_the_phone_never_answers_is_carried_out(server: Server) -> None:
    async def story() -> None:
        async with unharmed(server):
            stranger = Guest(server.port, "2222222222")
            wire = await Wire.to(server)
            await wire.say(handshake(server, stranger))
            await wire.reader.readuntil(b"\r\n\r\n")
            assert await wire.answer(CLOSE) == struct.pack("!H", 4403) + b"no_such_table"
            assert await wire.frame() == (-1, b"")

    tell(story())


BAD_HANDSHAKES: dict[str, tuple[tuple[str, ...], bytes]] = {
    "another version": (("Sec-WebSocket-Version: 12",), b"426"),
    "no version": (("X-Version: none",), b"426"),
    "a version that is no number": (("Sec-WebSocket-Version: x",), b"426"),
    "no key": (("X-Key: none",), b"400"),
    "a key that is none": (("Sec-WebSocket-Key: x",), b"400"),
    "another page's origin": (("Origin: http://evil.example",), b"403"),
    "a name that is no header": (("a b: c",), b"400"),
    "an extension that is none": (("Sec-WebSocket-Extensions: ;;;=,,\"",), b"101"),
    "protocols without end": ((f"Sec-WebSocket-Protocol: {', '.join(map(str, range(2000)))}",), b"101"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD_HANDSHAKES)
def test_a_bad_handshake_gets_an_answer(server: Server, name: str) -> None:
    async def story() -> None:
        async with unharmed(server) as guest:
            more, status = BAD_HANDSHAKES[name]
            wire = await Wire.to(server)
            await wire.say(handshake(server, guest, *more))
            assert (await wire.reader.readline()).split()[1] == status

    tell(story())


def test_a_handshake_byte_by_byte_is_one_and_half_a_handshake_costs_nothing(server: Server) -> None:
    async def story() -> None:
        async with unharmed(server) as guest:
            wire, half = await Wire.to(server), await Wire.to(server)
            await half.say(handshake(server, guest)[:100])
            for byte in handshake(server, guest):
                await wire.say(bytes([byte]))
                await asyncio.sleep(0.001)
            assert (await wire.reader.readline()).split()[1] == b"101"

    tell(story())


def test_headers_without_end_are_cut_off(server: Server) -> None:
    async def story() -> None:
        async with unharmed(server) as guest:
            for line in ("X: " + "x" * 20_000, "\r\n".join(f"X-{n}: y" for n in range(3000))):
                wire = await Wire.to(server)
                await wire.say(handshake(server, guest, line))
                assert await wire.heard() == b""
            endless = await Wire.to(server)
            for _ in range(300):
                await endless.say(b"x" * 1000)
            assert await endless.heard() == b""

    tell(story())


def test_a_thousand_who_say_nothing_cost_little(server: Server) -> None:
    async def story() -> None:
        async with unharmed(server, grows=24 * 1024) as guest:
            silent = [await Wire.to(server) for _ in range(CROWD // 2)]
            half = [await Wire.to(server) for _ in range(CROWD - len(silent))]
            for wire in half:
                await wire.say(b"GET / HTTP/1.1\r\nHost: x\r\nX: ")
            assert (await guest.do("name", name="meanwhile"))["ok"]

    tell(story())


# ---- HTTP


def test_requests_in_a_row_are_answered_in_their_order(server: Server) -> None:
    async def story() -> None:
        async with unharmed(server):
            wire = await Wire.to(server)
            asked = b"".join(
                b"GET /healthz?n=%d HTTP/1.1\r\nHost: x\r\n\r\n" % n
                if n % 2
                else b"GET /t/2222222222 HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n"
                for n in range(1000)
            )
            asking = asyncio.create_task(
                wire.say(asked + b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            )
            heard = await wire.heard()
            await asking
            statuses = [part[:3] for part in heard.split(b"HTTP/1.1 ")[1:]]
            assert statuses == [b"404", b"200"] * 500 + [b"200"]

    tell(story())


def post(guest: Guest, *headers: str, body: bytes = b"") -> bytes:
    """A guest's command, with these headers for its body."""
    lines = [
        f"POST /t/{guest.code}/do HTTP/1.1", "Host: x", "Connection: close", "Content-Type: application/json",
        f"Cookie: {guest.cookie_header()}", f"X-XSRFToken: {guest.cookies['_xsrf']}", *headers, "", "",
    ]  # fmt: skip
    return "\r\n".join(lines).encode() + body


COMMAND = b'{"op":"smuggled","do":"name","name":"evil"}'
LENGTH = f"Content-Length: {len(COMMAND)}"
CHUNKED = b"%x\r\n%b\r\n0\r\n\r\n" % (len(COMMAND), COMMAND)
SMUGGLED: dict[str, tuple[tuple[str, ...], bytes]] = {
    "a length and chunks": ((LENGTH, "Transfer-Encoding: chunked"), CHUNKED),
    "chunks and a length": (("Transfer-Encoding: chunked", "Content-Length: 0"), CHUNKED),
    "two lengths": ((LENGTH, "Content-Length: 3"), COMMAND),
    "two lengths in one": ((f"{LENGTH}, 3",), COMMAND),
    "a length with a sign": ((f"Content-Length: +{len(COMMAND)}",), COMMAND),
    "a length below zero": (("Content-Length: -1",), COMMAND),
    "a length in other digits": (("Content-Length: \u0664\u0662",), COMMAND),
    "a length of all the bytes there are": ((f"Content-Length: {2**63}",), COMMAND),
    "an encoding that is none": (("Transfer-Encoding: xchunked",), CHUNKED),
    "an encoding twice": (("Transfer-Encoding: chunked", "Transfer-Encoding: identity"), CHUNKED),
    "an encoding in a folded line": (("Transfer-Encoding:\r\n chunked", LENGTH), CHUNKED),
    "a header with a blank before its colon": (("Transfer-Encoding : chunked", LENGTH), CHUNKED),
    "a header after a line that is none": (("nothing", LENGTH), COMMAND),
    "a return without a line end": ((f"X: y\r{LENGTH}",), COMMAND),
    "chunks that end in a line end alone": (
        ("Transfer-Encoding: chunked",),
        CHUNKED.replace(b"\r\n", b"\n") + b" " * 64,
    ),
    "a chunk's size with a sign": (("Transfer-Encoding: chunked",), b"+" + CHUNKED),
    "a chunk's size with 0x": (("Transfer-Encoding: chunked",), b"0x" + CHUNKED),
    "a chunk longer than it says": (("Transfer-Encoding: chunked",), b"1\r\n" + COMMAND + b"\r\n0\r\n\r\n"),
    "a chunk of all the bytes there are": (("Transfer-Encoding: chunked",), b"7fffffffffffffff\r\n{"),
    "a chunk over the limit": (("Transfer-Encoding: chunked",), b"2000001\r\n{"),
    "a chunk's size without end": (("Transfer-Encoding: chunked",), b"0" * 5000 + b"1\r\n{"),
    "two hosts": (("Host: y", LENGTH), COMMAND),
}  # fmt: skip


@pytest.mark.parametrize("name", SMUGGLED)
def test_a_body_of_two_minds_is_refused(server: Server, name: str) -> None:
    async def story() -> None:
        async with unharmed(server) as guest:
            headers, body = SMUGGLED[name]
            wire = await Wire.to(server)
            await wire.say(post(guest, *headers, body=body))
            heard = await wire.heard()
            assert heard == b"" or heard.startswith(b"HTTP/1.1 400"), heard
            assert heard.count(b"HTTP/1.1") <= 1
            asked = await guest.json(f"/t/{guest.code}/op/smuggled")
            assert asked.status == 404, "it was carried out"

    tell(story())


def test_chunks_over_our_limit_are_read_and_refused_kindly(server: Server) -> None:
    async def story() -> None:
        async with unharmed(server) as guest:
            wire = await Wire.to(server)
            chunk = b"%x\r\n%b\r\n" % (10_000, b" " * 10_000)
            await wire.say(post(guest, "Transfer-Encoding: chunked", body=chunk * 100 + b"0\r\n\r\n"))
            assert b"too_large" in await wire.heard()
            tiny = await Wire.to(server)
            await tiny.say(post(guest, "Transfer-Encoding: chunked", body=b"1\r\n \r\n" * 100_000 + b"0\r\n\r\n"))
            assert b"too_large" in await tiny.heard()

    tell(story())


def test_a_slow_body_is_waited_for_and_one_that_never_comes_disturbs_nobody(server: Server) -> None:
    async def story() -> None:
        async with unharmed(server) as guest:
            slow, never = await Wire.to(server), await Wire.to(server)
            await never.say(post(guest, "Content-Length: 60000", body=b" " * 50_000))
            command = b'{"op":"slow","do":"name","name":"slow"}'
            await slow.say(post(guest, f"Content-Length: {len(command)}"))
            for byte in command:
                await slow.say(bytes([byte]))
                await asyncio.sleep(0.005)
            assert (await slow.heard()).startswith(b"HTTP/1.1 200")

    tell(story())
