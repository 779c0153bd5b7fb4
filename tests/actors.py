"""The people of the stories: guests with a phone and cookies, and the staff; over both doors."""

import asyncio
import json
import secrets
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, TypeVar
from urllib.parse import urlencode

from machines import PASSWORD
from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest, HTTPResponse
from tornado.ioloop import IOLoop
from tornado.platform.asyncio import BaseAsyncIOLoop
from tornado.websocket import WebSocketClientConnection, websocket_connect

T = TypeVar("T")
PATIENCE = 10.0  # seconds
OPENED: list[WebSocketClientConnection] = []
"""The sockets of the story that is told now."""


def tell(story: Coroutine[Any, Any, T]) -> T:
    """Runs a story to its end, and closes the sockets that were opened in it."""

    return asyncio.run(to_its_end(story))


async def to_its_end(story: Coroutine[Any, Any, T]) -> T:
    """The story, and that nothing of it is left in a loop that was made for it alone."""
    try:
        return await told(story)
    finally:
        await go_home()


async def told(story: Coroutine[Any, Any, T]) -> T:
    """The story, and that its sockets are closed."""
    try:
        return await story
    finally:
        await hang_up()


async def hang_up() -> None:
    """Closes every socket that was opened, without waiting for the other side."""
    while OPENED:
        socket = OPENED.pop()
        stream = socket.protocol.stream if socket.protocol else None
        socket.close()
        if stream is not None:
            stream.close()
    await asyncio.sleep(0.01)


async def go_home() -> None:
    """Ends whatever else goes on in this loop, and closes its lines: Tornado's client leaves that of a request which is
    under way open, and the test in which it is found out is a later one."""
    await stopped(task for task in asyncio.all_tasks() if task is not asyncio.current_task())
    loop = IOLoop.current()
    assert isinstance(loop, BaseAsyncIOLoop)
    for line, _ in list(loop.handlers.values()):
        loop.remove_handler(line)
        loop.close_fd(line)


async def stopped(tasks: Iterable[asyncio.Task[Any]]) -> None:
    """Cancels them, and waits for their end; raises TimeoutError when one of them goes on."""
    ending = list(tasks)
    for task in ending:
        task.cancel()
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*ending, return_exceptions=True)


class Answer(dict[str, Any]):
    """A JSON answer with its HTTP status."""

    status: int = 0


class Browser:
    """Cookies and requests of one device; any port of a shop takes them."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.cookies: dict[str, str] = {}

    async def ask(
        self, method: str, path: str, body: str | bytes | None = None, port: int | None = None, **headers: str
    ) -> HTTPResponse:
        """A request with this device's cookies; keeps those that come back."""
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        request = HTTPRequest(
            f"http://127.0.0.1:{port or self.port}{path}",
            method=method,
            body=body,
            headers={"Cookie": self.cookie_header(), **names},
            follow_redirects=False,
            request_timeout=PATIENCE,
            allow_nonstandard_methods=True,
        )
        answer = await AsyncHTTPClient(force_instance=True).fetch(request, raise_error=False)
        for cookie in answer.headers.get_list("Set-Cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    async def page(self, path: str, **headers: str) -> str:
        """A page's HTML."""
        answer = await self.ask("GET", path, **headers)
        assert answer.code == 200, (answer.code, answer.body[:300])
        return answer.body.decode()

    async def json(self, path: str, port: int | None = None) -> Answer:
        """A JSON view."""
        return _answer(await self.ask("GET", path, port=port, Accept="application/json"))

    async def post(self, path: str, command: Any, port: int | None = None, **headers: str) -> Answer:
        """A JSON command."""
        body = command if isinstance(command, str | bytes) else json.dumps(command)
        return _answer(
            await self.ask(
                "POST",
                path,
                body,
                port=port,
                Content_Type="application/json",
                X_XSRFToken=self.cookies.get("_xsrf", ""),
                **headers,
            )
        )

    async def submit(self, path: str, port: int | None = None, **fields: Any) -> HTTPResponse:
        """A form, as a browser without script sends it."""
        sent = {"_xsrf": self.cookies.get("_xsrf", ""), "op": new_op(), **fields}
        return await self.ask(
            "POST",
            path,
            urlencode(sent, doseq=True),
            port=port,
            Content_Type="application/x-www-form-urlencoded",
        )

    async def socket(
        self, path: str, form: str = "json", port: int | None = None, **headers: str
    ) -> WebSocketClientConnection:
        """An open WebSocket."""
        request = HTTPRequest(
            f"ws://127.0.0.1:{port or self.port}{path}", headers={"Cookie": self.cookie_header(), **headers}
        )
        opened = await websocket_connect(request, subprotocols=[f"{form}.ordering.v1"])
        OPENED.append(opened)
        return opened

    async def live(self, path: str, form: str, port: int | None) -> "Page":
        """A page kept by its socket; returns when it shows something. Where it is turned away because the process is
        busy (or the machine is), it comes again, as a phone does."""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    page = Page(await self.socket(path, form, port))
                    break
                except HTTPClientError as turned_away:
                    if turned_away.code != 503:
                        raise
                    await asyncio.sleep(0.1)
        await page.sees(lambda page: page.v >= 0)
        return page

    def cookie_header(self) -> str:
        """What a browser would send."""
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())


