"""What was done at one table, for whoever looks after it."""

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
