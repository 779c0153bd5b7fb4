"""A Chromium for each module."""

from collections.abc import Iterator

import pytest
from phones import SHARED


@pytest.fixture(scope="module", autouse=True)
def shared_chromium() -> Iterator[None]:
    """Ends with the module."""
    yield
    SHARED.close()
