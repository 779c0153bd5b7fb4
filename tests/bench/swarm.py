"""Many phones at little cost, in a process beside the server's: uvloop, frames by hand, and nothing is decoded unless
somebody asks for it.

Frames are masked with zeros: the server undoes the mask as ever, and here there is nothing to do.
"""

import asyncio
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import uvloop

KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # of a handshake; any will do
BESIDE = 64  # requests under way while a room is filled
PATIENCE = 30.0  # seconds
BASE, CAP = 0.5, 15.0  # seconds a phone waits before it tries again, at most, as in static/live.js

run = uvloop.run


def frame(payload: bytes, opcode: int = 1) -> bytes:
    """A frame as a client sends it."""
    size = len(payload)
    if size < 126:
        return bytes((0x80 | opcode, 0x80 | size)) + bytes(4) + payload
    return bytes((0x80 | opcode, 0x80 | 126)) + size.to_bytes(2, "big") + bytes(4) + payload


class Line:
    """A kept HTTP connection with the cookies of one device; counts its bytes."""

    def __init__(self, port: int, cookies: dict[str, str] | None = None) -> None:
        self.port = port
        self.cookies = dict(cookies or {})
        self.received = self.sent = 0
        self._ends: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._free = asyncio.Lock()  # one request at a time

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers (the last one of a name) and body, as they came; cookies are kept."""
        async with self._free:
            kept = self._ends is not None
            try:
                return await self._ask(method, path, body, headers)
            except (OSError, EOFError, RuntimeError):  # uvloop: "the handler is closed"
                self.close()
                if not kept:
                    raise
                # The server has closed what was idle for a while: on a new one, as a browser does.
                return await self._ask(method, path, body, headers)

    async def _ask(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        if self._ends is None:
            self._ends = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
        reader, writer = self._ends
        lines = [f"{method} {path} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", f"Cookie: {self.cookie()}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        if body or method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        request = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        writer.write(request)
        head = await reader.readuntil(b"\r\n\r\n")
        status, *named = head.decode("latin1").split("\r\n")
        found = {}
        for each in named:
            name, _, value = each.partition(": ")
            if name.lower() == "set-cookie":
                cookie, _, kept = value.partition(";")[0].partition("=")
                self.cookies[cookie] = kept
            found[name.lower()] = value
        size = int(found.get("content-length") or 0)
        answer = await reader.readexactly(size) if size else b""
        self.sent += len(request)
        self.received += len(head) + size
        return int(status.split()[1]), found, answer

    async def do(self, path: str, **command: Any) -> dict[str, Any]:
        """A JSON command by POST."""
        xsrf = self.cookies.get("_xsrf", "")
        body = json.dumps(command).encode()
        _, _, answer = await self.ask("POST", path, body, Content_Type="application/json", X_XSRFToken=xsrf)
        return dict(json.loads(answer))

    def cookie(self) -> str:
        """The header."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def close(self) -> None:
        """Ends it."""
        if self._ends:
            self._ends[1].close()
            self._ends = None


