"""Real parts for the tests: stores, servers, nginx, each a process that can be killed, frozen and started again."""

import asyncio
import contextlib
import os
import random
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from ordering.embedded import Embedded
from ordering.signing import SigningKeys
from ordering.store import Store

ROOT = Path(__file__).parent.parent
PASSWORD = "correct horse"
KEYS = SigningKeys("a secret of the tests", {0: "a key of the tests"})


def free_ports(count: int) -> int:
    """The first of `count` free ports in a row, below those that the system gives to whoever connects somewhere: one
    of them could be a client's before it is used."""
    given_away, *_ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    for _ in range(200):
        first = random.randrange(given_away // 2, given_away - count)
        with contextlib.ExitStack() as held:
            try:
                for port in range(first, first + count):
                    held.enter_context(socket.socket()).bind(("127.0.0.1", port))
            except OSError:
                continue
            return first
    raise RuntimeError("no free ports in a row")


def until(holds: Callable[[], Any], seconds: float = 10.0, what: str = "") -> Any:
    """Waits until `holds()` is true and returns it; raises AssertionError when time is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if found := holds():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {what or holds}")


@contextlib.contextmanager
def short_folder() -> Iterator[Path]:
    """A temporary folder with a path short enough for Unix sockets."""
    folder = Path(tempfile.mkdtemp(prefix="o-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def bundled_store() -> Iterator[Embedded]:
    """The bundled server with a folder of its own."""
    with short_folder() as folder:
        embedded = Embedded(folder / "data")
        embedded.start()
        try:
            yield embedded
        finally:
            embedded.stop()


class Server:
    """`run.py` as an operator starts it: its own data folder, some ports."""

    def __init__(
        self, folder: Path, processes: int = 1, *more: str, tables: int = 12, program: tuple[str, ...] = ("run.py",)
    ) -> None:
        self.folder = folder
        self.program = program
        self.processes = processes
        self.port = free_ports(processes)
        self.arguments = [f"--data={folder / 'data'}", "--demo", f"--demo_tables={tables}", *more]
        self.process: subprocess.Popen[str] | None = None

    @property
    def ports(self) -> list[int]:
        """One for each process."""
        return [self.port + n for n in range(self.processes)]

    def start(self) -> "Server":
        """Starts it and waits until every port is ready."""
        command = [
            sys.executable,
            *self.program,
            f"--port={self.port}",
            f"--processes={self.processes}",
            *self.arguments,
        ]
        self.log = (self.folder / "log.txt").open("a+")
        self.process = subprocess.Popen(
            command,
            cwd=ROOT,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "ORDERING_MANAGER_PASSWORD": PASSWORD, "PYTHONDONTWRITEBYTECODE": "1"},
            start_new_session=True,
            text=True,
        )
        for port in self.ports:
            until(lambda port=port: ready(port) or self._must_live(), 30, f"port {port} ready: {self.said()}")
        return self

    def stop(self) -> int:
        """Ends it as an operator would; returns its exit status."""
        assert self.process
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(20)
        self.log.close()
        return status

    def said(self) -> str:
        """What it has printed so far."""
        return (self.folder / "log.txt").read_text()

    def children(self) -> list[int]:
        """The processes that serve the ports, in no particular order."""
        assert self.process
        mine = self.process.pid
        found = Path(f"/proc/{mine}/task/{mine}/children").read_text().split()
        return [int(pid) for pid in found if _command_line(int(pid)) == _command_line(mine)]  # the store's is another

    def store_pid(self) -> int:
        """The bundled store's process."""
        return int((self.folder / "data" / "store.pid").read_text())

    def serving(self, port: int) -> int:
        """The process that accepts on this port: the one with no other port's socket."""
        inode = _listening_inodes()[port]
        for pid in self.children():
            if inode in _inodes(pid):
                return pid
        raise AssertionError(f"nobody serves {port}")

    def kill_store(self) -> None:
        """SIGKILL for the bundled store; `run.py` starts it again."""
        os.kill(self.store_pid(), signal.SIGKILL)

    def _must_live(self) -> bool:
        assert self.process
        assert self.process.poll() is None, self.said()
        return False


def ready(port: int) -> bool:
    """Whether /readyz says yes."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


class Nginx:
    """nginx with the project's configuration, its ports replaced."""

    def __init__(self, folder: Path, ports: list[int]) -> None:
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        assert Path(program).exists(), "nginx is needed for this test: apt-get install nginx"
        self.port = free_ports(1)
        self.folder = folder
        (folder / "run").mkdir()
        (folder / "logs").mkdir()
        text = (ROOT / "nginx" / "nginx.conf").read_text()
        text = text.replace("listen 8080", f"listen {self.port}")
        for place, port in enumerate(ports):
            text = text.replace(f"127.0.0.1:{8000 + place}", f"127.0.0.1:{port}")
        (folder / "nginx.conf").write_text(text)
        self.command = [
            program,
            "-p",
            str(folder),
            "-c",
            str(folder / "nginx.conf"),
            "-e",
            str(folder / "error.log"),
        ]

    def start(self) -> "Nginx":
        """Starts it and waits until it answers."""
        self.process = subprocess.Popen([*self.command, "-g", "daemon off;"])
        until(lambda: ready(self.port), 10, f"nginx: {self._errors()}")
        return self

    def stop(self) -> None:
        """Ends it at once."""
        self.process.terminate()
        self.process.wait(10)

    def _errors(self) -> str:
        log = self.folder / "error.log"
        return log.read_text() if log.exists() else ""


class Proxy:
    """A TCP port in front of a Unix socket or of another port, whose lines can be made bad in every way.

    Args:
        target: the path of a socket, or a port of this machine.
        rewrite: makes what lets the target's answers on one line pass, changed; None: they pass as they are.
    """

    def __init__(self, target: str | int, rewrite: Callable[[], Callable[[bytes], bytes]] | None = None) -> None:
        self._target = target
        self._rewrite = rewrite
        self._door = socket.create_server(("127.0.0.1", 0), backlog=4096)
        self.port = int(self._door.getsockname()[1])
        self._lines: set[socket.socket] = set()
        self._swallowed: set[socket.socket] = set()
        self._delay = 0.0
        self._rate = 0.0

    def __enter__(self) -> "Proxy":
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._door.close()
        self.cut()

    def lead_to(self, target: str | int) -> None:
        """New lines lead elsewhere; those that are open stay."""
        self._target = target

    def swallow(self) -> None:
        """From now on nothing gets through on the lines that are open; new ones work."""
        self._swallowed = set(self._lines)

    def cut(self) -> None:
        """Ends the lines that are open."""
        for line in list(self._lines):
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)

    def slow(self, delay: float = 0.0, rate: float = 0.0) -> None:
        """Every piece takes `delay` seconds longer, and at most `rate` bytes a second pass (0: any number)."""
        self._delay, self._rate = delay, rate

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                here, _ = self._door.accept()
                try:
                    there = self._connected()
                except OSError:
                    here.close()
                    continue
                self._lines |= {here, there}
                back = self._rewrite() if self._rewrite else None
                for source, target, change in ((here, there, None), (there, here, back)):
                    threading.Thread(target=self._pump, args=(source, target, change), daemon=True).start()

    def _connected(self) -> socket.socket:
        if isinstance(self._target, int):
            return socket.create_connection(("127.0.0.1", self._target))
        there = socket.socket(socket.AF_UNIX)
        try:
            there.connect(self._target)
        except OSError:
            there.close()
            raise
        return there

    def _pump(self, source: socket.socket, target: socket.socket, change: Callable[[bytes], bytes] | None) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if source in self._swallowed:
                    continue
                if self._delay or self._rate:
                    time.sleep(self._delay + (len(data) / self._rate if self._rate else 0.0))
                target.sendall(change(data) if change else data)
        # Whichever direction ends, the line has ended; the last one to go closes it.
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        self._lines.discard(source)
        self._swallowed.discard(source)
        source.close()


def _command_line(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def connected_to(pid: int) -> set[int]:
    """The ports of this machine to which a process is connected."""
    mine, found = _inodes(pid), set()
    for row in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        words = row.split()
        if words[3] == "01" and words[9] in mine:
            found.add(int(words[2].rpartition(":")[2], 16))
    return found


def _listening_inodes() -> dict[int, str]:
    found = {}
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for row in Path(table).read_text().splitlines()[1:]:
            words = row.split()
            if words[3] == "0A":
                found[int(words[1].rpartition(":")[2], 16)] = words[9]
    return found


def _inodes(pid: int) -> set[str]:
    found = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            if match := re.fullmatch(r"socket:\[(\d+)\]", os.readlink(link)):
                found.add(match[1])
    return found


def on_a_shop(embedded: Embedded, story: Callable[[Store], Awaitable[None]]) -> None:
    """Runs the story on a shop of its own."""

    async def run() -> None:
        store = Store(embedded.url, f"shop-{secrets.token_hex(4)}")
        try:
            await story(store)
        finally:
            await store.close()

    asyncio.run(run())
