"""What happens on a Friday night: the store dies, a port dies, everything hangs, a phone stops reading."""

import asyncio
import contextlib
import json
import os
import random
import shutil
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from actors import Answer, Browser, Guest, Page, Staff, new_op, tables, tell
from machines import Proxy, Server, bundled_store, ready, short_folder, until
from redis import Redis
from tornado.httpclient import HTTPClientError

PORK, DUCK = "dongpo-pork", "tea-smoked-duck"
HEALED = 2.0  # seconds after a fault has healed within which every page must be true


@pytest.fixture
def pair() -> Iterator[Server]:
    """The demo on two ports, for one test that will hurt it."""
    with short_folder() as folder:
        running = Server(folder, processes=2).start()
        try:
            yield running
        finally:
            running.stop()


def store_of(server: Server) -> "Redis[str]":
    """A client of the server's store."""
    return Redis(unix_socket_path=str(server.folder / "data" / "store.sock"), decode_responses=True)


async def at_table(server: Server, table: int = 0, port: int = 0) -> Guest:
    """A guest who has scanned a table's code."""
    guest = Guest(server.ports[port], (await tables(server.port))[table]["code"])
    await guest.scan()
    return guest


class Writer:
    """Adds and places for as long as the test lasts, and remembers what was acknowledged; repeats what was not, with
    the same op."""

    def __init__(self, guest: Guest, ports: list[int]) -> None:
        self.guest = guest
        self.ports = ports
        self.acknowledged: dict[str, int] = {}
        self.running = True

    async def write(self) -> None:
        """Orders one portion after the other, and now and then sends the cart."""
        number = 0
        while self.running:
            number += 1
            note = f"{self.guest.cookies['guest'][-8:]} {number}".replace("|", "")
            answer = await self.until_answered("add", item=PORK, note=note)
            if answer.get("ok"):
                self.acknowledged[answer["line"]] = answer["v"]
            await asyncio.sleep(0.02)
            if number % 20 == 0:
                await self.until_answered("place", seen=answer.get("v", 0))

    async def until_answered(self, do: str, **more: object) -> Answer:
        """Sends a command, again with the same op for as long as nobody says yes or no."""
        op = new_op()
        while self.running:
            # A port or the store may die under it in every way that there is.
            with contextlib.suppress(OSError, ValueError, HTTPClientError):
                answer = await self.guest.do(do, op, random.choice(self.ports), **more)
                if answer.get("ok") or answer.status == 409:
                    return answer
            await asyncio.sleep(0.05)
        return Answer()


async def everything_acknowledged_is_there(server: Server, writers: list[Writer], pages: list[Page]) -> None:
    """Nothing acknowledged is lost, nothing is there twice, and every page shows it."""
    scanned = await writers[0].guest.scan()
    blocks = scanned["sitting"]["blocks"]
    lines = {id[5:]: block for id, block in blocks.items() if id.startswith("line-")}
    for writer in writers:
        assert writer.acknowledged.keys() <= lines.keys()
    assert all(line["qty"] == 1 for line in lines.values()), "an op took effect twice"
    for page in pages:
        await page.sees(lambda page: page.v >= scanned["version"], HEALED)
        assert page.blocks == blocks


def test_a_killed_store_loses_nothing_acknowledged_and_every_page_converges(pair: Server) -> None:
    async def story() -> None:
        guests = [await at_table(pair, port=n % 2) for n in range(4)]
        pages = [await guest.look() for guest in guests]
        writers = [Writer(guest, pair.ports) for guest in guests]
        tasks = [asyncio.create_task(writer.write()) for writer in writers]
        for _ in range(3):
            await asyncio.sleep(0.7)
            pair.kill_store()
        await asyncio.sleep(1.5)
        for writer in writers:
            writer.running = False
        await asyncio.gather(*tasks)
        assert sum(len(writer.acknowledged) for writer in writers) > 20
        await everything_acknowledged_is_there(pair, writers, pages)
        assert not any(page.closed for page in pages), "the sockets outlive the store"

    tell(story())


