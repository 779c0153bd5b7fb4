"""Whatever colour a shop picks, its pages can be read."""

import colorsys
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordering.brand import AA, PAPERS, accents, contrast, is_colour, rgb

TOKENS = Path(__file__).parents[2] / "static" / "tokens.css"

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")


@given(colours)
def test_text_in_any_accent_and_on_it_can_be_read_in_both_themes(colour: str) -> None:
    for theme, accent in accents(colour).items():
        for paper in (*PAPERS[theme], accent.wash):
            assert contrast(accent.accent, paper) >= AA
        assert contrast(accent.on_accent, accent.accent) >= AA


@given(colours)
def test_the_hue_stays_the_shops(colour: str) -> None:
    hue, _, saturation = colorsys.rgb_to_hls(*(each / 255 for each in rgb(colour)))
    for accent in accents(colour).values():
        made, lightness, made_saturation = colorsys.rgb_to_hls(*(each / 255 for each in rgb(accent.accent)))
        if saturation > 0.3 and made_saturation > 0.3 and 0.1 < lightness < 0.9:
            assert min(abs(hue - made), 1 - abs(hue - made)) < 0.06


def test_a_colour_that_is_legal_already_stays_as_it_is() -> None:
    assert accents("#9c2f1b")["light"].accent == "#9c2f1b"


def test_contrast_is_that_of_the_standard() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.01)
    assert contrast("#abcdef", "#abcdef") == 1


@pytest.mark.parametrize(
    ("text", "is_one"), [("#a1B2c3", True), ("a1b2c3", False), ("#abc", False), ("red", False), ("#a1b2c3;", False)]
)
def test_what_a_colour_looks_like(text: str, is_one: bool) -> None:
    assert is_colour(text) is is_one


def test_the_papers_are_those_of_the_style_sheet() -> None:
    tokens = TOKENS.read_text()
    light, dark = (set(re.findall(r"#[0-9a-f]{6}", part)) for part in tokens.split("prefers-color-scheme: dark", 1))
    assert set(PAPERS["light"]) <= light
    assert set(PAPERS["dark"]) <= dark