class Phone(asyncio.Protocol):
    """A page's socket. `heard` gets each text message; pings are answered, and a lost connection is told."""

    def __init__(
        self,
        port: int,
        path: str,
        cookie: str = "",
        form: str = "html",
        heard: Callable[["Phone", bytes], None] | None = None,
        lost: Callable[["Phone"], None] | None = None,
    ) -> None:
        self.port, self.path, self.cookie, self.form = port, path, cookie, form
        self.heard, self.lost = heard, lost
        self.transport: asyncio.Transport | None = None
        self.open = False  # the handshake was answered
        self.pushes = self.pings = self.received = self.sent = 0
        self.refused = ""
        self.shown: asyncio.Future[None] | None = None  # done with the first message
        self._rest = b""

    async def connect(self, source: str = "") -> None:
        """Returns when the first message is here; raises OSError or TimeoutError."""
        loop = asyncio.get_running_loop()
        self.shown = loop.create_future()
        self.open, self._rest = False, b""
        local = (source, 0) if source else None
        await loop.create_connection(lambda: self, "127.0.0.1", self.port, local_addr=local)
        async with asyncio.timeout(PATIENCE):
            await self.shown

    async def arrive(self, source: str = "") -> int:
        """Connects, and tries again as a page does when it is turned away; returns how often."""
        tries = 0
        while True:
            try:
                await self.connect(source)
                return tries
            except (OSError, TimeoutError):
                await asyncio.sleep(random.uniform(0, min(CAP, BASE * 2**tries)))
                tries += 1

    def send(self, payload: bytes) -> None:
        """A text message."""
        assert self.transport
        data = frame(payload)
        self.sent += len(data)
        self.transport.write(data)

    def cut(self) -> None:
        """Ends the connection at once, without a word, as a lost network does."""
        if self.transport:
            self.transport.abort()

    def connection_made(self, transport: Any) -> None:
        """Called by the loop."""
        self.transport = transport
        head = (
            f"GET {self.path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {KEY}\r\nSec-WebSocket-Version: 13\r\nOrigin: http://127.0.0.1:{self.port}\r\n"
            f"Sec-WebSocket-Protocol: {self.form}.ordering.v1\r\nCookie: {self.cookie}\r\n\r\n"
        )
        self.sent += len(head)
        transport.write(head.encode())

    def data_received(self, data: bytes) -> None:
        """Called by the loop."""
        self.received += len(data)
        if self._rest:
            data, self._rest = self._rest + data, b""
        at = 0
        if not self.open:
            end = data.find(b"\r\n\r\n")
            if end < 0:
                self._rest = data
                return
            if b" 101 " not in data[:end]:
                self.refused = data[:end].decode("latin1")
                self.cut()
                return
            self.open, at = True, end + 4
        total = len(data)
        while total - at >= 2:
            size, start = data[at + 1] & 127, at + 2
            if size > 125:
                width = 2 if size == 126 else 8
                if total - at < 2 + width:
                    break
                size, start = int.from_bytes(data[start : start + width], "big"), start + width
            if total - start < size:
                break
            opcode, payload = data[at] & 15, data[start : start + size]
            at = start + size
            if opcode == 1:
                self._message(payload)
            elif opcode == 9 and self.transport:
                self.pings += 1
                self.transport.write(frame(payload, 10))
        self._rest = data[at:]

    def connection_lost(self, why: Exception | None) -> None:
        """Called by the loop."""
        self.transport, self.open = None, False
        if self.shown and not self.shown.done():
            self.shown.set_exception(ConnectionError(self.refused or "cut before the first message"))
        if self.lost:
            self.lost(self)

    def _message(self, payload: bytes) -> None:
        self.pushes += 1
        if self.shown and not self.shown.done():
            self.shown.set_result(None)
        if self.heard:
            self.heard(self, payload)


async def together(work: Sequence[Any], beside: int = BESIDE) -> list[Any]:
    """The results of coroutines of which only some run at a time, in their order."""
    gate = asyncio.Semaphore(beside)

    async def one(each: Any) -> Any:
        async with gate:
            return await each

    return await asyncio.gather(*map(one, work))


async def listed(port: int) -> list[dict[str, str]]:
    """The demo's tables: id, name, code."""
    line = Line(port)
    _, _, body = await line.ask("GET", "/", Accept="application/json")
    line.close()
    return list(json.loads(body)["tables"])


async def guests(port: int, codes: Sequence[str], diners: Callable[[int], int], beside: int = 16) -> list[list[Line]]:
    """For each table its guests, each with cookies of its own from opening the page (JSON)."""

    async def party(table: int, code: str) -> list[Line]:
        # One connection for the party; the phones' own cookies differ all the same.
        line, found = Line(port), []
        for _ in range(diners(table)):
            line.cookies, tries = {}, 0
            while (status := (await line.ask("GET", f"/t/{code}", Accept="application/json"))[0]) == 503:
                tries += 1  # busy: comes again, as a person does
                await asyncio.sleep(random.uniform(0, min(CAP, BASE * 2**tries)))
            if status != 200:
                raise RuntimeError(f"GET /t/…: {status}")
            found.append(Line(port, line.cookies))
        line.close()
        return found

    return await together([party(table, code) for table, code in enumerate(codes)], beside)


def loopback(number: int) -> str:
    """A source address for a phone: ports run short beyond some 28,000 from one."""
    return f"127.0.0.{2 + number // 20_000}" if number >= 20_000 else ""