def test_a_killed_port_loses_nothing_and_comes_back(pair: Server) -> None:
    async def story() -> None:
        guests = [await at_table(pair, port=n % 2) for n in range(2)]
        pages = [await guest.look() for guest in guests]
        writers = [Writer(guest, pair.ports) for guest in guests]
        tasks = [asyncio.create_task(writer.write()) for writer in writers]
        await asyncio.sleep(0.5)
        victim = pair.children()[0]
        os.kill(victim, signal.SIGKILL)
        await asyncio.sleep(1.0)
        for writer in writers:
            writer.running = False
        await asyncio.gather(*tasks)
        assert victim not in pair.children()
        assert len(pair.children()) == 2
        assert [page.closed for page in pages].count(True) == 1
        again = [await guest.look() if page.closed else page for guest, page in zip(guests, pages, strict=True)]
        await everything_acknowledged_is_there(pair, writers, again)

    tell(story())


def test_a_frozen_store_gives_503_and_heals_by_itself(pair: Server) -> None:
    async def story() -> None:
        guest, other = await at_table(pair), await at_table(pair, port=1)
        page, away = await guest.look(), await other.look()
        staff = await Staff(pair.port).login()
        board = await staff.look("kitchen")
        await board.sees(lambda page: page.beats and page.beats[-1]["live"])
        os.kill(pair.store_pid(), signal.SIGSTOP)
        op, frozen = new_op(), time.monotonic()
        try:
            answer = await guest.do("add", op, item=PORK)
            assert (answer.status, answer["error"]) == (503, "store_away")
            assert time.monotonic() - frozen < 4
            assert (await guest.scan()).status == 503
            not_ready = await guest.json("/readyz")
            assert (not_ready.status, not_ready["why"]) == (503, "no answer")
            assert (await guest.json("/healthz")).status == 200
            by_socket = await page.do("add", op, item=PORK)
            assert by_socket["error"] == "store_away"
            await board.sees(lambda page: not page.beats[-1]["live"])
            await away.sees(lambda page: page.beats and not page.beats[-1]["live"])
            await asyncio.sleep(max(0.0, 10 - (time.monotonic() - frozen)))
        finally:
            os.kill(pair.store_pid(), signal.SIGCONT)
        healed = time.monotonic()
        await board.sees(lambda page: page.beats[-1]["live"])
        await away.sees(lambda page: page.beats[-1]["live"])
        assert time.monotonic() - healed < HEALED
        answer = await guest.do("add", op, item=PORK)
        assert answer["ok"], answer
        assert (await guest.json(f"/t/{guest.code}/op/{op}"))["ok"]
        await away.at(answer["v"])
        assert away.blocks["totals"]["cart_portions"] == 1, "sent three times, done once"

    tell(story())


def test_a_phone_that_stops_reading_neither_delays_others_nor_grows(pair: Server) -> None:
    async def story() -> None:
        guest = await at_table(pair)
        other = await guest.look()
        sitting = other.blocks["sitting"]["id"]
        for number in range(60):
            await other.do("add", item=PORK, note=str(number))
        stuck = [raw_socket(pair.port, guest, sitting) for _ in range(5)]
        memory = {pid: resident(pid) for pid in pair.children()}
        slowest = 0.0
        for number in range(400):
            sent = time.monotonic()
            # Sixty lines show the guest's name: a push of some 60 KB for each phone, 120 MB if they were kept.
            answer = await other.do("name", name=f"number {number}")
            await other.at(answer["v"])
            slowest = max(slowest, time.monotonic() - sent)
        grown = max(resident(pid) - was for pid, was in memory.items())
        assert slowest < 1.0, "somebody waited for the phone that does not read"
        assert grown < 16 * 1024, f"{grown} KB more for five phones that do not read"
        for each in stuck:
            each.close()

    tell(story())


