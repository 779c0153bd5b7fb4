"""Templates: whole pages, and the macros that render a block the same way on a page and in a push."""

from functools import cache
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup

from ordering.views.blocks import Content, View
from ordering.views.text import text

TEMPLATES = Path(__file__).parent.parent.parent / "templates"


class Pages:
    """The templates in one language."""

    def __init__(self, lang: str) -> None:
        self._env = jinja2.Environment(
            loader=jinja2.FileSystemLoader(TEMPLATES),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._env.globals["t"] = text(lang)
        self._macros: dict[str, Any] = {}

    def page(self, template: str, /, **values: Any) -> str:
        """The page `templates/{template}` with these values."""
        return self._env.get_template(template).render(**values)

    def view(self, audience: str, content: Content, v: int, before: View | None = None) -> View:
        """The blocks as HTML, by the macros of `templates/{audience}/blocks.html`; what has not changed since
        `before` is not rendered again."""
        made = before.made if before else {}
        rendered = before.blocks if before else {}
        macros = self._macros.get(audience)
        if macros is None:
            macros = self._macros[audience] = self._env.get_template(f"{audience}/blocks.html").module
        blocks = {
            block.id: rendered[block.id]
            if made.get(block.id) == block
            else str(getattr(macros, block.kind)(block.id, block.shown, *block.beside)).strip()
            for block in content.blocks
        }
        return View(v, blocks, content.order, {block.id: block for block in content.blocks})


def as_json(kinds: frozenset[str], content: Content, v: int) -> View:
    """The blocks of these kinds as JSON values."""
    chosen = [block for block in content.blocks if block.kind in kinds]
    known = {block.id for block in chosen}
    order = {name: [id for id in ids if id in known] for name, ids in content.order.items()}
    return View(v, {block.id: block.shown for block in chosen}, order, {})


def marked(view: View) -> dict[str, Markup]:
    """The HTML blocks, so that a page's template sets them in as they are."""
    return {id: Markup(html) for id, html in view.blocks.items()}  # noqa: S704 - our own macros made it, escaping


@cache
def pages(lang: str) -> Pages:
    """The templates in this language; made once."""
    return Pages(lang)
