"""A table's page for the floor: money, moves and what may be done to a line; and phones that follow their party."""

import re

from actors import Guest, Staff, new_op, tables
from machines import Server
from phones import PHONE, Room, room, tell
from playwright.async_api import Page, expect
from test_everyone import complaints

PORK, RICE, TOFU = "dongpo-pork", "steamed-rice", "mapo-tofu"


async def order(phone: Page, *items: str) -> None:
    """Items from a guest's phone to the kitchen."""
    for item in items:
        await phone.click(f"#item-{item} .more")
    await expect(phone.locator("#cart .line")).to_have_count(len(items))
    await phone.click(".totals .primary")
    await phone.click("#order .next")
    await phone.wait_for_timeout(550)
    await phone.click("#confirm .primary")
    await expect(phone.locator("#cart .line")).to_have_count(0)


async def party(here: Room, table: int, **more: object) -> Page:
    """The waiter's page of a table."""
    page = await here.board(f"/floor/t{table}", **more)
    await expect(page).to_have_url(re.compile(f"/floor/t{table}"))
    return page


def test_a_bill_is_paid_in_parts_with_change_and_opened_again(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            phone = await here.phone(0)
            await order(phone, PORK, RICE)
            page = await party(here, 1)
            await expect(page.locator("#sums .total")).to_contain_text("¥71.50")
            await page.click("#parts .ask >> nth=0")
            pay = page.locator("#ask-pay")
            await pay.locator("[name=amount]").fill("50")
            await pay.locator("[name=given]").fill("100")
            await expect(pay.locator(".change")).to_have_text("Change: ¥50.00")
            await pay.get_by_role("button", name="Cash").click()
            await expect(page.locator("#sums .left")).to_contain_text("¥21.50")
            await expect(page.locator("#payments li")).to_contain_text("change ¥50")
            await expect(phone.locator("#bill")).to_contain_text("Left to pay")
            # The rest by keyboard alone, into a dialog that has the sum already.
            await page.focus("#parts .ask >> nth=0")
            await page.keyboard.press("Enter")
            await expect(pay.locator("[name=amount]")).to_have_value("21.50")
            await pay.get_by_role("button", name="WeChat Pay").focus()
            await page.keyboard.press("Enter")
            await expect(page.locator("#sums .left")).to_contain_text("¥0")
            await expect(page.locator("#party")).to_have_attribute("data-status", "waiting")
            # Some of it back, with a reason.
            await page.click("#payments .ask >> nth=0")
            await page.locator("#ask-refund [name=amount]").fill("5")
            await page.get_by_role("button", name="Give back", exact=True).last.click()
            await expect(page.locator("#sums .left")).to_contain_text("¥5")
            await page.click(".close summary")
            await expect(page.locator("#closing .unpaid")).to_contain_text("¥5")
            await page.click("#closing .primary")
            await expect(phone.locator(".thanks")).to_be_visible()
            await page.click("#reopening .ask")
            await page.locator("#ask-reopen .primary").click()
            await expect(page.locator("#sums .left")).to_contain_text("¥5")
            await expect(phone.locator(".thanks")).to_have_count(0)

    tell(story())


def test_phones_follow_a_party_that_moves_joins_another_and_parts(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin, jo = await here.phone(1), await here.phone(2)
            codes = [each["code"] for each in await tables(server.port)]
            await order(lin, PORK)
            await order(jo, RICE)
            kitchen = await here.board("/kitchen")
            made = kitchen.locator(".ticket [data-line]")
            await expect(made.filter(has_text=re.compile("Pork|Rice"))).not_to_have_count(0)
            page = await party(here, 2)
            await page.get_by_text("Move, join or part").click()
            await page.check("[name=to][value=t4]", force=True)
            await page.get_by_role("button", name="Move everybody there").click()
            await expect(lin.locator("header .table")).to_contain_text("4")
            await expect(lin).to_have_url(re.compile(codes[3]))
            await expect(kitchen.locator(".ticket .said")).to_contain_text("was table 2")
            # The party of table 4 joins Jo's.
            await page.goto(f"http://127.0.0.1:{server.port}/floor/t4")
            await page.get_by_text("Move, join or part").click()
            await page.check("[name=to][value=t3]", force=True)
            await page.get_by_role("button", name="Join the party there").click()
            await expect(lin).to_have_url(re.compile(codes[2]))
            await expect(lin.locator("#guests li")).to_have_count(2)
            await expect(jo.locator("#guests li")).to_have_count(2)
            # Jo goes with the rice; Lin stays.
            await page.goto(f"http://127.0.0.1:{server.port}/floor/t3")
            await page.get_by_text("Move, join or part").click()
            await page.check("[name=to][value=t5]", force=True)
            await page.locator("#chosen label", has_text="Steamed Rice").click()
            theirs = await jo.evaluate("document.body.dataset.me")
            await page.check(f"[name=guests][value='{theirs}']", force=True)
            # What somebody else does meanwhile leaves the ticks where they are.
            await lin.evaluate("location.hash = '#me'")
            await lin.fill("#me [name=name]", "Lin")
            await lin.click("#me form:has([name=name]) button")
            await expect(page.locator("#chosen")).to_contain_text("Lin")
            await expect(page.locator("#chosen input:checked")).to_have_count(2)
            await lin.evaluate("location.hash = ''")
            await page.get_by_role("button", name="Only what is ticked").click()
            await expect(jo).to_have_url(re.compile(codes[4]))
            await expect(jo.locator("#rounds .line")).to_have_count(1)
            await expect(lin).to_have_url(re.compile(codes[2]))
            await expect(lin.locator("#rounds .line")).to_have_count(1)
            # Both order where they are now, and nothing was sent twice.
            await order(jo, RICE)
            await order(lin, RICE)
            lines = await made.evaluate_all("all => all.map((each) => each.dataset.line)")
            assert len(lines) == len(set(lines))

    tell(story())


def test_lines_are_taken_back_given_free_and_made_cheaper_with_a_reason(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            phone = await here.phone(5)
            await order(phone, PORK, RICE, "garlic-pea-shoots")
            page = await party(here, 6)
            line = page.locator("#placed li")

            async def act(dish: str, word: str, dialog: str) -> None:
                mine = line.filter(has_text=dish)
                if not await mine.locator("details[open]").count():
                    await mine.locator("summary").click()
                await mine.get_by_role("button", name=word).click()
                await expect(page.locator(f"#ask-{dialog}")).to_be_visible()

            await act("Steamed Rice", "Take back", "void")
            await page.locator("#ask-void [data-reason]").fill("guest changed her mind")
            await page.locator("#ask-void .primary").click()
            await expect(line.filter(has_text="Steamed Rice")).to_contain_text("guest changed her mind")
            await act("Dongpo Pork", "On the house", "comp")
            await page.locator("#ask-comp .primary").click()
            await expect(line.filter(has_text="Dongpo Pork").locator(".sum")).to_contain_text("¥0")
            await act("Pea Shoots", "Discount", "discount")
            await page.locator("#ask-discount [name=percent]").fill("50")
            await page.locator("#ask-discount .primary").click()
            await expect(line.filter(has_text="Pea Shoots").locator("s")).to_have_count(1)
            total = await page.locator("#sums .total dd").text_content() or ""
            await expect(phone.locator("#bill .total dd")).to_have_text(total)
            # On hold, and to be made after all.
            mine = line.filter(has_text="Pea Shoots")
            await mine.get_by_role("button", name="Put on hold").click()
            await expect(mine).to_have_attribute("data-state", "held")
            await mine.get_by_role("button", name="Fire").click()
            await expect(mine).to_have_attribute("data-state", "queued")
            # A dish with choices, for the guest whose phone is empty.
            await page.get_by_text("Add a dish").click()
            await page.select_option("#adding [name=item]", TOFU)
            await page.locator("#adding .choices label").first.click()
            await page.fill("#adding [name=note]", "from the waiter")
            await page.locator("#adding .primary").click()
            await expect(phone.locator("#cart .line")).to_contain_text("from the waiter")
            await page.locator("#party .sending .primary").click()
            await expect(phone.locator("#cart .line")).to_have_count(0)
            await expect(phone.locator("#rounds .line")).to_have_count(4)

    tell(story())


def test_axe_finds_nothing_on_the_floors_pages(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            guest = Guest(server.port, (await tables(server.port))[6]["code"])
            await guest.scan()
            await guest.do("add", item=PORK)
            await guest.do("place", seen=(await guest.scan())["version"])
            await guest.do("add", item=RICE)
            await guest.do("call", **{"for": "bill"})
            await (await Staff(server.port).login()).floor("pay", table="t7", amount=100, method="cash", given=500)
            found = []
            for scheme, lang in (("dark", "zh-CN"), ("light", "en-US")):
                page = await party(here, 7, color_scheme=scheme, locale=lang, reduced_motion="reduce")
                for summary in await page.locator("details > summary").all():
                    await summary.click()
                found += await complaints(page, f"open {scheme}")
                for name in ("pay", "discount", "refund", "void", "comp"):
                    await page.locator(f"[data-ask={name}]").first.click()
                    found += await complaints(page, f"{name} {scheme}")
                    await page.keyboard.press("Escape")
                await page.set_viewport_size(PHONE)
                found += await complaints(page, f"phone {scheme}")
                for width in (390, 320):
                    await page.set_viewport_size({"width": width, "height": 700})
                    wide = await page.evaluate("document.documentElement.scrollWidth - innerWidth")
                    found += [f"it scrolls sideways by {wide} at {width}"] if wide > 0 else []
            assert not found, "\n".join(found)

    tell(story())


def test_a_waiters_own_tables_come_first_and_everyones_after_a_while(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            boss = await Staff(server.port).login()
            page = await here.board("/floor")
            # Table 8 is somebody else's, table 9 is this waiter's.
            await boss.post(
                "/manage/do", {"op": new_op(), "do": "account_add", "name": "Ann", "role": "waiter", "pin": "2580"}
            )
            other = await here.board("/floor/t8")
            await other.click("form.who button")
            await other.get_by_role("link", name="Ann").click()
            await other.fill("[name=pin]", "2580")
            await other.keyboard.press("Enter")
            await other.get_by_role("button", name="My table", exact=True).click()
            await expect(other.get_by_role("button", name="Nobody's table again")).to_be_visible()
            await boss.floor("own", table="t9", on=True)
            codes = [each["code"] for each in await tables(server.port)]
            for place in (8, 9):
                guest = Guest(server.port, codes[place - 1])
                await guest.scan()
                await guest.do("add", item=PORK)
                await guest.do("place", seen=(await guest.scan())["version"])
                await guest.do("call", **{"for": "water"})
            await page.click("#mine")
            await expect(page.locator("#table-t9.own")).to_be_visible()
            await expect(page.locator("#table-t8")).to_be_hidden()
            await page.clock.install()
            # Its clock is put right by this answer: were that after the jump, the jump would count for nothing.
            async with page.expect_response("**/healthz"):
                await page.reload()
            await page.wait_for_selector("body.proved")
            await expect(page.locator("#table-t8")).to_be_hidden()
            await page.clock.fast_forward("01:05")
            await expect(page.locator("#table-t8")).to_be_visible()
            # Who leaves without paying is said.
            await boss.floor("close", table="t9")
            await expect(page.locator(".alarm")).to_contain_text("Table 9 has left with ¥68 to pay")

    tell(story())


def test_a_waiter_nods_stops_the_phones_and_shows_a_way_back(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            phone = await here.phone(9)
            page = await party(here, 10)
            await page.get_by_role("button", name="Stop the phones").click()
            await phone.click(f"#item-{PORK} .more")
            await expect(phone.locator("#alert")).to_contain_text("call a waiter")
            await page.get_by_role("button", name="Let the phones order again").click()
            await expect(page.get_by_role("button", name="Stop the phones")).to_be_visible()
            for _ in range(5):
                await phone.click(f"#item-{PORK} .more")
            await expect(phone.locator("#cart .line .step b")).to_have_text("5")
            guest = Guest(server.port, (await tables(server.port))[9]["code"])
            await guest.scan()
            await guest.do("add", item=RICE, qty=40)
            await guest.do("place", seen=(await guest.scan())["version"])
            await expect(phone.locator("#rounds .state").first).to_contain_text("waits for the staff")
            await expect(page.locator(".asking")).to_contain_text("very many portions")
            await page.get_by_role("button", name="To the kitchen").click()
            await expect(page.locator(".asking")).to_have_count(0)
            await expect(phone.locator("#rounds .round .state")).not_to_contain_text("waits")
            # Another code: the phones of those who sit there follow by themselves.
            await page.get_by_role("button", name="Another code").click()
            fresh = (await tables(server.port))[9]["code"]
            await expect(phone).to_have_url(re.compile(fresh))
            await expect(phone.locator("#rounds .line")).to_have_count(2)
            await page.get_by_role("link", name="Show the code").click()
            assert await complaints(page, "code") == []
            await expect(page.locator("svg.qr")).to_have_count(3)

    tell(story())
