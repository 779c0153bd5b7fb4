"""A language: sentences from the catalogue, names, money and times as its readers write them.

English is the language of the source; every other one is a gettext catalogue, `{lang}.po` in `ordering/locale/` or in
the folder of `--locale`, read when the server starts. Nothing else has to be told of a language.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_time, get_day_names
from babel.lists import format_list
from babel.messages.pofile import PoFileError, read_po
from babel.numbers import format_decimal, format_percent

from ordering.menu import DAY, WEEK, Hours, Names, Shop
from ordering.money import MINOR_PER_MAJOR, Amount
from ordering.refused import N_, WORDS, Refused
from ordering.slips import Why
from ordering.state import State

CATALOGUES = Path(__file__).parent.parent / "locale"
TAGS = {"zh": "zh-CN"}  # "zh" alone does not tell a browser which characters, and so which font


class CatalogueError(Exception):
    """A catalogue can't be used; the text says which and why."""


class Language(NamedTuple):
    """`catalogue`: its sentences, if not ours."""

    key: str
    catalogue: Path | None

    @property
    def tag(self) -> str:
        """The `lang` of its pages."""
        return TAGS.get(self.key, self.key.replace("_", "-"))

    @property
    def name(self) -> str:
        """What its readers call it."""
        return _name(self.key)


@cache
def _name(key: str) -> str:
    """Looked up when it is shown: what Babel reads for it takes 30 ms, and a start should not wait for them."""
    name = str(Locale.parse(key).get_display_name(key))
    return name[:1].upper() + name[1:]


def languages_in(folder: Path) -> dict[str, Language]:
    """The languages that have a catalogue in this folder, by key."""
    return {path.stem: Language(path.stem, path) for path in sorted(folder.glob("*.po"))}


SOURCE = "en"  # the language of the sentences in the code and the templates
LANGUAGES = {SOURCE: Language(SOURCE, None), **languages_in(CATALOGUES)}
"""What a page can be read in, by key."""


def learn(folder: Path) -> None:
    """Adds the languages of this folder; one that is there already is replaced.

    Raises:
        CatalogueError: also when there is none.
    """
    found = languages_in(folder)
    if not found:
        raise CatalogueError(f"{folder}: there is no catalogue (LANGUAGE.po) in this folder")
    LANGUAGES.update(found)
    for language in found.values():
        try:
            assert language.name
            text(language.key)
        except (UnknownLocaleError, ValueError) as error:
            raise CatalogueError(
                f"{language.catalogue}: {error}; a catalogue is named after its language, such as fr.po"
            ) from error


STATES = {
    State.CART: N_("in the cart"),
    State.ASKED: N_("waits for the staff"),
    State.HELD: N_("on hold"),
    State.QUEUED: N_("sent"),
    State.COOKING: N_("cooking"),
    State.READY: N_("ready"),
    State.SERVED: N_("served"),
    State.VOID: N_("taken back"),
}


WHYS = {
    Why.UNREACHABLE: N_("it can't be reached; look at its power and its network cable"),
    Why.SILENT: N_("it does not answer as an ESC/POS printer would"),
    Why.OFFLINE: N_("it says that it is offline; look at its lights"),
    Why.COVER: N_("its cover is open"),
    Why.PAPER: N_("it is out of paper"),
    Why.UNCONFIRMED: N_("it has not confirmed what it was given; look at what came out"),
    Why.SLOW: N_("it can't keep up"),
}


