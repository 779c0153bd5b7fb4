"""The manager's printers, over both doors."""

from collections.abc import Iterator

import pytest
from actors import Staff, tell
from fake_printer import FakePrinter, fake_printer, refusing_port
from machines import Server


@pytest.fixture
def printer() -> Iterator[FakePrinter]:
    """A printer that works."""
    with fake_printer() as running:
        yield running


def test_a_manager_sets_a_printer_up_tries_it_and_removes_it(server: Server, printer: FakePrinter) -> None:
    async def story() -> None:
        manager = await Staff(server.port).login()
        page = await manager.page("/manage/printers")
        assert "ESC/POS" in page
        fields = {"name": "Hot", "host": "127.0.0.1", "columns": "32", "stations": ["kitchen", "bar"]}
        answer = await manager.submit("/manage/do", do="printer_save", **fields)
        assert answer.headers["Location"] == "/manage/printers"
        page = await manager.page("/manage/printers")
        assert "127.0.0.1:9100" in page
        id = page.split('name="printer" value="')[1].split('"')[0]
        there = {"printer": id, "name": "Hot", "host": "127.0.0.1", "port": printer.port, "stations": ["kitchen"]}
        assert (await manager.post("/manage/do", {"op": "t0", "do": "printer_save", **there}))["ok"]
        saved = await manager.post("/manage/do", {"op": "t1", "do": "printer_test", "printer": id})
        assert saved["ok"], saved
        assert "测试" in printer.text
        assert "Hot" in printer.text
        printer.cover_open = True
        refused = await manager.post("/manage/do", {"op": "t2", "do": "printer_test", "printer": id})
        assert (refused["error"], refused.status) == ("printer_trouble", 409)
        assert "上盖" in refused["message"]
        moved = {"op": "t3", "do": "printer_save", "printer": id, "stations": ["bar"], "name": "Hot"}
        moved |= {"host": "127.0.0.1", "port": refusing_port()}
        assert (await manager.post("/manage/do", moved))["ok"]
        refused = await manager.post("/manage/do", {"op": "t4", "do": "printer_test", "printer": id})
        assert "连接不上" in refused["message"]
        await manager.submit("/manage/do", do="printer_save", name="x", host="http://no/", stations=["bar"])
        assert "192.168.1.50" in await manager.page("/manage/printers")
        await manager.submit("/manage/do", do="printer_remove", printer=id)
        assert "Hot" not in await manager.page("/manage/printers")
        gone = await manager.post("/manage/do", {"op": "t5", "do": "printer_test", "printer": id})
        assert gone["error"] == "no_such_printer"

    tell(story())


def test_only_managers_may(server: Server) -> None:
    async def story() -> None:
        nobody = Staff(server.port)
        await nobody.json("/login")
        assert (await nobody.ask("GET", "/manage/printers")).code == 303
        refused = await nobody.post("/manage/do", {"op": "n1", "do": "printer_remove", "printer": "wok"})
        assert refused["error"] == "login_needed"

    tell(story())


def test_a_ticket_that_is_on_no_paper_is_not_printed_again(server: Server) -> None:
    async def story() -> None:
        staff = await Staff(server.port).login()
        await staff.floor("add", table="t8", item="dongpo-pork")
        seen = (await staff.json("/floor/t8"))["blocks"]["party"]["changed"]
        assert (await staff.floor("place", table="t8", seen=seen))["ok"]
        blocks = (await staff.json("/kitchen"))["blocks"]
        ticket = next(
            block["id"] for id, block in blocks.items() if id.startswith("ticket-") and block["table"] == "t8"
        )
        assert (await staff.kitchen("reprint", table="t8", ticket=ticket))["error"] == "nothing_printed"
        assert (await staff.kitchen("reprint", table="t8", ticket="nobody.1.kitchen"))["error"] == "no_such_ticket"
        assert (await staff.floor("print", table="t8"))["error"] == "no_such_printer"

    tell(story())
