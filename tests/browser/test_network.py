"""Bad networks, in a real browser: dead zones, lost replies, slow lines, sleeping phones, blocked WebSockets."""

import asyncio
import os
import re
import signal
import time

from actors import Staff
from machines import Server
from phones import READING, Slow, dead_zone, room, send, tell
from playwright.async_api import Page, Route, WebSocketRoute, expect

PORK, RICE, CAKE = "#item-dongpo-pork", "#item-steamed-rice", "#item-osmanthus-cake"
LIVE = re.compile("/live")
CODE = re.compile("/t/")


async def names(page: Page) -> list[str]:
    """The dishes of the cart, in their order."""
    return list(await page.locator("#cart .what b").all_text_contents())


async def no_commands(route: Route) -> None:
    """Lets a page come, and no command go."""
    await (route.abort() if route.request.method == "POST" else route.continue_())


def test_what_was_tapped_without_network_is_sent_in_order_and_once(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin, jo = await here.phone(0), await here.phone(0)
            zone = await dead_zone(lin)
            await lin.reload()
            await zone.enter()
            await expect(lin.locator("#state .off")).to_be_visible()
            for dish in (CAKE, PORK, RICE):
                await lin.click(f"{dish} .more")
                await expect(lin.locator(f"{dish} .more")).to_have_attribute("aria-busy", "true")
            await zone.leave()
            await expect(jo.locator("#cart .line")).to_have_count(3)
            assert await names(jo) == ["Osmanthus Rice Cake", "Dongpo Pork", "Steamed Rice"]
            await expect(lin.locator("[aria-busy=true]")).to_have_count(0)
            assert await jo.locator("#cart .step b").all_text_contents() == ["1", "1", "1"]

    tell(story())


def test_what_was_tapped_survives_a_reload(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin, jo = await here.phone(1), await here.phone(1)
            zone = await dead_zone(lin)
            await lin.reload()
            await zone.enter()
            await lin.click(f"{PORK} .more")
            await lin.click(".totals .primary")
            await lin.route(CODE, no_commands)  # the page comes, its commands do not get through
            await lin.context.set_offline(False)
            await lin.reload()
            await expect(lin.locator(f"{PORK} .more")).to_have_attribute("aria-busy", "true")
            await expect(jo.locator("#cart .line")).to_have_count(0)
            await lin.unroute(CODE)
            await zone.leave()
            await expect(jo.locator("#cart .line")).to_have_count(1)

    tell(story())


def test_what_is_refused_when_the_network_is_back_says_why(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            staff = await Staff(server.port).login()
            lin = await here.phone(2)
            zone = await dead_zone(lin)
            await lin.reload()
            await zone.enter()
            await lin.click(f"{PORK} .more")
            await staff.kitchen("sold_out", item="dongpo-pork", on=True)
            await zone.leave()
            await expect(lin.locator("#alert")).to_have_text("Dongpo Pork is sold out.")
            await staff.kitchen("sold_out", item="dongpo-pork", on=False)

    tell(story())


def test_after_a_lost_reply_the_page_asks_and_says_what_became_of_the_order(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin = await here.phone(3)
            lost: list[str] = []

            def lose(socket: WebSocketRoute) -> None:
                there = socket.connect_to_server()

                def pass_on(message: str | bytes) -> None:
                    if '"round"' in str(message) and not lost:
                        lost.append(str(message))
                        asyncio.ensure_future(socket.close(code=1006))  # noqa: RUF006 - a line that breaks just then
                    else:
                        socket.send(message)

                there.on_message(pass_on)

            await lin.route_web_socket(LIVE, lose)
            await lin.reload()
            await lin.wait_for_selector("body.is-live")
            await lin.click(f"{PORK} .more")
            await lin.click(".totals .primary")
            await send(lin)
            await expect(lin.locator("#notice")).to_have_text("Your order is with the kitchen: round 1")
            assert lost
            await expect(lin.locator("#rounds .round")).to_have_count(1)
            await expect(lin.locator("#alert")).to_be_hidden()

    tell(story())


def test_on_a_slow_line_a_tap_shows_at_once_and_settles_later(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin = await here.phone(4)
            slow = Slow(1.5)
            await lin.route_web_socket(LIVE, slow.route)
            await lin.reload()
            await lin.wait_for_selector("body.is-live")
            began = time.monotonic()
            await lin.click(f"{RICE} .more")
            await expect(lin.locator(f"{RICE} .more")).to_have_attribute("aria-busy", "true")
            assert time.monotonic() - began < 1.5
            await expect(lin.locator(f"{RICE} .step b")).to_have_text("1")
            await expect(lin.locator(f"{RICE} .more")).not_to_have_attribute("aria-busy", "true")

    tell(story())


def test_an_order_whose_answer_is_late_is_asked_about_in_words(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin = await here.phone(5)
            await lin.click(f"{RICE} .more")
            slow = Slow(0)
            await lin.route_web_socket(LIVE, slow.route)
            await lin.reload()
            await lin.wait_for_selector("body.is-live")
            await lin.click(".totals .primary")
            await lin.click("#order .next")
            await lin.wait_for_timeout(READING)
            slow.seconds = 5.0
            await lin.click("#confirm .primary")
            await expect(lin.locator("body")).to_have_class(re.compile("asking"))
            await expect(lin.locator("#notice")).to_have_text("Your order is with the kitchen: round 1", timeout=12_000)
            await expect(lin.locator("body")).not_to_have_class(re.compile("asking"))

    tell(story())


def test_where_websockets_are_blocked_the_page_lives_all_the_same(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            context = await here.context()
            lin = await context.new_page()
            await lin.route_web_socket(LIVE, lambda socket: socket.close(code=1006, reason=""))
            jo = await here.phone(6)
            await lin.goto(await here.link(6))
            await lin.wait_for_selector("body.is-live")
            await jo.click(f"{PORK} .more")
            await expect(lin.locator("#cart .line")).to_have_count(1)
            await lin.click(f"{CAKE} .more")
            await expect(jo.locator("#cart .line")).to_have_count(2)
            await expect(lin.locator(f"{CAKE} .step b")).to_have_text("1")
            await jo.get_by_label("Remove Dongpo Pork").evaluate("each => each.click()")
            await expect(lin.locator("#cart .line")).to_have_count(1)
            await expect(lin.locator("#state .on")).to_be_visible()
            await expect(lin.locator("#alert")).to_be_hidden()

    tell(story())


SLEEP = """() => {
  Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
  const now = Date.now;
  Date.now = () => now() + 3600_000;
  Object.defineProperty(document, "visibilityState", { value: "visible", configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
BACK = "dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))"


def test_a_page_that_comes_back_shows_the_truth_before_it_takes_a_tap(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin, jo = await here.phone(7), await here.phone(7)
            for come_back in (BACK, f"({SLEEP})()"):
                slow = Slow(0)
                await lin.route_web_socket(LIVE, slow.route)
                await lin.reload()
                await lin.wait_for_selector("body.is-live")
                slow.seconds = 1.0
                before = await jo.locator("#cart .line").count()
                await lin.evaluate(come_back)
                await lin.locator(f"{PORK} .more").evaluate("each => each.click()")  # a finger that was on its way
                await expect(lin.locator("body")).to_have_class(re.compile("waking"))
                await expect(lin.locator("body")).not_to_have_class(re.compile("waking"))
                await expect(jo.locator("#cart .line")).to_have_count(before)
                slow.seconds = 0
            await lin.click(f"{PORK} .more")
            await expect(jo.locator("#cart .line")).to_have_count(1)

    tell(story())


def test_it_tries_again_ever_more_rarely_and_at_once_when_the_network_is_back(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin = await here.phone(8)
            tries: list[float] = []

            def refuse(socket: WebSocketRoute) -> None:
                tries.append(time.monotonic())
                asyncio.ensure_future(socket.close(code=1006))  # noqa: RUF006

            await lin.route_web_socket(LIVE, refuse)
            await lin.route("**/view*", lambda route: route.abort())
            await lin.reload()
            await lin.wait_for_timeout(6000)
            assert 2 <= len(tries) <= 12, tries
            before = len(tries)
            await lin.evaluate("dispatchEvent(new Event('online'))")
            await lin.wait_for_timeout(300)
            assert len(tries) > before

    tell(story())


def test_a_tap_that_nobody_answers_ends_the_claim_to_be_live(server: Server) -> None:
    async def story() -> None:
        async with room(server) as here:
            lin = await here.phone(6)
            [pid] = server.children()
            os.kill(pid, signal.SIGSTOP)
            try:
                await lin.click(f"{PORK} .more")
                await expect(lin.locator("body.is-live")).to_have_count(0, timeout=20_000)
            finally:
                os.kill(pid, signal.SIGCONT)
            await expect(lin.locator(f"{PORK} .step b")).to_have_text("1")
            await expect(lin.locator("body.is-live")).to_have_count(1, timeout=30_000)

    tell(story())
