"""The house: the store, three ports, nginx, and the lines between them, all of which can fail."""

import contextlib
import json
import os
import re
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from random import Random
from typing import Any

from machines import Nginx, Proxy, Server, until
from redis import Redis
from redis.exceptions import RedisError

from ordering.embedded import Embedded

PORTS = 3
HERE = Path(__file__).parent
RESTAURANT = HERE / "restaurant.toml"
BROKEN = str(HERE / "broken.py")
FRAME = re.compile(rb"\*3\r\n\$8\r\nsmessage\r\n\$\d+\r\n[^\r]+\r\n\$(\d+)\r\n")


class Letters:
    """What passes from the store on one line: while `loose`, messages are dropped, doubled and mixed up."""

    loose = False

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._rest = b""
        self._kept: list[bytes] = []

    def __call__(self, data: bytes) -> bytes:
        """What is passed on of it."""
        data, self._rest = self._rest + data, b""
        passed: list[bytes] = []
        while found := FRAME.search(data):
            end = found.end() + int(found[1]) + 2
            if len(data) < end:
                break
            passed += [data[: found.start()], *self._delivered(data[found.start() : end])]
            data = data[end:]
        if FRAME.search(data) or b"smessage" in data[-4096:]:
            self._rest = data  # the message is not whole yet
        else:
            passed.append(data)
        return b"".join(passed)

    def _delivered(self, message: bytes) -> list[bytes]:
        if not Letters.loose:
            kept, self._kept = self._kept, []
            return [message, *kept]  # what was held back comes late, after something newer
        fate = self._rng.random()
        if fate < 0.3:
            return []
        if fate < 0.5:
            self._kept.append(message)
            return []
        return [message] * (2 if fate < 0.7 else 1)


class House:
    """Everything that runs; `doors` are the ports to which guests may come.

    As a whole (`bundled`): one `run.py` with three processes and its own store. In parts: a store that something else
    looks after, a line to it for each port, a `run.py` for each port, one of them with a clock that is an hour ahead.

    Args:
        broken: a fault of `broken.py` that the server is to have.
    """

    def __init__(self, folder: Path, bundled: bool, rng: Random, broken: str = "") -> None:
        self.folder = folder
        self.bundled = bundled
        self._rng = rng
        self._broken = broken
        self.servers: list[Server] = []
        self.store_lines: list[Proxy] = []
        self._embedded: Embedded | None = None
        self._open = True

    @property
    def ports(self) -> list[int]:
        """One for each process."""
        return [port for server in self.servers for port in server.ports]

    @property
    def doors(self) -> list[int]:
        """Each port, and nginx behind the line from the street."""
        return [*self.ports, self.street.port, self.street.port]

    @contextlib.contextmanager
    def running(self) -> Iterator["House"]:
        """Everything started, and stopped at the end."""
        with ExitStack() as stack:
            if self.bundled:
                self._serve(stack, 0, PORTS)
            else:
                self._embedded = Embedded(self.folder / "store")
                self._embedded.start()
                stack.callback(self._embedded.stop)
                threading.Thread(target=self._look_after_store, daemon=True).start()
                for place in range(PORTS):
                    line = stack.enter_context(Proxy(self.socket, lambda: Letters(self._rng)))
                    self.store_lines.append(line)
                    self._serve(stack, place, 1, f"--store=redis://127.0.0.1:{line.port}")
            site = self.folder / "site"
            site.mkdir()
            self.nginx = Nginx(site, self.ports).start()
            stack.callback(lambda: self.nginx.stop())
            self.street = stack.enter_context(Proxy(self.nginx.port))
            try:
                yield self
            finally:
                self._open = False

    def _serve(self, stack: ExitStack, place: int, processes: int, *more: str) -> None:
        folder = self.folder / f"server{place}"
        folder.mkdir()
        breakage = self._broken or ("hour_ahead" if place == PORTS - 1 else "")
        program = (BROKEN, breakage) if breakage else ("run.py",)
        server = Server(folder, processes, f"--restaurant={RESTAURANT}", *more, program=program).start()
        stack.callback(server.stop)
        self.servers.append(server)

    def _look_after_store(self) -> None:
        assert self._embedded
        while self._open:
            time.sleep(0.1)
            if self._open and self._embedded.ended():
                with contextlib.suppress(Exception):
                    self._embedded.restart()

    # ---- its parts

    @property
    def data(self) -> Path:
        """The store's folder."""
        return self.folder / "server0" / "data" if self.bundled else self.folder / "store"

    @property
    def socket(self) -> str:
        """Where the store answers."""
        return str(self.data / "store.sock")

    def store_pid(self) -> int:
        """The store's process."""
        return int((self.data / "store.pid").read_text())

    def children(self) -> list[int]:
        """The processes that serve."""
        return [pid for server in self.servers for pid in server.children()]

    def serving(self, place: int) -> int:
        """The process of a port, by its place."""
        port = self.ports[place]
        return next(server.serving(port) for server in self.servers if port in server.ports)

    def store(self) -> Redis:
        """A connection to the store past everything that fails; use it with `with`."""
        return Redis(unix_socket_path=self.socket, socket_timeout=5)

    def tell_store(self, *words: Any) -> Any:
        """A command past everything; tried until the store answers."""

        def ask() -> Any:
            with contextlib.suppress(RedisError, OSError), self.store() as store:
                return store.execute_command(*words) or True
            return None

        return until(ask, 15, f"the store answers {words[0]}")

    def log(self) -> list[dict[str, Any]]:
        """The shop's log, oldest first."""
        with self.store() as store:
            found = store.xrange("ordering:{main}:log")
        return [{"s": int(id.split(b"-")[0]), "in": [], **json.loads(fields[b"entry"])} for id, fields in found]

    def frozen(self, pid: int) -> contextlib.AbstractContextManager[None]:
        """The process stands still meanwhile."""
        return _frozen(pid)

    def said(self) -> str:
        """What the servers have printed."""
        return "\n".join(server.said() for server in self.servers)


@contextlib.contextmanager
def _frozen(pid: int) -> Iterator[None]:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
