"""One printer in the network: asked how it is, given a job, and believed only when it says that it is done.

ESC/POS over TCP has no acknowledgement: what was sent may lie in a buffer when the paper ends or the plug is pulled.
But a printer answers GS r in its turn, after what came before it, where it answers DLE EOT at once (Epson's command
reference). So it is asked by GS r before a job, whether it will answer at all, and after the cut, whether it is done.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from ordering.menu import Printer
from ordering.slips import Outcome, Why

CONNECTED_WITHIN = 2.0  # seconds
ANSWERED_WITHIN = 2.0  # seconds for a status
PRINTED_WITHIN = 20.0  # seconds for a whole job: sixty lines at the 80 mm a second of an old printer take ten
STATUS = {kind: bytes([0x10, 0x04, kind]) for kind in (1, 2, 4)}  # DLE EOT: the printer, why it is offline, its paper
PAPER = b"\x1dr\x01"  # GS r 1: the paper, answered in turn


class Delivered(NamedTuple):
    """What became of a job, and why when it was not printed."""

    outcome: Outcome
    why: Why | None = None


async def deliver(printer: Printer, job: bytes, claim: Callable[[], Awaitable[bool]]) -> Delivered:
    """Prints the job. `claim` is asked when the printer is ready and nothing has been sent yet; when it says no,
    nothing is."""
    try:
        async with asyncio.timeout(CONNECTED_WITHIN):
            reader, writer = await asyncio.open_connection(printer.host, printer.port)
    except (OSError, TimeoutError):
        return Delivered("not_sent", Why.UNREACHABLE)
    delivered = Delivered("not_sent")
    try:
        if why := await _trouble(reader, writer):
            delivered = Delivered("not_sent", why)
        elif await claim():
            delivered = await _print(reader, writer, job)
        return delivered
    finally:
        if delivered.outcome == "unknown":
            writer.transport.abort()  # what is not sent yet must not come out of it later
        else:
            writer.close()


async def trouble(printer: Printer) -> Why | None:
    """Why the printer would not print now; None when it is ready."""

    async def nothing() -> bool:
        return False

    return (await deliver(printer, b"", nothing)).why


async def _trouble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Why | None:
    try:
        async with asyncio.timeout(ANSWERED_WITHIN):
            state = {kind: await _asked(reader, writer, question) for kind, question in STATUS.items()}
            if state[2] & 0x04:
                return Why.COVER
            if state[2] & 0x20 or state[4] & 0x60:
                return Why.PAPER
            if state[1] & 0x08 or state[2] & 0x40:
                return Why.OFFLINE
            return Why.PAPER if await _asked(reader, writer, PAPER) & 0x0C else None
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return Why.SILENT


async def _print(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, job: bytes) -> Delivered:
    try:
        async with asyncio.timeout(PRINTED_WITHIN):
            ended = await _asked(reader, writer, job + PAPER) & 0x0C
    except (OSError, TimeoutError, asyncio.IncompleteReadError):
        return Delivered("unknown", Why.UNCONFIRMED)
    return Delivered("unknown", Why.PAPER) if ended else Delivered("printed")


async def _asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, question: bytes) -> int:
    writer.write(question)
    await writer.drain()
    return (await reader.readexactly(1))[0]
