"""The stock: what is sold out now, and how many portions are left of what is counted.

A document of the shop (`stock`). Portions are taken when a round is placed, in the same commit as the round, so
they never go below zero however many tables order at once.
"""

from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from ordering.menu import Names
from ordering.refused import Refused


class Stock(Struct, frozen=True):
    """`left` counts portions by item id; an item that is in neither is simply to be had."""

    sold_out: tuple[str, ...] = ()
    left: dict[str, int] = {}


class Wanted(Struct, frozen=True):
    """Portions of one item that somebody wants."""

    name: Names
    qty: int


def left(stock: Stock, item: str) -> int | None:
    """Portions that can still be had; None when nobody counts them."""
    return 0 if item in stock.sold_out else stock.left.get(item)


def must_be_had(stock: Stock, item: str, name: Names) -> None:
    """Raises `Refused` `sold_out` when nothing is left."""
    if left(stock, item) == 0:
        raise Refused("sold_out", item=name)


def take(stock: Stock, wanted: Mapping[str, Wanted]) -> Stock:
    """The stock without these portions; the same value when none of them is counted.

    Raises:
        Refused: `sold_out` or `too_few_left` for the first item that can't be had.
    """
    remaining = dict(stock.left)
    for item, want in wanted.items():
        must_be_had(stock, item, want.name)
        if item not in remaining:
            continue
        if remaining[item] < want.qty:
            raise Refused("too_few_left", item=want.name, left=remaining[item])
        remaining[item] -= want.qty
    return stock if remaining == stock.left else replace(stock, left=remaining)


def give_back(stock: Stock, portions: Mapping[str, int]) -> Stock:
    """The stock with these portions again, of what is counted; the same value when none of it is."""
    more = {item: qty + portions.get(item, 0) for item, qty in stock.left.items()}
    return stock if more == stock.left else replace(stock, left=more)


def mark(stock: Stock, item: str, sold_out: bool) -> Stock:
    """`item` sold out, or to be had again; a count of zero is forgotten when it is to be had again."""
    others = tuple(other for other in stock.sold_out if other != item)
    if sold_out:
        return replace(stock, sold_out=(*others, item))
    counts = {other: count for other, count in stock.left.items() if other != item or count > 0}
    return replace(stock, sold_out=others, left=counts)


def count(stock: Stock, item: str, portions: int | None) -> Stock:
    """`item` with this many portions left; None: no longer counted."""
    counts = {other: portion for other, portion in stock.left.items() if other != item}
    if portions is not None:
        counts[item] = portions
    return replace(stock, left=counts, sold_out=tuple(other for other in stock.sold_out if other != item))


def touched(before: Stock, after: Stock) -> set[str]:
    """The items that may be to be had in another way."""
    return {*before.sold_out, *before.left, *after.sold_out, *after.left} if before != after else set()
