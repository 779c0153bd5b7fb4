"""A listening socket that takes a few connections at a time, and sheds what it can't take.

A few: when thousands come at once, as after a failure, the others wait in the system's queue, and those who are here
get their turn in between. With all of them accepted the loop was seconds late, and most were turned away.

With no descriptor left for another connection, the connection is accepted on one kept in reserve and closed at once,
so that nginx or the phone tries the next port. Without it the connection would stay in the queue, where it wakes the
loop again and again and nobody answers.
"""

import contextlib
import errno
import logging
import os
import socket
import time
from typing import Any

log = logging.getLogger(__name__)

FULL = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
AT_ONCE = 32  # connections in one round of the loop: some 25 ms
TOLD_APART = 10.0  # seconds between two lines in the log about it


class Listener(socket.socket):
    """Takes over a socket that listens."""

    def __init__(self, taken: socket.socket) -> None:
        super().__init__(taken.family, taken.type, taken.proto, fileno=taken.detach())
        self.setblocking(False)
        self._reserve: int | None = os.open(os.devnull, os.O_RDONLY)
        self._told_at = -TOLD_APART
        self._in_a_row = 0
        self.shed = 0

    def accept(self) -> tuple[socket.socket, Any]:
        """The next connection; raises BlockingIOError when there is none, none that could be kept, or when it is the
        others' turn."""
        self._in_a_row += 1
        if self._in_a_row > AT_ONCE:
            self._in_a_row = 0
            raise BlockingIOError
        try:
            return super().accept()
        except OSError as error:
            self._in_a_row = 0
            if error.errno not in FULL:
                raise
            self._shed(error)
            raise BlockingIOError from error

    def close(self) -> None:
        """Closes it, and what was kept in reserve."""
        self._give_up_reserve()
        super().close()

    def _give_up_reserve(self) -> None:
        if self._reserve is not None:
            os.close(self._reserve)
            self._reserve = None

    def _shed(self, why: OSError) -> None:
        self._give_up_reserve()
        # Between the two somebody else may take the descriptor: then the next connection tries again.
        with contextlib.suppress(OSError), super().accept()[0]:
            self.shed += 1
        with contextlib.suppress(OSError):
            self._reserve = os.open(os.devnull, os.O_RDONLY)
        if time.monotonic() - self._told_at >= TOLD_APART:
            self._told_at = time.monotonic()
            log.error("connections are turned away (%s): raise the limit of open files (LimitNOFILE, ulimit -n)", why)
