"""Three times as much as a process can do: it turns away what is new, keeps what it has, and says so at once."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Iterator

import pytest
from actors import PATIENCE, Guest, Page, new_op, tables, tell
from machines import Server, short_folder

TABLES = 30
PHONES = 4  # at each table
MEASURED = 2.0  # seconds in which everybody taps as soon as the last tap is answered
FLOOD = 4.0  # seconds of three times that
PORK = "dongpo-pork"


@pytest.fixture
def server() -> Iterator[Server]:
    """One process."""
    with short_folder() as folder:
        running = Server(folder, tables=TABLES).start()
        try:
            yield running
        finally:
            running.stop()


class Tap:
    """A command on its way: when it was sent, and how long its answer took."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.op = new_op()
        self.sent = time.monotonic()

    async def send(self) -> "Tap":
        """Sends it."""
        command = {"op": self.op, "do": "name", "name": self.op}  # grows nothing, and is another document each time
        await self.page.socket.write_message(json.dumps(command))
        return self

    async def answer(self) -> tuple[str, float]:
        """What came back, and after how many seconds."""
        found = await self.page.sees(lambda page: page.answers.get(self.op), PATIENCE * 2)
        return found.get("error", "ok"), time.monotonic() - self.sent


async def seated(server: Server) -> list[Page]:
    """A page for each phone of each table."""
    pages = []
    for table in await tables(server.port):
        for _ in range(PHONES):
            guest = Guest(server.port, table["code"])
            await guest.scan()
            pages.append(await guest.look())
    return pages


async def capacity(pages: list[Page]) -> float:
    """Commands a second that are answered when everybody waits for their answer."""
    done = 0
    end = time.monotonic() + MEASURED

    async def tap(page: Page) -> None:
        nonlocal done
        while time.monotonic() < end:
            await (await Tap(page).send()).answer()
            done += 1

    await asyncio.gather(*(tap(page) for page in pages))
    return done / MEASURED


def test_three_times_the_capacity_is_shed_and_what_was_taken_is_kept(server: Server) -> None:
    async def story() -> None:
        pages = await seated(server)
        able = await capacity(pages)
        taps: list[Tap] = []
        began = time.monotonic()
        while (passed := time.monotonic() - began) < FLOOD:
            for _ in range(int(passed * able * 3) - len(taps)):
                taps.append(await Tap(pages[len(taps) % len(pages)]).send())
            await asyncio.sleep(0.005)
        sent_at = (len(taps)) / FLOOD
        answers = await asyncio.gather(*(tap.answer() for tap in taps))
        found = Counter(word for word, _ in answers)
        print(f"able to do {able:.0f} a second, sent {sent_at:.0f} a second: {dict(found)}")
        assert found.keys() <= {"ok", "too_often", "busy"}, "nobody is left without a definite answer"
        assert found["ok"] > able * FLOOD / 4, "it goes on working"
        assert sum(found.values()) == len(taps)
        assert not any(page.closed for page in pages), "whoever is here stays"
        # And afterwards all is as before: every page is true, and the next tap is done.
        for page in pages[::PHONES]:
            answer = await page.do("add", item=PORK)
            assert answer["ok"], answer
            await page.at(answer["v"])
        assert (await Guest(server.port, (await tables(server.port))[0]["code"]).scan()).status == 200

    tell(story())
    assert "Traceback" not in server.said()
