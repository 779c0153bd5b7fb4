"""A shop's own colour, made legal: whatever it picks, text on it and in it keeps the contrast of WCAG 2.2 AA.

The shop's accent is made darker or lighter, in small steps and no further than it must, until it can be read on the
paper of each theme; its hue and saturation stay. The text that stands on it is whichever of two reads better.
"""

import colorsys
import re
from functools import cache

from msgspec import Struct

RGB = tuple[int, int, int]

AA = 4.5  # contrast of normal text, WCAG 2.2 criterion 1.4.3
PAPERS = {"light": ("#fbf7f0", "#fffdf9"), "dark": ("#1a1613", "#231e1a")}  # --paper and --card of tokens.css
ON_ACCENT = ("#fffaf5", "#23110b")
WASH = 0.12  # how much accent there is in the wash behind it
STEPS = 100
COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


class Accent(Struct, frozen=True):
    """The colours of one theme, as #rrggbb: the accent, text on it, and a wash that the accent can be read on."""

    accent: str
    on_accent: str
    wash: str


def is_colour(text: str) -> bool:
    """Whether this is a colour as a shop writes it: #rrggbb."""
    return COLOUR.fullmatch(text) is not None


@cache
def accents(colour: str) -> dict[str, Accent]:
    """The accent for each theme, as near to the shop's colour as it may be."""
    return {theme: _accent(rgb(colour), theme) for theme in PAPERS}


def contrast(one: str, other: str) -> float:
    """The contrast ratio of two colours, 1 to 21 (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((_luminance(rgb(one)), _luminance(rgb(other))), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def rgb(colour: str) -> RGB:
    """`"#b0361f"` → (176, 54, 31)."""
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def _accent(wished: RGB, theme: str) -> Accent:
    goal = 0.0 if theme == "light" else 1.0
    papers = PAPERS[theme]
    for step in range(STEPS + 1):
        found = _written(_at_lightness(wished, goal, step / STEPS))
        wash = _written(_mixed(rgb(papers[0]), rgb(found), WASH))
        on = max(ON_ACCENT, key=lambda text: contrast(text, found))
        if min(*(contrast(found, paper) for paper in (*papers, wash)), contrast(on, found)) >= AA:
            return Accent(found, on, wash)
    raise AssertionError("black on paper and white on ink are legal")


def _at_lightness(colour: RGB, goal: float, part: float) -> RGB:
    """The colour with its lightness moved a part of the way to `goal`."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(each / 255 for each in colour))
    red, green, blue = colorsys.hls_to_rgb(hue, lightness + (goal - lightness) * part, saturation)
    return round(red * 255), round(green * 255), round(blue * 255)


def _mixed(one: RGB, other: RGB, part: float) -> RGB:
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(one, other, strict=True))
    return red, green, blue


def _written(colour: RGB) -> str:
    return "#{:02x}{:02x}{:02x}".format(*colour)


def _luminance(colour: RGB) -> float:
    parts = [part / 255 for part in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
