"""Several processes on one store: what one guest does is on the others' pages, once, everywhere."""

import asyncio
import random

from actors import Guest, Page, Staff, new_op, tables, tell
from machines import Server
from redis.asyncio import Redis

PORK, DUCK = "dongpo-pork", "tea-smoked-duck"


async def party(server: Server, table: int, guests: int) -> list[Guest]:
    """Guests of one table, spread over the ports."""
    code = (await tables(server.port))[table]["code"]
    made = [Guest(server.ports[n % len(server.ports)], code) for n in range(guests)]
    for guest in made:
        await guest.scan()
    return made


def test_diners_on_different_ports_see_each_other(trio: Server) -> None:
    async def story() -> None:
        guests = await party(trio, 0, 3)
        pages = [await guest.look() for guest in guests]
        for guest, page in zip(guests, pages, strict=True):
            answer = await page.do("add", item=PORK)
            assert answer["ok"], answer
            for other in pages:
                await other.at(answer["v"])
            assert guest
        assert pages[0].blocks == pages[1].blocks == pages[2].blocks
        assert pages[0].blocks["totals"]["cart_portions"] == 3
        assert len({line["guest"] for line in pages[0].lines().values()}) == 3

    tell(story())


def test_the_kitchen_sees_a_round_at_once_and_every_phone_sees_it_move(trio: Server) -> None:
    async def story() -> None:
        table = (await tables(trio.port))[1]
        lin, jo = await party(trio, 1, 2)
        staff = await Staff(trio.ports[2]).login()
        display, floor = await staff.look("kitchen"), await staff.look("floor")
        one, other = await lin.look(), await jo.look()
        added = await one.do("add", item=PORK, qty=2)
        placed = await other.do("place", seen=(await other.at(added["v"])).v)
        assert placed["ok"], placed
        [ticket] = await display.sees(
            lambda page: [b for id, b in page.blocks.items() if id.startswith("ticket-") and b["table"] == table["id"]]
        )
        assert [line["qty"] for line in ticket["lines"]] == [2]
        await floor.sees(lambda page: page.blocks[f"table-{table['id']}"]["to_make"] == 2)
        for to in ("cooking", "ready", "served"):
            moved = await staff.kitchen("advance", table=table["id"], ticket=ticket["id"], to=to)
            assert moved["ok"], moved
            for page in (one, other):
                await page.sees(lambda page, to=to: page.lines()[added["line"]]["state"] == to)
        await display.sees(lambda page: f"ticket-{ticket['id']}" not in page.blocks)

    tell(story())


def test_the_same_op_takes_effect_once_through_every_port_and_door(trio: Server) -> None:
    async def story() -> None:
        [guest] = await party(trio, 2, 1)
        pages = [await guest.look(port=port) for port in trio.ports]
        op = new_op()
        posts = [guest.do("add", op, port, item=PORK) for port in trio.ports * 10]
        sockets = [page.do("add", op, item=PORK) for page in pages]
        answers = await asyncio.gather(*posts, *sockets)
        assert all(answer == answers[0] for answer in answers), answers
        assert answers[0]["ok"]
        await asyncio.sleep(0.2)
        assert [page.blocks["totals"]["cart_portions"] for page in pages] == [1, 1, 1]
        asked = await guest.json(f"/t/{guest.code}/op/{op}")
        assert (asked.status, dict(asked)) == (200, answers[0])
        other = await guest.do("add", op, item=DUCK)
        assert (other.status, other["error"]) == (409, "op_reused")
        never = await guest.json(f"/t/{guest.code}/op/{new_op()}")
        assert (never.status, never["error"]) == (404, "no_such_op")

    tell(story())


def test_twenty_writers_end_with_the_sum_of_what_was_acknowledged(trio: Server) -> None:
    async def story() -> None:
        guests = await party(trio, 3, 20)
        watchers = [await guests[n].look() for n in range(3)]
        dice = random.Random(7)

        async def write(guest: Guest) -> int:
            acknowledged = 0
            for _ in range(8):
                qty = dice.randint(1, 3)
                if dice.random() < 0.7:
                    answer = await guest.do("add", item=PORK, qty=qty)
                    acknowledged += qty if answer.get("ok") else 0
                elif acknowledged:
                    line = (await guest.do("add", item=PORK))["line"]
                    answer = await guest.do("change", line=line, by=-1)
                    assert answer.get("ok"), answer
            return acknowledged

        sums = await asyncio.gather(*map(write, guests))
        scanned = await guests[0].scan()
        assert scanned["sitting"]["blocks"]["totals"]["cart_portions"] == sum(sums)
        for page in watchers:
            await page.at(scanned["version"])
            assert page.blocks == scanned["sitting"]["blocks"]
            assert page.versions == sorted(set(page.versions))

    tell(story())


