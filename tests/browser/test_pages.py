"""The pages in a real browser, two phones at a time."""

import os
import re
import signal
import time

from machines import Server, short_folder
from phones import room, send, tell
from playwright.async_api import Page, expect

PORK = "#item-dongpo-pork"


async def count(page: Page, selector: str, number: int) -> None:
    """Waits until so many of them are there."""
    await expect(page.locator(selector)).to_have_count(number)


async def place(page: Page) -> None:
    """Reviews, confirms, sends."""
    await page.click(".totals .primary")
    await send(page)


def test_two_phones_order_together_and_the_kitchen_moves_it_along(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin, jo = await here.phone(0), await here.phone(0, locale="zh-CN")
            await lin.click(f"{PORK} .more")
            await expect(jo.locator("#cart .line")).to_contain_text("东坡肉")
            await expect(jo.locator("#news")).to_have_text(re.compile("客人 1 加了 东坡肉 ×1"))
            await expect(jo.locator("#news")).to_have_class(re.compile("shown"))
            await expect(jo.locator(f"{PORK} .step b")).to_have_text("1")
            await jo.click("#item-sea-bass .more")
            await jo.locator("dialog label").filter(has_text="红烧").click()
            await jo.fill("dialog [name=note]", "少盐")
            await jo.click("dialog .primary")
            await count(lin, "#cart .line", 2)
            await expect(lin.locator("#cart .line").nth(1)).to_contain_text("“少盐”")
            await count(lin, "#guests li", 2)
            await expect(lin.locator("#my-share b")).to_have_text("¥68")
            await expect(jo.locator("#my-share b")).to_have_text("¥98")
            await lin.click(".me")
            await lin.fill("#me [name=name]", "Lin")
            await lin.click("#me button >> nth=0")
            await expect(jo.locator("#guests li").first).to_have_attribute("data-name", "Lin")
            kitchen, floor = await here.board("/kitchen"), await here.board("/floor")
            await lin.click("#me .close")
            await lin.click(".totals .primary")
            await send(lin)
            for page in (lin, jo):
                await count(page, "#rounds .line[data-state=queued]", 2)
                await count(page, "#cart .line", 0)
            await expect(lin).to_have_url(re.compile("#order$"))
            ticket = kitchen.locator(".ticket").first
            await expect(ticket).to_contain_text("“少盐”")
            await expect(floor.locator("#table-t1")).to_have_attribute("data-status", "waiting")
            await ticket.locator(".go").first.click()
            await count(jo, "#rounds .line[data-state=cooking]", 1)
            await ticket.locator(".all").click()
            await ticket.get_by_text("All ready").click()
            await count(jo, "#rounds .line[data-state=ready]", 2)
            await ticket.get_by_text("All served").click()
            await count(kitchen, ".ticket", 0)
            await expect(kitchen.locator(".clear")).to_be_visible()
            await count(lin, "#rounds .line[data-state=served]", 2)

    tell(story())


def test_a_tap_is_a_message_and_no_reload(server: Server) -> None:
    """Also where a button posts to the page's own address: that is for who has no script."""

    async def story() -> None:
        async with room(server) as here:
            page = await here.phone(11)
            await page.evaluate("window.stays = true")
            await page.click(f"{PORK} .more")
            await count(page, "#cart .line", 1)
            await page.click("#item-sea-bass .more")
            await page.locator("dialog label").filter(has_text="Steamed").click()
            await page.click("dialog .primary")
            await count(page, "#cart .line", 2)
            await place(page)
            await count(page, "#rounds .line", 2)
            assert await page.evaluate("window.stays")

    tell(story())


NORMAL = """() => {
  const blocks = {};
  for (const block of document.querySelectorAll("[id]")) {
    const ours = /^(line|guest|item|round|sitting|totals|confirm|bill|claim|presence)/;
    if (!ours.test(block.id) || block.matches("form, .sheet")) continue;
    const copy = block.cloneNode(true);
    for (const each of [copy, ...copy.querySelectorAll("*")]) {
      each.classList.remove("just", "mine", "shown", "away");
      if (!each.classList.length) each.removeAttribute("class");
      for (const own of ["hidden", "open"]) each.removeAttribute(own); // what this reader has opened, or is
    }
    blocks[block.id] = copy.outerHTML.replace(/\\s+/g, " ");
  }
  const order = {};
  for (const name of ["guests", "cart", "rounds", "claims"]) {
    order[name] = [...document.getElementById(name).children].map((child) => child.id);
  }
  return [blocks, order];
}"""


async def same(one: Page, other: Page, patience: float = 10) -> bool:
    """Waits until both show the same blocks: where somebody is scrolling takes its time to get about."""
    end = time.monotonic() + patience
    while True:
        blocks = [await page.evaluate(NORMAL) for page in (one, other)]
        if blocks[0] == blocks[1] or time.monotonic() > end:
            assert blocks[0] == blocks[1]
            return True
        await one.wait_for_timeout(100)


def test_a_page_kept_by_pushes_is_the_page_that_a_reload_gives(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin, jo = await here.phone(1), await here.phone(1)
            await lin.click(f"{PORK} .more")
            await lin.click("#item-osmanthus-cake .more")
            await count(jo, "#cart .line", 2)
            await place(jo)
            await lin.click(f"{PORK} .more")
            await jo.click("#order .close")
            await jo.click("#item-steamed-rice .more")
            await lin.click(".ask summary")
            await lin.click(".ask button >> nth=0")
            await expect(jo.locator(".called li")).to_have_count(1)
            await expect(lin.locator("#item-steamed-rice .step b")).to_have_text("1")
            assert await same(lin, jo)
            await lin.reload()
            await lin.wait_for_selector("body.is-live")
            assert await same(lin, jo)

    tell(story())


def test_everything_works_without_script(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            page = await here.phone(2, java_script_enabled=False)
            await page.click(f"{PORK} .more")
            await expect(page.locator(f"{PORK} .step b")).to_have_text("1")
            await page.click("#item-mapo-tofu a.more")
            await page.locator("label").filter(has_text="Medium").first.click()
            await page.fill("[name=note]", "not too salty")
            await page.fill("[name=qty]", "2")
            await page.click(".ends .primary")
            await page.click(".totals .primary")
            lines = page.locator("#cart .line")
            await expect(lines).to_have_count(2)
            await expect(lines.nth(1)).to_contain_text("“not too salty”")
            await lines.nth(1).locator(".more").click()
            await expect(lines.nth(1).locator(".step b")).to_have_text("3")
            await lines.nth(0).locator(".acts a").click()
            await page.fill("[name=note]", "lean")
            await page.click(".ends .primary")
            await expect(lines.nth(0)).to_contain_text("“lean”")
            await page.click("#order .close")
            await page.click(".me")
            await page.fill("#me [name=name]", "Ada")
            await page.click("#me button >> nth=0")
            await expect(page.locator("#guests li")).to_have_attribute("data-name", "Ada")
            await page.click("#me .close")
            await page.click(".ask summary")
            await page.click("text=The bill, please")
            await expect(page.locator(".called li")).to_have_text("The bill: the staff have been told")
            await page.goto(page.url.split("#")[0] + "#confirm-sheet")
            await page.click("#confirm .primary")
            await expect(page.locator("#rounds .line[data-state=queued]")).to_have_count(2)

    tell(story())


def test_a_refusal_is_said_in_the_guests_language_with_and_without_script(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            kitchen = await here.board("/kitchen")
            live, plain = await here.phone(3, locale="zh-CN"), await here.phone(3, java_script_enabled=False)
            await kitchen.click(".drawer:has(.available) summary")
            await kitchen.locator("#item-dongpo-pork button").click()
            await expect(live.locator(PORK)).to_contain_text("今日售罄")
            await expect(live.locator(f"{PORK} .more")).to_have_count(0)
            await plain.click(f"{PORK} .more")  # its page is older
            await expect(plain.locator(".flash")).to_have_text("Dongpo Pork is sold out.")
            await plain.reload()
            await expect(plain.locator(".flash")).to_have_count(0)
            await kitchen.locator("#item-dongpo-pork button").click()
            await expect(live.locator(f"{PORK} .more")).to_have_count(1)

    tell(story())


def test_what_the_reader_looks_at_does_not_move(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin, jo = await here.phone(4), await here.phone(4)
            await jo.locator("#dish-steamed-rice").scroll_into_view_if_needed()
            await jo.evaluate("scrollBy(0, 200)")
            where = "document.getElementById('dish-steamed-rice').getBoundingClientRect().top"
            before = await jo.evaluate(where)
            await lin.click(".ask summary")
            for _ in range(2):
                await lin.click(".ask button >> nth=0")
                await lin.click(f"{PORK} .more")
            await expect(jo.locator(".called li")).to_have_count(2)
            assert abs(await jo.evaluate(where) - before) <= 1

    tell(story())


def test_a_closed_bill_turns_the_page_into_a_receipt(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin = await here.phone(7)
            await lin.click(f"{PORK} .more")
            await place(lin)
            await count(lin, "#rounds .line", 1)
            floor = await here.board("/floor")
            table = floor.locator("#table-t8")
            await table.locator("summary").click()
            await expect(table.locator(".close")).to_contain_text("Not served yet: 1.")
            await table.locator(".close .primary").click()
            await expect(lin.locator("body")).to_have_attribute("data-state", "closed")
            await expect(lin.locator(".thanks")).to_be_visible()
            await expect(lin.locator("#rounds .line")).to_be_visible()
            await expect(lin.locator("button:visible")).to_have_count(0)
            await expect(lin.locator(".shares")).to_contain_text("¥68")
            await lin.reload()
            await expect(lin.locator(".thanks")).to_be_visible()
            await lin.click("text=Start a new order at this table")
            await expect(lin.locator(PORK)).to_be_visible()
            await count(lin, "#rounds .line", 0)
            await expect(table).to_have_attribute("data-status", "free")
            await expect(table).to_contain_text("still in the kitchen")

    tell(story())


def test_a_board_that_can_not_prove_its_number_turns_red_and_heals() -> None:
    async def story(server: Server) -> None:
        async with room(server) as here:
            kitchen, floor = await here.board("/kitchen"), await here.board("/floor")
            phone = await here.phone(0)
            victim = server.serving(server.port)
            for freeze in (victim, server.store_pid()):
                os.kill(freeze, signal.SIGSTOP)
                for page in (kitchen, floor):
                    await expect(page.locator("#stale")).to_be_visible(timeout=6000)
                    await expect(page.locator("body")).to_have_class(re.compile("stale"))
                    await expect(page.locator("#stale .age")).to_contain_text("s ago")
                os.kill(freeze, signal.SIGCONT)
                for page in (kitchen, floor):
                    await expect(page.locator("#stale")).to_be_hidden(timeout=6000)
            os.kill(victim, signal.SIGKILL)
            await phone.wait_for_selector("body.not-live")
            await phone.wait_for_selector("body.is-live")
            await phone.click(f"{PORK} .more")
            await count(phone, "#cart .line", 1)
            # It is back so soon that the boards need not have turned red; they must be live.
            await expect(floor.locator("#table-t1")).to_have_attribute("data-status", "ordering")
            for page in (kitchen, floor):
                await expect(page.locator("body")).to_have_class(re.compile("proved"))

    with short_folder() as folder:
        server = Server(folder).start()
        try:
            tell(story(server))
        finally:
            server.stop()
