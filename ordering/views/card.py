"""What stands as long as the menu does: its categories, and each dish as its card and sheet show it."""

from functools import lru_cache

from msgspec import Struct

from ordering.menu import Item, Menu, Picture
from ordering.views.text import Text

TINTS = 6


class TagCard(Struct, frozen=True):
    """A tag on a card or a choice."""

    id: str
    name: str
    kind: str


class ChoiceCard(Struct, frozen=True):
    """A modifier on the sheet of an item; `chosen` to begin with."""

    id: str
    name: str
    extra: int
    chosen: bool
    tags: list[TagCard]


class GroupCard(Struct, frozen=True):
    """A modifier group on the sheet of an item."""

    id: str
    name: str
    min: int
    max: int
    choices: list[ChoiceCard]


class Card(Struct, frozen=True):
    """An item as the page's fixed part shows it; `tint` 1 to 6 colours the tile that stands in for a photo."""

    item: Item
    name: str
    other: str
    description: str
    unit: str
    tint: int
    tags: list[TagCard]
    groups: list[GroupCard]
    picture: Picture | None


class Section(Struct, frozen=True):
    """A category with its cards."""

    id: str
    name: str
    other: str
    cards: list[Card]


@lru_cache(maxsize=16)
def sections(menu: Menu, text: Text) -> list[Section]:
    """The menu's fixed part, category by category; those without a dish are left out."""
    cards: dict[str, list[Card]] = {}
    for place, item in enumerate(menu.items):
        cards.setdefault(item.category, []).append(_card(menu, item, text, place))
    return [
        Section(category.id, text.pick(category.name), text.other(category.name), cards[category.id])
        for category in menu.categories
        if category.id in cards
    ]


def card(menu: Menu, item: Item, text: Text) -> Card:
    """One item's card."""
    return _card(menu, item, text, menu.items.index(item))


def _card(menu: Menu, item: Item, text: Text, place: int) -> Card:
    return Card(
        item=item,
        name=text.pick(item.name),
        other=text.other(item.name),
        description=text.pick(item.description),
        unit=text.pick(item.unit or {}),
        tint=place % TINTS + 1,
        tags=_tags(menu, item.tags, text),
        groups=[
            GroupCard(
                group.id,
                text.pick(group.name),
                group.min,
                group.max,
                [
                    ChoiceCard(
                        each.id,
                        text.pick(each.name),
                        each.extra,
                        each.id in group.defaults,
                        _tags(menu, each.tags, text),
                    )
                    for each in group.modifiers
                ],
            )
            for group in (menu.group[id] for id in item.groups)
        ],
        picture=item.picture,
    )


def _tags(menu: Menu, tags: tuple[str, ...], text: Text) -> list[TagCard]:
    return [TagCard(tag, text.pick(menu.tag[tag].name), menu.tag[tag].kind) for tag in tags]
