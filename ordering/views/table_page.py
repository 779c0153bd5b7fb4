"""The page of a table, put together from parts of different ages.

- the *frame* and what stands still of the menu: for each menu, language and table;
- the blocks: for each view;
- what is one guest's: secrets of forms, who "you" are, what is said once. It is never kept with the others'.

The templates are rendered with marks in the place of what is younger, and cut there.
"""

import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import count, zip_longest
from typing import Any, NamedTuple

from markupsafe import escape

from ordering.guests import NAME_LONGEST
from ordering.menu import Menu
from ordering.sitting import COLOURS, Guest
from ordering.views.blocks import View
from ordering.views.pages import HERE, brand_style, fixed, pages
from ordering.views.pieces import Piece, Shared, shared
from ordering.views.text import text

LATELY = 200  # pages that are kept to make the next ones from
STANDS = 1000  # ms that a view may stand while its documents do: what is served, who is here, what is late
OWN = frozenset({"me", "hidden", "flash", "languages", "own", "my_share"})
"""The marks of what is one guest's."""


class Parts(NamedTuple):
    """A page but for what is one guest's: of `own`, each stands behind the piece in the same place."""

    pieces: Sequence[Shared]
    own: Sequence[str]


class Kept(NamedTuple):
    """A page as it was made of these documents (values by name) at this time (ms)."""

    values: Mapping[str, Any]
    at: int
    view: View
    parts: Any


class Lately:
    """The pages that a process has shown lately, by audience."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Any, Kept] = OrderedDict()

    def page(self, audience: Any, values: Mapping[str, Any], at: int, make: Callable[[], tuple[View, Any]]) -> Kept:
        """The page of these documents; made anew when one of them is another one, or after `STANDS`."""
        kept = self._kept.get(audience)
        if kept is None or not 0 <= at - kept.at < STANDS or not _same(kept.values, values):
            kept = self._kept[audience] = Kept(values, at, *make())
            if len(self._kept) > LATELY:
                self._kept.popitem(last=False)
        self._kept.move_to_end(audience)
        return kept


def _same(before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
    """Whether these are the same documents: one that has not changed is not read again, so it is the same value."""
    return before.keys() == after.keys() and all(after[name] is value for name, value in before.items())


@lru_cache(maxsize=256)  # tables × languages, about 20 KB each
def frame(lang: str, menu: Menu, code: str, name: str, area: str, static: Callable[[str], str]) -> tuple[str, ...]:
    """The page around everything that changes: text, a mark, text, a mark, …, text."""
    page = pages(lang).page(
        "diner/page.html",
        shop=menu.shop,
        name=name,
        area=area,
        code=code,
        fixed=fixed(lang, menu),
        brand=brand_style(menu.shop.accent),
        static=static,
        here=lambda mark: f"{HERE}{mark}{HERE}",
    )
    return tuple(page.split(HERE))


def parts(around: Sequence[str], view: View, menu: str, **facts: str) -> Parts:
    """The frame with the view's blocks in it, and the menu's. The menu is a piece of its own: it is most of the page,
    and changes least."""
    pieces: list[Shared] = []
    own: list[str] = []
    run: list[str] = []
    blocks = view.blocks

    def cut(mark: str = "") -> None:
        pieces.append(shared("".join(run).encode()))
        own.append(mark)
        run.clear()

    for before, mark in zip_longest(around[::2], around[1::2], fillvalue=""):
        run.append(before)
        if mark in OWN:
            cut(mark)
        elif mark == "menu":
            cut()
            run.append(menu)
            cut()
        elif mark in view.order:
            run += [blocks[id] for id in view.order[mark]]
        elif mark:
            run.append(facts[mark] if mark in facts else blocks[mark])
    cut()
    return Parts(pieces, own)


@lru_cache(maxsize=4096)
def own_sheet(lang: str, menu: Menu, code: str, mine: Guest | None, pin: str | None) -> Parts:
    """What a guest says of themselves, but for the secrets of its forms."""
    words = text(lang)
    allergens = [(tag.id, words.pick(tag.label)) for tag in menu.allergens]
    macro = pages(lang).macros("diner/own.html").sheet
    around = str(macro(f"{HERE}hidden{HERE}", code, allergens, mine, pin, NAME_LONGEST, COLOURS)).split(HERE)
    return Parts([shared(piece.encode()) for piece in around[::2]], [*around[1::2], ""])


@lru_cache(maxsize=1024)
def languages(lang: str, offered: tuple[tuple[str, str, str, bool], ...]) -> Shared:
    """The way to this page in other languages: tag, name, address, and whether it is this one."""
    return shared(str(pages(lang).macros("diner/own.html").languages(offered)).encode())


def said(lang: str, sentence: str | None) -> Piece:
    """What is said once."""
    return one(pages(lang).macros("diner/own.html").flash(sentence) if sentence else "")


def hidden(lang: str, xsrf: str, sitting_id: str) -> Iterator[Piece]:
    """The hidden fields of a guest's forms: for each form the next, with an op of its own."""
    macro = pages(lang).macros("diner/own.html").hidden
    before, after = map(str, macro(xsrf, HERE, sitting_id).split(HERE))
    op = secrets.token_urlsafe(16)
    return (Piece(f"{before}{op}-{number}{after}".encode()) for number in count(1))


def one(text: str) -> Piece:
    """A text that is one guest's."""
    return Piece(escape(text).encode())


def whole(page: Parts, values: Mapping[str, Piece | Parts | Iterator[Piece]]) -> list[Piece]:
    """The page of one guest; `values` says what stands at each mark."""
    found: list[Piece] = []
    for piece, mark in zip(page.pieces, page.own, strict=True):
        found.append(piece)
        if mark:
            value = values[mark]
            if isinstance(value, Piece):
                found.append(value)
            elif isinstance(value, Parts):
                found += whole(value, values)
            else:
                found.append(next(value))
    return found
