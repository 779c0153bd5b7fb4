#!/usr/bin/env python3
"""The command line: reads the options, starts the bundled store when none is named, fills an empty shop, prints the
links, and keeps one process a port running. `--help` lists the options."""

import asyncio
import contextlib
import gc
import io
import logging
import os
import select
import signal
import socket
import sys
import time
from types import FrameType
from typing import NoReturn

from tornado.log import enable_pretty_logging
from tornado.netutil import bind_sockets

from ordering.app import serve
from ordering.embedded import Embedded, EmbeddedError
from ordering.founding import Founded, found
from ordering.options import Options, OptionsError, read
from ordering.pictures import PictureError
from ordering.restaurant import RestaurantError
from ordering.signing import SigningKeys
from ordering.store import Store, StoreAway, StoreUnfit
from ordering.views.text import CatalogueError, learn

BACKLOG = 8192  # handshakes that may wait: Tornado's 128 gives 900 a second, this over 3,000
LOOK_AFTER = 0.5  # seconds between looks at the bundled store: no signal tells of one that another run.py started
CRASHING = 1.0  # seconds: a process that lived shorter is started again only after that long
COLLECTED_AFTER = 20_000  # objects more than were freed since the collector's last look: a few MB
STOP_LONGEST = 10.0  # seconds for the processes to send their phones away

UNUSABLE = (OptionsError, EmbeddedError, RestaurantError, PictureError, CatalogueError, StoreUnfit, StoreAway)

log = logging.getLogger("ordering")


def main() -> None:
    """Runs until it is told to stop; exit status 1 with one line when it can't."""
    try:
        options = read(sys.argv, dict(os.environ))
        if options.locale:
            learn(options.locale)
        enable_pretty_logging()
        logging.getLogger().setLevel(logging.INFO)
        run(options)
    except UNUSABLE as error:
        sys.exit(f"run.py: {error}")


def run(options: Options) -> None:
    """Starts everything and looks after it; or only makes another key."""
    if options.rotate_keys:
        rotate(options)
        return
    here = options.public_url or f"http://localhost:{options.port}"
    # A QR code that says "localhost" is of no use to a phone.
    options = options._replace(public_url=options.public_url or f"http://{reachable(options)}:{options.port}")
    ports = [listen(options.address, options.port + n) for n in range(options.processes)]
    embedded = None if options.store else Embedded(options.data)
    if embedded:
        embedded.start()
    signals = Signals()
    try:
        store = store_of(options, embedded.url if embedded else options.store)
        keys, founded, promise = asyncio.run(prepare(store, options))
        log.info("store: %s", promise)
        print_links(options, here, founded)
        look_after(options, store, keys, ports, embedded, signals)
    finally:
        if embedded:
            embedded.stop()


def rotate(options: Options) -> None:
    """Another key for cookies, in the store of a shop that is running."""
    store = store_of(options, Embedded(options.data).url if not options.store else options.store)

    async def make() -> SigningKeys:
        try:
            await store.check()
            return await store.new_signing_key(keep=options.rotate_keys == "keep")
        finally:
            await store.close()

    keys = asyncio.run(make())
    kept = "earlier cookies still hold" if options.rotate_keys == "keep" else "everybody has to log in again"
    print(f"key {keys.newest} signs from now on, {kept}; every process of the shop follows within seconds")


def store_of(options: Options, url: str) -> Store:
    """The store at this address."""
    return Store(url, options.shop, options.store_timeout, options.store_connections, options.store_password)


def listen(address: str, port: int) -> list[socket.socket]:
    """The sockets of a port; held here, so that a process that is started again misses no connection."""
    try:
        return bind_sockets(port, address or None, backlog=BACKLOG)
    except OSError as error:
        if isinstance(error, socket.gaierror):
            raise OptionsError(f"--address={address} is not an address of this machine") from error
        raise OptionsError(
            f"port {port} can't be used ({os.strerror(error.errno or 0)}): stop what uses it, or give another --port"
        ) from error


async def prepare(store: Store, options: Options) -> tuple[SigningKeys, Founded, str]:
    """The keys that sign cookies, the shop, and what the store promises."""
    try:
        promise = await store.check()
        return await store.signing_keys(), await found(store, options), promise
    finally:
        await store.close()


