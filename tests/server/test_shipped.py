"""Faults that others have shipped, each as a test that it would fail.

Elsewhere: messages lost while a subscriber slept, and one phone awaited while the others wait
(`tests/processes/test_faults.py`); a retry that gets another key on reload (`tests/browser/test_network.py`).
"""

import asyncio
import json
import secrets
from collections.abc import Callable
from typing import Any

from actors import Guest, Page, Staff, new_op
from redis.asyncio import Redis
from tornado.ioloop import IOLoop

from ordering.embedded import Embedded
from ordering.live import Live, Seat, Stage
from ordering.services import Services
from ordering.views.audience import Audience

PORK, DUCK = "dongpo-pork", "tea-smoked-duck"


async def beside(guest: Guest, table: int = 0) -> Guest:
    """Another phone, at this table."""
    other = Guest(guest.port, (await guest.json("/"))["tables"][table]["code"])
    await other.scan()
    return other


def test_the_op_of_a_refused_command_is_not_remembered_as_done(guest: Guest, io_loop: IOLoop) -> None:
    async def story() -> None:
        staff = await Staff(guest.port).login()
        await staff.kitchen("sold_out", item=PORK, on=True)
        op = new_op()
        assert (await guest.do("add", op, item=PORK))["error"] == "sold_out"
        assert (await guest.json(f"/t/{guest.code}/op/{op}")).status == 404
        await staff.kitchen("sold_out", item=PORK, on=False)
        assert (await guest.do("add", op, item=PORK))["ok"]
        assert (await guest.scan())["sitting"]["blocks"]["totals"]["cart_portions"] == 1

    io_loop.run_sync(story)


def test_the_version_is_the_sittings_and_not_a_sockets(guest: Guest, io_loop: IOLoop) -> None:
    async def story() -> None:
        one, other = await guest.look(), await (await beside(guest)).look()
        first = await one.do("add", item=PORK)
        await other.at(first["v"])
        second = await guest.do("add", item=DUCK)
        third = await other.do("add", item=PORK)
        assert (first["v"], second["v"], third["v"]) == (1, 2, 3)
        again = await guest.look()
        assert again.v == 3
        # What one socket saw is good for a command by another door.
        assert (await guest.do("place", seen=again.v))["ok"]

    io_loop.run_sync(story)


def test_nobody_sets_a_quantity_that_another_is_changing(guest: Guest, io_loop: IOLoop) -> None:
    async def story() -> None:
        phones = [guest, await beside(guest), await beside(guest)]
        line = (await guest.do("add", item=PORK))["line"]
        answers = await asyncio.gather(
            *(phone.do("change", line=line, by=by) for phone in phones for by in (2, 2, 2, -1, 3))
        )
        assert all(answer["ok"] for answer in answers)
        lines = (await guest.look()).lines()
        assert lines[line]["qty"] == 1 + 3 * 8

    io_loop.run_sync(story)


def test_a_removal_does_not_reach_into_another_sitting(guest: Guest, io_loop: IOLoop) -> None:
    async def story() -> None:
        line = (await guest.do("add", item=PORK))["line"]
        stranger = await beside(guest, 1)
        await stranger.do("add", item=DUCK)
        for do, more in (("change", {"by": -99}), ("note", {"note": "x"}), ("restore", {}), ("share", {"on": True})):
            refused = await stranger.do(do, line=line, **more)
            assert refused.status == 409, (do, refused)
        assert (await guest.scan())["sitting"]["blocks"][f"line-{line}"]["qty"] == 1

    io_loop.run_sync(story)


def test_an_open_socket_orders_nothing_for_the_next_party(guest: Guest, io_loop: IOLoop) -> None:
    async def story() -> None:
        page = await guest.look()
        await page.do("add", item=PORK)
        staff = await Staff(guest.port).login()
        assert (await staff.floor("close", table="t1"))["ok"]
        assert (await page.do("add", item=PORK))["error"] == "sitting_closed"
        assert (await page.do("place", seen=99))["error"] == "sitting_closed"
        fresh = await beside(guest)
        assert (await fresh.scan())["sitting"]["blocks"]["totals"]["cart_portions"] == 0
        assert (await page.do("call", **{"for": "bill"}))["error"] == "sitting_closed"

    io_loop.run_sync(story)


