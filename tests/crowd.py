"""Many phones at little cost: sockets that connect, listen and come back as the page's script does."""

import asyncio
import base64
import contextlib
import json
import os
import random
import struct
import time
from typing import Any

BASE, CAP = 0.5, 15.0  # seconds, as in static/live.js


class Phone:
    """A page that only listens; it comes back by itself, after a random time that grows."""

    def __init__(self, port: int, path: str) -> None:
        self.v = -1
        self.connected = False
        self.returns = 0
        self.came_at = 0.0
        self._port = port
        self._path = path
        self._task = asyncio.create_task(self._live())

    def leave(self) -> None:
        """Closes the page."""
        self._task.cancel()

    async def _live(self) -> None:
        tries = 0
        while True:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
                await self._listen()
                tries = 0
            self.connected = False
            self.v = -1
            await asyncio.sleep(random.uniform(0, min(CAP, BASE * 2**tries)))
            tries += 1
            self.returns += 1

    async def _listen(self) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            key = base64.b64encode(os.urandom(16)).decode()
            head = (
                f"GET {self._path} HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nUpgrade: websocket\r\n"
                "Connection: Upgrade\r\nSec-WebSocket-Protocol: html.ordering.v1\r\nSec-WebSocket-Version: 13\r\n"
                f"Sec-WebSocket-Key: {key}\r\n\r\n"
            )
            writer.write(head.encode())
            status = await reader.readuntil(b"\r\n\r\n")
            if not status.startswith(b"HTTP/1.1 101"):
                raise ValueError(status)
            while (message := await _frame(reader, writer)) is not None:
                if "set" in message:
                    self.v = message["v"]
                    if not self.connected:
                        self.connected, self.came_at = True, time.monotonic()
        finally:
            writer.close()


async def _frame(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> dict[str, Any] | None:
    """The next message; pings are answered, and None is the end."""
    while True:
        first, size = await reader.readexactly(2)
        if size == 126:
            (size,) = struct.unpack(">H", await reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", await reader.readexactly(8))
        payload = await reader.readexactly(size)
        if first & 15 == 8:
            return None
        if first & 15 == 9:
            mask = os.urandom(4)
            body = bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
            writer.write(bytes([0x8A, 0x80 | len(payload)]) + mask + body)
        elif first & 15 == 1:
            return dict(json.loads(payload))
