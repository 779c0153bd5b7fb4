"""The kitchen's displays: seen, acknowledged, undone, heard; the pass; the load; and what nobody looks at."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from actors import Guest, Staff, tables
from machines import Server, short_folder
from phones import SCREEN, Room, room, tell
from playwright.async_api import Page, expect
from test_everyone import complaints

from ordering.restaurant import DEMO, read

PORK, CAKE, TEA = "dongpo-pork", "osmanthus-cake", "green-plum-soda"
SLOW = "old-duck-pot"
SOON = "alarm = { again = 1, backup = 2, floor = 4, guest = 5 }\n"
SOUNDS = """
  window.tones = 0;
  const start = OscillatorNode.prototype.start;
  OscillatorNode.prototype.start = function (...rest) { window.tones += 1; return start.apply(this, rest); };
"""
TABLET = {"width": 1280, "height": 800}


async def order(port: int, table: int, *items: str, allergies: tuple[str, ...] = ()) -> Guest:
    """Items placed by a guest at the table of this number."""
    guest = Guest(port, (await tables(port))[table - 1]["code"])
    await guest.scan()
    if allergies:
        assert (await guest.do("allergies", tags=allergies)).status == 200
    for item in items:
        assert (await guest.do("add", item=item)).status == 200
    assert (await guest.do("place", seen=(await guest.scan())["version"])).status == 200
    return guest


def ticket(page: Page, name: str) -> str:
    """The selector of the ticket of this table."""
    return f'.ticket:has(h2 b:text-is("{name}"))'


async def display(here: Room, path: str = "/kitchen", **more: object) -> Page:
    """A display, logged in, whose tones are counted."""
    page = await here.board(path, **more)
    await page.add_init_script(SOUNDS)
    await page.goto(page.url if path in page.url else f"http://127.0.0.1:{here.server.port}{path}")
    await page.wait_for_selector("body.proved")
    return page


def test_what_was_done_to_a_ticket_is_acknowledged_and_what_was_done_by_mistake_undone(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            staff = await Staff(server.port).login()
            page = await display(here, "/kitchen?station=kitchen")
            await order(server.port, 1, PORK, "steamed-rice", allergies=("soy",))
            mine = ticket(page, "1")
            await expect(page.locator(f"{mine} .heed")).to_contain_text("Soy")
            await page.click(f"{mine} .go >> nth=0")  # begun before anybody has read the allergy
            await expect(page.locator("#alert")).to_contain_text("allergy")
            await page.click(f"{mine} .heed")
            await expect(page.locator(f"{mine} .heed")).to_have_count(0)
            # By keyboard: the number on the ticket moves it on, and Backspace takes it back.
            await page.locator("body").press("ArrowRight")
            number = await page.locator(f"{mine} .place").text_content() or ""
            assert re.fullmatch("[1-9]", number)
            await page.keyboard.press(number)
            await expect(page.locator(f"{mine} [data-state=cooking]")).to_have_count(2)
            await expect(page.locator("#done")).to_contain_text("Table 1: Start all")
            await page.keyboard.press("Backspace")
            await expect(page.locator(f"{mine} [data-state=queued]")).to_have_count(2)
            # Taken back by the floor: struck and flagged until somebody has read it.
            line = await page.locator(f"{mine} [data-line] >> nth=0").get_attribute("data-line")
            await staff.floor("void", table="t1", line=line, reason="changed their mind")
            await expect(page.locator(f"{mine} .flag")).to_contain_text("do not make")
            await page.focus(mine)
            await page.keyboard.press("a")
            await expect(page.locator(f"{mine} .flag")).to_have_count(0)
            # Moved: the cook reads the old table beside the new one.
            await staff.floor("move", table="t1", to="t2")
            await expect(page.locator(ticket(page, "2"))).to_contain_text("was table 1")
            mine = ticket(page, "2")
            await page.click(f"{mine} .heed")
            # All the way, and called back.
            for state in ("cooking", "ready", "served"):
                await page.click(f"{mine} .foot .all")
                if state != "served":
                    await expect(page.locator(f"{mine} [data-state={state}]")).to_have_count(1)
            await expect(page.locator(mine)).to_have_count(0)
            await page.keyboard.press("r")
            await page.click("#recent .last button >> nth=0")
            await expect(page.locator(f"{mine} [data-state=ready]")).to_have_count(1)
            await staff.kitchen("serve", table="t2")
            await expect(page.locator(mine)).to_have_count(0)

    tell(story())


def test_a_bump_bars_keys_can_be_learned(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            await order(server.port, 3, PORK)
            page = await display(here)
            await page.click("#open-keys")
            await page.click("#keys [data-act=bump]")
            await page.keyboard.press("F7")
            await expect(page.locator("#keys [data-act=bump]")).to_have_text("F7")
            await page.click("#keys [data-close]")
            await page.reload()
            await page.wait_for_selector("body.proved")
            await page.focus(ticket(page, "3"))
            await page.keyboard.press("F7")
            await expect(page.locator(f"{ticket(page, '3')} [data-state=cooking]")).to_have_count(1)

    tell(story())


def test_the_pass_shows_whole_tables_and_which_station_is_missing(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            staff = await Staff(server.port).login()
            await order(server.port, 4, PORK, CAKE)
            page = await here.board("/kitchen?view=expo")
            await page.goto(f"http://127.0.0.1:{server.port}/kitchen?view=expo")
            mine = '.whole:has(h2 b:text-is("4"))'
            await expect(page.locator(f"{mine} .parts .missing")).to_have_count(2)
            seen = (await staff.json("/kitchen?station=dessert"))["blocks"]
            sweet = next(b for name, b in seen.items() if name.startswith("ticket-") and b["table"] == "t4")
            await staff.kitchen("advance", table="t4", ticket=sweet["id"], to="ready")
            await expect(page.locator(f"{mine} .parts .missing")).to_have_count(1)
            await expect(page.locator(f"{mine} .parts .missing")).to_have_text(re.compile("Kitchen 0/1"))
            await page.click(f"{mine} .foot .all")
            await expect(page.locator(f"{mine} .parts")).to_have_text(re.compile("^.?\\s*Kitchen 0/1 missing$"))
            await expect(page.locator(f"{mine} .foot")).to_have_count(0)

    tell(story())


def test_the_kitchen_says_how_much_it_can_take_and_guests_read_it_at_once(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            page, phone = await display(here), await here.phone(4)
            await phone.click(f"#item-{PORK} .more")
            await page.click("#load summary")
            slow = phone.locator(f"#item-{SLOW} .more")
            await expect(slow).to_have_count(1)
            await page.click("#load [formaction$=slow]")
            await expect(slow).to_have_count(0, timeout=1000)
            await page.click("#load [formaction$=paused]")
            await expect(phone.locator("#load")).to_contain_text("catching its breath", timeout=1000)
            await phone.click(".totals .primary")
            await phone.click("#order .next")
            await expect(phone.locator("#confirm .trouble")).to_be_visible()
            await expect(phone.locator("#confirm .primary")).to_have_count(0)
            guest = Guest(server.port, (await tables(server.port))[4]["code"])
            await guest.scan()
            await guest.do("add", item=PORK)
            refused = await guest.do("place", seen=(await guest.scan())["version"])
            assert (refused.status, refused["error"]) == (409, "paused")
            await page.click("#load [formaction$=auto]")
            await expect(phone.locator("#load")).to_be_empty()

    tell(story())


def test_axe_finds_nothing_on_the_kitchens_pages(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            await order(server.port, 6, PORK, CAKE, allergies=("soy",))
            staff = await Staff(server.port).login()
            await staff.kitchen("rush", table="t6", ticket=await first_ticket(staff, "t6"), on=True)
            found = []
            for scheme, lang in (("light", "zh-CN"), ("dark", "en-US")):
                page = await here.board("/kitchen", color_scheme=scheme, locale=lang, reduced_motion="reduce")
                for path in ("/kitchen", "/kitchen?view=expo", "/kitchen?station=kitchen,bar&order=promise", "/floor"):
                    await page.goto(f"http://127.0.0.1:{server.port}{path}")
                    await page.wait_for_selector("body.proved")
                    found += await complaints(page, f"{path} {scheme}")
                    if path == "/kitchen":
                        for opened in ("#load summary", "#recent summary", ".several summary", "#open-keys"):
                            await page.click(opened)
                            found += await complaints(page, f"{opened} {scheme}")
                            await page.keyboard.press("Escape") if "keys" in opened else await page.click(opened)
                await page.set_viewport_size({"width": 390, "height": 844})
                for path in ("/kitchen", "/floor"):
                    await page.goto(f"http://127.0.0.1:{server.port}{path}")
                    await page.wait_for_selector("body.proved")
                    found += await complaints(page, f"phone {path} {scheme}")
                    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
                    found += [f"{path} scrolls sideways by {wide}"] if wide > 0 else []
            assert not found, "\n".join(found)

    tell(story())


CUT_THROUGH = """strip => {
  const edge = strip.getBoundingClientRect().top + strip.clientTop + strip.clientHeight;
  const rows = [...strip.children].map(each => each.getBoundingClientRect());
  return {
    cut: rows.filter(row => row.top < edge - 3 && row.bottom > edge + 1).length,
    hidden: rows.filter(row => row.top >= edge - 3).length,
  };
}"""


@pytest.mark.parametrize("width", [390, 1280])
def test_what_is_to_be_made_all_day_ends_at_a_row(server: Server, width: int) -> None:
    async def story() -> None:
        async with room(server) as here:
            staff, menu = await Staff(server.port).login(), read(DEMO).menu
            table = (await tables(server.port))[11]["id"]
            plain = [item.id for item in menu.items if not item.groups and not item.hours][:30]
            for item in plain:
                await staff.floor("add", table=table, item=item)
            seen = (await staff.json(f"/floor/{table}"))["blocks"]["party"]["changed"]
            await staff.floor("place", table=table, seen=seen)
            page = await display(here)
            await page.set_viewport_size({"width": width, "height": 800})
            strip = page.locator("#all-day")
            await expect(strip.locator("span").nth(20)).to_be_attached()
            shown = await strip.evaluate(CUT_THROUGH)
            assert (shown["cut"], shown["hidden"] > 0) == (0, True), shown
            await strip.evaluate("strip => strip.scrollTop = 40")
            await page.wait_for_timeout(300)
            assert (await strip.evaluate(CUT_THROUGH))["cut"] == 0

    tell(story())


async def first_ticket(staff: Staff, table: str) -> str:
    """The id of a ticket of this table."""
    blocks = (await staff.json("/kitchen"))["blocks"]
    return str(next(b["id"] for name, b in blocks.items() if name.startswith("ticket-") and b["table"] == table))


@pytest.fixture(scope="module")
def impatient() -> Iterator[Server]:
    """A restaurant that tells the next one after seconds."""
    with short_folder() as folder:
        path = folder / "soon.toml"
        text = DEMO.read_text("utf-8").replace('"pictures/', f'"{DEMO.parent}/pictures/')
        path.write_text(text.replace("[shop]\n", f"[shop]\n{SOON}", 1), "utf-8")
        running = Server(folder, 1, f"--restaurant={Path(path)}").start()
        try:
            yield running
        finally:
            running.stop()


def test_a_ticket_that_nobody_sees_is_told_to_one_after_the_other(impatient: Server) -> None:
    async def story() -> None:
        async with room(impatient) as here:
            floor = await here.board("/floor")
            dessert = await display(here, "/kitchen?station=dessert")
            phone = await here.phone(0)
            await order(impatient.port, 1, PORK)
            # Nobody has opened the kitchen's own display: it is lent to its backup, then the floor and the guest know.
            await expect(dessert.locator(".ticket .lent")).to_contain_text("Nobody at Kitchen", timeout=6000)
            await expect(floor.locator(".alarm")).to_contain_text("Table 1", timeout=6000)
            guest = phone.locator(".round .state")
            await expect(guest).to_contain_text("please tell your waiter", timeout=6000)
            # A cook comes to the backup's display: whoever looks has seen it, and everybody is told so.
            await dessert.click("#sound")
            await expect(dessert.locator("#sound")).to_have_text("Sound is on")
            assert await dessert.evaluate("tones") > 0
            await expect(dessert.locator(".ticket")).to_have_count(0, timeout=8000)
            await expect(floor.locator(".alarm")).to_have_count(0)
            await expect(guest).not_to_contain_text("waiter")

    tell(story())


def test_a_display_that_nobody_is_at_shows_and_rings_but_does_not_count_as_a_cook(impatient: Server) -> None:
    async def story() -> None:
        async with room(impatient) as here:
            staff = await Staff(impatient.port).login()
            page = await display(here, "/kitchen?station=kitchen")
            await order(impatient.port, 2, PORK)
            await expect(page.locator(".ticket.again")).to_have_count(1, timeout=6000)
            await expect(page.locator(".ticket:not([data-unshown])[data-unseen]")).to_have_count(1)
            assert await page.evaluate("tones") == 0  # no gesture yet: the page says so
            await expect(page.locator("#sound")).to_contain_text("Sound is off")
            block = next(b for b in (await staff.json("/kitchen"))["blocks"].values() if b.get("table") == "t2")
            assert (block["shown"], block["unseen"] > 0) == (True, True)
            await page.keyboard.press("Shift")
            await expect(page.locator("[data-unseen]")).to_have_count(0, timeout=6000)
            await expect(page.locator("#sound")).to_have_text("Sound is on")

    tell(story())


def test_more_tickets_than_fit_stand_on_pages(impatient: Server) -> None:
    async def story() -> None:
        async with room(impatient) as here:
            for table in range(3, 13):
                for _ in range(2):
                    await order(impatient.port, table, PORK, TEA)
            page = await display(here)
            await page.set_viewport_size(TABLET)
            await expect(page.locator(".pages b")).to_have_text(re.compile(r"^1/[4-9]$"))
            last = page.locator(".ticket").last
            await expect(last).not_to_be_in_viewport()
            for _ in range(9):
                await page.keyboard.press("PageDown")
            await expect(last).to_be_in_viewport()
            await page.keyboard.press("PageUp")
            await expect(last).not_to_be_in_viewport()
            await page.set_viewport_size(SCREEN)
            assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0

    tell(story())