class Text:
    """One language. Templates know it as `t`."""

    def __init__(self, lang: str, sentences: Mapping[str, str]) -> None:
        self.lang = lang
        self.html_lang = LANGUAGES[lang].tag
        self._sentences = sentences
        self._locale = Locale.parse(self.html_lang, sep="-")
        self._locale_name = str(self._locale)

    def __call__(self, sentence: str, **details: Any) -> str:
        """The sentence in this language, its `%(name)s` places filled."""
        translated = self._sentences.get(sentence, sentence)
        if not details:
            return translated
        for name, value in details.items():
            if value.__class__ is not str and value.__class__ is not int:  # nearly all are, and stay as they are
                details[name] = self._shown(value)
        return translated % details

    def pick(self, names: Names) -> str:
        """The text in this language, or in whichever there is."""
        return names.get(self.lang) or next((name for name in names.values() if name), "")

    def other(self, names: Names) -> str:
        """The text in another language, for a guest who points at it; empty when there is none."""
        read = self.pick(names)
        return next((name for lang, name in names.items() if lang != self.lang and name and name != read), "")

    def read_tag(self, shop: Shop) -> str:
        """The `lang` of the shop's names as `pick` finds them."""
        return self.html_lang if self.lang in shop.languages else _tag(shop.languages[0])

    def other_tag(self, shop: Shop) -> str:
        """The `lang` of what `other` finds."""
        return next((tag for lang in shop.languages if (tag := _tag(lang)) != self.read_tag(shop)), "")

    def money(self, amount: int, shop: Shop) -> str:
        """Minor units as people write them: ¥38, ¥6.50, −¥3."""
        return _money(amount, shop.currency_symbol, self._locale_name)

    def amounts(self, shop: Shop) -> str:
        """How the page writes money itself: where the number stands, as {n}."""
        return f"{shop.currency_symbol}{{n}}"

    def time(self, at: int, shop: Shop) -> str:
        """Milliseconds since 1970 as a time of day where the shop is: 19:04."""
        return str(format_time(_there(at, shop), "HH:mm", locale=self._locale))

    def date(self, at: int, shop: Shop) -> str:
        """Milliseconds since 1970 as a date where the shop is."""
        return str(format_date(_there(at, shop), "long", locale=self._locale))

    def hours(self, spans: Iterable[Hours]) -> str:
        """When something is served: 11:00–14:00, or Mon–Fri 11:00–14:00."""
        return self._listed([self._span(span) for span in spans])

    def rate(self, rate: int) -> str:
        """Hundredths of a per cent: 6%, 12.5%."""
        return str(format_percent(Decimal(rate) / 10_000, format="#,##0.##%", locale=self._locale))

    def state(self, state: State | str) -> str:
        """A line's state in words."""
        return self(STATES[State(state)])

    def trouble(self, why: str) -> str:
        """Why a printer does not print, in words."""
        return self(WHYS[Why(why)])

    def refusal(self, refused: Refused, shop: Shop | None = None) -> str:
        """The sentence for a refusal; its amounts are those of the shop."""
        symbol = shop.currency_symbol if shop else ""
        details = {
            name: _money(value.minor, symbol, self._locale_name) if isinstance(value, Amount) else value
            for name, value in refused.details.items()
        }
        return self(WORDS[refused.word].sentence, **details)

    def _shown(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self.pick(value)
        if isinstance(value, State):
            return self.state(value)
        if isinstance(value, Why):
            return self(WHYS[value])
        if isinstance(value, Hours):
            return self._span(value)
        if isinstance(value, list | tuple):
            return self._listed([str(self._shown(each)) for each in value])
        return value

    def listed(self, words: Iterable[str]) -> str:
        """Words one after the other: a, b and c."""
        return self._listed(list(words))

    def _listed(self, words: Sequence[str]) -> str:
        return format_list(words, style="standard", locale=self._locale) if words else ""

    def _span(self, span: Hours) -> str:
        opens, closes = (f"{minute % DAY // 60:02}:{minute % 60:02}" for minute in (span.opens, span.closes))
        return f"{self._days(span.days)}{opens}–{closes}"

    def _days(self, days: tuple[int, ...]) -> str:
        if set(days) == set(WEEK):
            return ""
        names = get_day_names("abbreviated", "stand-alone", locale=self._locale)
        runs: list[list[int]] = []
        for day in sorted(days):
            if runs and runs[-1][-1] == day - 1:
                runs[-1].append(day)
            else:
                runs.append([day])
        words = [names[run[0] - 1] if len(run) == 1 else f"{names[run[0] - 1]}–{names[run[-1] - 1]}" for run in runs]
        return f"{self._listed(words)} "


def _there(at: int, shop: Shop) -> datetime:
    return datetime.fromtimestamp(at / 1000, UTC).astimezone(ZoneInfo(shop.timezone))


def _tag(lang: str) -> str:
    return LANGUAGES[lang].tag if lang in LANGUAGES else lang


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
    return Text(lang, _sentences(LANGUAGES[lang].catalogue))


def preferred(accepted: str, offered: Iterable[str], otherwise: str) -> str:
    """The best of `offered` for an `Accept-Language` header; `otherwise` when none fits."""
    offered = list(offered)
    wishes: list[tuple[float, str]] = []
    for position, part in enumerate(accepted[:400].split(",")):
        lang, _, weight = part.strip().partition(";q=")
        try:
            wishes.append((-float(weight or 1) + position / 1000, lang.split("-")[0].lower()))
        except ValueError:
            continue
    return next((lang for _, lang in sorted(wishes) if lang in offered), otherwise)


def _sentences(catalogue: Path | None) -> dict[str, str]:
    if catalogue is None:
        return {}
    try:
        with catalogue.open("rb") as file:
            messages = read_po(file, abort_invalid=True)
    except (PoFileError, UnicodeDecodeError) as error:
        raise CatalogueError(f"{catalogue}: {error}") from error
    return {str(message.id): str(message.string) for message in messages if message.id and message.string}
