"""For everyone: axe-core on every state, keyboard, sizes of targets and text, screen readers, old browsers."""

import re
from pathlib import Path
from typing import Any

import pytest
from actors import Staff
from axe_playwright_python.async_playwright import Axe
from evening import busy_table, states
from machines import Server
from phones import SCREEN, room, tell
from playwright.async_api import Page, expect

ROOT = Path(__file__).parent.parent.parent
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
PORK = "#item-dongpo-pork"


async def complaints(page: Page, state: str) -> list[str]:
    """What axe-core finds."""
    results: Any = await Axe().run(page, options={"runOnly": WCAG, "resultTypes": ["violations"]})
    return [
        f"{state}: {found['id']}: {node['target']} {node.get('failureSummary', '')[:300]}"
        for found in results.response["violations"]
        for node in found["nodes"][:3]
        # What lies half under the buttons at a sheet's end comes into full view by scrolling.
        if "partially obscured" not in node.get("failureSummary", "")
    ]


@pytest.mark.parametrize(
    ("scheme", "lang"),
    [
        ("light", "zh-CN"),
        ("dark", "en-US"),
        # Above, each colour and each word has been looked at once.
        pytest.param("dark", "zh-CN", marks=pytest.mark.long),
        pytest.param("light", "en-US", marks=pytest.mark.long),
    ],
)
def test_axe_finds_nothing_on_any_state(server: Server, scheme: str, lang: str) -> None:
    async def story() -> None:
        async with room(server) as here:
            code = await busy_table(server, {"zh-CN": 0, "en-US": 1}[lang] + {"light": 0, "dark": 2}[scheme])
            context = await here.context(color_scheme=scheme, locale=lang, reduced_motion="reduce")
            page = await context.new_page()
            found = [line async for state in states(page, server.port, code) for line in await complaints(page, state)]
            await page.set_viewport_size(SCREEN)
            await page.goto(f"http://127.0.0.1:{server.port}/t/{code}")
            await page.wait_for_selector("body.is-live")
            found += await complaints(page, "wide")
            assert not found, "\n".join(found)

    tell(story())


