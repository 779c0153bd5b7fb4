"""`run.py` for the relay benchmark: all its options, and two things that the benchmark needs.

- It lets one diner of a table send all the table's commands, each as soon as the last one is answered. A person's
  budget (`ordering/limits.py`: 100 a second) would then be what is measured. The budgets are counted as ever, so the
  work for a command stays the same; only nobody can spend them.
- It counts the processes that are there when the ports can be reached. `run.py` holds its ports from the first moment,
  long before its processes; here a port can be reached when its process is there.
"""

import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import run
from ordering import limits

ENDLESS = 1e9  # commands a second


def bound(port: int, *_: Any, **__: Any) -> list[socket.socket]:
    """The port, held but closed."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", port))
    held.setblocking(False)
    return [held]


def child(options: Any, store: Any, keys: Any, sockets: Sequence[socket.socket], alive: int) -> NoReturn:
    """One port's process, which opens the port."""
    for each in sockets:
        each.listen(run.BACKLOG)
    as_ever(options, store, keys, list(sockets), alive)


if __name__ == "__main__":
    limits.GUEST, limits.PARTY = (
        rate._replace(a_second=ENDLESS, at_once=ENDLESS) for rate in (limits.GUEST, limits.PARTY)
    )
    as_ever = run.child
    run.bind_sockets, run.child = bound, child  # type: ignore[attr-defined,assignment]
    run.main()
