"""What a guest finds on the page: the menu, who else is there, what becomes of an order, the bill; on two phones."""

import re

import pytest
from actors import Guest, Staff, tables
from machines import Server
from phones import PHONE, READING, SCREEN, Room, room, send, tell
from playwright.async_api import Page, expect

PORK, BASS, RICE, CAKE = "#item-dongpo-pork", "#item-sea-bass", "#item-steamed-rice", "#item-osmanthus-cake"

LINES_OF_TEXT = """all => all.map(each => {
  const text = document.createRange();
  text.selectNodeContents(each);
  return text.getClientRects().length;
})"""

BELOW_THE_BUTTONS = """sheet => {
  const edge = sheet.getBoundingClientRect().top + sheet.clientTop + sheet.clientHeight;
  return Math.round(edge - sheet.querySelector(".ends").getBoundingClientRect().bottom);
}"""


async def place(page: Page) -> None:
    """Reviews, confirms, sends."""
    await page.click(".totals .primary")
    await send(page)
    await expect(page.locator("#notice")).to_have_class("shown")


async def found(page: Page, query: str) -> list[str]:
    """The dishes that a search leaves on the page."""
    await page.fill("#find [name=q]", query)
    return list(await page.locator(".dish:not(.hide)").evaluate_all("all => all.map(each => each.id.slice(5))"))


