"""Templates compiled our way show what they show compiled by Jinja2 alone, to the last character."""

from pathlib import Path
from typing import Any

import jinja2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup, escape

from ordering.views.compiled import Environment, escaped
from ordering.views.pages import TEMPLATES

SETTINGS: dict[str, Any] = {"autoescape": True, "undefined": jinja2.StrictUndefined, "trim_blocks": True}
EVERYTHING = """
{%- macro part(word, small=False, more="") %}
<i{{ " small" if small }} title="{{ word }}">{{ more or word[:2] }}</i>
{%- endmacro %}
{%- macro frame(word) %}<p>{{ caller() }}{{ word }}</p>{% endmacro %}
{%- macro many() %}{{ varargs | join("<") }}{{ kwargs | length }}{% endmacro %}
{%- for word in words %}{{ loop.index }}{{ part(word) }}{{ part(word, True) }}{{ part(word, more=words[0]) }}
{%- call frame(word) %}{{ part(word) }}<b>{% endcall %}{{ many(word, "&", a=1) }}{{ word ~ part(word) ~ "&" }}
{%- endfor -%}
{%- set said %}{{ words[0] }}<u>{% endset %}{{ said }}{{ number }}{{ none }}{{ words | map("upper") | join(" · ") }}
"""
words = st.lists(st.text() | st.text().map(Markup) | st.text("<>&'\"ab中"), min_size=1, max_size=4)


@given(words, st.integers() | st.floats(allow_nan=False) | st.booleans() | st.text())
def test_a_template_shows_the_same(words: list[str], number: Any) -> None:
    shown = [
        kind(**SETTINGS).from_string(EVERYTHING).render(words=words, number=number)
        for kind in (jinja2.Environment, Environment)
    ]
    assert shown[0] == shown[1]


@given(st.text() | st.text().map(Markup) | st.integers() | st.booleans() | st.none() | st.floats())
def test_a_value_is_escaped_the_same(value: Any) -> None:
    assert escaped(value) == str(escape(value))


def test_what_is_missing_is_an_error() -> None:
    environment = Environment(**SETTINGS)
    for source in ("{{ nothing }}", "{% macro of(a) %}{{ a }}{% endmacro %}{{ of() }}", "{{ (1).nothing }}"):
        with pytest.raises(jinja2.UndefinedError):
            environment.from_string(source).render()


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("**/*.html")), ids=lambda path: path.name)
def test_every_template_is_compiled_our_way(path: Path) -> None:
    code = Environment(**SETTINGS, lstrip_blocks=True).compile(path.read_text("utf-8"), raw=True)
    assert " escape(" not in code
