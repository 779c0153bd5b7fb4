"""Real Chromium: phones and screens with cookies of their own, that fail the test when their console complains."""

import asyncio
import contextlib
import os
import re
import shutil
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, TypeVar

from actors import stopped, told
from machines import PASSWORD, Server
from playwright.async_api import Browser, BrowserContext, CDPSession, Page, WebSocketRoute, async_playwright

T = TypeVar("T")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
PHONE = {"width": 390, "height": 844}
READING = 550  # ms; the button that sends takes no tap before
SCREEN = {"width": 1280, "height": 800}


def chromium() -> str:
    """The browser's path; a missing one fails the test."""
    found = os.environ.get("ORDERING_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    assert found, "Chromium is needed for this test: apt-get install chromium, or name it in ORDERING_CHROMIUM"
    return found


class Room:
    """A restaurant with phones and screens in it."""

    def __init__(self, browser: Browser, server: Server) -> None:
        self.browser = browser
        self.server = server
        self.complaints: list[str] = []

    async def context(self, viewport: dict[str, int] = PHONE, **more: Any) -> BrowserContext:
        """A device."""
        options = {"locale": "en-US", "viewport": viewport, **more}
        context = await self.browser.new_context(**options)
        context.set_default_timeout(8000)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        context.on(
            "console",
            lambda said: self.complaints.append(said.text) if said.type == "error" and not network(said.text) else None,
        )
        return context

    async def link(self, table: int, port: int = 0) -> str:
        """A table's address."""
        context = await self.browser.new_context()
        base = f"http://127.0.0.1:{self.server.ports[port]}"
        answer = await (await context.request.get(f"{base}/", headers={"Accept": "application/json"})).json()
        await context.close()
        return f"{base}/t/{answer['tables'][table]['code']}"

    async def phone(self, table: int = 0, port: int = 0, **more: Any) -> Page:
        """A guest's phone with the table's page open and live."""
        page = await (await self.context(**more)).new_page()
        await page.goto(await self.link(table, port))
        if more.get("java_script_enabled", True):
            await page.wait_for_selector("body.is-live")
        return page

    async def board(self, path: str, port: int = 0, **more: Any) -> Page:
        """A staff page, logged in and proven."""
        page = await (await self.context(SCREEN, **more)).new_page()
        await page.goto(f"http://127.0.0.1:{self.server.ports[port]}{path}")
        await page.fill("[name=password]", PASSWORD)
        await page.click("button.primary")
        await page.wait_for_selector("body.proved")
        return page


class DeadZone:
    """Where a phone's network ends: sockets are cut, new ones fail, and no request gets through."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.dead = False
        self.sockets: list[WebSocketRoute] = []

    async def enter(self) -> None:
        """The network is gone; returns when the page has noticed."""
        self.dead = True
        await self.page.context.set_offline(True)
        for socket in self.sockets:
            await socket.close(code=1006)
        await self.page.wait_for_selector("body.not-live")

    async def leave(self) -> None:
        """The network is back; returns when the page is live again."""
        self.dead = False
        await self.page.context.set_offline(False)
        await self.page.wait_for_selector("body.is-live")

    def route(self, socket: WebSocketRoute) -> None:
        """A new socket of the page."""
        if self.dead:
            self.closing = asyncio.ensure_future(socket.close(code=1006))
            return
        self.sockets.append(socket)
        socket.connect_to_server()


class Slow:
    """A line on which everything, in both directions, takes `seconds`, and stays in order."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.pumps: list[asyncio.Task[None]] = []

    def route(self, socket: WebSocketRoute) -> None:
        """A new socket of the page."""
        there = socket.connect_to_server()
        socket.on_message(self._pump(there))
        there.on_message(self._pump(socket))

    def _pump(self, target: WebSocketRoute) -> Callable[[str | bytes], None]:
        waiting: asyncio.Queue[tuple[float, str | bytes]] = asyncio.Queue()

        async def pump() -> None:
            while True:
                due, message = await waiting.get()
                await asyncio.sleep(due - time.monotonic())
                target.send(message)

        self.pumps.append(asyncio.ensure_future(pump()))
        return lambda message: waiting.put_nowait((time.monotonic() + self.seconds, message))


async def dead_zone(page: Page) -> DeadZone:
    """A dead zone for this phone, which sees its sockets from the next load on."""
    zone = DeadZone(page)
    await page.route_web_socket(re.compile("/live"), zone.route)
    return zone


async def send(page: Page) -> None:
    """Reviews the order and sends it: after a look at it, for a double tap sends nothing."""
    await page.click("#order .next")
    await page.wait_for_timeout(READING)
    await page.click("#confirm .primary")


async def first_load(page: Page, link: str) -> dict[str, int]:
    """Bytes by file as they came over the wire, headers included, in the order in which they came; pictures left
    out."""
    session: CDPSession = await page.context.new_cdp_session(page)
    await session.send("Network.enable")
    names: dict[str, str] = {}
    sizes: dict[str, int] = {}
    session.on("Network.responseReceived", lambda e: names.update({e["requestId"]: e["response"]["url"]}))
    session.on("Network.loadingFinished", lambda e: sizes.update({e["requestId"]: int(e["encodedDataLength"])}))
    await page.goto(link, wait_until="networkidle")
    return {
        names[id]: size for id, size in sizes.items() if names[id].startswith("http") and "/pictures/" not in names[id]
    }


def network(said: str) -> bool:
    """Whether the console only notes that the network failed, which some tests are about."""
    return any(word in said for word in ("WebSocket connection", "net::ERR", "Failed to load resource"))


class Shared:
    """A Chromium for all stories of a module: starting one for each took a second of each. Everybody in them has a
    context of their own, so nothing is shared but the program. It lives on a loop that goes on after a story."""

    def __init__(self) -> None:
        self.loop: asyncio.AbstractEventLoop | None = None
        self._stack = contextlib.AsyncExitStack()
        self._browser: Browser | None = None

    def tell(self, story: Coroutine[Any, Any, T]) -> T:
        """Runs a story that may use it; whatever it has begun ends with it."""
        if self.loop is None:
            self.loop = asyncio.new_event_loop()
        return self.loop.run_until_complete(self._told(story))

    async def _told(self, story: Coroutine[Any, Any, T]) -> T:
        await self.browser()
        before = asyncio.all_tasks()
        try:
            return await told(story)
        finally:
            await stopped(asyncio.all_tasks() - before)

    async def browser(self) -> Browser:
        """It, running."""
        if self._browser is None or not self._browser.is_connected():
            self._browser = await self._stack.enter_async_context(launched())
        return self._browser

    def close(self) -> None:
        """Ends it."""
        if self.loop is not None:
            self.loop.run_until_complete(self._stack.aclose())
            self.loop.close()
        self.loop = self._browser = None


SHARED = Shared()
tell = SHARED.tell


@contextlib.asynccontextmanager
async def launched() -> AsyncIterator[Browser]:
    """A Chromium."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield browser
        await browser.close()


@contextlib.asynccontextmanager
async def room(server: Server) -> AsyncIterator[Room]:
    """A restaurant, with a browser of its own where the story is not told by `tell`; nobody may have complained at the
    end."""
    async with contextlib.AsyncExitStack() as stack:
        shared = SHARED.loop is asyncio.get_running_loop()
        browser = await (SHARED.browser() if shared else stack.enter_async_context(launched()))
        made = Room(browser, server)
        try:
            yield made
        finally:
            for context in browser.contexts:
                await context.close()
        assert not made.complaints, made.complaints
