"""A language: sentences from the catalogue, names, money and times as its readers write them.

English is the language of the source; every other one is a gettext catalogue in `ordering/locale/{lang}.po`, read
when the server starts.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from babel import Locale
from babel.dates import format_time
from babel.messages.pofile import read_po
from babel.numbers import format_decimal

from ordering.menu import Names, Shop
from ordering.money import MINOR_PER_MAJOR
from ordering.refused import N_, WORDS, Refused
from ordering.state import State

CATALOGUES = Path(__file__).parent.parent / "locale"
LANGUAGES = {"zh": "zh-CN", "en": "en"}
"""What a page can be read in: our key, and the `lang` attribute of its HTML."""

STATES = {
    State.CART: N_("in the cart"),
    State.HELD: N_("on hold"),
    State.QUEUED: N_("sent"),
    State.COOKING: N_("cooking"),
    State.READY: N_("ready"),
    State.SERVED: N_("served"),
    State.VOID: N_("taken back"),
}


class Text:
    """One language. Templates know it as `t`."""

    def __init__(self, lang: str, sentences: Mapping[str, str]) -> None:
        self.lang = lang
        self.html_lang = LANGUAGES[lang]
        self.other_html_lang = next(tag for other, tag in LANGUAGES.items() if other != lang)
        self._sentences = sentences
        self._locale = Locale.parse(self.html_lang, sep="-")

    def __call__(self, sentence: str, **details: Any) -> str:
        """The sentence in this language, its `%(name)s` places filled."""
        translated = self._sentences.get(sentence, sentence)
        return translated % {name: self._shown(value) for name, value in details.items()} if details else translated

    def pick(self, names: Names) -> str:
        """The text in this language, or in whichever there is."""
        return names.get(self.lang) or next((name for name in names.values() if name), "")

    def other(self, names: Names) -> str:
        """The text in another language, for a guest who points at it; empty when there is none."""
        return next((name for lang, name in names.items() if lang != self.lang and name), "")

    def money(self, amount: int, shop: Shop) -> str:
        """Minor units as people write them: ¥38, ¥6.50, −¥3."""
        return _money(amount, shop.currency_symbol, str(self._locale))

    def time(self, at: int) -> str:
        """Milliseconds since 1970 as a time of day of this machine: 19:04."""
        return format_time(datetime.fromtimestamp(at / 1000, UTC).astimezone(), "HH:mm", locale=self._locale)

    def state(self, state: State | str) -> str:
        """A line's state in words."""
        return self(STATES[State(state)])

    def refusal(self, refused: Refused) -> str:
        """The sentence for a refusal."""
        return (
            self(WORDS[refused.word].sentence, **refused.details)
            if refused.details
            else self(WORDS[refused.word].sentence)
        )

    def _shown(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self.pick(value)
        if isinstance(value, State):
            return self.state(value)
        if isinstance(value, list | tuple):
            return (
                "、".join(map(str, map(self._shown, value)))
                if self.lang == "zh"
                else ", ".join(str(self._shown(each)) for each in value)
            )
        return value


@lru_cache(maxsize=4096)
def _money(amount: int, symbol: str, locale: str) -> str:
    whole = amount % MINOR_PER_MAJOR == 0
    digits = format_decimal(
        abs(Decimal(amount)) / MINOR_PER_MAJOR, format="#,##0" if whole else "#,##0.00", locale=locale
    )
    return f"{'−' if amount < 0 else ''}{symbol}{digits}"


@cache
def text(lang: str) -> Text:
    """The language by its key; made once."""
    return Text(lang, _sentences(CATALOGUES / f"{lang}.po"))


def preferred(accepted: str, offered: Iterable[str]) -> str:
    """The best of `offered` for an `Accept-Language` header; the first one when none fits."""
    offered = list(offered)
    wishes: list[tuple[float, str]] = []
    for position, part in enumerate(accepted[:400].split(",")):
        lang, _, weight = part.strip().partition(";q=")
        try:
            wishes.append((-float(weight or 1) + position / 1000, lang.split("-")[0].lower()))
        except ValueError:
            continue
    return next((lang for _, lang in sorted(wishes) if lang in offered), offered[0])


def _sentences(catalogue: Path) -> dict[str, str]:
    if not catalogue.exists():
        return {}
    with catalogue.open("rb") as file:
        return {str(message.id): str(message.string) for message in read_po(file) if message.id and message.string}
