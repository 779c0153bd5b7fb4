"""What was done at one table, for whoever looks after it."""

from typing import Any

from actors import Guest, Staff, tables, tell
from machines import Server


def test_a_waiter_reads_what_was_done_at_a_table_and_nothing_else(server: Server) -> None:
    async def story() -> None:
        manager = await Staff(server.port).login()
        added = {"do": "account_add", "op": "trace", "name": "Tracer", "role": "waiter", "password": "long enough"}
        assert (await manager.post("/manage/do", added))["ok"]
        guest = Guest(server.port, (await tables(server.port))[9]["code"])
        await guest.scan()
        await guest.do("name", name="Prankster")
        await guest.do("add", item="dongpo-pork")
        table = (await tables(server.port))[9]["id"]
        await manager.floor("freeze", table=table, on=True)
        waiter = Staff(server.port)
        await waiter.json("/login")
        assert (await waiter.submit("/login", name="Tracer", password="long enough")).code == 303
        page = await waiter.page(f"/floor/{table}/log")
        assert "Prankster" in page
        assert "manager" in page
        assert "/manage/log" not in page
        assert "Tracer" not in page.split("<tbody>")[1]
        assert (await waiter.ask("GET", f"/manage/log?table={table}")).code == 403

    tell(story())


def test_a_dish_of_a_party_that_has_paid_and_gone_can_be_called_back(server: Server) -> None:
    async def story() -> None:
        staff = await Staff(server.port).login()
        table = (await tables(server.port))[10]["id"]
        await staff.floor("add", table=table, item="dongpo-pork")
        seen = (await staff.json(f"/floor/{table}"))["blocks"]["party"]["changed"]
        await staff.floor("place", table=table, seen=seen)

        async def tickets() -> list[dict[str, Any]]:
            blocks = (await staff.json("/kitchen"))["blocks"]
            return [each for id, each in blocks.items() if id.startswith("ticket-") and each["table"] == table]

        [ticket] = await tickets()
        board = await staff.look("kitchen")
        await staff.kitchen("advance", table=table, ticket=ticket["id"], to="served")
        assert (await staff.floor("close", table=table))["ok"]
        assert not await tickets()
        await board.sees(lambda page: f"ticket-{ticket['id']}" not in page.blocks)
        last = (await staff.json("/kitchen"))["blocks"]["recent"]["tickets"]
        assert ticket["id"] in [each["id"] for each in last]
        assert (await staff.kitchen("recall", table=table, ticket=ticket["id"]))["ok"]
        await board.sees(lambda page: f"ticket-{ticket['id']}" in page.blocks)
        assert [line["state"] for each in await tickets() for line in each["lines"]] == ["ready"]
        await staff.kitchen("advance", table=table, ticket=ticket["id"], to="served")
        await board.sees(lambda page: f"ticket-{ticket['id']}" not in page.blocks)
        assert not await tickets()
        board.close()

    tell(story())
