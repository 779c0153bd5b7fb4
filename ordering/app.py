"""The Tornado application of one process: routes in one table, settings, and how it begins and ends."""

import asyncio
import logging
import os
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.web import Application

from ordering.codes import Codes
from ordering.desk import Desk
from ordering.duty import Duty
from ordering.handlers import assets, diner, login, manage, ops, staff
from ordering.handlers.base import NotFound
from ordering.handlers.socket import LEAVING, Socket
from ordering.limits import Limits
from ordering.listener import Listener
from ordering.live import Live
from ordering.options import Options
from ordering.printing import Printing
from ordering.services import Services
from ordering.shelf import Shelf
from ordering.signing import SigningKeys
from ordering.store import Store, StoreAway
from ordering.views.pages import pages
from ordering.views.table_page import Lately
from ordering.views.text import LANGUAGES

log = logging.getLogger(__name__)

BODY_READ = 32 * 1024 * 1024  # bytes of a body that are read (and dropped, see `Page`) before the connection is cut
HEADERS_LARGEST = 16 * 1024  # bytes
IDLE = 75  # seconds that a connection may take for its next request's headers
BODY_TIME = 60  # seconds that a request's body may take: the longest is two seconds of the slowest phone's
DRAIN_LONGEST = 3.0  # seconds over which a process that ends sends its phones to others
DRAIN_BATCHES = 10
WARM_AFTER = 0.1  # seconds after the ports are open: whoever waits for them comes first
WARM_PAUSE = 0.01  # seconds between steps, for whoever comes meanwhile
KEYS_READ = 5.0  # seconds between looks for another signing key

CODE = r"([A-Za-z0-9_-]{4,64})"
ID = r"([A-Za-z0-9._:-]{1,64})"

ROUTES: tuple[tuple[str, Any], ...] = (
    (r"/", ops.Home),
    (rf"/t/{CODE}", diner.TablePage),
    (rf"/t/{CODE}/do", diner.TableDo),
    (rf"/t/{CODE}/live", diner.TableLive),
    (rf"/t/{CODE}/op/{ID}", diner.TableOp),
    (rf"/t/{CODE}/item/{ID}", diner.ItemPage),
    (rf"/t/{CODE}/line/{ID}", diner.LinePage),
    (rf"/t/{CODE}/view", diner.TableView),
    (rf"/t/{CODE}/back", diner.Back),
    (rf"/t/{CODE}/receipt", diner.ReceiptPage),
    (rf"/t/{CODE}/receipt.pdf", diner.ReceiptPdf),
    (rf"/pictures/{ID}", assets.Photo),
    (r"/login", login.Login),
    (r"/lock", login.Lock),
    (r"/manage", manage.StaffPage),
    (r"/manage/do", manage.ManageDo),
    (r"/manage/plan", manage.PlanPage),
    (r"/manage/printers", manage.PrintersPage),
    (r"/manage/log", manage.Record),
    (r"/manage/log.csv", manage.RecordCsv),
    (r"/kitchen", staff.KitchenPage),
    (r"/kitchen/do", staff.KitchenDo),
    (r"/kitchen/live", staff.KitchenLive),
    (r"/floor", staff.FloorPage),
    (r"/floor/do", staff.FloorDo),
    (r"/floor/live", staff.FloorLive),
    (rf"/floor/{ID}", staff.PartyPage),
    (rf"/floor/{ID}/live", staff.PartyLive),
    (rf"/floor/{ID}/code", staff.CodePage),
    (rf"/floor/{ID}/log", manage.TableRecord),
    (r"/healthz", ops.Health),
    (r"/readyz", ops.Ready),
    (r"/metrics", ops.Metrics),
)


def services(options: Options, store: Store, ids: str) -> Services:
    """One of each for this process, not started yet."""
    shelf, limits = Shelf(store), Limits()
    desk = Desk(store, shelf, limits)
    return Services(options, store, shelf, desk, Live(shelf), Codes(shelf, desk), limits, Lately(), ids)


def application(shared: Services, keys: SigningKeys) -> Application:
    """The routes with what they share; `keys` sign the cookies."""
    return Application(
        [
            *((path, handler, {"services": shared}) for path, handler in ROUTES),
            (r"/static/[0-9a-f]{12}/([a-z.]+)", assets.Asset),
        ],
        default_handler_class=NotFound,
        default_handler_args={"services": shared},
        **keys.settings(),
        static_address=assets.address,
        compress_response=True,
        log_function=_log_request,
    )


def http_server(served: Application) -> HTTPServer:
    """The server of one process, with the limits of what it takes from anybody."""
    return HTTPServer(
        served,
        max_body_size=BODY_READ,
        max_header_size=HEADERS_LARGEST,
        idle_connection_timeout=IDLE,
        body_timeout=BODY_TIME,
    )


async def serve(
    options: Options, store: Store, keys: SigningKeys, sockets: Sequence[socket.socket], parent: int
) -> None:
    """Serves until SIGTERM or SIGINT, or until the descriptor `parent` says that the parent is gone."""
    shared = services(options, store, keys.ids)
    app = application(shared, keys)
    server = http_server(app)
    loop = asyncio.get_running_loop()
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ending.set)
    loop.add_reader(parent, os._exit, 1)  # killed, not stopped: the ports must be free for the next one at once
    shared.shelf.start()
    shared.live.start()
    shared.limits.start()
    following = asyncio.create_task(_follow_keys(app, store))
    duty, printing = Duty(shared.desk), Printing(shared.desk, shared.shelf, store)
    duty.start()
    printing.start()
    listeners = [Listener(each) for each in sockets]
    server.add_sockets(listeners)
    warming = asyncio.create_task(_warm())
    await ending.wait()
    server.stop()
    following.cancel()
    warming.cancel()
    await asyncio.gather(following, warming, return_exceptions=True)
    await shared.limits.stop()
    await duty.stop()
    await asyncio.gather(printing.stop(), _send_away(shared.live))
    await shared.live.stop()
    await shared.shelf.stop()
    await store.close()
    for each in listeners:
        each.close()


async def _follow_keys(app: Application, store: Store) -> None:
    """Signs with the key that an operator has made since, and honours those that are left."""
    while True:
        await asyncio.sleep(KEYS_READ)
        with suppress(StoreAway):
            app.settings.update((await store.signing_keys()).settings())


async def _warm() -> None:
    """Makes ready what the first guest would otherwise wait for, in short steps. (In a thread it would hold up whoever
    comes meanwhile by half a second: it shares the interpreter's lock.)"""
    await asyncio.sleep(WARM_AFTER)
    for lang in LANGUAGES:
        for _ in pages(lang).warm():
            await asyncio.sleep(WARM_PAUSE)


async def _send_away(live: Live) -> None:
    """Closes the sockets with "come back at once", in batches, so that the others are not stormed."""
    phones = [phone for phone in live.phones() if isinstance(phone, Socket)]
    size = max(1, -(-len(phones) // DRAIN_BATCHES))
    for at in range(0, len(phones), size):
        for phone in phones[at : at + size]:
            phone.close(LEAVING, "leaving")
        await asyncio.sleep(DRAIN_LONGEST / DRAIN_BATCHES if len(phones) > DRAIN_BATCHES else 0.02)


def _log_request(handler: Any) -> None:
    """Only what an operator must see; a table's code is a secret and stays out of the log."""
    request = handler.request
    if handler.get_status() >= 500 or request.request_time() > 1:
        place = "/t/…" if request.path.startswith("/t/") else request.path
        log.warning("%s %s: %s in %.0f ms", request.method, place, handler.get_status(), request.request_time() * 1000)
