"""What a page costs the server, and how long it takes to start: `make bench`. Written down in docs/performance.md.

    python tests/bench/pages.py [--rounds=7] [--requests=300] [--starts=9] [--json=FILE]

Processor time of one server process (all its threads, as the kernel counts it) for one request, beside a Tornado that
says "Hello, world" on the same event loop, in the same run, taken in turns: so other load on the machine hits both.
Eight connections ask at once, as at a table of eight. The median of the rounds is shown.

- the page of 120 dishes, warm: of an empty and of a busy table, with gzip and without; the JSON view of both
- the page of a busy table of which each is asked for after another change, made through another process
- the first page of a table that this process has not shown yet
- from the start of `run.py`, with a store that runs and holds the shop, to the first "ready"; and of the hello
"""

import argparse
import itertools
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT), str(HERE.parent), str(HERE.parent / "browser")]

from actors import Guest, tables, tell  # noqa: E402
from evening import busy_table  # noqa: E402
from long_menu import long_menu  # noqa: E402
from machines import Server, bundled_store, free_ports, short_folder, until  # noqa: E402

CONNECTIONS = 8
TABLES = 60
GOAL = 1_500  # pages a second and core
START_GOAL = 0.5  # seconds

HELLO = """
import asyncio, sys, tornado.web
class Main(tornado.web.RequestHandler):
    def get(self):
        self.write("Hello, world")
async def main():
    tornado.web.Application([(r"/", Main)]).listen(int(sys.argv[1]), "127.0.0.1")
    await asyncio.Event().wait()
run = asyncio.run
try:
    import uvloop
    run = uvloop.run
except ImportError:
    pass
run(main())
"""


class Case(NamedTuple):
    """What is asked for: `paths` one after the other, `requests` of them in a round, many at once; or one by one, with
    something done `between`."""

    name: str
    pid: int
    port: int
    paths: Iterator[str]
    headers: dict[str, str]
    requests: int
    between: Callable[[], None] | None = None


def spent(pid: int) -> int:
    """Nanoseconds of processor time that the process's threads have had."""
    total = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        total += int((task / "schedstat").read_text().split()[0])
    return total


class Crowd:
    """Connections that ask at once, each with one request, and wait for all the answers."""

    def __init__(self, port: int) -> None:
        self._sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]

    def ask(self, requests: list[bytes]) -> int:
        """Sends a request on each connection, and reads every answer to its end; returns their bytes."""
        asked = list(zip(self._sockets, requests, strict=False))
        for connection, request in asked:
            connection.sendall(request)
        return sum(_answer(connection) for connection, _ in asked)

    def close(self) -> None:
        """Hangs up."""
        for connection in self._sockets:
            connection.close()


def _answer(connection: socket.socket) -> int:
    got = b""
    while b"\r\n\r\n" not in got:
        more = connection.recv(65536)
        assert more, "the server hung up"
        got += more
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    length = int(next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))[15:])
    missing = length - len(body)
    while missing:
        more = connection.recv(min(missing, 262144))
        assert more, "the server hung up"
        missing -= len(more)
    return length


def measured(case: Case, requests: int = 0) -> tuple[float, int]:
    """Microseconds of processor time for one request, and its bytes on the wire."""
    head = "".join(f"{name}: {value}\r\n" for name, value in {"Host": f"127.0.0.1:{case.port}", **case.headers}.items())
    crowd = Crowd(case.port)
    took = size = done = 0
    while done < (requests := requests or case.requests):
        if case.between:
            case.between()
        together = 1 if case.between else min(CONNECTIONS, requests - done)
        now = [f"GET {next(case.paths)} HTTP/1.1\r\n{head}\r\n".encode() for _ in range(together)]
        before = spent(case.pid)
        size += crowd.ask(now)
        took += spent(case.pid) - before
        done += len(now)
    crowd.close()
    return took / requests / 1000, size // requests


def pages(rounds: int, requests: int) -> dict[str, dict[str, float]]:
    """Every case, the hello of the same run first."""
    with short_folder() as folder:
        server = Server(folder, 2, f"--restaurant={long_menu(folder)}", tables=TABLES).start()
        port = free_ports(1)
        hello = subprocess.Popen([sys.executable, "-c", HELLO, str(port)])
        try:
            until(lambda: _listens(port), what="hello")
            cases = [Case("hello", hello.pid, port, itertools.repeat("/"), {}, requests)]
            cases += _cases(server, rounds, requests)
            found: dict[str, list[tuple[float, int]]] = {case.name: [] for case in cases}
            for case in cases[:-1]:
                measured(case, CONNECTIONS * 4)
            for _ in range(rounds):
                for case in cases:
                    found[case.name].append(measured(case))
        finally:
            hello.kill()
            hello.wait()
            server.stop()
    return {name: {"us": statistics.median(us for us, _ in each), "bytes": each[0][1]} for name, each in found.items()}


