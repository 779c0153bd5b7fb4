"""A table in the middle of its evening, and every state in which a guest may find its page."""

from collections.abc import AsyncIterator

from actors import Guest, Staff, tables
from machines import Server
from playwright.async_api import Page


async def busy_table(server: Server, place: int) -> str:
    """A table with guests, an allergy, something on hold, a round under way, a call and a shared bill; its code."""
    table = (await tables(server.port))[place]
    staff = await Staff(server.port).login()
    lin, jo = Guest(server.port, table["code"]), Guest(server.port, table["code"])
    for guest in (lin, jo):
        await guest.scan()
    await lin.do("name", name="林")
    await jo.do("allergies", tags=["nuts", "soy"])
    first = (await lin.do("add", item="dongpo-pork"))["line"]
    later = (await lin.do("add", item="osmanthus-cake", note="少糖"))["line"]
    await lin.do("hold", line=later, on=True)
    await lin.do("share", line=first, on=True)
    await lin.do("place", seen=(await lin.scan())["version"])
    await staff.kitchen("advance", table=table["id"], line=first, to="ready")
    await jo.do("add", item="sea-bass", modifiers=["steamed"])
    again = (await lin.do("add", item="steamed-rice"))["line"]
    await jo.do("change", line=again, by=2)
    await jo.do("call", **{"for": "water"})
    await jo.do("split", by="lines")
    await jo.do("claim", line=first, on=True)
    await jo.do("tip", percent=10)
    return str(table["code"])


async def states(page: Page, port: int, code: str) -> AsyncIterator[str]:
    """Every state of a table's page, by name, one after the other."""
    base = f"http://127.0.0.1:{port}/t/{code}"
    await page.goto(base)
    await page.wait_for_selector("body.is-live")
    yield "menu"
    for sheet in ("order", "confirm-sheet", "bill-sheet", "me"):
        await page.goto(f"{base}#{sheet}")
        await page.wait_for_timeout(250)
        yield sheet
    await page.goto(f"{base}#menu")
    await page.click("#search")
    await page.fill("#find [name=q]", "dpr")
    yield "search"
    await page.fill("#find [name=q]", "zzzz")
    yield "nothing found"
    await page.keyboard.press("Escape")
    await page.click(".ask summary")
    yield "asking the staff"
    await page.click("#item-sea-bass .more")
    await page.wait_for_timeout(150)
    yield "a dish's sheet"
    await page.keyboard.press("Escape")
    await page.goto(f"{base}#order")
    await page.locator("#cart .acts a").first.click()
    yield "a note"
    await page.keyboard.press("Escape")
    await page.evaluate("document.body.classList.replace('is-live', 'not-live')")
    yield "not live"
    await page.goto(f"{base}/item/sea-bass")
    yield "a dish's page"
    await page.goto(f"{base}/receipt")
    yield "bill to print"
