"""A restaurant from a TOML file: shop, stations, areas and tables, menu. `ordering/demo/restaurant.toml` is one.

The file speaks as a person would (prices in major units, an item's station only where it differs from its
category's); here it becomes the documents that an empty shop is founded with.
"""

import tomllib
from collections.abc import Iterable
from decimal import Decimal
from itertools import chain, islice, repeat
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Struct

from ordering.floor import Area, Floor, Table
from ordering.menu import Category, Group, Item, Menu, Modifier, Shop, Station, Tag
from ordering.money import minor
from ordering.stock import Stock

DEMO = Path(__file__).parent / "demo" / "restaurant.toml"

Key = Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[a-z0-9-]+$")]
Label = dict[str, Annotated[str, Meta(min_length=1, max_length=160)]]


class RestaurantError(Exception):
    """The file can't be used; the text says where and why."""


class ModifierEntry(Struct, forbid_unknown_fields=True):
    """`extra` in major units."""

    id: Key
    name: Label
    extra: Decimal = Decimal(0)


class GroupEntry(Struct, forbid_unknown_fields=True):
    """As `ordering.menu.Group`."""

    id: Key
    name: Label
    min: Annotated[int, Meta(ge=0)]
    max: Annotated[int, Meta(ge=1)]
    modifiers: Annotated[list[ModifierEntry], Meta(min_length=1)]


class ItemEntry(Struct, forbid_unknown_fields=True):
    """As `ordering.menu.Item`; `price` in major units, `stock` the portions to begin with."""

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


class TableEntry(Struct, forbid_unknown_fields=True):
    """A table of an area."""

    name: Annotated[str, Meta(min_length=1, max_length=12)]
    seats: Annotated[int, Meta(ge=1, le=99)] = 4


class AreaEntry(Struct, forbid_unknown_fields=True):
    """A part of the shop with its tables."""

    id: Key
    name: Label
    tables: Annotated[list[TableEntry], Meta(min_length=1)]


class File(Struct, forbid_unknown_fields=True):
    """The whole file."""

    shop: Shop
    stations: Annotated[list[Station], Meta(min_length=1)]
    areas: Annotated[list[AreaEntry], Meta(min_length=1)]
    tags: list[Tag]
    groups: list[GroupEntry]
    categories: Annotated[list[Category], Meta(min_length=1)]
    items: Annotated[list[ItemEntry], Meta(min_length=1)]


class Seats(NamedTuple):
    """A table before it has a code and a sitting."""

    id: str
    name: str
    seats: int
    area: str


class Restaurant(NamedTuple):
    """What the file says, as values of the system."""

    menu: Menu
    stock: Stock
    areas: tuple[Area, ...]
    tables: tuple[Seats, ...]

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
        file = msgspec.convert(content, File)
        return _restaurant(file)
    except OSError as error:
        raise RestaurantError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise RestaurantError(f"{path} is no TOML file: {error}") from error
    except (msgspec.ValidationError, ValueError) as error:
        raise RestaurantError(f"{path}: {error}") from error


def _restaurant(file: File) -> Restaurant:
    stations = _unique("stations", file.stations)
    tags = _unique("tags", file.tags)
    groups = _unique("groups", file.groups)
    categories = _unique("categories", file.categories)
    _unique("items", file.items)
    _unique("areas", file.areas)
    for category in file.categories:
        _known("category", category.id, "station", [category.station], stations)
    for group in file.groups:
        _unique(f"modifiers of group {group.id!r}", group.modifiers)
        if not group.min <= group.max <= len(group.modifiers):
            raise ValueError(f"group {group.id!r}: min ≤ max ≤ number of modifiers does not hold")
    for item in file.items:
        _known("item", item.id, "category", [item.category], categories)
        _known("item", item.id, "station", [item.station] if item.station else [], stations)
        _known("item", item.id, "group", item.groups, groups)
        _known("item", item.id, "tag", item.tags, tags)
        _unique(f"modifiers of item {item.id!r}", [each for id in item.groups for each in groups[id].modifiers])
    menu = Menu(
        shop=file.shop,
        stations=tuple(file.stations),
        tags=tuple(file.tags),
        groups=tuple(_group(group) for group in file.groups),
        categories=tuple(file.categories),
        items=tuple(_item(item, categories) for item in file.items),
    )
    stock = Stock(left={item.id: item.stock for item in file.items if item.stock is not None})
    tables = tuple(
        Seats(f"t{place}", table.name, table.seats, area.id)
        for place, (area, table) in enumerate(((area, table) for area in file.areas for table in area.tables), 1)
    )
    return Restaurant(menu, stock, tuple(Area(area.id, area.name) for area in file.areas), tables)


def _group(entry: GroupEntry) -> Group:
    modifiers = tuple(Modifier(each.id, each.name, minor(each.extra)) for each in entry.modifiers)
    return Group(entry.id, entry.name, entry.min, entry.max, modifiers)


def _item(entry: ItemEntry, categories: dict[str, Category]) -> Item:
    if entry.price < 0:
        raise ValueError(f"item {entry.id!r}: the price is below zero")
    return Item(
        id=entry.id,
        category=entry.category,
        name=entry.name,
        description=entry.description,
        price=minor(entry.price),
        station=entry.station or categories[entry.category].station,
        glyph=entry.glyph,
        unit=entry.unit,
        groups=entry.groups,
        tags=entry.tags,
        popular=entry.popular,
    )


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
