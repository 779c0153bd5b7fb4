"""A view is a dict of blocks; a push is the difference between two views.

Blocks are made from values (`Block.shown`); `views/pages.py` renders them as HTML, and the JSON view sends the
values as they are. A block depends on the audience and the language, never on who looks.
"""

import hashlib
from typing import Any, NamedTuple

import msgspec
from msgspec import Struct


class Block(NamedTuple):
    """`kind` names the template macro; `shown` is the JSON view's value, `beside` what only the HTML needs. `recurs`
    says that the same object comes in many views, so that its HTML is worth keeping."""

    id: str
    kind: str
    shown: Struct
    beside: tuple[Any, ...] = ()
    recurs: bool = False


class Content(NamedTuple):
    """What an audience sees, before it is rendered: blocks, and the order of those that stand in containers.

    `until` is when time alone changes it (ms since 1970; 0: never).
    """

    blocks: list[Block]
    order: dict[str, list[str]]
    until: int = 0


class View(NamedTuple):
    """A rendered view: id → HTML (a `str`) or → JSON value; `made` remembers what each block was rendered from,
    `until` is when time alone changes it (ms; 0: never)."""

    v: int
    blocks: dict[str, Any]
    order: dict[str, list[str]]
    made: dict[str, Block]
    until: int = 0


def difference(before: View | None, after: View) -> bytes:
    """The push that turns `before` into `after`, as JSON: `{"v", "set", "order", "gone"}`.

    From nothing it is the whole view. `order` has only the containers whose order differs.
    """
    if before is None:
        return _encode({"v": after.v, "set": after.blocks, "order": after.order, "gone": []})
    had = before.blocks
    changed = {id: block for id, block in after.blocks.items() if (old := had.get(id)) is not block and old != block}
    gone = [id for id in had if id not in after.blocks] if had.keys() != after.blocks.keys() else []
    order = {name: ids for name, ids in after.order.items() if before.order.get(name) != ids}
    return _encode({"v": after.v, "set": changed, "order": order, "gone": gone})


_encode = msgspec.json.Encoder().encode


def fingerprint(view: View) -> str:
    """A name for exactly this view, whichever process made it."""
    return hashlib.sha256(_encode([view.blocks, view.order])).hexdigest()[:16]
