"""Hundreds of phones, and two thousand, that lose their connection at the same moment and come back by themselves."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from actors import Guest, tables, tell
from crowd import Phone
from machines import Nginx, Server, short_folder

TABLES = 100
PATIENCE = 60.0  # seconds: generous, for a machine that does other things as well
EACH = 100  # KB that a connected phone may cost a process; measured: docs/reliability.md


async def until(holds: Callable[[], bool]) -> float:
    """Waits; returns for how many seconds."""
    began = time.monotonic()
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.02)
    return time.monotonic() - began


def resident(server: Server) -> int:
    """Memory of the serving processes, in KB."""
    return sum(int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) for pid in server.children())


async def seated(port: int, count: int) -> tuple[list[Guest], list[Phone]]:
    """Guests at every table, and their phones; one order at each table."""
    guests: list[Guest] = []
    phones: list[Phone] = []
    for table in await tables(port):
        guest = Guest(port, table["code"])
        await guest.scan()
        await guest.do("add", item="dongpo-pork")
        guests.append(guest)
        phones += [Phone(port, f"/t/{table['code']}/live") for _ in range(count // TABLES)]
    return guests, phones


@pytest.mark.parametrize("count", [500, pytest.param(2000, marks=pytest.mark.long)])
def test_phones_come_back_by_themselves(count: int) -> None:
    with short_folder() as folder, short_folder() as site:
        server = Server(folder, processes=3, tables=TABLES).start()
        nginx = Nginx(site, server.ports).start()

        async def story() -> None:
            empty = resident(server)
            guests, phones = await seated(nginx.port, count)
            came = await until(lambda: all(phone.connected for phone in phones))
            each = (resident(server) - empty) / count
            nginx.stop()
            await until(lambda: not any(phone.connected for phone in phones))
            nginx.start()
            back = await until(lambda: all(phone.connected for phone in phones))
            began = time.monotonic()
            for guest in guests:
                assert (await guest.do("add", item="dongpo-pork", port=server.ports[0]))["ok"]
            await until(lambda: all(phone.v >= 2 for phone in phones))
            seen = time.monotonic() - began
            print(
                f"{count} phones: {came:.1f} s until all had come, {each:.0f} KB each; all back {back:.1f} s after "
                f"nginx; {TABLES} tables changed and shown to all within {seen:.1f} s"
            )
            assert each < EACH
            assert max(phone.returns for phone in phones) < 12, "they wait longer each time, and do not hammer"
            for phone in phones:
                phone.leave()

        try:
            tell(story())
            assert "Traceback" not in server.said()
        finally:
            nginx.stop()
            server.stop()
