"""Several people at one tablet: who they are, what they may do, and what happens when they walk away."""

import re

from actors import Staff, new_op
from machines import Server
from phones import PHONE, Room, room, tell
from playwright.async_api import Page, expect
from test_everyone import complaints

PEOPLE = (("Mei", "waiter", "2580"), ("Bo", "kitchen", "1379"))


async def hire(server: Server) -> None:
    """Two people more, if they are not there yet."""
    boss = await Staff(server.port).login()
    for name, role, pin in PEOPLE:
        await boss.post("/manage/do", {"op": new_op(), "do": "account_add", "name": name, "role": role, "pin": pin})


async def switch(page: Page, name: str, pin: str) -> None:
    """Somebody else takes the tablet."""
    await page.click("form.who button")
    await page.get_by_role("link", name=name).click()
    for digit in pin:
        await page.get_by_role("button", name=digit, exact=True).click()
    await page.click(".pad .go")


def test_people_switch_by_pin_and_a_tablet_left_alone_asks_who_is_there(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            await hire(server)
            page = await here.board("/floor/t2")
            await switch(page, "Mei", "2580")
            await expect(page).to_have_url(re.compile("/floor/t2$"))
            await expect(page.locator("form.who")).to_contain_text("Mei")
            await page.goto(f"http://127.0.0.1:{server.port}/manage")
            await expect(page.locator("main")).to_contain_text("waiter")
            await page.goto(f"http://127.0.0.1:{server.port}/floor")
            await page.wait_for_selector("body.proved")
            # Five minutes go by, and nobody touches it.
            await page.clock.install()
            await page.reload()
            await page.clock.fast_forward("04:50")
            await expect(page).to_have_url(re.compile("/floor$"))
            await page.clock.fast_forward("00:20")
            await expect(page).to_have_url(re.compile("/login"), timeout=8000)
            await page.get_by_role("link", name="Bo Kitchen").click()
            await page.fill("[name=pin]", "9999")
            await page.keyboard.press("Enter")
            await expect(page.locator("[role=alert]")).to_contain_text("wrong")
            await page.fill("[name=pin]", "1379")
            await page.keyboard.press("Enter")
            await expect(page).to_have_url(re.compile("/kitchen$"))
            await expect(page.locator(".stations a[href='/floor']")).to_have_count(0)

    tell(story())


def test_the_manager_hires_and_reads_the_record(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            page = await manager(here)
            await page.locator("form:has([value=account_add]) [name=name]").fill("Wu")
            await page.locator("form:has([value=account_add]) [name=pin]").fill("1234")
            await page.get_by_role("button", name="Add").click()
            await expect(page.locator("[role=alert]")).to_contain_text("guessed at once")
            await page.locator("form:has([value=account_add]) [name=name]").fill("Wu")
            await page.locator("form:has([value=account_add]) [name=pin]").fill("7412")
            await page.get_by_role("button", name="Add").click()
            wu = page.locator(".accounts li", has_text="Wu")
            await wu.get_by_text("Change").click()
            await wu.get_by_label("May log in").uncheck()
            await wu.get_by_role("button", name="Save").first.click()
            await expect(wu).to_contain_text("can't log in")
            await page.get_by_role("link", name="What was done").click()
            await expect(page.locator(".record tbody tr").first).to_contain_text("changed the account Wu")

    tell(story())


async def manager(here: Room, **more: object) -> Page:
    """The manager's page, on a device of its own."""
    page = await (await here.context(**more)).new_page()
    await page.goto(f"http://127.0.0.1:{here.server.port}/manage")
    await page.fill("[name=password]", "correct horse")
    await page.click("button.primary")
    await expect(page).to_have_url(re.compile("/manage$"))
    return page


def test_axe_finds_nothing_on_the_doors_and_the_managers_pages(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            await hire(server)
            found = []
            for scheme, lang in (("light", "zh-CN"), ("dark", "en-US")):
                page = await manager(here, color_scheme=scheme, locale=lang)
                for summary in await page.locator("summary").all():
                    await summary.click()
                found += await complaints(page, f"staff {scheme}")
                for path in ("/manage/log", "/login?next=/floor"):
                    await page.goto(f"http://127.0.0.1:{server.port}{path}")
                    found += await complaints(page, f"{path} {scheme}")
                await page.locator(".people a").first.click()
                found += await complaints(page, f"pad {scheme}")
                await page.set_viewport_size({**PHONE, "width": 320})
                for path in ("/manage", "/manage/log", "/login"):
                    await page.goto(f"http://127.0.0.1:{server.port}{path}")
                    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
                    found += [f"{path} scrolls sideways by {wide}"] if wide > 0 else []
            assert not found, "\n".join(found)

    tell(story())


def test_a_table_that_is_dragged_stands_there_on_the_waiters_plan(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            floor = await here.board("/floor")
            await floor.click("#plan")
            page = await manager(here, viewport={"width": 1280, "height": 900})
            await page.get_by_role("link", name="Plan").click()
            table = page.locator("[data-table=t1]")
            box, house = await table.bounding_box(), await page.locator(".house").first.bounding_box()
            assert box
            assert house
            await page.mouse.move(box["x"] + 10, box["y"] + 10)
            await page.mouse.down()
            await page.mouse.move(house["x"] + house["width"] * 0.8, house["y"] + house["height"] * 0.7, steps=5)
            await page.mouse.up()
            await expect(floor.locator("#table-t1")).to_have_attribute("data-x", "80")
            await expect(floor.locator("#table-t1")).to_have_attribute("data-y", "70")
            assert await floor.locator("#table-t1").evaluate("(each) => each.style.left") == "80%"
            await table.focus()
            await page.keyboard.press("ArrowLeft")
            await expect(floor.locator("#table-t1")).to_have_attribute("data-x", "78")
            assert await complaints(page, "plan") == []
            assert await complaints(floor, "floor plan") == []

    tell(story())