class Page:
    """A page kept by its socket: applies pushes like the script does, and remembers what it saw."""

    def __init__(self, socket: WebSocketClientConnection, told: Callable[["Page"], None] | None = None) -> None:
        self.socket = socket
        self.told = told  # called after each push
        self.v = -1
        self.blocks: dict[str, Any] = {}
        self.order: dict[str, list[str]] = {}
        self.versions: list[int] = []
        self.beats: list[dict[str, Any]] = []
        self.answers: dict[str, dict[str, Any]] = {}
        self.closed = False
        self._news = asyncio.Event()
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        first = True
        while (text := await self.socket.read_message()) is not None:
            message = json.loads(text)
            if "set" in message:
                if first:
                    self.blocks, first = {}, False
                for gone in message["gone"]:
                    self.blocks.pop(gone, None)
                self.blocks |= message["set"]
                self.order |= message["order"]
                self.v = message["v"]
                self.versions.append(self.v)
                if self.told:
                    self.told(self)
            elif "live" in message:
                self.beats.append(message)
            else:
                self.answers[message.get("op")] = message
            self._news.set()
        self.closed = True
        self._news.set()

    async def sees(self, holds: Any, seconds: float = PATIENCE) -> Any:
        """Waits until `holds(self)`; returns what it gave."""
        async with asyncio.timeout(seconds):
            while not (found := holds(self)):
                self._news.clear()
                await self._news.wait()
            return found

    async def at(self, v: int) -> "Page":
        """Waits until the page shows version `v` or a later one."""
        await self.sees(lambda page: page.v >= v)
        return self

    async def do(self, do: str, op: str | None = None, **more: Any) -> dict[str, Any]:
        """Sends a command by the socket; returns its answer."""
        op = op or new_op()
        await self.socket.write_message(json.dumps({"op": op, "do": do, **more}))
        return dict(await self.sees(lambda page: page.answers.get(op)))

    def lines(self) -> dict[str, dict[str, Any]]:
        """The lines by id (JSON view)."""
        return {id[5:]: block for id, block in self.blocks.items() if id.startswith("line-")}

    def close(self) -> None:
        """Closes the page."""
        self._reader.cancel()
        self.socket.close()


class Guest(Browser):
    """A guest who has opened a table's page."""

    def __init__(self, port: int, code: str) -> None:
        super().__init__(port)
        self.code = code

    async def scan(self, port: int | None = None) -> Answer:
        """Opens the table's page (JSON view)."""
        return await self.json(f"/t/{self.code}", port)

    async def do(self, do: str, op: str | None = None, port: int | None = None, **more: Any) -> Answer:
        """A command by POST."""
        return await self.post(f"/t/{self.code}/do", {"op": op or new_op(), "do": do, **more}, port)

    async def look(self, form: str = "json", port: int | None = None, query: str = "") -> Page:
        """A page kept by its socket; returns when it shows something."""
        return await self.live(f"/t/{self.code}/live{query}", form, port)


class Staff(Browser):
    """The manager, logged in."""

    async def login(self) -> "Staff":
        """Logs in with the tests' password."""
        await self.json("/login")
        answer = await self.submit("/login", password=PASSWORD)
        assert answer.code == 303, answer.body
        return self

    async def kitchen(self, do: str, op: str | None = None, port: int | None = None, **more: Any) -> Answer:
        """A command of the kitchen."""
        return await self.post("/kitchen/do", {"op": op or new_op(), "do": do, **more}, port)

    async def floor(self, do: str, op: str | None = None, port: int | None = None, **more: Any) -> Answer:
        """A command of the floor."""
        return await self.post("/floor/do", {"op": op or new_op(), "do": do, **more}, port)

    async def look(self, board: str, form: str = "json", port: int | None = None) -> Page:
        """A board kept by its socket; returns when it shows something."""
        return await self.live(f"/{board}/live", form, port)


def new_op() -> str:
    """An op as a phone makes it."""
    return secrets.token_hex(8)


async def tables(port: int) -> list[dict[str, str]]:
    """The demo's tables: id, name, code."""
    return list((await Browser(port).json("/"))["tables"])


def _answer(response: HTTPResponse) -> Answer:
    answer = Answer(json.loads(response.body) if response.body else {})
    answer.status = response.code
    return answer