def _cases(server: Server, rounds: int, requests: int) -> list[Case]:
    """What is asked of the process of the first port; changes go through the second."""
    first, second = server.ports
    codes = [table["code"] for table in tell(tables(first))]
    pid = server.serving(first)
    busy = tell(busy_table(server, 2))
    alone, together, changing = Guest(first, codes[0]), Guest(first, busy), Guest(second, busy)

    async def come() -> str:
        for guest in (alone, together, changing):
            await guest.scan()
        await together.do("name", name="Mo")
        return str((await changing.do("add", item="dongpo-pork", note="a line of its own"))["line"])

    line = tell(come())
    by = itertools.cycle([1, -1])

    def change() -> None:
        answer = tell(changing.do("change", line=line, by=next(by)))
        assert answer.status == 200, answer

    def headers(guest: Guest, **more: str) -> dict[str, str]:
        return {
            "Cookie": guest.cookie_header(),
            "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
            "Accept-Language": "en-US,en;q=0.9,zh;q=0.8",
            "User-Agent": "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 Chrome/131.0.0.0 Mobile Safari/537.36",
            "Connection": "keep-alive",
            **{name.replace("_", "-"): value for name, value in more.items()},
        }

    def case(name: str, guest: Guest, number: int, between: Callable[[], None] | None = None, **more: str) -> Case:
        path = itertools.repeat(f"/t/{guest.code}")
        return Case(name, pid, first, path, headers(guest, **more), number, between)

    packed = {"Accept_Encoding": "gzip, deflate, br, zstd"}
    as_json = {"Accept": "application/json"}
    fresh = codes[4:]
    return [
        case("page of an empty table, gzip", alone, requests, **packed),
        case("page of an empty table, plain", alone, requests),
        case("page of a busy table, gzip", together, requests, **packed),
        case("page of a busy table, plain", together, requests),
        case("JSON view of an empty table, plain", alone, requests, **as_json),
        case("JSON view of a busy table, plain", together, requests, **as_json),
        case("page of a busy table, each after a change, gzip", together, requests // 5, change, **packed),
        Case(
            "first page of a table in this process, gzip",
            pid,
            first,
            (f"/t/{code}" for code in fresh),
            headers(alone, **packed),
            len(fresh) // rounds,
        ),
    ]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Start(NamedTuple):
    """Seconds from the start of a program to its first answer, and of processor time until then."""

    took: float
    computed: float


def starts(number: int) -> dict[str, list[Start]]:
    """Of the hello, and of `run.py` with a store that runs and holds the shop; in turns."""
    found: dict[str, list[Start]] = {"hello": [], "run.py": []}
    with short_folder() as folder, bundled_store() as embedded:
        port = free_ports(1)
        ours = ["run.py", f"--port={port}", f"--store={embedded.url}", "--demo"]
        with (folder / "log.txt").open("w") as log:
            for _ in range(number + 1):
                found["hello"].append(_started(["-c", HELLO, str(port)], port, "/", log))
                found["run.py"].append(_started(ours, port, "/readyz", log))
    return {name: each[1:] for name, each in found.items()}  # the first fills the shop, and keeps the bytecode


def _started(arguments: list[str], port: int, path: str, log: IO[str]) -> Start:
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=ROOT,
        stdout=log,
        stderr=log,
        env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
    )
    try:
        while not _answers(port, path):
            time.sleep(0.002)
        took = time.perf_counter() - began
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        return Start(took, sum(map(spent, [process.pid, *map(int, children)])) / 1e9)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def _answers(port: int, path: str) -> bool:
    with socket.socket() as line:
        line.settimeout(30)
        if line.connect_ex(("127.0.0.1", port)) != 0:
            return False
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n".encode())
        return line.recv(4096).startswith(b"HTTP/1.1 200")


def main() -> None:
    """Measures and prints; with --json also writes the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--requests", type=int, default=300)
    parser.add_argument("--starts", type=int, default=9)
    parser.add_argument("--json", type=Path)
    chosen = parser.parse_args()
    print(f"{'one core of the server':48} {'µs each':>8} {'a second':>9} {'× hello':>8} {'bytes':>8}")
    found = pages(chosen.rounds, chosen.requests)
    hello = found["hello"]["us"]
    for name, each in found.items():
        us = each["us"]
        print(f"{name:48} {us:8.0f} {1e6 / us:9.0f} {us / hello:8.2f} {each['bytes']:8.0f}")
    print(f"{'start to the first answer':48} {'median':>8} {'best':>9} {'computed':>8}")
    began = {name: sorted(each) for name, each in starts(chosen.starts).items()}
    for name, each in began.items():
        took, computed = map(statistics.median, zip(*each, strict=True))
        print(f"{name:48} {took:6.2f} s {each[0].took:7.2f} s {computed:6.2f} s")
    if chosen.json:
        ratios: dict[str, Any] = {name: each["us"] / hello for name, each in found.items()}
        computed = {name: statistics.median(start.computed for start in each) for name, each in began.items()}
        ratios["start"] = computed["run.py"] / computed["hello"]
        chosen.json.write_text(json.dumps({"× hello": ratios}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
