"""Languages: nothing untranslated, nothing left over, and values as their readers write them."""

import re
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

from ordering.menu import Shop
from ordering.money import minor
from ordering.refused import WORDS, Refused
from ordering.state import State
from ordering.views.text import CATALOGUES, LANGUAGES, preferred, text

ROOT = Path(__file__).parent.parent
SHOP = Shop({"zh": "店", "en": "Shop"}, {}, "CNY", "¥", ("zh", "en"))
METHODS = [("ordering/**.py", "python"), ("templates/**.html", "jinja2")]
KEYWORDS = {"t": None, "N_": None, "text": None}


def sentences() -> set[str]:
    """Every sentence of the source."""
    found: set[str] = set()
    for folder in ("ordering", "templates"):
        for _, _, message, _, _ in extract_from_dir(
            ROOT / folder, [("**.py", "python"), ("**.html", "jinja2")], keywords=KEYWORDS
        ):
            found |= {message} if isinstance(message, str) else set()
    return found


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "en"])
def test_every_sentence_is_translated_and_none_is_left_over(lang: str) -> None:
    catalogue = read_po(BytesIO((CATALOGUES / f"{lang}.po").read_bytes()))
    translated = {str(message.id): str(message.string) for message in catalogue if message.id}
    used = sentences()
    assert len(used) > 120
    assert used - {id for id, string in translated.items() if string} == set()
    assert translated.keys() - used == set()


@pytest.mark.parametrize("lang", [lang for lang in LANGUAGES if lang != "en"])
def test_a_translation_keeps_the_places_of_its_sentence(lang: str) -> None:
    for message in read_po(BytesIO((CATALOGUES / f"{lang}.po").read_bytes())):
        places = re.findall(r"%\(\w+\)s", str(message.id))
        if message.id:
            assert sorted(re.findall(r"%\(\w+\)s", str(message.string))) == sorted(places), message.id


def test_no_text_stands_in_a_template_or_a_script() -> None:
    for path in ROOT.glob("templates/**/*.html"):
        source = re.sub(r"{#.*?#}|{%.*?%}|{{.*?}}|<[^>]*>|&\w+;", " ", path.read_text(), flags=re.DOTALL)
        source = re.sub(r'[\w-]+="[^"]*"', " ", source)  # attributes that an expression has set in
        assert not re.search(r"[A-Za-z]{3}|[一-鿿]", source), (path, re.search(r".*[A-Za-z]{3}.*", source))


@given(st.integers(-(10**9), 10**9), st.sampled_from(["zh", "en"]))
def test_money_reads_back_as_the_same_amount(amount: int, lang: str) -> None:
    shown = text(lang).money(amount, SHOP)
    digits = shown.replace("¥", "").replace(",", "").replace("−", "-")
    assert round(float(digits) * 100) == amount


def test_money_as_people_write_it() -> None:
    assert [text("zh").money(amount, SHOP) for amount in (3800, 650, -300, 123456700)] == [
        "¥38",
        "¥6.50",
        "−¥3",
        "¥1,234,567",
    ]
    assert minor(38) == 3800
    with pytest.raises(ValueError, match="two decimals"):
        minor(__import__("decimal").Decimal("0.001"))


@pytest.mark.parametrize(
    ("header", "lang"),
    [
        ("", "zh"),
        ("en-US,en;q=0.9,zh;q=0.8", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("de-DE,de;q=0.9,en;q=0.5", "en"),
        ("fr", "zh"),
        ("en;q=x,zh", "zh"),
        (";;;,,,q=", "zh"),
        ("x" * 10_000, "zh"),
    ],
)
def test_the_browsers_wish_decides(header: str, lang: str) -> None:
    assert preferred(header, LANGUAGES, "zh") == lang


@pytest.mark.parametrize("word", WORDS)
def test_every_refusal_has_a_sentence_in_every_language(word: str) -> None:
    names = {"zh": "东坡肉", "en": "Dongpo Pork"}
    places = re.findall(r"%\((\w+)\)s", WORDS[word].sentence)
    details = dict.fromkeys(places, names) | ({"items": [names, names]} if "items" in places else {})
    details |= {"state": State.READY} if "state" in places else {}
    said = [text(lang).refusal(Refused(word, **details)) for lang in LANGUAGES]
    assert len(set(said)) == len(LANGUAGES)
    assert not any("%(" in sentence for sentence in said)
