"""A language that nobody speaks: every sentence in brackets, longer than the source, with letters from elsewhere. What
is not in brackets on a page in it did not come from the catalogue."""

import re
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

from ordering.views.text import CATALOGUES

LANG = "eo"  # Esperanto: a language of Babel's for which the shop has no names
LOOKALIKES = str.maketrans("aeiounAEIOUNC", "åéïöûñÅÉÏÖÛÑÇ")
LONGER = 0.4  # by how much German or Finnish are longer than English


def pseudo(sentence: str) -> str:
    """The sentence in the language that nobody speaks; its places stay."""
    parts = re.split(r"(%\(\w+\)s)", sentence)
    words = "".join(part if part.startswith("%(") else part.translate(LOOKALIKES) for part in parts)
    return f"⟦{words}{' ~' * round(len(sentence) * LONGER / 2)}⟧"


def write_catalogue(folder: Path) -> Path:
    """A catalogue with every sentence of the Chinese one; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    catalogue = Catalog(locale=LANG)
    for message in read_po(BytesIO((CATALOGUES / "zh.po").read_bytes())):
        if message.id:
            catalogue.add(str(message.id), pseudo(str(message.id)))
    with (folder / f"{LANG}.po").open("wb") as file:
        write_po(file, catalogue)
    return folder
