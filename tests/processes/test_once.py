"""Once and no more: the same op by every door at the same time, and a port that dies in the middle of a commit."""

import asyncio
import json
import os
import signal
import socket
from collections.abc import Iterator

import pytest
from actors import Guest, new_op, tables, tell
from machines import Server, short_folder, until

PORK = "dongpo-pork"


@pytest.fixture
def three() -> Iterator[Server]:
    """Three ports, for a test that kills."""
    with short_folder() as folder:
        running = Server(folder, 3).start()
        try:
            yield running
        finally:
            running.stop()


async def at_table(server: Server, port: int = 0) -> Guest:
    """A guest at the first table, by this port."""
    guest = Guest(server.ports[port], (await tables(server.port))[0]["code"])
    await guest.scan()
    return guest


def test_the_same_op_a_hundred_times_by_every_door_is_done_once(three: Server) -> None:
    async def story() -> None:
        guest = await at_table(three)
        pages = [await guest.look(port=port) for port in three.ports]
        op = new_op()
        posts = [guest.do("add", op, three.ports[n % 3], item=PORK) for n in range(70)]
        taps = [pages[n % 3].do("add", op, item=PORK) for n in range(30)]
        answers = [dict(answer) for answer in await asyncio.gather(*posts, *taps)]
        unsure = [answer for answer in answers if answer.get("error") == "store_away"]  # a busy machine: asks again
        answers += [dict(await guest.do("add", op, item=PORK)) for _ in unsure]
        sure = [answer for answer in answers if answer not in unsure]
        assert len(sure) == 100
        assert all(answer == sure[0] for answer in sure)
        assert sure[0]["ok"]
        assert (await guest.scan())["sitting"]["blocks"]["totals"]["cart_portions"] == 1
        other = await guest.do("add", op, item="tea-smoked-duck")
        assert (other.status, other["error"]) == (409, "op_reused")

    tell(story())


def test_fifty_guests_who_change_one_table_at_once_all_get_through(three: Server) -> None:
    async def story() -> None:
        first = await at_table(three)
        line = (await first.do("add", item=PORK))["line"]
        guests = [await at_table(three, number % 3) for number in range(50)]
        answers = await asyncio.gather(*(guest.do("change", line=line, by=1) for guest in guests))
        assert all(answer.get("ok") for answer in answers), answers
        assert sorted(answer["v"] for answer in answers) == list(range(2, 52)), "one after the other, none twice"
        assert (await first.scan())["sitting"]["blocks"][f"line-{line}"]["qty"] == 51

    tell(story())


def send_and_hang(server: Server, guest: Guest, op: str) -> socket.socket:
    """A POST to the first port, whose answer nobody waits for."""
    body = json.dumps({"op": op, "do": "add", "item": PORK})
    line = socket.create_connection(("127.0.0.1", server.port))
    line.sendall(
        (
            f"POST /t/{guest.code}/do HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            f"Cookie: {guest.cookie_header()}\r\nX-XSRFToken: {guest.cookies['_xsrf']}\r\n"
            f"Content-Length: {len(body)}\r\n\r\n{body}"
        ).encode()
    )
    return line


@pytest.mark.parametrize("phase", ["before the store has it", "while the store has it", "when it is answered"])
def test_a_port_that_dies_in_the_middle_of_a_commit(three: Server, phase: str) -> None:
    """Whatever has become of it, the guest's second try by another port makes it one."""

    async def story() -> None:
        guest = await at_table(three)
        page = await guest.look(port=three.ports[1])
        victim = three.serving(three.port)
        op = new_op()
        frozen = {"before the store has it": victim, "while the store has it": three.store_pid()}.get(phase)
        if frozen:
            os.kill(frozen, signal.SIGSTOP)
        line = send_and_hang(three, guest, op)
        if frozen:
            await asyncio.sleep(0.2)
        else:
            await page.at(1)
        os.kill(victim, signal.SIGKILL)
        if frozen == three.store_pid():
            os.kill(frozen, signal.SIGCONT)
        line.close()
        answer = await guest.do("add", op, three.ports[2], item=PORK)
        assert answer["ok"], answer
        await page.at(answer["v"])
        assert page.blocks["totals"]["cart_portions"] == 1
        await asyncio.to_thread(until, lambda: victim not in three.children() and len(three.children()) == 3)

    tell(story())


def test_nobody_else_can_read_what_the_bundled_store_keeps(three: Server) -> None:
    """The keys that sign cookies are in it."""
    data = three.folder / "data"
    assert data.stat().st_mode & 0o077 == 0
    for path in [*data.rglob("*.aof"), *data.rglob("*.manifest"), data / "store.log", data / "store.sock"]:
        assert path.stat().st_mode & 0o077 == 0, path
