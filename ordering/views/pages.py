"""Templates: whole pages, and the macros that render a block the same way on a page and in a push."""

import base64
import hashlib
from collections.abc import Iterator
from functools import cache, lru_cache
from itertools import chain
from pathlib import Path
from types import CodeType
from typing import Any, NamedTuple

import jinja2
from markupsafe import Markup
from msgspec.structs import replace

from ordering.brand import Accent, accents
from ordering.menu import Menu
from ordering.views.blocks import Block, Content, View, first, following
from ordering.views.card import sections
from ordering.views.compiled import Environment
from ordering.views.text import text

TEMPLATES = Path(__file__).parent.parent.parent / "templates"
KEPT = 20_000  # blocks of dishes that nobody has chosen, as HTML: dishes × what can be said of each × languages, 1 KB


class Compiled(jinja2.BytecodeCache):
    """What has been compiled for one language serves the others: compiling all templates takes 0.4 s."""

    def __init__(self) -> None:
        self._codes: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Called by Jinja."""
        bucket.code = self._codes.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: jinja2.bccache.Bucket) -> None:
        """Called by Jinja."""
        self._codes[bucket.key, bucket.checksum] = bucket.code


COMPILED = Compiled()


class Pages:
    """The templates in one language."""

    def __init__(self, lang: str) -> None:
        self._env = Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            bytecode_cache=COMPILED,
        )
        self._env.globals["t"] = text(lang)
        self._env.filters["named"] = lambda id, names: names.get(id, id)
        self._macros: dict[str, Any] = {}
        self._kept: dict[int, tuple[Block, str]] = {}

    def page(self, template: str, /, **values: Any) -> str:
        """The page `templates/{template}` with these values."""
        return self._env.get_template(template).render(**values)

    def macros(self, template: str) -> Any:
        """The template's macros as functions."""
        if template not in self._macros:
            self._macros[template] = self._env.get_template(template).module
        return self._macros[template]

    def warm(self) -> Iterator[str]:
        """Compiles the templates, a step each, the guests' first."""
        for template in sorted(self._env.list_templates(), key=lambda name: not name.startswith("diner/")):
            self._env.get_template(template)
            yield template

    def view(self, audience: str, content: Content, v: int, before: View | None = None) -> View:
        """The blocks as HTML, by the macros of `templates/{audience}/blocks.html`; what has not changed since
        `before` is not rendered again."""
        macros = self.macros(f"{audience}/blocks.html")
        if before is not None and content.gone is not None:
            rendered = ((id, self._html(macros, block)) for id, block in content.blocks.items())
            changed = {id: html for id, html in rendered if html != before.block(id)}
            return following(before, v, content, changed, content.gone)
        made = before.made if before else {}
        known = before.blocks if before else {}
        blocks = {
            id: known[id] if made.get(id) == block else self._html(macros, block)
            for id, block in content.blocks.items()
        }
        return first(v, content, blocks)

    def _html(self, macros: Any, block: Block) -> str:
        if not block.recurs:
            return str.strip(getattr(macros, block.kind)(block.id, block.shown, *block.beside))
        # By identity, and the block is kept along: the same object means the same HTML, without comparing it.
        known = self._kept.get(id(block))
        if known is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            html = str.strip(getattr(macros, block.kind)(block.id, block.shown, *block.beside))
            known = self._kept[id(block)] = (block, html)
        return known[1]


class Brand(NamedTuple):
    """A shop's colours as a style sheet of a few lines; `source` is what lets it through the page's policy."""

    css: Markup
    source: str


@cache
def brand_style(accent: str) -> Brand | None:
    """The style sheet that puts a shop's accent in the place of ours; None when it has none."""
    if not accent:
        return None
    themes = accents(accent)
    css = (
        f":root{{{_colours(themes['light'])}}}@media (prefers-color-scheme:dark){{:root{{{_colours(themes['dark'])}}}}}"
    )
    digest = base64.b64encode(hashlib.sha256(css.encode()).digest()).decode()
    return Brand(Markup(css), f"sha256-{digest}")  # noqa: S704 - made here from checked colours


def _colours(accent: Accent) -> str:
    return f"--accent:{accent.accent};--on-accent:{accent.on_accent};--accent-wash:{accent.wash}"


class Fixed(NamedTuple):
    """The part of a table's page that stands as long as the menu does: the search, the categories, the choices of the
    dishes, and `pieces` of the menu, between which stand the blocks of the `items`."""

    find: Markup
    categories: Markup
    choices: Markup
    pieces: tuple[str, ...]
    items: tuple[str, ...]

    def menu(self, view: View) -> Markup:
        """The menu with the blocks of this view."""
        every = view.blocks
        blocks = [every[f"item-{item}"] for item in self.items]
        between = chain.from_iterable(zip(self.pieces, blocks, strict=False))
        return Markup("".join([*between, self.pieces[-1]]))  # noqa: S704 - our own macros made it, escaping


def picture(address: str) -> Markup:
    """An address as a QR code (SVG)."""
    import segno  # 20 ms, for what only the staff ask for

    svg = segno.make(address, micro=False).svg_inline(svgclass="qr", lineclass=None, border=2, omitsize=True)
    return Markup(svg)  # noqa: S704 - made here from an address of ours


HERE = "\0"  # stands where a block comes; no text of a menu holds it


@lru_cache(maxsize=16)
def fixed(lang: str, menu: Menu) -> Fixed:
    """What stands still on the page of any table, nine tenths of it: rendered once for each menu and language."""
    macros, words = pages(lang).macros("diner/fixed.html"), text(lang)
    shown = sections(menu, words)
    parts = str(macros.menu(shown, menu.shop, HERE)).split(HERE)
    return Fixed(
        macros.find(
            [(tag.id, words.pick(tag.name)) for tag in menu.tags if tag.kind in ("diet", "heat")],
            [(tag.id, words.pick(tag.label)) for tag in menu.allergens],
        ),
        macros.categories(shown),
        macros.templates(shown, menu.shop),
        tuple(parts[::2]),
        tuple(parts[1::2]),
    )


def as_json(kinds: frozenset[str], content: Content, v: int, before: View | None = None) -> View:
    """The blocks of these kinds as JSON values."""
    if before is not None and content.gone is not None:
        changed = {id: block.shown for id, block in content.blocks.items()}
        return following(before, v, content, changed, content.gone)
    blocks = {id: block.shown for id, block in content.blocks.items() if block.kind in kinds}
    order = {name: [id for id in ids if id in blocks] for name, ids in content.order.items()}
    return first(v, replace(content, order=order), blocks)


def marked(view: View) -> dict[str, Markup]:
    """The HTML blocks, so that a page's template sets them in as they are."""
    return {id: Markup(html) for id, html in view.blocks.items()}  # noqa: S704 - our own macros made it, escaping


@cache
def pages(lang: str) -> Pages:
    """The templates in this language; made once."""
    return Pages(lang)
