"""The server with a fault that it must not have: `broken.py FAULT` and then as `run.py`. The checker must find each.

And one that is no fault of its own: a clock that is an hour ahead.
"""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

HOUR = 3600


def hour_ahead() -> None:
    """Everybody else's clock is right."""
    right, right_ns = time.time, time.time_ns
    time.time = lambda: right() + HOUR
    time.time_ns = lambda: right_ns() + HOUR * 10**9


def _script(name: str, old: str, new: str) -> None:
    import hashlib

    from ordering import store

    source = store._SCRIPTS[name]
    assert source.count(old) == 1, f"{name}.lua does not say {old!r} any more"
    store._SCRIPTS[name] = source.replace(old, new)
    store._SHA[name] = hashlib.sha1(store._SCRIPTS[name].encode()).hexdigest()


def no_version_check() -> None:
    """The last writer wins."""
    _script("commit", "if v .. ' ' .. r ~= seen[i] then", "if false then")


def number_only() -> None:
    """Versions are compared by number alone: one that came again after the store was put back looks the same."""
    _script("commit", "if v .. ' ' .. r ~= seen[i] then", "if v ~= string.match(seen[i], '%d+') then")


def forgets_ops() -> None:
    """A repeat is done again."""
    _script("commit", "local record = redis.call('GET', KEYS[1])", "local record = false")


def publishes_first() -> None:
    """Messages go out before the commit, which may then not happen."""
    import msgspec

    from ordering.store import Store

    commit = Store.commit

    async def hasty(
        self: Store, who: str, op: str, meant: str, answer: bytes, entry: Any, seen: Any, changes: Any
    ) -> Any:
        for name, value in changes.items():
            head = f"{seen[name].v + 1} early {seen[name].s + 1}\n".encode()
            await self._do("SPUBLISH", self.keys.document(name), head + msgspec.json.encode(value))
        return await commit(self, who, op, meant, answer, entry, seen, changes)

    Store.commit = hasty  # type: ignore[method-assign]


def no_reload() -> None:
    """What is at hand counts as read after a new subscription."""
    from ordering.shelf import Shelf

    read_now = Shelf._read_now

    async def lazy(self: Shelf, names: set[str], whole: bool, expected: set[str]) -> None:
        if not self.live or names == expected:
            names = {name for name in names if name not in self._documents}
        await read_now(self, names, whole, expected)
        if whole and self._subscriber is not None:
            self._catching_up = False

    Shelf._read_now = lazy  # type: ignore[method-assign]


def older_version() -> None:
    """Now and then a page is shown once more what it has seen before."""
    from ordering.live import Stage
    from ordering.views.blocks import difference

    refresh = Stage.refresh
    count = 0

    def forgetful(self: Stage) -> None:
        nonlocal count
        before = self.view
        refresh(self)
        count += 1
        if count % 20 == 0 and before is not None and self.view is not None and before is not self.view:
            newest, self.view = self.view, before
            for phone in tuple(self.in_step):
                phone.send(difference(newest, before))

    Stage.refresh = forgetful  # type: ignore[method-assign]


def answers_early() -> None:
    """A commit whose answer did not come counts as done."""
    from ordering import desk
    from ordering.store import Committed, StoreAway

    async def trusting(ask: Callable[[], Any], *_: Any) -> Any:
        try:
            return await ask()
        except StoreAway:
            return Committed(0, {})

    desk._until_it_answers = trusting


FAULTS = {
    each.__name__: each
    for each in (
        hour_ahead,
        no_version_check,
        number_only,
        forgets_ops,
        publishes_first,
        no_reload,
        older_version,
        answers_early,
    )
}

if __name__ == "__main__":
    FAULTS[sys.argv.pop(1)]()
    import run

    run.main()
