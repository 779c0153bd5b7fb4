"""An ESC/POS printer on a TCP port of this machine, which behaves as such printers do, also badly."""

import asyncio
import contextlib
import re
import socket
import threading
from collections.abc import Iterator
from typing import Literal

Manner = Literal[
    "well", "hears nothing", "never confirms", "late", "cut in the middle", "vanishes after printing", "slow"
]

# What this printer understands of ESC/POS, by the bytes that each begins with: how many bytes follow.
COMMANDS = {
    b"\x1b@": 0,
    b"\x1bE": 1,
    b"\x1ba": 1,
    b"\x1bd": 1,
    b"\x1bt": 1,
    b"\x1d!": 1,
    b"\x1dB": 1,
    b"\x1dV": 1,
    b"\x1cA": 0,
    b"\x1c&": 0,
    b"\x1c.": 0,
}
LATE = 0.8  # seconds: longer than the tests let a job take


class Paper(str):
    """The text on a piece of paper, cut off."""


class FakePrinter:
    """Prints on `papers`; `manner` may be changed at any time. `paper_end` and `cover_open` are its sensors."""

    def __init__(self) -> None:
        self.manner: Manner = "well"
        self.paper_end = False
        self.cover_open = False
        self.papers: list[Paper] = []
        self.raw: list[bytes] = []
        self.jobs = 0
        self.port = 0
        self._asked = 0  # papers at the last GS r
        self._loop = asyncio.new_event_loop()
        self._lines: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None

    def plug_in(self) -> None:
        """Takes connections from now on, at the same port as before."""
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(5)

    def unplug(self) -> None:
        """Refuses, and drops who is connected."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result(5)

    @property
    def text(self) -> str:
        """All that was printed."""
        return "\f".join(self.papers)

    async def _listen(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self._server:
            self._server.close()
        for line in list(self._lines):
            line.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._lines.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            await self._obey(reader, writer)
        self._lines.discard(writer)
        writer.close()

    async def _obey(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        written, taken = b"", b""
        while True:
            byte = await reader.readexactly(1)
            if self.manner == "hears nothing":
                continue
            if byte == b"\x10":  # DLE EOT: answered at once
                kind = (await reader.readexactly(2))[1]
                writer.write(bytes([self._status(kind)]))
                continue
            taken += byte
            if byte not in b"\x1b\x1c\x1d":
                written += byte
                continue
            command = byte + await reader.readexactly(1)
            if command == b"\x1dr":  # GS r: in its turn
                await reader.readexactly(1)
                while self.paper_end or self.cover_open:
                    await asyncio.sleep(0.02)
                if not await self._answers(writer):
                    return
                taken = b""
                continue
            following = await reader.readexactly(COMMANDS[command])
            taken += command[1:] + following
            if command == b"\x1c&":
                self.jobs += 1
            if command == b"\x1dV":
                self._cut(written, taken)
                written = b""
            elif self.manner == "cut in the middle" and len(written) > 20:
                writer.transport.abort()
                return

    def _cut(self, written: bytes, taken: bytes) -> None:
        chinese = b"\x1c&" in taken
        self.papers.append(Paper(written.decode("gb18030" if chinese else "cp1252")))
        self.raw.append(taken)

    async def _answers(self, writer: asyncio.StreamWriter) -> bool:
        """Answers GS r, in this printer's manner once something was printed since the last answer."""
        after_job, self._asked = len(self.papers) > self._asked, len(self.papers)
        if after_job and self.manner == "never confirms":
            return True
        if after_job and self.manner == "vanishes after printing":
            writer.transport.abort()
            return False
        if after_job and self.manner in ("late", "slow"):
            await asyncio.sleep(LATE if self.manner == "late" else LATE / 4)
        writer.write(b"\x00")
        return True

    def _status(self, kind: int) -> int:
        offline = self.paper_end or self.cover_open
        causes = (0x04 if self.cover_open else 0) | (0x20 if self.paper_end else 0)
        return 0x12 | {1: 0x08 if offline else 0, 2: causes, 4: 0x60 if self.paper_end else 0}[kind]


@contextlib.contextmanager
def fake_printer() -> Iterator[FakePrinter]:
    """A printer that works, on a free port."""
    printer = FakePrinter()
    loop = printer._loop
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    printer.plug_in()
    try:
        yield printer
    finally:
        printer.unplug()
        asyncio.run_coroutine_threadsafe(_ended(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()


async def _ended() -> None:
    """Ends whatever still runs on this loop."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def refusing_port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def rows(paper: str) -> list[str]:
    """What stands on a paper, without blank rows and spare spaces."""
    return [re.sub(r" +", " ", row).strip() for row in paper.splitlines() if row.strip()]
