"""A restaurant from a TOML file: shop, stations, areas and tables, menu. `ordering/demo/restaurant.toml` is one.

The file speaks as a person would (prices in major units, an item's station only where it differs from its
category's); here it becomes the documents that an empty shop is founded with.
"""

import tomllib
import unicodedata
from collections.abc import Iterable
from decimal import Decimal
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from msgspec import Meta, Struct

from ordering.brand import is_colour
from ordering.floor import Area, Floor, Table
from ordering.menu import (
    DAY,
    WEEK,
    Alarm,
    Capacity,
    Category,
    Charset,
    Group,
    Hours,
    Item,
    Menu,
    Modifier,
    Names,
    Ordering,
    Printer,
    Shop,
    Station,
    Tag,
    Terms,
)
from ordering.money import minor
from ordering.stock import Stock

COIN_MOST = 10_000  # minor units
ALARM_LONGEST = 3600  # seconds: later than that nobody needs to be told

DEMO = Path(__file__).parent / "demo" / "restaurant.toml"

Key = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[a-z0-9-]+\Z")]
Label = dict[str, Annotated[str, Meta(min_length=1, max_length=160)]]
Time = Annotated[str, Meta(pattern=r"^([01][0-9]|2[0-4]):[0-5][0-9]\Z")]
Percent = Decimal


class RestaurantError(Exception):
    """The file can't be used; the text says where and why."""


class HoursEntry(Struct, forbid_unknown_fields=True, rename={"opens": "from", "closes": "to"}):
    """As `ordering.menu.Hours`, with times as 11:30; `to` before `from` is the next morning."""

    opens: Time
    closes: Time
    days: tuple[Annotated[int, Meta(ge=1, le=7)], ...] = WEEK


class TermsEntry(Struct, frozen=True, forbid_unknown_fields=True):
    """As `ordering.menu.Terms`, the service charge in per cent, `coin` in major units."""

    service: Percent = Decimal(0)
    tax: Percent = Decimal(0)
    tax_included: bool = True
    tips: tuple[Annotated[int, Meta(ge=1, le=100)], ...] = ()
    coin: Decimal = Decimal("0.01")


class OrderingEntry(Struct, forbid_unknown_fields=True, frozen=True):
    """As `ordering.menu.Ordering`, the value in major units."""

    open: Literal["scan", "staff", "nod"] = "scan"
    codes: Literal["table", "sitting"] = "table"
    pin: bool = False
    portions: Annotated[int, Meta(ge=1)] = 40
    value: Decimal = Decimal(0)
    rounds: Annotated[int, Meta(ge=1)] = 8
    phones: Annotated[int, Meta(ge=1)] = 12


class ShopEntry(Struct, forbid_unknown_fields=True):
    """As `ordering.menu.Shop`; `logo` and `cover` are picture files beside this one."""

    name: Label
    tagline: Label
    currency: Annotated[str, Meta(pattern=r"^[A-Z]{3}\Z")]
    currency_symbol: Annotated[str, Meta(min_length=1, max_length=5)]
    languages: Annotated[tuple[Key, ...], Meta(min_length=1)]
    timezone: str = "UTC"
    accent: str = ""
    logo: str = ""
    cover: str = ""
    address: Annotated[str, Meta(max_length=160)] = ""
    bill: TermsEntry = TermsEntry()
    alarm: Alarm = Alarm()
    capacity: Capacity = Capacity()
    lock_after: Annotated[int, Meta(ge=0, le=240)] = 5
    ordering: OrderingEntry = OrderingEntry()
    hours: tuple[HoursEntry, ...] = ()


class CategoryEntry(Struct, forbid_unknown_fields=True):
    """As `ordering.menu.Category`; `tax` in per cent where it is not the shop's."""

    id: Key
    name: Label
    station: Key
    hours: tuple[HoursEntry, ...] = ()
    tax: Percent | None = None


class ModifierEntry(Struct, forbid_unknown_fields=True):
    """`extra` in major units; `tags` the allergens that it brings along."""

    id: Key
    name: Label
    extra: Decimal = Decimal(0)
    tags: tuple[Key, ...] = ()


class GroupEntry(Struct, forbid_unknown_fields=True):
    """As `ordering.menu.Group`."""

    id: Key
    name: Label
    min: Annotated[int, Meta(ge=0)]
    max: Annotated[int, Meta(ge=1)]
    modifiers: Annotated[list[ModifierEntry], Meta(min_length=1)]
    defaults: tuple[Key, ...] = ()


