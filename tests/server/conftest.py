"""A server in the test's own process, on a shop of its own in a real store."""

import asyncio
from collections.abc import Iterator
from functools import cache

import pytest
from actors import Guest, hang_up, new_op
from argon2 import PasswordHasher
from machines import KEYS, PASSWORD
from tornado.ioloop import IOLoop
from tornado.web import Application

from ordering import founding, options
from ordering.app import application, services
from ordering.embedded import Embedded
from ordering.founding import found
from ordering.services import Services
from ordering.store import Store

# A shop is founded for each test, but what goes into it is made once: its restaurant, its pictures, and the hash of
# its manager's password.
founding.prepare = cache(founding.prepare)
founding.read = cache(founding.read)


class OneSalt(PasswordHasher):
    """Hashes a password once."""

    hash = cache(PasswordHasher.hash)


ONE_SALT = OneSalt()
founding.PasswordHasher = lambda: ONE_SALT
QUIET = 4  # at most: tasks of a process without sockets: two of the shelf, the beat, and this one


@pytest.fixture
def shared(embedded: Embedded, io_loop: IOLoop, request: pytest.FixtureRequest) -> Iterator[Services]:
    """A process's parts on a shop of the test's own."""
    chosen = options.read(
        ["run.py", "--demo", f"--shop={request.node.name[:20].replace('[', '-').lower()}-{new_op()[:8]}"],
        {options.MANAGER_PASSWORD: PASSWORD},
    )
    store = Store(embedded.url, chosen.shop)
    made = services(chosen, store, KEYS.ids)

    async def begin() -> None:
        await found(store, chosen)
        made.shelf.start()
        made.live.start()

    async def end() -> None:
        await hang_up()
        async with asyncio.timeout(5):
            while len(asyncio.all_tasks()) > QUIET:  # what served the sockets ends when they are closed
                await asyncio.sleep(0.01)
        await made.live.stop()
        await made.shelf.stop()
        await store.close()

    io_loop.run_sync(begin)
    yield made
    io_loop.run_sync(end)


@pytest.fixture
def app(shared: Services) -> Application:
    """What pytest-tornado serves."""
    return application(shared, KEYS)


@pytest.fixture
def guest(http_server: object, http_port: int, io_loop: IOLoop) -> Guest:
    """A guest at the first table."""

    async def scan() -> Guest:
        code = (await Guest(http_port, "").json("/"))["tables"][0]["code"]
        seated = Guest(http_port, code)
        await seated.scan()
        return seated

    return io_loop.run_sync(scan)
