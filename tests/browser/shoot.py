"""The pictures of the README and of whoever reviews the looks: `make screenshots`, into docs/images/ and screenshots/.

Plays an evening on a demo of its own, then looks at every page in several sizes, both themes and both languages.
"""

import sys
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE.parent), str(HERE)]

from actors import Guest, Staff, tables, tell  # noqa: E402
from evening import busy_table, states  # noqa: E402
from machines import Server, short_folder  # noqa: E402
from phones import PHONE, SCREEN, room  # noqa: E402

EVENING = [
    (6, "林", [("kung-pao-chicken", "不放花生"), ("dongpo-pork", "")]),
    (6, "Jo", [("steamed-rice", ""), ("osmanthus-cake", "")]),
    (1, "Ada", [("dongpo-pork", ""), ("mapo-tofu", "not too salty, please"), ("longjing-tea", "")]),
    (3, "王", [("osmanthus-cake", "少糖"), ("sea-bass", ""), ("steamed-rice", "")]),
    (8, "Mia", [("steamed-rice", ""), ("dongpo-pork", "well done, please"), ("xiaolongbao", "")]),
]
BOARDS = {
    "kitchen": "/kitchen",
    "pass": "/kitchen?view=expo",
    "floor": "/floor",
    "table": "/floor/{busy}",
    "paying": "/floor/{busy}",
    "staff": "/manage",
    "plan": "/manage/plan",
    "printers": "/manage/printers",
    "record": "/manage/log",
    "login": "/login",
}
SHOWN = ("kitchen", "floor")
SIZES = {"small": (360, 740), "phone": (390, 844), "wide": (1280, 800)}


async def evening(server: Server) -> str:
    """Guests order, the kitchen works, somebody calls; returns the code of a table in the middle of it."""
    codes = {int(table["id"][1:]): table["code"] for table in await tables(server.port)}
    staff = await Staff(server.port).login()
    for table, name, dishes in EVENING:
        guest = Guest(server.port, codes[table])
        await guest.scan()
        await guest.do("name", name=name)
        menu = (await guest.scan())["menu"]
        groups = {group["id"]: group for group in menu["groups"]}
        for item, note in dishes:
            chosen = [groups[id] for each in menu["items"] if each["id"] == item for id in each["groups"]]
            modifiers = [choice["id"] for group in chosen for choice in group["modifiers"][: group["min"]]]
            answer = await guest.do("add", item=item, modifiers=modifiers, note=note)
            assert answer.get("ok"), answer
        if name != "Jo":
            await guest.do("place", seen=(await guest.scan())["version"])
    await guest.do("call", **{"for": "bill"})
    code = await busy_table(server, 4)
    board = await staff.look("kitchen")
    first = next(block for id, block in board.blocks.items() if id.startswith("ticket-"))
    await staff.kitchen("advance", table=first["table"], line=first["lines"][0]["id"], to="cooking")
    await staff.kitchen("sold_out", item="longjing-prawns", on=True)
    board.close()
    return code


async def story(server: Server) -> None:
    """Looks at everything."""
    code = await evening(server)
    busy = f"t{EVENING[0][0]}"
    base = f"http://127.0.0.1:{server.port}"
    images, review = ROOT / "docs" / "images", ROOT / "screenshots"
    images.mkdir(parents=True, exist_ok=True)
    review.mkdir(exist_ok=True)
    async with room(server) as here:
        for scheme in ("light", "dark"):
            for lang in ("zh", "en"):
                for size, (width, height) in SIZES.items():
                    context = await here.context({"width": width, "height": height}, color_scheme=scheme)
                    page = await context.new_page()
                    await context.add_cookies([{"name": "lang", "value": lang, "url": base}])
                    async for state in states(page, server.port, code):
                        await page.wait_for_timeout(250)
                        await page.screenshot(path=review / f"{state.replace(' ', '-')}-{size}-{scheme}-{lang}.png")
                        shown = state in ("menu", "order", "bill-sheet")
                        if shown and (scheme, lang, size) == ("light", "zh", "phone"):
                            await page.screenshot(path=images / f"diner-{state}.png")
                    await context.close()
                page = await here.board("/floor", color_scheme=scheme)
                for name, path in BOARDS.items():
                    await page.set_viewport_size(SCREEN)
                    await page.goto(f"{base}{path.format(busy=busy)}{'&' if '?' in path else '?'}lang={lang}")
                    await page.wait_for_timeout(800)
                    if name == "paying":
                        await page.click("#parts .ask >> nth=0")
                    await page.screenshot(path=review / f"{name}-{scheme}-{lang}.png")
                    if (scheme, lang) == ("light", "zh") and name in SHOWN:
                        await page.screenshot(path=images / f"{name}.png")
                    await page.set_viewport_size(PHONE)
                    await page.screenshot(path=review / f"{name}-phone-{scheme}-{lang}.png")
                await page.context.close()


def main() -> None:
    """On a server of its own."""
    with short_folder() as folder:
        server = Server(folder).start()
        try:
            tell(story(server))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
