"""The menu: what can be had, how it may be varied, what it costs and where it is made.

A document of the shop (`menu`), written when the shop is founded or the menu edited. Names are dicts of
language → text. Prices are minor units.
"""

from collections.abc import Iterable
from functools import cached_property
from typing import Literal

from msgspec import Struct

from ordering.refused import Refused

Names = dict[str, str]


class Station(Struct, frozen=True):
    """Where food is made."""

    id: str
    name: Names


class Tag(Struct, frozen=True):
    """What a guest may want to know of a dish; allergens are marked apart from mere notes."""

    id: str
    name: Names
    kind: Literal["diet", "heat", "allergen", "note"]


class Modifier(Struct, frozen=True):
    """One choice of a group; `extra` is its price difference in minor units, negative when it is cheaper."""

    id: str
    name: Names
    extra: int = 0


class Group(Struct, frozen=True):
    """Modifiers of which a guest chooses at least `min` and at most `max`."""

    id: str
    name: Names
    min: int
    max: int
    modifiers: tuple[Modifier, ...]


class Category(Struct, frozen=True):
    """A heading of the menu; its dishes are made at `station` unless they say otherwise."""

    id: str
    name: Names
    station: str


class Item(Struct, frozen=True):
    """A dish or a drink; `glyph` is the one character shown where a photo is missing."""

    id: str
    category: str
    name: Names
    description: Names
    price: int
    station: str
    glyph: str
    unit: Names | None = None
    groups: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    popular: bool = False


class Shop(Struct, frozen=True):
    """The restaurant as its guests know it; the first language is the default."""

    name: Names
    tagline: Names
    currency: str
    currency_symbol: str
    languages: tuple[str, ...]


class Menu(Struct, frozen=True, eq=False, dict=True):
    """The whole menu document.

    `dict=True` gives the look-ups by id a place to be kept; `eq=False` makes a menu hashable by identity, so that
    what is made from it can be cached with it.
    """

    shop: Shop
    stations: tuple[Station, ...]
    tags: tuple[Tag, ...]
    groups: tuple[Group, ...]
    categories: tuple[Category, ...]
    items: tuple[Item, ...]

    @cached_property
    def item(self) -> dict[str, Item]:
        """Items by id."""
        return {item.id: item for item in self.items}

    @cached_property
    def group(self) -> dict[str, Group]:
        """Modifier groups by id."""
        return {group.id: group for group in self.groups}

    @cached_property
    def tag(self) -> dict[str, Tag]:
        """Tags by id."""
        return {tag.id: tag for tag in self.tags}


class Chosen(Struct, frozen=True):
    """A modifier as it was when it was chosen: a receipt stays true when the menu changes."""

    id: str
    name: Names
    extra: int


def find(menu: Menu, item_id: str) -> Item:
    """The item.

    Raises:
        Refused: `no_such_item`.
    """
    if item_id not in menu.item:
        raise Refused("no_such_item")
    return menu.item[item_id]


def choose(menu: Menu, item: Item, modifiers: Iterable[str]) -> tuple[Chosen, ...]:
    """The modifiers with these ids, in the menu's order.

    Raises:
        Refused: `no_such_modifier` for one that is not the item's or is named twice; `bad_choice` for too few or
            too many of a group.
    """
    wanted = list(modifiers)
    groups = [menu.group[group] for group in item.groups]
    chosen: list[Chosen] = []
    for group in groups:
        picked = [modifier for modifier in group.modifiers if modifier.id in wanted]
        if not group.min <= len(picked) <= group.max:
            raise Refused("bad_choice", item=item.name, group=group.name, least=group.min, most=group.max)
        chosen += [Chosen(modifier.id, modifier.name, modifier.extra) for modifier in picked]
    if sorted(wanted) != sorted(choice.id for choice in chosen):
        raise Refused("no_such_modifier", item=item.name)
    return tuple(chosen)