def test_the_search_forgives(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            page = await here.phone(0, locale="zh-CN")
            await page.click("#search")
            for query in (
                "东坡肉",
                "东坡",
                "dongporou",
                "dong po",
                "dpr",
                "dongpu",
                "DONGPORUO",
                "dongpo prk",
                "Dongpo",
                "donpo",
            ):
                assert "dongpo-pork" in await found(page, query), query
            for query in ("xlb", "xiaolonbao", "siaolongbao", "soup dumpl"):
                assert "xiaolongbao" in await found(page, query), query
            assert await found(page, "dpr") == ["dongpo-pork"], "slips only count where nothing is called so"
            assert await found(page, "qqqqqq") == []
            await expect(page.locator(".found")).to_contain_text("菜单里没有")
            await page.keyboard.press("Escape")
            await expect(page.locator("#find")).to_be_hidden()
            await expect(page.locator(".dish.hide")).to_have_count(0)

    tell(story())


def test_filters_by_diet_and_allergen(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            page = await here.phone(0)
            tags = {
                id: set(words.split())
                for id, words in await page.locator(".dish").evaluate_all(
                    "all => all.map(each => [each.id.slice(5), each.dataset.tags])"
                )
            }
            await page.click("#search")
            await page.locator("#find label").filter(has_text=re.compile("^Vegan$")).click()
            assert set(await found(page, "")) == {id for id in tags if "vegan" in tags[id]}
            await page.locator("#find label").filter(has_text="Soy").click()
            left = {id for id in tags if "vegan" in tags[id] and "soy" not in tags[id]}
            assert set(await found(page, "")) == left
            await expect(page.locator(".found")).to_have_text(f"Dishes found: {len(left)}")
            await page.click(".categories a >> nth=2")
            await expect(page.locator(".dish.hide")).to_have_count(0)

    tell(story())


def test_the_categories_follow_the_scroll(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            page = await here.phone(0)
            for category in ("soups", "drinks", "cold"):
                await page.locator(f"#cat-{category}").evaluate("each => each.scrollIntoView()")
                await expect(page.locator(f'.categories a[href="#cat-{category}"]')).to_have_class("on")
                await expect(page.locator(f'.categories a[href="#cat-{category}"]')).to_be_in_viewport()

    tell(story())


def test_a_sheet_adds_up_and_knows_its_limits(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            page = await here.phone(1)
            await page.click(f"{BASS} .more")
            sheet = page.locator("dialog")
            await expect(sheet.locator(".cost")).to_have_text("¥98")
            await sheet.locator("label").filter(has_text="chilli-bean").click()
            await sheet.locator("[data-by='1']").click()
            await expect(sheet.locator(".cost")).to_have_text("¥208")
            for number in range(4):
                await sheet.locator("fieldset").nth(1).locator("input").nth(number).check()
            await expect(sheet.locator("fieldset").nth(1).locator("input").nth(4)).to_be_disabled()
            await sheet.locator(".switch").click()
            await sheet.locator(".primary").click()
            line = page.locator("#cart .line")
            await expect(line).to_contain_text("for the whole table")
            await expect(line.locator(".price")).to_have_text("¥208")
            await page.click("#dish-dongpo-pork h3 a")  # a dish without choices has a sheet, too
            await page.fill("dialog [name=note]", "lean")
            await page.click("dialog .primary")
            await expect(line).to_have_count(2)
            await page.click("#dish-kung-pao-chicken .more")  # a choice that has no default must be made
            await page.click("dialog .primary")
            await expect(page.locator("dialog")).to_be_visible()
            await expect(line).to_have_count(2)

    tell(story())


def test_a_dishs_sheet_opens_at_its_name_and_no_keyboard_covers_it(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            page = await here.phone(1)
            await page.click("#dish-dongpo-pork h3 a")
            await expect(page.locator("dialog h2")).to_be_focused()
            await page.keyboard.press("Tab")
            await expect(page.locator("dialog [name=note]")).to_be_focused()
            await page.locator("dialog .primary").click()
            await page.click(".totals .primary")
            await page.click("#cart .acts a")
            await expect(page.locator("dialog [name=note]")).to_be_focused()

    tell(story())


def test_what_runs_out_says_so_everywhere_also_in_an_open_sheet(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            staff = await Staff(server.port).login()
            lin, jo = await here.phone(2), await here.phone(2)
            await lin.click(f"{CAKE} .more")
            await lin.click(f"{CAKE} .more")
            await jo.click(f"{BASS} .more")
            await staff.kitchen("stock", item="sea-bass", count=3)
            await expect(jo.locator("dialog .now")).to_have_text("3 left")
            await staff.kitchen("sold_out", item="sea-bass", on=True)
            await expect(jo.locator("dialog .now")).to_have_text("Sold out today")
            await expect(jo.locator("dialog .primary")).to_be_disabled()
            await staff.kitchen("stock", item="osmanthus-cake", count=1)
            await lin.click(".totals .primary")
            trouble = lin.locator("#cart .trouble")
            await expect(trouble).to_contain_text("Only 1 left")
            await lin.click("#order .next")
            await expect(lin.locator("#confirm .trouble")).to_have_text("Only 1 left")
            await lin.wait_for_timeout(READING)
            await lin.click("#confirm .primary")
            await expect(lin.locator("#alert")).to_contain_text("left")
            await lin.click("#confirm-sheet .close")
            await trouble.locator("button").click()
            await expect(trouble).to_have_count(0)
            await expect(lin.locator("#cart .step b")).to_have_text("1")
            await staff.kitchen("sold_out", item="osmanthus-cake", on=True)
            await expect(trouble).to_contain_text("Sold out by now")
            await trouble.locator("button").click()
            await expect(lin.locator("#cart .line")).to_have_count(0)
            for item in ("osmanthus-cake", "sea-bass"):
                await staff.kitchen("stock", item=item, count=None)
                await staff.kitchen("sold_out", item=item, on=False)

    tell(story())


def test_a_removal_can_be_undone(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin, jo = await here.phone(3), await here.phone(3)
            await lin.click(f"{PORK} .more")
            await lin.click(".totals .primary")
            await lin.get_by_label("Remove Dongpo Pork").click()
            await expect(jo.locator("#cart .line")).to_have_count(0)
            await lin.click("#news .undo")
            await expect(jo.locator("#cart .line")).to_have_count(1)
            await expect(jo.locator("#heard")).to_have_text("Guest 1 put Dongpo Pork back")

    tell(story())


def test_the_page_shows_who_is_here_and_choosing(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin, jo = await here.phone(4), await here.phone(4)
            await expect(lin.locator("#presence")).to_contain_text("2 looking on")
            await lin.click(f"{PORK} .more")
            await jo.click(f"{RICE} .more")
            await expect(jo.locator("#guests .away")).to_have_count(0)
            await jo.locator("#cat-soups").evaluate("each => each.scrollIntoView()")
            await expect(lin.locator("#presence")).to_contain_text("Guest 2 is at Soups")
            await expect(jo.get_by_text("Guest 2 is at Soups")).to_be_hidden()
            await jo.context.close()
            await expect(lin.locator("#guests .away")).to_have_count(1)
            await expect(lin.locator("#presence")).not_to_contain_text("Soups")

    tell(story())


def test_an_allergy_warns_the_table_and_reaches_the_kitchen_as_data(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin, jo = await here.phone(5), await here.phone(5)
            staff = await Staff(server.port).login()
            await lin.click(".me")
            await lin.fill("#me [name=name]", "Lin")
            await lin.click("#me form >> nth=0 >> button")
            await lin.locator("#me label").filter(has_text="Nuts").click()
            await lin.click("#me form >> nth=2 >> button")
            await expect(jo.locator("#item-kung-pao-chicken .warn")).to_have_text(
                "Contains nuts or peanuts: careful, Lin"
            )
            await jo.click("#item-kung-pao-chicken .more")
            await expect(jo.locator("dialog .warn")).to_be_visible()
            await jo.locator("dialog label").filter(has_text="Mild").click()
            await jo.click("dialog .primary")
            await expect(jo.locator("#cart .warn")).to_have_count(0)  # Jo eats it alone
            await jo.click(".totals .primary")
            await jo.get_by_label("for the table").click()
            await expect(lin.locator("#cart .warn")).to_have_count(1)
            await send(jo)
            board = await staff.look("kitchen")
            lines = [line for block in board.blocks.values() for line in block.get("lines", []) if line["shared"]]
            assert lines[0]["allergies"] == ["nuts"]
            assert "nuts" in lines[0]["allergens"]
            kitchen = await here.board("/kitchen")
            await expect(kitchen.locator(".allergy").first).to_have_text("Allergy: Nuts and peanuts")

    tell(story())


def test_a_line_on_hold_waits_until_it_is_fired(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin, jo = await here.phone(6), await here.phone(6)
            kitchen = await here.board("/kitchen")
            await lin.click(f"{PORK} .more")
            await lin.click(f"{CAKE} .more")
            await lin.click(".totals .primary")
            await lin.get_by_label("Osmanthus Rice Cake: later").click()
            await expect(jo.locator("#cart .marks")).to_have_text("waits until you call for it")
            await send(lin)
            await expect(kitchen.locator(".ticket[data-waits]")).to_contain_text("on hold")
            await expect(kitchen.locator("#all-day")).not_to_contain_text("Osmanthus")
            await jo.click(".totals .primary")
            await jo.locator("#rounds .fire").click()
            await expect(kitchen.locator("#all-day")).to_contain_text("Osmanthus")
            await expect(lin.locator("#rounds .line[data-state=held]")).to_have_count(0)

    tell(story())


def test_calls_say_for_what_and_who_has_seen_them(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin, jo = await here.phone(7), await here.phone(7)
            floor = await here.board("/floor")
            await lin.click(".ask summary")
            await lin.get_by_text("Water, please").click()
            await expect(jo.locator(".called li")).to_have_text("Water: the staff have been told")
            await expect(floor.locator("#table-t8 .call")).to_contain_text("Water, please")
            await floor.get_by_text("I'm going").click()
            await expect(jo.locator(".called .seen")).to_have_text("Water: manager is on the way")
            await floor.locator("#table-t8").get_by_text("Done").click()
            await expect(jo.locator(".called")).to_have_count(0)

    tell(story())


def test_something_ready_is_told_gently_and_an_honest_time_given(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            staff = await Staff(server.port).login()
            code = (await tables(server.port))[8]["code"]
            guest = Guest(server.port, code)
            await guest.scan()
            for _ in range(3):  # so that the pastry station has a pace
                await guest.do("add", item="osmanthus-cake")
                placed = await guest.do("place", seen=(await guest.scan())["version"])
                sitting = (await guest.scan())["sitting"]["id"]
                ticket = f"{sitting}.{placed['round']}.dessert"
                assert (await staff.kitchen("advance", table="t9", ticket=ticket, to="ready")).get("ok")
            page = await here.phone(8)
            await page.click(f"{CAKE} .more")
            await place(page)
            heading = page.locator("#rounds .round").first
            await expect(heading.locator(".state")).to_contain_text(re.compile("ready by about|taking longer"))
            number = int((await heading.get_attribute("id") or "").removeprefix("round-"))
            await staff.kitchen("advance", table="t9", ticket=f"{sitting}.{number}.dessert", to="ready")
            await expect(page.locator("#notice")).to_have_text("Osmanthus Rice Cake is ready")

    tell(story())


def test_the_bill_is_shared_in_three_ways_and_adds_up(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin, jo = await here.phone(9), await here.phone(9)
            await lin.click(f"{PORK} .more")
            await jo.click(f"{CAKE} .more")
            await expect(lin.locator("#cart .line")).to_have_count(2)
            await place(lin)
            await lin.click("#order .round-link")
            total = await amount(lin, "#bill .total dd")
            assert await shares(lin) == [68_00, total - 68_00]
            await lin.get_by_text("Equal parts").click()
            await expect(lin.locator("#bill .people")).to_be_visible()
            await lin.get_by_label("One person more").click()
            await expect(lin.locator(".shares li")).to_have_count(3)
            assert sum(await shares(lin)) == total
            await lin.get_by_text("By dishes").click()
            await expect(lin.locator("#claims .claim.open")).to_have_count(2)
            await expect(lin.locator(".shares .nobody b")).to_have_text(await lin.inner_text("#bill .total dd"))
            await lin.get_by_label("I pay for Dongpo Pork").click()
            await jo.goto(jo.url.split("#")[0] + "#bill-sheet")
            await jo.get_by_label("I pay for Dongpo Pork").click()
            await expect(lin.locator("#claims .claim").first.locator(".dot")).to_have_count(2)
            assert (await shares(lin))[:2] == [34_00, 34_00]
            await lin.locator(".tips").get_by_text("10%").click()
            await expect(jo.locator(".shares")).to_contain_text("+ tip ¥3.40")
            assert sum(await shares(lin)) == total
            await expect(lin.locator("#my-share b")).to_have_text("¥34")

    tell(story())


async def amount(page: Page, selector: str) -> int:
    """Money on the page, in minor units."""
    return round(float((await page.text_content(selector) or "").strip("¥").replace(",", "")) * 100)


async def shares(page: Page) -> list[int]:
    """Everyone's share as the bill shows it."""
    texts = await page.locator(".shares b").all_text_contents()
    return [round(float(text.strip("¥").replace(",", "")) * 100) for text in texts]


def test_order_again_from_the_rounds(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            page = await here.phone(10)
            await page.click(f"{RICE} .more")
            await page.click(f"{CAKE} .more")
            await place(page)
            await page.get_by_label("Round 1: all of it again").click()
            await expect(page.locator("#cart .line")).to_have_count(2)

    tell(story())


def test_a_guest_has_a_name_and_a_colour_of_its_own(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin, jo = await here.phone(11), await here.phone(11)
            await lin.click(f"{RICE} .more")
            await jo.click(f"{RICE} .more")
            await expect(lin.locator("#guests li")).to_have_count(2)
            await lin.click(".me")
            await lin.locator(".colours label").nth(1).click()  # Jo's
            await lin.click("#me form >> nth=1 >> button")
            await expect(lin.locator("#alert")).to_contain_text("Somebody else")
            await lin.locator(".colours label").nth(6).click()
            await lin.click("#me form >> nth=1 >> button")
            await expect(jo.locator("#guests .g7")).to_have_count(1)

    tell(story())


def test_the_receipt_prints_and_comes_as_a_pdf(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin = await receipt_of_a_closed_bill(here, server)
            await expect(lin.get_by_text("Receipt as PDF")).to_be_visible()
            async with lin.expect_download() as download:
                await lin.click("text=Receipt as PDF")
            path = await (await download.value).path()
            assert path.read_bytes().startswith(b"%PDF-")
            await lin.click("text=Receipt to print")
            await expect(lin.locator(".paper")).to_contain_text("Dongpo Pork")
            await expect(lin.locator(".paper .total dd")).to_have_text("¥68")
            await lin.emulate_media(media="print")
            await expect(lin.locator(".links")).to_be_hidden()

    tell(story())


def test_a_number_on_the_receipt_stands_in_one_line(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            staff, table = await Staff(server.port).login(), (await tables(server.port))[8]
            for item, qty in (("dongpo-pork", 12), ("sea-bass", 1), ("steamed-rice", 2)):
                more = {"modifiers": ["steamed"]} if item == "sea-bass" else {}
                assert (await staff.floor("add", table=table["id"], item=item, qty=qty, **more)).get("ok"), item
            seen = (await staff.json(f"/floor/{table['id']}"))["blocks"]["party"]["changed"]
            assert (await staff.floor("place", table=table["id"], seen=seen)).get("ok")
            lin = await here.phone(8)
            await lin.goto((await here.link(8)) + "/receipt")
            assert set(await lin.locator(".paper td:first-child").evaluate_all(LINES_OF_TEXT)) == {1}

    tell(story())


async def receipt_of_a_closed_bill(here: Room, server: Server) -> Page:
    """The page of a guest whose bill was just closed."""
    staff = await Staff(server.port).login()
    lin = await here.phone(0, locale="en-US")
    table = (await tables(server.port))[0]["id"]
    await lin.click(f"{PORK} .more")
    await place(lin)
    assert (await staff.floor("close", table=table)).get("ok")
    await expect(lin.locator("body")).to_have_attribute("data-state", "closed")
    return lin


@pytest.mark.parametrize("viewport", [PHONE, SCREEN], ids=["phone", "screen"])
def test_nothing_shows_below_the_buttons_at_the_end_of_a_sheet(server: Server, viewport: dict[str, int]) -> None:
    async def story() -> None:
        async with room(server) as here:
            table = (await tables(server.port))[7]
            guest = Guest(server.port, table["code"])
            await guest.scan()
            for number in range(14):
                assert "line" in await guest.do("add", item="dongpo-pork", note=f"number {number}")
            assert (await guest.do("place", seen=(await guest.scan())["version"]))["ok"]
            await (await Staff(server.port).login()).floor("approve", table=table["id"], round=1)
            page = await here.phone(7, viewport=viewport)
            for sheet in ("#order", "#me", "#bill-sheet"):
                await page.evaluate("sheet => location.hash = sheet", sheet)
                await page.wait_for_timeout(300)
                below = await page.locator(sheet).evaluate(BELOW_THE_BUTTONS)
                assert below == 0, (sheet, below)

    tell(story())


def test_a_double_tap_does_not_send_what_nobody_has_read(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            page = await here.phone(9)
            placed = page.locator("#rounds .line")
            before = await placed.count()
            await page.click("#item-dongpo-pork .more")
            await page.click(".totals .primary")
            await page.click("#order .next", position={"x": 40, "y": 20})
            await page.wait_for_timeout(50)
            await page.click("#confirm .primary")
            await page.wait_for_timeout(READING)
            await expect(placed).to_have_count(before)
            await page.click("#confirm .primary")
            await expect(placed).not_to_have_count(before)

    tell(story())
