"""What a change costs a kitchen display that is full: 120 open tickets, real Chromium, time by kind for each change.

The baseline is the same display with ten tickets in the same run. Prints both; fails when scripting takes over 5 ms.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent.parent), str(HERE.parent), str(HERE.parent / "browser"), str(HERE)]

from actors import Guest, Staff, tables, tell  # noqa: E402
from machines import Server, short_folder  # noqa: E402
from phones import room  # noqa: E402
from ratios import note  # noqa: E402

TABLES = 40
ROUNDS = 3  # of one ticket each: 120 of them
FEW = 10
CHANGES = 60
BUDGET = 5.0  # ms of scripting for a change
WALL = {"width": 1920, "height": 1080}
KINDS = ("ScriptDuration", "LayoutDuration", "RecalcStyleDuration", "TaskDuration")
DISHES = ("dongpo-pork", "steamed-rice", "garlic-pea-shoots", "smashed-cucumber")


async def fill(port: int, tickets: int) -> None:
    """Orders until so many tickets are open."""
    places = await tables(port)
    guests = [Guest(port, place["code"]) for place in places]
    for guest in guests:
        await guest.scan()
    for number in range(tickets):
        guest = guests[number % TABLES]
        for dish in DISHES[: 1 + number % len(DISHES)]:
            answer = await guest.do("add", item=dish, note="no onions" if number % 5 == 0 else "")
            assert answer.status == 200, answer
        answer = await guest.do("place", seen=(await guest.scan())["version"])
        assert answer.status == 200, answer


async def cost(server: Server, page: Any) -> dict[str, float]:
    """Milliseconds of the page's main thread for each change, by kind."""
    session = await page.context.new_cdp_session(page)
    await session.send("Performance.enable")

    async def now() -> dict[str, float]:
        told = await session.send("Performance.getMetrics")
        return {each["name"]: each["value"] for each in told["metrics"] if each["name"] in KINDS}

    staff = await Staff(server.port).login()
    board = await staff.json("/kitchen")
    lines = [
        (board["blocks"][name]["table"], line["id"])
        for name in board["order"]["tickets"]
        for line in board["blocks"][name]["lines"]
        if line["state"] == "queued"
    ]
    await asyncio.sleep(3)  # what it shows is reported, the fonts are there
    idle = await now()
    await asyncio.sleep(CHANGES * 0.1)
    before = await now()
    for number in range(CHANGES):
        # One line goes forth and back: there are fewer lines than changes on the baseline's display.
        table, line = lines[number // 2 % len(lines)]
        act = {"do": "recall"} if number % 2 else {"do": "advance", "to": "cooking"}
        answer = await staff.kitchen(**act, table=table, line=line)
        assert answer.status == 200, answer
        await asyncio.sleep(0.1)
    after = await now()
    # Ages and freshness go on by themselves: not the change's doing.
    return {kind: (after[kind] - before[kind] - (before[kind] - idle[kind])) * 1000 / CHANGES for kind in KINDS}


async def story(server: Server) -> dict[int, dict[str, float]]:
    """Costs by the number of open tickets."""
    found = {}
    async with room(server) as here:
        page = await here.board("/kitchen")
        await page.set_viewport_size(WALL)
        await fill(server.port, FEW)
        found[FEW] = await cost(server, page)
        await fill(server.port, TABLES * ROUNDS - FEW)
        found[TABLES * ROUNDS] = await cost(server, page)
    return found


def main() -> None:
    """Runs both and prints them."""
    with short_folder() as folder:
        server = Server(folder, tables=TABLES).start()
        try:
            found = tell(story(server))
        finally:
            server.stop()
    for tickets, costs in found.items():
        shown = ", ".join(f"{kind.removesuffix('Duration')} {ms:.2f} ms" for kind, ms in costs.items())
        print(f"{tickets:4} tickets: {shown}")
    most = found[TABLES * ROUNDS]["ScriptDuration"]
    note(f"display: script at {TABLES * ROUNDS} tickets by {FEW}", most / found[FEW]["ScriptDuration"])
    if most > BUDGET:
        sys.exit(f"scripting takes {most:.1f} ms a change: over {BUDGET} ms")


if __name__ == "__main__":
    main()
