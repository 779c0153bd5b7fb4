"""A view is a dict of blocks; a push is the difference between two views.

Blocks are made from values (`Block.shown`); `views/pages.py` renders them as HTML, and the JSON view sends the
values as they are. A block depends on the audience and the language, never on who looks.
"""

import hashlib
from typing import Any

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from ordering.values import Value

OVER_MOST = 24  # blocks that stand beside those of an earlier view, until all are put together again


class Block(Value, frozen=True):
    """`kind` names the template macro; `shown` is the JSON view's value, `beside` what only the HTML needs. `recurs`
    says that the same object comes in many views, so that its HTML is worth keeping."""

    id: str
    kind: str
    shown: Struct
    beside: tuple[Any, ...] = ()
    recurs: bool = False


class Content(Value, frozen=True):
    """What an audience sees, before it is rendered: blocks by id, and the order of those that stand in containers.

    `until` is when time alone changes it (ms since 1970; 0: never). Where it was made from the content of an earlier
    view, `blocks` are only those that are otherwise than in that view, and `gone` are the ids of that view's that are
    no more; with None `blocks` are all of them. `kept` is what the next content can be made from.
    """

    blocks: dict[str, Block]
    order: dict[str, list[str]]
    until: int = 0
    kept: Any = None
    gone: list[str] | None = None


class Step(Value, frozen=True):
    """What a view has otherwise than the view `since`: other or new blocks, and those that are gone."""

    since: "View"
    changed: dict[str, Any]
    gone: list[str]


class View(Value, frozen=True, eq=False):
    """A rendered view: `blocks` are id → HTML (a `str`) or → JSON value. `made` remembers what each was rendered from,
    where the next view is not made from what is `kept`. `until` is when time alone changes it (ms; 0: never). `step` is
    what it differs in from the view it was made after, if that is known and has not been told yet (`settled`).

    Views that follow each other share `base`; what is otherwise since then stands in `over`: of a hundred blocks a
    change touches five, and copying all of them costs more than all else of a view."""

    v: int
    base: dict[str, Any]
    order: dict[str, list[str]]
    made: dict[str, Block]
    until: int = 0
    kept: Any = None
    step: Step | None = None
    over: dict[str, Any] = field(default_factory=dict)

    @property
    def blocks(self) -> dict[str, Any]:
        """All of them; made anew each time, so whoever wants several asks once."""
        return self.base | self.over

    def block(self, id: str) -> Any:
        """One of them; None when there is none of this name."""
        return self.over[id] if id in self.over else self.base.get(id)


_MADE: dict[str, Block] = {}  # of views whose next is made from what is kept: nobody asks


def first(v: int, content: Content, blocks: dict[str, Any]) -> View:
    """The view of this content with its blocks rendered, when nothing is known of an earlier one."""
    made = content.blocks if content.kept is None else _MADE
    return View(v, blocks, content.order, made, content.until, content.kept)


def following(before: View, v: int, content: Content, changed: dict[str, Any], gone: list[str]) -> View:
    """The view of a content that was made from the one before, with those blocks rendered that come out otherwise."""
    base, over = before.base, before.over | changed
    if gone or len(over) > OVER_MOST:
        base, over = base | over, {}
        for id in gone:
            del base[id]
    return View(v, base, content.order, _MADE, content.until, content.kept, Step(before, changed, gone), over)


def settled(view: View) -> View:
    """The view without its step, to be kept: that holds the view before, and is of use only for what is told now."""
    return replace(view, step=None) if view.step is not None else view


def difference(before: View | None, after: View) -> bytes:
    """The push that turns `before` into `after`, as JSON: `{"v", "set", "order", "gone"}`.

    From nothing it is the whole view. `order` has only the containers whose order differs. A page that stands at the
    view which `after` was made from costs what has changed, until that is `settled`; any other is compared block by
    block.
    """
    if before is None:
        return _encode({"v": after.v, "set": after.blocks, "order": after.order, "gone": []})
    step = after.step
    if step is not None and step.since is before:
        changed, gone = step.changed, step.gone
    else:
        changed, gone = _otherwise(before.blocks, after.blocks)
    order = {} if after.order is before.order else _otherwise(before.order, after.order)[0]
    return _encode({"v": after.v, "set": changed, "order": order, "gone": gone})


def _otherwise(had: dict[str, Any], now: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """What is new or another, and the names of what is no more."""
    changed = {id: block for id, block in now.items() if (old := had.get(id)) is not block and old != block}
    return changed, [id for id in had if id not in now] if had.keys() != now.keys() else []


def differs(before: View, after: View) -> bool:
    """Whether a page that shows `before` shows anything else than `after`."""
    step = after.step
    if step is not None and step.since is before:
        return bool(step.changed or step.gone) or before.order != after.order
    return before.blocks != after.blocks or before.order != after.order


_encode = msgspec.json.Encoder().encode


def fingerprint(view: View) -> str:
    """A name for exactly this view, whichever process made it."""
    return hashlib.sha256(_in_order([view.blocks, view.order])).hexdigest()[:16]


_in_order = msgspec.json.Encoder(order="deterministic").encode  # views come by their blocks in different ways