class Signals:
    """Whether SIGTERM or SIGINT has come (`asked`), and a sleep that ends when one comes or a child has ended."""

    def __init__(self) -> None:
        self.asked = False
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, self._came)
        self._heard, self._told = os.pipe()
        for each in (self._heard, self._told):
            os.set_blocking(each, False)
        signal.set_wakeup_fd(self._told, warn_on_full_buffer=False)

    def _came(self, number: int, _frame: FrameType | None) -> None:
        self.asked = self.asked or number != signal.SIGCHLD

    def sleep(self, seconds: float | None) -> None:
        """Sleeps so long at most; with None until then."""
        select.select([self._heard], [], [], seconds)
        with contextlib.suppress(BlockingIOError):
            os.read(self._heard, 1024)

    def leave_to_parent(self) -> None:
        """In a forked child, which has a loop of its own that hears signals."""
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.close(self._heard)
        os.close(self._told)


def look_after(
    options: Options,
    store: Store,
    keys: SigningKeys,
    ports: list[list[socket.socket]],
    embedded: Embedded | None,
    signals: Signals,
) -> None:
    """Keeps a process running for each port, and the bundled store, until told to stop."""
    alive, keep_open = os.pipe()
    children: dict[int, tuple[int, float]] = {}

    def start(place: int) -> None:
        pid = os.fork()
        if pid == 0:
            os.close(keep_open)
            signals.leave_to_parent()
            if embedded:
                embedded.leave_to_parent()
            for other, sockets in enumerate(ports):
                if other != place:
                    for each in sockets:
                        each.close()
            child(options, store, keys, ports[place], alive)
        children[pid] = (place, time.monotonic())

    for place in range(len(ports)):
        start(place)
    while True:
        signals.sleep(LOOK_AFTER if embedded else None)
        if signals.asked:
            break
        if embedded and embedded.ended():
            log.error("the bundled store has ended; starting it again")
            with logged():
                embedded.restart()
        for pid in ended(children):
            place, since = children.pop(pid)
            log.error("the process of port %s has ended; starting it again", options.port + place)
            if time.monotonic() - since < CRASHING:
                time.sleep(CRASHING)
            if not signals.asked:
                start(place)
    end(children)


def child(options: Options, store: Store, keys: SigningKeys, sockets: list[socket.socket], alive: int) -> NoReturn:
    """One port's process."""
    status = 1
    try:
        run_loop = asyncio.run
        with contextlib.suppress(ImportError):
            import uvloop

            run_loop = uvloop.run
        # What is here already stays, and nearly all that comes is freed without the collector, so it need not look so
        # often: a sixth of a busy process's time. What it is for are requests that were answered.
        gc.freeze()
        gc.set_threshold(COLLECTED_AFTER, 20, 20)
        run_loop(serve(options, store, keys, sockets, alive))
        status = 0
    except Exception:
        log.exception("a process failed")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)  # not through the parent's `finally`


def ended(children: dict[int, tuple[int, float]]) -> list[int]:
    """Which of the children have ended."""
    return [pid for pid in children if os.waitpid(pid, os.WNOHANG)[0]]


def end(children: dict[int, tuple[int, float]]) -> None:
    """Ends the processes kindly, then firmly."""
    for pid in children:
        os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + STOP_LONGEST
    while children and time.monotonic() < until:
        for pid in ended(children):
            del children[pid]
        time.sleep(0.02)
    for pid in children:
        os.kill(pid, signal.SIGKILL)


class logged(contextlib.suppress):
    """Logs an `EmbeddedError` and goes on: the next look tries again."""

    def __init__(self) -> None:
        super().__init__(EmbeddedError)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, EmbeddedError):
            log.error("%s", error)
        return bool(super().__exit__(kind, error, trace))  # type: ignore[arg-type]


def print_links(options: Options, here: str, founded: Founded) -> None:
    """What somebody who has just started it needs: a table's link and QR code, the staff's pages, the password."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", errors="replace")
    table = founded.floor.tables[0]
    link = f"{options.public_url}/t/{table.code}"
    print(f"\n  {next(iter(founded.menu.shop.name.values()))} is open.\n")
    import segno  # 20 ms, which no guest has to wait for

    segno.make(link, micro=False).terminal(compact=True)
    print(f"  Table {table.name}   {link}   (scan it with a phone on this network)")
    if options.demo:
        print(f"  Every table  {here}/")
    print(f"  Kitchen      {here}/kitchen")
    print(f"  Floor        {here}/floor")
    if founded.password:
        print(f"  Log in as    manager, password {founded.password}   (shown only this once)")
    print(flush=True)


def reachable(options: Options) -> str:
    """This machine's address as a phone in the same network sees it."""
    if options.address not in ("", "0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return options.address
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))  # sends nothing: only asks which address would be used
            return str(probe.getsockname()[0])
        except OSError:
            return "localhost"


if __name__ == "__main__":
    main()