def test_a_page_of_an_earlier_sitting_is_kept_out(trio: Server) -> None:
    async def story() -> None:
        table = (await tables(trio.port))[4]
        lin, jo = await party(trio, 4, 2)
        page = await lin.look()
        added = await page.do("add", item=PORK)
        await page.do("place", seen=added["v"])
        staff = await Staff(trio.ports[1]).login()
        assert (await staff.floor("close", table=table["id"]))["ok"]
        await page.sees(lambda page: page.blocks["sitting"]["state"] == "closed")
        # Neither the guest who ordered nor one who only looked can order into the next party's sitting.
        for answer in (
            await lin.do("add", item=PORK),
            await jo.do("add", item=PORK),
            await page.do("add", item=PORK),
        ):
            assert answer["error"] == "sitting_closed", answer
        [new] = await party(trio, 4, 1)
        assert (await new.do("add", item=DUCK))["ok"]
        again = await lin.look(port=trio.ports[2])
        assert again.blocks["sitting"]["state"] == "closed"
        assert [line["item"] for line in again.lines().values()] == [PORK]
        fresh = await new.look()
        assert [line["item"] for line in fresh.lines().values()] == [DUCK]
        # Scanning the code again belongs to those who sit there now.
        await lin.scan()
        assert (await lin.do("add", item=DUCK))["ok"]

    tell(story())


def test_two_tables_can_not_both_have_the_last_portions(trio: Server) -> None:
    async def story() -> None:
        staff = await Staff(trio.port).login()
        assert (await staff.kitchen("stock", item=DUCK, count=5))["ok"]
        guests = [(await party(trio, table, 1))[0] for table in range(5, 15)]

        async def order(guest: Guest, port: int) -> int:
            added = await guest.do("add", item=DUCK, port=port)
            placed = await guest.do("place", seen=added["v"], port=port) if added.get("ok") else added
            assert placed.get("ok") or placed["error"] in ("sold_out", "too_few_left"), placed
            return 1 if placed.get("ok") else 0

        got = await asyncio.gather(*(order(guest, trio.ports[n % 3]) for n, guest in enumerate(guests)))
        assert sum(got) == 5
        page = await guests[0].look()
        assert page.blocks[f"item-{DUCK}"]["left"] == 0
        assert page.blocks[f"item-{DUCK}"]["sold_out"]

    tell(story())


def test_sold_out_reaches_every_phone(trio: Server) -> None:
    async def story() -> None:
        [guest] = await party(trio, 16, 1)
        pages: list[Page] = [await guest.look(port=port) for port in trio.ports]
        staff = await Staff(trio.port).login()
        v = pages[0].v
        for on in (True, False):
            assert (await staff.kitchen("sold_out", item="mapo-tofu", on=on))["ok"]
            for page in pages:
                await page.sees(lambda page, on=on: page.blocks["item-mapo-tofu"]["sold_out"] is on, 1.0)
        assert {page.v for page in pages} == {v}, "a change of the stock comes with the sitting's version unchanged"

    tell(story())


def test_only_what_somebody_looks_at_is_subscribed(server: Server) -> None:
    async def story() -> None:
        store = Redis(unix_socket_path=str(server.folder / "data" / "store.sock"), decode_responses=True)
        assert await store.execute_command("PUBSUB", "SHARDCHANNELS") == []
        [guest] = await party(server, 1, 1)
        sitting = (await guest.look()).blocks["sitting"]["id"]
        channels = set(await store.execute_command("PUBSUB", "SHARDCHANNELS"))
        await store.aclose()
        names = ("floor", "load", "menu", "stock", f"sitting:{sitting}", f"near:{sitting}")
        assert channels == {f"ordering:{{main}}:doc:{name}" for name in names}

    tell(story())


def test_a_bill_that_two_waiters_take_at_once_is_paid_once(trio: Server) -> None:
    async def story() -> None:
        [guest] = await party(trio, 30, 1)
        await guest.do("add", item=PORK)
        await guest.do("place", seen=(await guest.scan())["version"])
        staff = await Staff(trio.port).login()
        total = (await staff.json("/floor/t31"))["blocks"]["sums"]["left"]
        answers = await asyncio.gather(
            *(staff.floor("pay", port=trio.ports[n % 3], table="t31", amount=total, method="card") for n in range(12))
        )
        assert sorted(answer.get("error", "ok") for answer in answers) == ["not_that_much"] * 11 + ["ok"]
        sums = (await staff.json("/floor/t31"))["blocks"]["sums"]
        assert (sums["paid"], sums["left"]) == (total, 0)

    tell(story())


def test_phones_on_every_port_hear_within_a_second_where_their_party_is(trio: Server) -> None:
    async def story() -> None:
        one, two, three = await party(trio, 31, 3)
        other = (await party(trio, 32, 1))[0]
        for guest in (one, other):
            await guest.do("add", item=PORK)
            await guest.do("place", seen=(await guest.scan())["version"])
        pages = [await guest.look() for guest in (one, two, three)]
        staff = await Staff(trio.ports[1]).login()
        display = await staff.look("kitchen")
        assert (await staff.floor("move", table="t32", to="t34"))["ok"]
        for page in pages:
            await page.sees(lambda page: page.blocks["sitting"]["table"] == "34", 1)
        assert (await staff.floor("merge", port=trio.ports[2], table="t34", to="t33"))["ok"]
        for page in pages:
            await page.sees(lambda page: page.blocks["sitting"]["gone"], 1)
        for guest in (one, two, three):
            answer = await guest.ask("GET", f"/t/{guest.code}?sitting={pages[0].blocks['sitting']['id']}")
            assert (answer.code, other.code in answer.headers["Location"]) == (303, True)

        def portions(table: str) -> list[int]:
            tickets = [b for name, b in display.blocks.items() if name.startswith("ticket-") and b["table"] == table]
            return sorted(line["qty"] for ticket in tickets for line in ticket["lines"])

        await display.sees(lambda _: (portions("t33"), portions("t34")) == ([1, 1], []), 1)

    tell(story())