def raw_socket(port: int, guest: Guest, sitting: str) -> socket.socket:
    """A WebSocket whose owner never reads: the smallest receive buffer there is."""
    phone = socket.socket()
    phone.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
    phone.connect(("127.0.0.1", port))
    head = (
        f"GET /t/{guest.code}/live?sitting={sitting} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Protocol: html.ordering.v1\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        f"Cookie: {guest.cookie_header()}\r\n\r\n"
    )
    phone.sendall(head.encode())
    assert phone.recv(12) == b"HTTP/1.1 101"
    return phone


def resident(pid: int) -> int:
    """Resident memory in KB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def test_the_answer_to_a_lost_reply_can_be_asked_for(pair: Server) -> None:
    async def story() -> None:
        guest = await at_table(pair)
        op = new_op()
        body = json.dumps({"op": op, "do": "add", "item": PORK})
        with socket.create_connection(("127.0.0.1", pair.port)) as line:
            line.sendall(
                (
                    f"POST /t/{guest.code}/do HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                    f"Cookie: {guest.cookie_header()}\r\nX-XSRFToken: {guest.cookies['_xsrf']}\r\n"
                    f"Content-Length: {len(body)}\r\n\r\n{body}"
                ).encode()
            )
        async with asyncio.timeout(5):
            while (asked := await guest.json(f"/t/{guest.code}/op/{op}", pair.ports[1])).status == 404:
                await asyncio.sleep(0.02)
        assert asked["ok"]
        assert (await guest.do("add", op, item=PORK)) == asked
        assert (await guest.scan())["sitting"]["blocks"]["totals"]["cart_portions"] == 1

    tell(story())


def test_a_half_open_line_to_the_store_is_noticed() -> None:
    with short_folder() as folder, bundled_store() as store, Proxy(store.url.removeprefix("unix://")) as proxy:
        direct = Server(folder, 1, f"--store={store.url}").start()
        (folder / "other").mkdir()
        behind = Server(folder / "other", 1, f"--store=redis://127.0.0.1:{proxy.port}").start()

        async def story() -> None:
            guest = await at_table(direct)
            page = await guest.look(port=behind.port)
            await page.at((await guest.do("add", item=PORK))["v"])
            proxy.swallow()  # no error, no close: everything sent on these lines is lost from now on
            silent = time.monotonic()
            version = (await guest.do("add", item=PORK))["v"]
            await page.at(version)
            assert time.monotonic() - silent < 4.5, "only the look every five seconds found it"
            answer = await page.do("add", item=DUCK)
            assert answer["ok"], answer

        try:
            tell(story())
        finally:
            behind.stop()
            direct.stop()


def test_an_older_message_is_ignored_and_a_lost_one_is_made_good(pair: Server) -> None:
    async def story() -> None:
        guest = await at_table(pair)
        page = await guest.look()
        await page.do("add", item=PORK)
        key = f"ordering:{{main}}:doc:sitting:{page.blocks['sitting']['id']}"
        with store_of(pair) as store:
            old = store.hgetall(key)
            v = (await page.do("add", item=DUCK))["v"]
            await page.at(v)
            assert store.execute_command("SPUBLISH", key, f"{old['v']} {old['r']} {old['s']}\n{old['b']}") == 1
            store.execute_command("SPUBLISH", key, "nonsense")
            await asyncio.sleep(0.3)
            assert page.v == v
            # A commit of which no message ever comes, as after a subscriber's buffer overflowed.
            store.hset(key, mapping={**store.hgetall(key), "v": str(v + 1), "r": "elsewhere"})
            await page.sees(lambda page: page.v == v + 1, 8)
        assert page.versions == sorted(page.versions)

    tell(story())


def test_a_subscriber_cut_again_and_again_leaves_no_dead_table(pair: Server) -> None:
    async def story() -> None:
        guests = [await at_table(pair, table, port=table % 2) for table in range(6)]
        pages = [await guest.look() for guest in guests]
        with store_of(pair) as store:
            for number in range(30):
                store.execute_command("CLIENT", "KILL", "TYPE", "pubsub")
                guest, page = guests[number % 6], pages[number % 6]
                if number % 3 == 0:
                    page.close()
                    pages[number % 6] = await guest.look()
                await guest.do("add", item=PORK, port=pair.ports[number % 2])
                await asyncio.sleep(0.05)
        for guest, page in zip(guests, pages, strict=True):
            version = (await guest.scan())["version"]
            await page.sees(lambda page, version=version: page.v == version, HEALED)

    tell(story())


def test_a_store_put_back_to_an_older_file_is_believed(pair: Server) -> None:
    async def story() -> None:
        guest = await at_table(pair)
        page = await guest.look()
        await page.do("add", item=PORK)
        data, kept = pair.folder / "data", pair.folder / "kept"
        shutil.copytree(data / "appendonlydir", kept)
        for _ in range(3):
            later = await page.do("add", item=DUCK)
        await page.at(later["v"])
        assert page.v == 4
        os.kill(pair.store_pid(), signal.SIGSTOP)  # so that run.py does not start it before the file is back
        shutil.rmtree(data / "appendonlydir")
        shutil.copytree(kept, data / "appendonlydir")
        pair.kill_store()
        await page.sees(lambda page: page.v == 1, 5)
        assert [line["item"] for line in page.lines().values()] == [PORK]
        # The numbers come again, with other contents.
        for _ in range(3):
            answer = await guest.do("add", item="mapo-tofu", modifiers=["mild"], port=pair.ports[1])
            if not answer.get("ok"):
                answer = await guest.do("add", item=PORK, note=new_op(), port=pair.ports[1])
            assert answer["ok"], answer
        await page.sees(lambda page: page.v == 4, HEALED)
        assert page.blocks == (await guest.scan())["sitting"]["blocks"]

    tell(story())


def test_a_killed_run_py_leaves_the_store_to_the_next_one() -> None:
    with short_folder() as folder:
        first = Server(folder).start()

        async def before() -> Guest:
            guest = await at_table(first)
            assert (await guest.do("add", item=PORK))["ok"]
            return guest

        guest = tell(before())
        store = first.store_pid()
        assert first.process
        first.process.kill()
        first.process.wait()
        first.log.close()
        until(lambda: not ready(first.port), 5, "the port is free")
        second = Server(folder).start()
        try:
            assert second.store_pid() == store, "the running store was not taken over"
            guest.port = second.port
            scanned = tell(guest.scan())
            assert scanned["sitting"]["blocks"]["totals"]["cart_portions"] == 1
            second.kill_store()
            until(lambda: ready(second.port), 10, "the store that was taken over is started again, too")
        finally:
            assert second.stop() == 0


def test_sigterm_ends_everything_and_sends_the_phones_elsewhere() -> None:
    with short_folder() as folder:
        server = Server(folder).start()

        async def story() -> int | None:
            guest = await at_table(server)
            page = await guest.look()
            stopping = asyncio.to_thread(server.stop)
            status, _ = await asyncio.gather(stopping, page.sees(lambda page: page.closed))
            assert status == 0
            return page.socket.close_code

        assert tell(story()) == 1012
        assert not (folder / "data" / "store.sock").exists()
        assert not ready(server.port)


def test_the_browser_of_a_stranger_can_not_open_a_socket_or_post(pair: Server) -> None:
    async def story() -> None:
        guest = await at_table(pair)
        answer = await guest.ask(
            "GET",
            f"/t/{guest.code}/live",
            Upgrade="websocket",
            Connection="Upgrade",
            Sec_WebSocket_Key="dGhlIHNhbXBsZSBub25jZQ==",
            Sec_WebSocket_Version="13",
            Origin="http://evil.example",
        )
        assert answer.code == 403
        stranger = Browser(pair.port)
        assert (await stranger.post(f"/t/{guest.code}/do", {"op": "x", "do": "add", "item": PORK})).status == 403

    tell(story())
