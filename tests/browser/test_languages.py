"""Languages on the pages: chosen by the browser, switched by a tap, and a third one only a catalogue away."""

import re
from typing import Any

import pytest
from evening import busy_table, states
from machines import Server, short_folder
from phones import room, tell
from playwright.async_api import Page, expect
from pseudo import LANG, write_catalogue

TEXTS = """() => {
  const texts = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    if (!walker.currentNode.parentElement.closest("script, style, .languages")) texts.push(walker.currentNode.data);
  }
  for (const name of ["aria-label", "placeholder", "title", "data-ready", "data-some", "data-none", "data-placed"]) {
    for (const each of document.querySelectorAll(`[${name}]`)) texts.push(each.getAttribute(name));
  }
  return texts.map((text) => text.trim()).filter(Boolean);
}"""
WIDTH = "document.documentElement.scrollWidth"


def strings(value: Any) -> set[str]:
    """Every string in a JSON value."""
    if isinstance(value, str):
        return {value}
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return {each for part in parts for each in strings(part)}


def test_a_third_language_is_only_a_catalogue_away() -> None:
    async def story(server: Server) -> None:
        async with room(server) as here:
            code = await busy_table(server, 0)
            context = await here.context({"width": 360, "height": 740}, locale="eo", reduced_motion="reduce")
            address = f"http://127.0.0.1:{server.port}/t/{code}"
            menu = await (await context.request.get(address, headers={"Accept": "application/json"})).json()
            typed = {"林", "少糖", "dpr", "zzzz", "大堂"}
            data = sorted(strings(menu["menu"]) | typed, key=len, reverse=True)
            page = await context.new_page()
            async for state in states(page, server.port, code):
                assert await page.get_attribute("html", "lang") == LANG
                assert not [text for text in await page.evaluate(TEXTS) if untranslated(text, data)], state
                assert await page.evaluate(WIDTH) <= 360, state
            await expect(page.locator("h1").first).to_be_attached()

    with short_folder() as folder:
        server = Server(folder, 1, f"--locale={write_catalogue(folder / 'more')}").start()
        try:
            tell(story(server))
        finally:
            server.stop()


def untranslated(text: str, data: list[str]) -> bool:
    """Whether words are left when what came from the catalogue and what came from the shop is taken away."""
    rest = re.sub(r"⟦[^⟦⟧]*⟧", "", text)
    rest = re.sub(r"⟦[^⟦⟧]*⟧", "", rest)
    for each in data:
        rest = rest.replace(each, "")
    rest = re.sub(r"[0-9a-f]{12}|\d{4}-\w+-\d\d", "", rest)  # a sitting's id, a date of Babel's
    return bool(re.search(r"[A-Za-z]{2,}|[\u4e00-\u9fff]", rest))


@pytest.mark.parametrize(
    ("locale", "lang", "word"), [("zh-CN", "zh-CN", "实时"), ("en-GB", "en", "Live"), ("de-DE", "zh-CN", "实时")]
)
def test_the_browser_chooses_and_a_tap_switches(server: Server, locale: str, lang: str, word: str) -> None:
    async def story() -> None:
        async with room(server) as here:
            page = await here.phone(1, locale=locale)
            assert await page.get_attribute("html", "lang") == lang
            await expect(page.locator("#state .on")).to_have_text(word)
            other = {"zh-CN": "English", "en": "中文"}[lang]
            await page.click(f".languages >> text={other}")
            await page.wait_for_selector("body.is-live")
            assert await page.get_attribute("html", "lang") != lang
            await page.goto(await here.link(1))  # remembered
            assert await page.get_attribute("html", "lang") != lang

    tell(story())


def test_each_language_has_its_own_faces_and_shows_the_other_name(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            for locale, name, other in (("zh-CN", "东坡肉", "Dongpo Pork"), ("en-US", "Dongpo Pork", "东坡肉")):
                page = await here.phone(2, locale=locale)
                dish = page.locator("#dish-dongpo-pork")
                await expect(dish.locator("h3")).to_have_text(name)
                await expect(dish.locator(".other")).to_have_text(other)
                assert await dish.locator(".other").get_attribute("lang") == {"zh-CN": "en", "en-US": "zh-CN"}[locale]
                assert await family(page) == (locale == "zh-CN")

    tell(story())


async def family(page: Page) -> bool:
    """Whether Chinese faces come first."""
    faces = await page.evaluate("getComputedStyle(document.querySelector('.dish h3')).fontFamily")
    return bool(re.match(r'"?(Songti|Noto Serif CJK)', faces))
