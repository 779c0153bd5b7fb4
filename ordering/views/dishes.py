"""The dishes as the guests of a table see them: which can be had, and whom they concern.

What is the same for all tables is made once for the menu (`plain`); a table adds the allergies of its guests.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache

from msgspec.structs import replace

from ordering import menu as menus
from ordering import stock as stocks
from ordering.load import Load
from ordering.menu import Item, Menu
from ordering.sitting import STILL_SERVED, Guest
from ordering.stock import Stock
from ordering.views.blocks import Block
from ordering.views.shown import Concern, Dish, ItemBeside, ItemShown, Who
from ordering.views.text import Text


@lru_cache(maxsize=64)
def not_served(menu: Menu, minute: int) -> tuple[frozenset[str], frozenset[str]]:
    """The items that are not served in this minute (since 1970), and those of them that can't be sent either."""

    def at(minute: int) -> frozenset[str]:
        return frozenset(item.id for item in menu.items if not menus.served(menu, item, minute * 60_000))

    return _one(at(minute), at(minute) & at(minute - STILL_SERVED // 60_000))


@lru_cache(maxsize=16)
def _one(shut: frozenset[str], over: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
    """The same objects for equal sets: all views ask whether they are what they were."""
    return shut, over


@lru_cache(maxsize=64)
def plain(
    menu: Menu,
    had: tuple[frozenset[str], tuple[tuple[str, int], ...]],
    shut: frozenset[str],
    slow_hidden: bool,
    closed: bool,
    text: Text,
    people: bool,
) -> dict[str, Block]:
    """Every dish while it is in nobody's cart and concerns nobody: the same for all tables. `had` is what is sold out,
    and what is left of what is counted."""
    stock = Stock(tuple(had[0]), dict(had[1]))
    shown = {}
    for place, item in enumerate(menu.items):
        left, full = stocks.left(stock, item.id), item.slow and slow_hidden
        shown[item.id] = _item(menu, place, left, item.id not in shut, full, closed, text, people)
    return shown


@lru_cache(maxsize=20_000)
def _item(
    menu: Menu, place: int, left: int | None, served: bool, full: bool, closed: bool, text: Text, people: bool
) -> Block:
    """One of them; when another is sold out it stays the same."""
    item = menu.items[place]
    shown = ItemShown(item.id, left == 0, served, full, left, 0)
    if not people:
        return Block(f"item-{item.id}", "item", shown)
    hours = "" if served else text.hours(menus.hours(menu, item))
    beside = ItemBeside(Dish(item, text.pick(item.name)), hours, [], [], closed)
    return Block(f"item-{item.id}", "item", shown, (beside, menu.shop), recurs=True)


def available(menu: Menu, stock: Stock, load: Load, item: Item, now: int) -> ItemShown:
    """Whether the item can be had."""
    left = stocks.left(stock, item.id)
    return ItemShown(item.id, left == 0, menus.served(menu, item, now), item.slow and load.slow_hidden, left, 0)


def concerning(
    dishes: dict[str, Block], menu: Menu, everyone: Sequence[Guest], guests: Mapping[str, Who], text: Text
) -> dict[str, Block]:
    """The plain dishes; beside those that concern anybody at the table stands whom, as anybody may eat of them."""
    avoided = {tag for guest in everyone for tag in guest.allergies}
    found: dict[tuple[str, ...], list[Concern]] = {}  # most dishes share a few sets of allergens
    whole = dict(dishes)
    for item in menu.items:
        if avoided.isdisjoint(item.tags):
            continue
        if item.tags not in found:
            found[item.tags] = concerns(menu, menus.allergens(menu, item), everyone, guests, text)
        if found[item.tags]:
            block = dishes[item.id]
            beside = replace(block.beside[0], concerns=found[item.tags])
            whole[item.id] = Block(block.id, block.kind, block.shown, (beside, menu.shop))
    return whole


def concerns(
    menu: Menu, allergens: Sequence[str], eating: Sequence[Guest], guests: Mapping[str, Who], text: Text
) -> list[Concern]:
    """Whom allergens concern among those who eat, by allergen; `guests` is everybody at the table."""
    found = []
    for tag in allergens:
        concerned = [guests[guest.id] for guest in eating if tag in guest.allergies]
        if concerned:
            found.append(Concern(text.pick(menu.tag[tag].name) if tag in menu.tag else tag, concerned))
    return found