def test_axe_finds_nothing_on_the_receipt_of_a_closed_bill_and_the_pages_around(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            code = await busy_table(server, 4)
            staff = await Staff(server.port).login()
            page = await (await here.context(reduced_motion="reduce")).new_page()
            await page.goto(f"http://127.0.0.1:{server.port}/t/{code}")
            await page.wait_for_selector("body.is-live")
            assert (await staff.floor("close", table="t5")).get("ok")
            await expect(page.locator(".thanks")).to_be_visible()
            found = await complaints(page, "closed")
            for path in ("/", "/login", "/nope", f"/t/{code}/receipt"):
                await page.goto(f"http://127.0.0.1:{server.port}{path}")
                found += await complaints(page, path)
            assert not found, "\n".join(found)

    tell(story())


TARGETS = """() => [...document.querySelectorAll("a, button, summary, input:not([type=hidden]), label:has(input)")]
  .filter((each) => each.checkVisibility({ visibilityProperty: true }) && !each.closest("[inert]"))
  .map((each) => {
    const target = each.matches("input") && each.closest("label") || each;
    const { width, height } = target.getBoundingClientRect();
    return [target.outerHTML.slice(0, 90), Math.round(width), Math.round(height)];
  })
  .filter(([html, width, height]) => width && height && (height < 44 || width < 44))"""
# A dish's name is a link in a line of text, beside the large button that opens the same sheet.
INLINE = re.compile(r"^<a href=\"\?dish=[a-z0-9-]+\">|class=\"sr\"")


def test_targets_are_as_large_as_a_thumb(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            code = await busy_table(server, 5)
            page = await (await here.context({"width": 360, "height": 740}, reduced_motion="reduce")).new_page()
            async for state in states(page, server.port, code):
                small = [each for each in await page.evaluate(TARGETS) if not INLINE.search(each[0])]
                # The words under a line may be narrow; they are as high as the others.
                small = [each for each in small if each[2] < 44 or each[1] < 24]
                assert not small, (state, small)

    tell(story())


WIDE = """() => [...document.querySelectorAll("body *")]
  .filter((each) => each.getBoundingClientRect().right > 361 && !each.closest(".chips, .favourites, .categories"))
  .map((each) => each.outerHTML.slice(0, 80)).slice(0, 8)"""


def test_text_of_twice_the_size_fits(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            code = await busy_table(server, 6)
            page = await (await here.context({"width": 360, "height": 740}, reduced_motion="reduce")).new_page()
            await page.add_init_script(
                "addEventListener('DOMContentLoaded', () => document.documentElement.style.fontSize = '200%')"
            )
            async for state in states(page, server.port, code):
                await page.evaluate("document.documentElement.style.fontSize = '200%'")
                assert await page.evaluate("document.documentElement.scrollWidth") <= 360, (
                    state,
                    await page.evaluate(WIDE),
                )

    tell(story())


def test_an_order_is_made_by_keyboard_alone(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            page = await here.phone(7)
            await tab_to(page, f"{PORK} .more")
            await page.keyboard.press("Enter")
            await expect(page.locator("#cart .line")).to_have_count(1)
            await tab_to(page, "#item-sea-bass .more")
            await page.keyboard.press("Enter")
            await expect(page.locator("dialog")).to_be_visible()
            await page.locator("dialog [type=radio]").first.focus()
            await page.keyboard.press("Space")
            await tab_to(page, "dialog .primary")
            await page.keyboard.press("Enter")
            await expect(page.locator("#cart .line")).to_have_count(2)
            for control in (".totals .primary", "#order .next", "#confirm .primary"):
                await tab_to(page, control)
                await page.keyboard.press("Enter")
            await expect(page.locator("#rounds .line")).to_have_count(2)
            await page.keyboard.press("Escape")
            await expect(page.locator("#order")).to_be_hidden()

    tell(story())


async def tab_to(page: Page, selector: str) -> None:
    """Presses Tab until this control has the focus."""
    for _ in range(400):
        if await page.evaluate("(selector) => document.activeElement?.matches(selector)", selector):
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"{selector} can't be reached by keyboard")


def test_a_screen_reader_hears_what_others_did_and_nothing_else(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin, jo = await here.phone(8), await here.phone(8)
            await lin.click(f"{PORK} .more")
            await expect(jo.locator("#heard")).to_have_text("Guest 1 added Dongpo Pork ×1")
            await expect(lin.locator("#heard")).to_have_text("")
            await lin.click(".totals .primary")
            await lin.get_by_label("One more: Dongpo Pork").click()
            await expect(jo.locator("#cart .step b")).to_have_text("2")
            await expect(jo.locator("#heard")).to_have_text("Guest 1 added Dongpo Pork ×1")  # not every portion

    tell(story())


def test_nothing_moves_for_who_wants_it_still(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            page = await here.phone(9, reduced_motion="reduce")
            await page.click(f"{PORK} .more")
            await expect(page.locator(f"{PORK}.just")).to_have_count(1)
            moving = "() => document.getAnimations().filter(each => each.playState === 'running').length"
            assert await page.evaluate(moving) == 0

    tell(story())


def test_without_cookies_it_says_what_is_needed(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            context = await here.context(java_script_enabled=False)
            page = await context.new_page()
            await page.goto(await here.link(10))
            await context.clear_cookies()
            await page.click(f"{PORK} .more")
            await expect(page.locator("body")).to_contain_text("Your browser keeps no cookies")
            script = await (await here.context()).new_page()
            await script.add_init_script("Object.defineProperty(navigator, 'cookieEnabled', { value: false })")
            await script.goto(await here.link(10))
            await expect(script.locator("#cookies")).to_be_visible()

    tell(story())


# What browsers of five years ago (Chrome 96, Firefox 94, Safari 15.1) do not know, and would stumble over.
TOO_NEW = {
    "js": r"\.at\(|structuredClone|\.findLast|\.toSorted|\.groupBy|Object\.hasOwn|\?\?=|\|\|=|&&=|static \{|\(\?<[!=]"
    r"|\.replaceAll\(|randomUUID|crypto\.subtle|AbortSignal\.(any|timeout)|#\w+ in |\.requestSubmit|scheduler\.",
    "css": r"^\s*@(container|layer|scope|starting-style)|&:|& \.|subgrid",
}


def test_scripts_and_styles_of_the_guests_page_are_for_old_phones_too() -> None:
    for name in ("live.js", "diner.js", "tokens.css", "diner.css"):
        source = re.sub(r"/\*.*?\*/|//[^\n]*", "", (ROOT / "static" / name).read_text(), flags=re.DOTALL | re.MULTILINE)
        found = re.search(TOO_NEW[name.rpartition(".")[2]], source, re.MULTILINE)
        assert not found, (name, found)


def test_a_phone_without_dialogs_or_submitters_orders_all_the_same(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            context = await here.context()
            page = await context.new_page()
            await page.add_init_script(
                "delete HTMLDialogElement.prototype.showModal; delete HTMLElement.prototype.inert;"
                "Object.defineProperty(SubmitEvent.prototype, 'submitter', { get: () => undefined });"
            )
            await page.goto(await here.link(11))
            await page.wait_for_selector("body.is-live")
            await page.click(f"{PORK} .more")
            await expect(page.locator("#cart .line")).to_have_count(1)
            await page.click("#item-sea-bass .more")
            await expect(page).to_have_url(re.compile("/item/sea-bass"))
            await page.locator("label").filter(has_text="Steamed").click()
            await page.click(".ends .primary")
            await expect(page.locator("#cart .line")).to_have_count(2)

    tell(story())
