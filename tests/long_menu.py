"""A restaurant with 120 dishes, made from the demo's: what the page's budgets are measured with."""

import re
from pathlib import Path

from ordering.restaurant import DEMO

DISHES = 120


def long_menu(folder: Path) -> Path:
    """Writes the file; returns its path."""
    text = DEMO.read_text("utf-8").replace('"pictures/', f'"{DEMO.parent}/pictures/')
    head, *items = re.split(r"(?m)^(?=\[\[items\]\]$)", text)
    more = []
    while len(items) + len(more) < DISHES:
        original = items[len(more) % len(items)]
        more.append(
            re.sub(r'(?m)^id = "(.*)"$', rf'id = "\1-{len(more)}"', original).replace('", en = "', ' 二", en = "', 1)
        )
    path = folder / "long.toml"
    path.write_text(head + "".join(items + more), "utf-8")
    return path
