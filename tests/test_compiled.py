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
    for source in ("{{ nothing }}", "{{ nothing.at_all }}", "{% macro of(a) %}{{ a }}{% endmacro %}{{ of() }}"):
        with pytest.raises(jinja2.UndefinedError):
            environment.from_string(source).render()
    for source in ("{{ (1).nothing }}", "{% set has = {'a': 1} %}{{ has.a }}"):  # a key is has['a']
        with pytest.raises(AttributeError):
            environment.from_string(source).render()


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("{{ of(1, two=2) }}", "1, 2"),
        ("{{ of(*[1], **{'two': 2}) }}", "1, 2"),
        ("{{ of(two=(1 if false else 2), one='<') }}", "&lt;, 2"),
        ("{{ of(of(1, 2), 3) }}", "1, 2, 3"),
        ("{{ ('a' ~ 'b').upper() }}{{ none.__class__.__name__ }}", "ABNoneType"),
        ("{{ {'if': 1}.if }}{{ keyed(**{'if': 2}) }}{{ keyed(if=3) }}", "123"),
    ],
)
def test_calls_and_attributes_of_every_kind_come_out_as_ever(source: str, text: str) -> None:
    for make in (jinja2.Environment, Environment):
        environment = make(**SETTINGS)
        environment.globals["keyed"] = lambda **given: given["if"]
        macro = "{% macro of(one, two) %}{{ one }}, {{ two }}{% endmacro %}"
        assert environment.from_string(macro + source).render() == text


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("**/*.html")), ids=lambda path: path.name)
def test_every_template_is_compiled_our_way(path: Path) -> None:
    code = Environment(**SETTINGS, lstrip_blocks=True).compile(path.read_text("utf-8"), raw=True)
    assert " escape(" not in code
    assert "environment.getattr(" not in code
