"""Shared stories: a menu to order from, moments in which things happen, and the real parts."""

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from machines import Server, bundled_store, short_folder

from ordering.embedded import Embedded
from ordering.menu import Menu
from ordering.restaurant import DEMO, Restaurant, read

# Tornado asks for the loop that was current before its own; one that is made just for that would never be closed.
asyncio.set_event_loop(None)

# A busy machine is no reason to fail: how long an example takes is not what these tests are about.
UNTIMED = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("ci", derandomize=True, **UNTIMED)
hypothesis.settings.register_profile("local", **UNTIMED)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session")
def restaurant() -> Restaurant:
    """The demo restaurant."""
    return read(DEMO)


@pytest.fixture(scope="session")
def menu(restaurant: Restaurant) -> Menu:
    """The demo restaurant's menu."""
    return restaurant.menu


@pytest.fixture(scope="module")
def embedded() -> Iterator[Embedded]:
    """A bundled store of this module's own."""
    with bundled_store() as store:
        yield store


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """The demo on one port, for this module."""
    with short_folder() as folder:
        running = Server(folder).start()
        try:
            yield running
        finally:
            running.stop()


@pytest.fixture(scope="module")
def trio() -> Iterator[Server]:
    """The demo on three ports, for this module."""
    with short_folder() as folder:
        running = Server(folder, processes=3, tables=40).start()
        try:
            yield running
        finally:
            running.stop()