class ItemEntry(Struct, forbid_unknown_fields=True):
    """As `ordering.menu.Item`; `price` in major units, `stock` the portions to begin with, `picture` a file beside
    this one, `tax` in per cent where it is not the category's."""

    id: Key
    category: Key
    name: Label
    description: Label
    price: Decimal
    glyph: Annotated[str, Meta(min_length=1, max_length=2)]
    station: Key | None = None
    unit: Label | None = None
    groups: tuple[Key, ...] = ()
    tags: tuple[Key, ...] = ()
    popular: bool = False
    stock: Annotated[int, Meta(ge=0)] | None = None
    hours: tuple[HoursEntry, ...] = ()
    picture: str = ""
    tax: Percent | None = None
    slow: bool = False


class TableEntry(Struct, forbid_unknown_fields=True):
    """A table of an area."""

    name: Annotated[str, Meta(min_length=1, max_length=12)]
    seats: Annotated[int, Meta(ge=1, le=99)] = 4


class AreaEntry(Struct, forbid_unknown_fields=True):
    """A part of the shop with its tables."""

    id: Key
    name: Label
    tables: Annotated[list[TableEntry], Meta(min_length=1)]


class PrinterEntry(Struct, forbid_unknown_fields=True):
    """As `ordering.menu.Printer`."""

    id: Key
    name: Label
    host: Annotated[str, Meta(max_length=253, pattern=r"^[A-Za-z0-9][A-Za-z0-9.:-]*\Z")]
    port: Annotated[int, Meta(ge=1, le=65535)] = 9100
    columns: Literal[32, 42, 48] = 48
    stations: tuple[Key, ...] = ()
    receipts: bool = False
    backup: str = ""
    charset: Charset = "gb18030"


class File(Struct, forbid_unknown_fields=True):
    """The whole file."""

    shop: ShopEntry
    stations: Annotated[list[Station], Meta(min_length=1)]
    areas: Annotated[list[AreaEntry], Meta(min_length=1)]
    tags: list[Tag]
    groups: list[GroupEntry]
    categories: Annotated[list[CategoryEntry], Meta(min_length=1)]
    items: Annotated[list[ItemEntry], Meta(min_length=1)]
    printers: list[PrinterEntry] = []


class Seats(NamedTuple):
    """A table before it has a code and a sitting."""

    id: str
    name: str
    seats: int
    area: str


class Restaurant(NamedTuple):
    """What the file says, as values of the system; `pictures` are files by the id of their item, "logo" and "cover"
    in `brand`."""

    menu: Menu
    stock: Stock
    areas: tuple[Area, ...]
    tables: tuple[Seats, ...]
    pictures: dict[str, Path]
    brand: dict[str, Path]

    def floor(self, codes: Iterable[str], sittings: Iterable[str]) -> Floor:
        """The floor document, with a code and a first sitting for each table."""
        tables = tuple(
            Table(*seats, code=code, sitting=sitting)
            for seats, code, sitting in zip(self.tables, codes, sittings, strict=False)
        )
        return Floor(self.areas, tables)

    def with_tables(self, number: int) -> "Restaurant":
        """The same restaurant with this many tables: the file's first ones, then more of the same, numbered on."""
        more = (
            Seats(f"t{place}", str(place), seats.seats, seats.area)
            for place, seats in enumerate(chain.from_iterable(repeat(self.tables)), 1)
        )
        kept = self.tables[:number]
        return self._replace(tables=(*kept, *islice(more, len(kept), number)))


