"""Printers as the staff meet them: set up, in trouble on every board, and once more on paper."""

import re

from actors import Guest, Staff, tables
from fake_printer import FakePrinter, fake_printer, refusing_port
from machines import Server
from phones import PHONE, room, tell
from playwright.async_api import Page, expect
from test_everyone import complaints


async def papers(page: Page, printer: FakePrinter, number: int) -> None:
    """Waits until so many have come out."""
    for _ in range(150):
        if len(printer.papers) >= number:
            break
        await page.wait_for_timeout(100)
    assert len(printer.papers) == number


def test_a_manager_sets_a_printer_up_and_every_board_says_that_it_does_not_print(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            page = await here.board("/floor", locale="en-US")
            await page.goto(f"http://127.0.0.1:{server.port}/manage/printers")
            await page.fill("[name=name]", "Hot")
            await page.fill("[name=host]", "127.0.0.1")
            await page.fill("[name=port]", str(refusing_port()))
            await page.get_by_label("Tickets: Kitchen").check()
            await page.get_by_label("Bills and receipts").check()
            await page.get_by_role("button", name="Add").click()
            await page.get_by_role("button", name="Print a test").click()
            await expect(page.get_by_role("alert")).to_contain_text("can't be reached")
            kitchen, floor = await here.board("/kitchen", locale="en-US"), await here.board("/floor", locale="en-US")
            guest = Guest(server.port, (await tables(server.port))[5]["code"])
            await guest.scan()
            added = await guest.do("add", item="dongpo-pork")
            await guest.do("place", seen=added["v"])
            for board in (kitchen, floor):
                await expect(board.locator(".printers")).to_contain_text("waiting to be printed: 1", timeout=20_000)
                await expect(board.locator(".printers")).to_contain_text("Printer Hot")
            found = []
            for scheme, lang in (("light", "zh"), ("dark", "en")):
                await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                for path in ("/manage/printers", "/kitchen", "/floor/t6", "/floor/t6/log"):
                    await page.set_viewport_size({**PHONE, "width": 320})
                    await page.goto(f"http://127.0.0.1:{server.port}{path}?lang={lang}")
                    for summary in await page.locator(".accounts summary").all():
                        await summary.click()
                    found += await complaints(page, f"{path} {scheme}")
                    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
                    found += [f"{path} scrolls sideways by {wide}"] if wide > 0 else []
            assert not found, "\n".join(found)
            with fake_printer() as printer:
                staff = await Staff(server.port).login()
                id = (await staff.json("/kitchen"))["blocks"]["printers"]["troubled"][0]["id"]
                there = {"printer": id, "name": "Hot", "host": "127.0.0.1", "port": printer.port}
                there |= {"stations": ["kitchen"], "receipts": True}
                assert (await staff.post("/manage/do", {"op": "there", "do": "printer_save", **there}))["ok"]
                await expect(kitchen.locator(".printers p")).to_have_count(0, timeout=20_000)
                await papers(kitchen, printer, 1)
                await kitchen.locator(".ticket .again-on-paper").first.click()
                await papers(kitchen, printer, 2)
                assert ["加印" in paper for paper in printer.papers] == [False, True]
                party = await here.board("/floor/t6", locale="en-US")
                await party.get_by_role("button", name=re.compile("Bill on paper")).click()
                await papers(kitchen, printer, 3)
                assert "Bill so far" in printer.papers[2]
                assert (await staff.post("/manage/do", {"op": "gone", "do": "printer_remove", "printer": id}))["ok"]

    tell(story())