def test_a_message_that_could_not_be_published_is_no_change_that_nobody_sees(
    guest: Guest, shared: Services, embedded: Embedded, io_loop: IOLoop
) -> None:
    """The store's user loses the right to publish: what is answered "ok" is there, and every page comes to show it."""

    async def story() -> None:
        page = await guest.look()
        await page.do("add", item=PORK)
        async with Redis(unix_socket_path=embedded.url.removeprefix("unix://")) as raw:
            await raw.execute_command("ACL", "SETUSER", "default", "-spublish")
            try:
                answer = await guest.do("add", item=DUCK)
                shown = (await guest.scan())["sitting"]["blocks"]["totals"]["cart_portions"]
                assert shown == (2 if answer.get("ok") else 1), answer
                await page.sees(lambda page: page.blocks["totals"]["cart_portions"] == shown, 8)
            finally:
                await raw.execute_command("ACL", "SETUSER", "default", "+spublish")

    io_loop.run_sync(story)


class Slow:
    """A phone on a bad line: it is full with what it was sent first until somebody says that it has read it."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.full = False
        self.seat: Seat | None = None

    def send(self, message: bytes) -> None:
        self.full = not self.got
        self.got.append(json.loads(message))
        if self.full and self.seat:
            self.seat.filled()

    def probe(self, now: float, silence: float) -> None: ...

    def cut(self) -> None:
        raise AssertionError("it is only slow")

    dismiss = cut


async def full_beside(guest: Guest, shared: Services) -> tuple[Page, Slow, Seat]:
    """A guest's page, and at the same table a slow phone that is full with its first view."""
    page, phone = await guest.look(), Slow()
    seat = phone.seat = shared.live.join(phone, Audience("diner", "json", "en", page.blocks["sitting"]["id"]))
    async with asyncio.timeout(5):
        while not phone.got:
            await asyncio.sleep(0.01)
    return page, phone, seat


def test_a_phone_that_could_not_take_more_gets_what_it_missed_once_and_is_in_step_again(
    guest: Guest, shared: Services, io_loop: IOLoop
) -> None:
    async def story() -> None:
        page, phone, seat = await full_beside(guest, shared)
        for name in ("Ada", "Bo"):
            await page.at((await page.do("name", name=name))["v"])
        assert len(phone.got) == 1, "it is full"
        assert seat.had is not None
        phone.full = False
        seat.drained()
        assert len(phone.got) == 2, "both changes in one message, at once"
        assert phone.got[1]["v"] == page.v
        assert [block["name"] for id, block in phone.got[1]["set"].items() if id.startswith("guest-")] == ["Bo"]
        assert seat.had is None, "no old view is kept"
        await page.at((await page.do("name", name="Cy"))["v"])
        assert [message["v"] for message in phone.got[2:]] == [page.v]
        seat.drained()
        assert len(phone.got) == 3, "nothing is owed"
        shared.live.leave(seat)

    io_loop.run_sync(story)


def test_a_phone_that_was_busy_when_the_store_came_back_is_told_so(
    guest: Guest, shared: Services, io_loop: IOLoop
) -> None:
    async def story() -> None:
        _, phone, seat = await full_beside(guest, shared)
        for live in (False, True):
            shared.shelf._set_live(live)
        assert len(phone.got) == 1, "it is full"
        phone.full = False
        seat.drained()
        async with asyncio.timeout(5):
            while not any("live" in message for message in phone.got):
                await asyncio.sleep(0.01)
        assert [message["live"] for message in phone.got if "live" in message] == [True], "the newest, and once"
        shared.live.leave(seat)

    io_loop.run_sync(story)


def test_a_phone_that_reads_again_without_saying_so_is_brought_up_with_the_next_sign_of_life(
    guest: Guest, shared: Services, io_loop: IOLoop
) -> None:
    async def story() -> None:
        page, phone, seat = await full_beside(guest, shared)
        await page.at((await page.do("name", name="Ada"))["v"])
        seat.stage.beat()
        assert len(phone.got) == 1, "it is full"
        phone.full = False
        seat.stage.beat()
        assert [message["v"] for message in phone.got[1:]] == [page.v, page.v]
        assert "set" in phone.got[1] and "live" in phone.got[2], "what it missed, then the sign of life"
        await page.at((await page.do("name", name="Bo"))["v"])
        assert phone.got[-1]["v"] == page.v, "it is in step again"
        shared.live.leave(seat)

    io_loop.run_sync(story)