def read(path: Path) -> Restaurant:
    """The restaurant in this file.

    Raises:
        RestaurantError: when the file can't be read, is no TOML, or says something that can't be.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"), parse_float=Decimal)
        _must_be_plain(content)
        file = msgspec.convert(content, File)
        return _restaurant(file, path.parent)
    except OSError as error:
        raise RestaurantError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RestaurantError(f"{path} is no TOML file: {error}") from error
    except RecursionError as error:
        raise RestaurantError(f"{path} is no TOML file: a bracket in it opens hundreds of others") from error
    except (msgspec.ValidationError, ValueError) as error:
        raise RestaurantError(f"{path}: {error}") from error


def _must_be_plain(content: Any) -> None:
    """Refuses control characters in whatever text: a name stands in one line, on pages and on paper."""
    if isinstance(content, str) and any(unicodedata.category(char) == "Cc" for char in content):
        raise ValueError(f"{content!r} holds a control character, such as a tab or the end of a line")
    for part in content.values() if isinstance(content, dict) else content if isinstance(content, list) else ():
        _must_be_plain(part)


def _restaurant(file: File, folder: Path) -> Restaurant:
    stations = _unique("stations", file.stations)
    tags = _unique("tags", file.tags)
    groups = _unique("groups", file.groups)
    categories = _unique("categories", file.categories)
    _unique("items", file.items)
    _unique("areas", file.areas)
    for category in file.categories:
        _known("category", category.id, "station", [category.station], stations)
    for station in file.stations:
        _known("station", station.id, "station", [station.backup] if station.backup else [], stations)
        if station.backup == station.id:
            raise ValueError(f"station {station.id!r}: it can't be its own backup")
        if not 0 < station.warn <= station.late:
            raise ValueError(f"station {station.id!r}: 0 < warn ≤ late (minutes) does not hold")
    for group in file.groups:
        _unique(f"modifiers of group {group.id!r}", group.modifiers)
        if not group.min <= group.max <= len(group.modifiers):
            raise ValueError(f"group {group.id!r}: min ≤ max ≤ number of modifiers does not hold")
        _known("group", group.id, "modifier", group.defaults, [each.id for each in group.modifiers])
        if len(group.defaults) > group.max:
            raise ValueError(f"group {group.id!r}: more defaults than may be chosen")
        for modifier in group.modifiers:
            _known("modifier", modifier.id, "tag", modifier.tags, tags)
    for item in file.items:
        _known("item", item.id, "category", [item.category], categories)
        _known("item", item.id, "station", [item.station] if item.station else [], stations)
        _known("item", item.id, "group", item.groups, groups)
        _known("item", item.id, "tag", item.tags, tags)
        _unique(f"modifiers of item {item.id!r}", [each for id in item.groups for each in groups[id].modifiers])
    printers = _unique("printers", file.printers)
    for printer in file.printers:
        _check_printer(printer, stations, printers)
    menu = Menu(
        shop=_shop(file.shop),
        stations=tuple(file.stations),
        tags=tuple(file.tags),
        groups=tuple(_group(group) for group in file.groups),
        categories=tuple(Category(each.id, each.name, each.station, _hours(each.hours)) for each in file.categories),
        items=tuple(_item(item, categories, file.shop.bill.tax) for item in file.items),
        printers=tuple(Printer(**msgspec.structs.asdict(each)) for each in file.printers),
    )
    stock = Stock(left={item.id: item.stock for item in file.items if item.stock is not None})
    tables = tuple(
        Seats(f"t{place}", table.name, table.seats, area.id)
        for place, (area, table) in enumerate(((area, table) for area in file.areas for table in area.tables), 1)
    )
    return Restaurant(
        menu,
        stock,
        tuple(Area(area.id, area.name) for area in file.areas),
        tables,
        {item.id: folder / item.picture for item in file.items if item.picture},
        {name: folder / path for name, path in (("logo", file.shop.logo), ("cover", file.shop.cover)) if path},
    )


def _shop(entry: ShopEntry) -> Shop:
    try:
        ZoneInfo(entry.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError(f"shop: {entry.timezone!r} is no time zone; one is Asia/Shanghai") from error
    if entry.accent and not is_colour(entry.accent):
        raise ValueError(f"shop: the accent {entry.accent!r} is no colour; one is #b0361f")
    coin = _minor("shop: coin", entry.bill.coin)
    if not 0 < coin <= COIN_MOST:
        raise ValueError(f"shop: {entry.bill.coin} is no coin: the smallest one there is, such as 0.05")
    alarm = entry.alarm
    if not 0 < alarm.again <= alarm.backup <= alarm.floor <= alarm.guest <= ALARM_LONGEST:
        raise ValueError(f"shop: alarm: 0 < again ≤ backup ≤ floor ≤ guest ≤ {ALARM_LONGEST} (seconds) does not hold")
    if entry.capacity.tickets < 1 or entry.capacity.minutes < 1:
        raise ValueError("shop: capacity: tickets and minutes are at least 1")
    value = _minor("shop: ordering: value", entry.ordering.value)
    if value < 0:
        raise ValueError("shop: ordering: the value is below zero")
    terms = Terms(_rate(entry.bill.service), entry.bill.tax_included, entry.bill.tips, coin)
    return Shop(
        name=entry.name,
        tagline=entry.tagline,
        currency=entry.currency,
        currency_symbol=entry.currency_symbol,
        languages=entry.languages,
        timezone=entry.timezone,
        accent=entry.accent.lower(),
        address=entry.address,
        terms=terms,
        alarm=alarm,
        capacity=entry.capacity,
        lock_after=entry.lock_after,
        ordering=Ordering(**msgspec.structs.asdict(entry.ordering) | {"value": value}),
        hours=_hours(entry.hours),
    )


def _rate(percent: Decimal) -> int:
    """A rate in hundredths of a per cent."""
    if not percent.is_finite() or not 0 <= percent <= 100:
        raise ValueError(f"{percent} is no rate: 0 to 100 per cent")
    return int((percent * 100).to_integral_value())


def _minor(what: str, major: Decimal) -> int:
    """An amount in minor units; raises ValueError with what it is of."""
    try:
        return minor(major)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from error


def _hours(entries: Iterable[HoursEntry]) -> tuple[Hours, ...]:
    return tuple(_span(entry) for entry in entries)


def _span(entry: HoursEntry) -> Hours:
    opens, closes = (int(time[:2]) * 60 + int(time[3:]) for time in (entry.opens, entry.closes))
    return Hours(opens, closes if closes > opens else closes + DAY, entry.days)


def _found_by(name: Names) -> str:
    """What else than the name finds it: the pinyin of its Chinese, whole and as initials."""
    chinese = name.get("zh", "")
    if not chinese:
        return ""
    from pypinyin import Style, lazy_pinyin  # its dictionaries take 0.2 s, and only an empty shop needs them

    return " ".join("".join(lazy_pinyin(chinese, style=style)).lower() for style in (Style.NORMAL, Style.FIRST_LETTER))


def _group(entry: GroupEntry) -> Group:
    modifiers = tuple(
        Modifier(each.id, each.name, _minor(f"modifier {each.id!r}", each.extra), each.tags) for each in entry.modifiers
    )
    return Group(entry.id, entry.name, entry.min, entry.max, modifiers, entry.defaults)


def _item(entry: ItemEntry, categories: dict[str, CategoryEntry], tax: Decimal) -> Item:
    price = _minor(f"item {entry.id!r}", entry.price)
    if price < 0:
        raise ValueError(f"item {entry.id!r}: the price is below zero")
    category = categories[entry.category]
    tax = category.tax if category.tax is not None else tax
    return Item(
        id=entry.id,
        category=entry.category,
        name=entry.name,
        description=entry.description,
        price=price,
        station=entry.station or category.station,
        glyph=entry.glyph,
        unit=entry.unit,
        groups=entry.groups,
        tags=entry.tags,
        popular=entry.popular,
        hours=_hours(entry.hours),
        find=_found_by(entry.name),
        tax=_rate(entry.tax if entry.tax is not None else tax),
        slow=entry.slow,
    )


def _check_printer(entry: PrinterEntry, stations: Iterable[str], printers: Iterable[str]) -> None:
    _known("printer", entry.id, "station", entry.stations, stations)
    _known("printer", entry.id, "printer", [entry.backup] if entry.backup else [], printers)
    if entry.backup == entry.id:
        raise ValueError(f"printer {entry.id!r}: it can't be its own backup")
    if not entry.stations and not entry.receipts:
        raise ValueError(f"printer {entry.id!r}: it has nothing to print: no stations, and receipts = false")


def _unique(what: str, entries: Iterable[Any]) -> dict[str, Any]:
    """The entries by id; raises ValueError when two share one."""
    known: dict[str, Any] = {}
    for entry in entries:
        if entry.id in known:
            raise ValueError(f"{what}: {entry.id!r} stands there twice")
        known[entry.id] = entry
    return known


def _known(kind: str, owner: str, what: str, wanted: Iterable[str], known: Iterable[str]) -> None:
    for each in wanted:
        if each not in known:
            raise ValueError(f"{kind} {owner!r}: there is no {what} {each!r}")
