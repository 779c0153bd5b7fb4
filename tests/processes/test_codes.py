"""A table gets another code: strangers' pages end at once on every port, the guests' stay."""

import asyncio
import json
import time
from collections.abc import Iterator

import pytest
from actors import Guest, Page, Staff, new_op, tables, tell
from machines import Server, short_folder

PORK = "dongpo-pork"
AT_ONCE = 1.0  # seconds


@pytest.fixture(scope="module")
def pair() -> Iterator[Server]:
    """The demo on two ports."""
    with short_folder() as folder:
        running = Server(folder, processes=2).start()
        try:
            yield running
        finally:
            running.stop()


async def two_of_each(pair: Server, table: int) -> tuple[list[Guest], list[Guest]]:
    """Guests who have ordered and strangers who only look, one on each port."""
    code = (await tables(pair.port))[table]["code"]
    guests, strangers = ([Guest(port, code) for port in pair.ports] for _ in range(2))
    for phone in (*guests, *strangers):
        await phone.scan()
    for guest in guests:
        assert (await guest.do("add", item=PORK))["ok"]
    return guests, strangers


async def closed(page: Page) -> tuple[int | None, str | None]:
    """How a page ends that must."""
    await page.sees(lambda page: page.closed, AT_ONCE)
    return page.socket.close_code, page.socket.close_reason


def test_strangers_pages_end_on_every_port_and_the_guests_stay(pair: Server) -> None:
    async def story() -> None:
        guests, strangers = await two_of_each(pair, 0)
        staying, going = [await guest.look() for guest in guests], [await each.look() for each in strangers]
        board = await Staff(pair.port).login()
        assert (await board.floor("recode", table="t1"))["ok"]
        began = time.monotonic()
        assert [await closed(page) for page in going] == [(4403, "no_such_table")] * 2
        assert time.monotonic() - began < AT_ONCE
        added = await staying[0].do("add", item=PORK)
        assert added["ok"]
        for page in staying:
            await page.at(added["v"])
            assert not page.closed
        for page in [await guest.look() for guest in guests]:  # also when they come back by the old code
            assert not page.closed
        assert (await board.floor("recode", table="t1"))["ok"]
        await asyncio.sleep(0.3)
        assert not any(page.closed for page in staying)

    tell(story())


def test_a_stranger_who_does_not_close_can_order_nothing(pair: Server) -> None:
    async def story() -> None:
        guests, strangers = await two_of_each(pair, 1)
        code = strangers[1].code
        socket = await strangers[1].socket(f"/t/{code}/live")
        await socket.read_message()
        assert socket.protocol
        socket.protocol.close = lambda *_: None  # type: ignore[method-assign]  # it hears the close, and stays
        assert (await (await Staff(pair.port).login()).floor("recode", table="t2"))["ok"]
        for _ in range(20):
            socket.protocol.client_terminated = socket.protocol.server_terminated = False
            await socket.protocol.write_message(json.dumps({"op": new_op(), "do": "add", "item": PORK}))
            await asyncio.sleep(0.05)
        page = await guests[0].look()
        assert page.blocks["totals"]["cart_portions"] <= 3, "a command that was on its way may have been done"

    tell(story())


def test_a_page_that_asks_instead_of_listening_hears_it_too(pair: Server) -> None:
    async def story() -> None:
        _, strangers = await two_of_each(pair, 2)
        view = f"/t/{strangers[1].code}/view?form=json"
        first = await strangers[1].ask("GET", view)
        waiting = asyncio.create_task(strangers[1].ask("GET", f"{view}&have={first.headers['Etag']}"))
        await asyncio.sleep(0.3)
        assert (await (await Staff(pair.port).login()).floor("recode", table="t3"))["ok"]
        assert (await asyncio.wait_for(waiting, AT_ONCE)).code == 503
        assert (await strangers[1].ask("GET", view)).code == 404

    tell(story())


def test_who_reads_the_receipt_keeps_it_when_the_code_changes(pair: Server) -> None:
    async def story() -> None:
        guests, _ = await two_of_each(pair, 3)
        page = await guests[1].look()
        board = await Staff(pair.port).login()
        for line in page.lines():
            assert (await guests[0].do("change", line=line, by=-1))["ok"]
        assert (await board.floor("close", table="t4"))["ok"]
        assert (await board.floor("recode", table="t4"))["ok"]
        await asyncio.sleep(0.3)
        assert not page.closed

    tell(story())