def test_nothing_keeps_the_views_before_alive(guest: Guest, shared: Services, io_loop: IOLoop) -> None:
    async def story() -> None:
        await guest.page(f"/t/{guest.code}")
        page = await guest.look("html")
        for number in range(3):
            assert (await page.do("add", item=PORK, qty=number + 1))["ok"]
            await guest.page(f"/t/{guest.code}")
        kept = [*(stage.view for stage in shared.live._stages.values()), *shared.live._lately.values()]
        assert len(kept) >= 2
        assert all(view is not None and view.step is None for view in kept)
        assert not [stage._lately for stage in shared.live._stages.values() if stage._lately is not None]

    io_loop.run_sync(story)


def test_who_orders_has_a_turn_while_a_full_house_gets_its_signs_of_life(shared: Services, io_loop: IOLoop) -> None:
    turns, looks = 0, []

    class Looked(Stage):
        def drop_stuck(self, at: float) -> int:
            looks.append(turns)
            return 0

    async def story() -> None:
        nonlocal turns
        live = Live(shared.shelf)
        shared.shelf.listeners.remove(live._changed)
        for number in range(120):
            audience = Audience("diner", "json", "en", f"{number:012}")
            live._stages[audience] = Looked(audience, shared.shelf, {}, None, 0)
        live.start()
        try:
            async with asyncio.timeout(5):
                while len(looks) < 120:
                    turns += 1
                    await asyncio.sleep(0)
        finally:
            await live.stop()
        assert len(set(looks)) == 3, "the whole house in one turn"

    io_loop.run_sync(story)


class Nervous:
    """A phone that goes when it is told of the first change, and takes its neighbours along."""

    full = False

    def __init__(self, leave: Callable[[], None]) -> None:
        self.leave = leave
        self.told = 0

    def send(self, message: bytes) -> None:
        self.told += 1
        if self.told > 1:
            self.leave()

    def probe(self, now: float, silence: float) -> None: ...

    def cut(self) -> None:
        self.leave()

    def dismiss(self) -> None:
        self.leave()


class Calm:
    """A phone that keeps what it gets."""

    full = False

    def __init__(self) -> None:
        self.got: list[bytes] = []

    def send(self, message: bytes) -> None:
        self.got.append(message)

    def probe(self, now: float, silence: float) -> None: ...

    def cut(self) -> None:
        raise AssertionError("it did nothing wrong")

    dismiss = cut


def test_phones_that_leave_while_all_are_told_do_not_keep_the_others_from_hearing(
    guest: Guest, shared: Services, io_loop: IOLoop
) -> None:
    async def story() -> None:
        live: Live = shared.live
        page = await guest.look()
        audience = Audience("diner", "json", "zh", page.blocks["sitting"]["id"])
        seats: list[Seat] = []

        def leave() -> None:
            for seat in seats:
                live.leave(seat)

        calm = [Calm() for _ in range(5)]
        steady = [live.join(phone, audience, secrets.token_hex(4)) for phone in calm]
        async with asyncio.timeout(5):
            while not all(phone.got for phone in calm):
                await asyncio.sleep(0.01)
        before = [len(phone.got) for phone in calm]
        nervous = [Nervous(leave) for _ in range(20)]
        seats += [live.join(phone, audience, secrets.token_hex(4)) for phone in nervous]
        async with asyncio.timeout(5):
            while not all(phone.told for phone in nervous):
                await asyncio.sleep(0.01)
        answer = await guest.do("add", item=PORK)
        await page.at(answer["v"])
        async with asyncio.timeout(5):
            while [len(phone.got) for phone in calm] == before:
                await asyncio.sleep(0.01)
        assert not set(seats) & {seat for stage in live._stages.values() for seat in stage.seats}
        for seat in steady:
            live.leave(seat)

    io_loop.run_sync(story)
