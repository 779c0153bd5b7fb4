"""What processes used, as the kernel counts it, and the store as a bench wants it."""

import contextlib
import os
import resource
import subprocess
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from machines import until

from ordering.embedded import _program

PAGE = os.sysconf("SC_PAGE_SIZE")  # bytes


def family(pid: int) -> list[int]:
    """A process and all below it."""
    found = [pid]
    with contextlib.suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            for child in (task / "children").read_text().split():
                found += family(int(child))
    return found


def processor(pids: Iterable[int]) -> float:
    """Seconds on a processor, user and system, of all threads. Nanoseconds of the scheduler, not ticks."""
    spent = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{pid}/task").iterdir():
                spent += int((task / "schedstat").read_text().split()[0])
    return spent / 1e9


def resident(pids: Iterable[int]) -> int:
    """Bytes of memory that are there, shared ones counted for each."""
    found = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            found += int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE
    return found


def proportional(pids: Iterable[int]) -> int:
    """Bytes of memory that are there, those shared by several divided among them."""
    found = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            text = Path(f"/proc/{pid}/smaps_rollup").read_text()
            found += next(int(line.split()[1]) for line in text.splitlines() if line.startswith("Pss:")) * 1024
    return found


def machine() -> float:
    """Seconds that all processors together have worked since the machine was started."""
    words = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:]
    user, nice, system, _, _, irq, soft, steal = map(int, words[:8])
    return (user + nice + system + irq + soft + steal) / os.sysconf("SC_CLK_TCK")


class Noise:
    """How much of the machine others used since it was made."""

    def __init__(self, mine: Sequence[int]) -> None:
        self._mine = list(mine)
        self._before, self._at = self._now(), time.monotonic()

    def cores(self) -> float:
        """Processors that others used on average."""
        return max(0.0, (self._now() - self._before) / (time.monotonic() - self._at))

    def _now(self) -> float:
        return machine() - processor([*self._mine, os.getpid()])


def many_descriptors() -> int:
    """Raises what this process, and those it starts, may open to the most that is allowed; returns it."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return most


class BareStore:
    """The bundled server on a socket in the folder: `synced` to disk before each answer, or keeping nothing at all."""

    def __init__(self, folder: Path, synced: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.url = f"unix://{folder}/store.sock"
        settings = {
            "port": "0",
            "unixsocket": f"{folder}/store.sock",
            "dir": str(folder),
            "save": "",
            "appendonly": "yes" if synced else "no",
            "appendfsync": "always",
            "maxclients": "10000",
            "logfile": f"{folder}/store.log",
        }
        command = [_program()]
        for name, value in settings.items():
            command += [f"--{name}", value]
        self._process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
        self.pid = self._process.pid
        until((folder / "store.sock").exists, 20, f"the store: {folder}/store.log")

    def stop(self) -> None:
        """Ends it."""
        self._process.terminate()
        self._process.wait(20)

    def size(self) -> int:
        """Bytes of its files."""
        return sum(each.stat().st_size for each in self.folder.rglob("*") if each.is_file())


@contextlib.contextmanager
def bare_store(folder: Path, synced: bool = False) -> Iterator[BareStore]:
    """A store for as long as the block lasts."""
    store = BareStore(folder, synced)
    try:
        yield store
    finally:
        store.stop()


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which so much of them is."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * part))]
