"""The menu: what can be had and when, how it may be varied, what it costs and where it is made.

A document of the shop (`menu`), written when the shop is founded or the menu edited. Names are dicts of
language → text. Prices are minor units, rates hundredths of a per cent, hours minutes after midnight.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from ordering.refused import Refused

Names = dict[str, str]
DAY = 24 * 60  # minutes
WEEK = (1, 2, 3, 4, 5, 6, 7)  # Monday is 1
Charset = Literal["gb18030", "cp1252"]


class Picture(Struct, frozen=True):
    """A picture that the store keeps in several widths (pixels), as `{id}-{width}`; width and height of the largest."""

    id: str
    width: int
    height: int
    widths: tuple[int, ...]


class Hours(Struct, frozen=True):
    """When something is served: on `days` from `opens` to `closes`, which may be past midnight (over 24 × 60)."""

    opens: int
    closes: int
    days: tuple[int, ...] = WEEK


class Station(Struct, frozen=True, forbid_unknown_fields=True):
    """Where food is made. A ticket's age turns amber after `warn` and red after `late` minutes; what nobody sees there
    goes to the display of the station `backup`, too."""

    id: str
    name: Names
    warn: int = 8
    late: int = 15
    backup: str = ""


class Printer(Struct, frozen=True):
    """A receipt printer in the network. It prints the tickets of its `stations`, and receipts if it does `receipts`;
    `backup` is the id of the one that prints for it while it can't. `columns` are characters across at normal size,
    `charset` is what it has a font for: "gb18030" Chinese, "cp1252" only Western letters."""

    id: str
    name: Names
    host: str
    port: int = 9100
    columns: int = 48
    stations: tuple[str, ...] = ()
    receipts: bool = False
    backup: str = ""
    charset: Charset = "gb18030"


class Tag(Struct, frozen=True):
    """What a guest may want to know of a dish; allergens are marked apart from mere notes. `short` is what it is
    called where it is not said of a dish: "nuts" beside "contains nuts"."""

    id: str
    name: Names
    kind: Literal["diet", "heat", "allergen", "note"]
    short: Names = {}

    @property
    def label(self) -> Names:
        """What it is called where it stands alone."""
        return self.short or self.name


class Modifier(Struct, frozen=True):
    """One choice of a group; `extra` is its price difference in minor units, negative when it is cheaper.

    `tags` are the allergens that it brings along.
    """

    id: str
    name: Names
    extra: int = 0
    tags: tuple[str, ...] = ()


class Group(Struct, frozen=True):
    """Modifiers of which a guest chooses at least `min` and at most `max`; `defaults` are chosen to begin with."""

    id: str
    name: Names
    min: int
    max: int
    modifiers: tuple[Modifier, ...]
    defaults: tuple[str, ...] = ()


class Category(Struct, frozen=True):
    """A heading of the menu; its dishes are made at `station` and served at `hours` (none: always) unless they say
    otherwise."""

    id: str
    name: Names
    station: str
    hours: tuple[Hours, ...] = ()


class Item(Struct, frozen=True):
    """A dish or a drink; `glyph` is the one character shown where a photo is missing.

    `find` is what a search compares besides the names: their pinyin, whole and as initials. `tax` is the rate on it.
    `slow`: it takes long, and is not to be had while the kitchen is full.
    """

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
    hours: tuple[Hours, ...] = ()
    find: str = ""
    picture: Picture | None = None
    tax: int = 0
    slow: bool = False


class Terms(Struct, frozen=True):
    """How a bill is made: `service` is the rate of the service charge, `tax_included` whether prices hold the tax,
    `tips` the per cents that a guest is offered (none: tips are not asked for), `coin` the smallest one there is
    (minor units): cash is rounded to it."""

    service: int = 0
    tax_included: bool = True
    tips: tuple[int, ...] = ()
    coin: int = 1


class Alarm(Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds after which a ticket that nobody at its station has seen sounds `again`, is shown to the `backup`
    station, to the `floor`, and after which its `guest` is asked to tell a waiter."""

    again: int = 20
    backup: int = 60
    floor: int = 120
    guest: int = 180


class Capacity(Struct, frozen=True, forbid_unknown_fields=True):
    """What the kitchen is made for: open `tickets`, and `minutes` for a dish. Above it the load follows by itself, up
    to `most`."""

    tickets: int = 30
    minutes: int = 25
    most: Literal["calm", "busy", "slow", "paused"] = "slow"


class Ordering(Struct, frozen=True):
    """Who may order, and which orders wait for a waiter's nod.

    `open`: the first scan opens the table, the staff do, or the first round waits for a nod. `codes`: each table has
    its own, or each sitting, which dies with it. `pin`: whoever joins those who sit there must know their PIN. An order
    waits with more than so many `portions`, above a `value` (minor units; 0: any), and with more than so many `rounds`
    or new `phones` in ten minutes.
    """

    open: Literal["scan", "staff", "nod"] = "scan"
    codes: Literal["table", "sitting"] = "table"
    pin: bool = False
    portions: int = 40
    value: int = 0
    rounds: int = 8
    phones: int = 12


class Shop(Struct, frozen=True):
    """The restaurant as its guests know it; the first language is the default. `lock_after`: minutes without a touch
    after which the floor's pages ask for a PIN (0: never)."""

    name: Names
    tagline: Names
    currency: str
    currency_symbol: str
    languages: tuple[str, ...]
    timezone: str = "UTC"
    accent: str = ""
    logo: Picture | None = None
    cover: Picture | None = None
    address: str = ""
    terms: Terms = Terms()
    alarm: Alarm = Alarm()
    capacity: Capacity = Capacity()
    lock_after: int = 5
    ordering: Ordering = Ordering()
    hours: tuple[Hours, ...] = ()


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
    printers: tuple[Printer, ...] = ()

    @cached_property
    def printer(self) -> dict[str, Printer]:
        """Printers by id."""
        return {printer.id: printer for printer in self.printers}

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

    @cached_property
    def category(self) -> dict[str, Category]:
        """Categories by id."""
        return {category.id: category for category in self.categories}

    @cached_property
    def allergens(self) -> tuple[Tag, ...]:
        """The tags that a guest may have to avoid."""
        return tuple(tag for tag in self.tags if tag.kind == "allergen")


class Chosen(Struct, frozen=True):
    """A modifier as it was when it was chosen: a receipt stays true when the menu changes."""

    id: str
    name: Names
    extra: int
    tags: tuple[str, ...] = ()


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
        chosen += [Chosen(each.id, each.name, each.extra, each.tags) for each in picked]
    if sorted(wanted) != sorted(choice.id for choice in chosen):
        raise Refused("no_such_modifier", item=item.name)
    return tuple(chosen)


def allergens(menu: Menu, item: Item, chosen: Iterable[Chosen] = ()) -> tuple[str, ...]:
    """The ids of the allergens in the item, and in the modifiers chosen with it."""
    brought = {tag for choice in chosen for tag in choice.tags}
    return tuple(tag.id for tag in menu.allergens if tag.id in item.tags or tag.id in brought)


def hours(menu: Menu, item: Item) -> tuple[Hours, ...]:
    """When the item is served; none: always."""
    return item.hours or menu.category[item.category].hours


def served(menu: Menu, item: Item, at: int) -> bool:
    """Whether the item is served at this moment (ms since 1970), by the shop's clock."""
    when = hours(menu, item)
    return not when or _within(when, *local(menu.shop, at))


def open_now(shop: Shop, at: int) -> bool:
    """Whether the shop takes orders at this moment (ms); always, where no hours are given."""
    return not shop.hours or _within(shop.hours, *local(shop, at))


def must_be_served(menu: Menu, item: Item, at: int) -> None:
    """Raises `Refused` `not_served_now`."""
    if not served(menu, item, at):
        raise Refused("not_served_now", item=item.name, hours=hours(menu, item))


def local(shop: Shop, at: int) -> tuple[int, int]:
    """Weekday (Monday is 1) and minutes after midnight where the shop is."""
    return _local(shop.timezone, at // 60_000)


@lru_cache(maxsize=1024)
def _local(timezone: str, minute: int) -> tuple[int, int]:
    there = (datetime.fromtimestamp(0, UTC) + timedelta(minutes=minute)).astimezone(ZoneInfo(timezone))
    return there.isoweekday(), there.hour * 60 + there.minute


def _within(when: Iterable[Hours], day: int, minute: int) -> bool:
    """Whether it is that time; what closes after midnight belongs to the day on which it opened."""
    yesterday = day - 1 or 7
    return any(
        (day in span.days and span.opens <= minute < span.closes)
        or (yesterday in span.days and minute + DAY < span.closes)
        for span in when
    )


NAME_LONGEST = 24
HOST = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,252}")
"""A name or an address in the network."""


def with_printer(menu: Menu, printer: Printer) -> Menu:
    """The menu with a printer more, or with another in the place of that of its id.

    Raises `Refused` `name_needed`, `too_long`, `bad_address`, `no_such_station`, `no_such_printer` for its backup, or
    `nothing_to_print`.
    """
    for name in printer.name.values():
        if not name:
            raise Refused("name_needed")
        if len(name) > NAME_LONGEST:
            raise Refused("too_long", limit=NAME_LONGEST)
    if not HOST.fullmatch(printer.host):
        raise Refused("bad_address")
    if not {each.id for each in menu.stations} >= set(printer.stations):
        raise Refused("no_such_station")
    others = {each.id for each in menu.printers} - {printer.id}
    if printer.backup and printer.backup not in others:
        raise Refused("no_such_printer")
    if not printer.stations and not printer.receipts:
        raise Refused("nothing_to_print")
    if printer.id in menu.printer:
        return replace(menu, printers=tuple(printer if each.id == printer.id else each for each in menu.printers))
    return replace(menu, printers=(*menu.printers, printer))


def without_printer(menu: Menu, printer: str) -> Menu:
    """The menu without a printer; nobody's backup is it any more. Raises `Refused` `no_such_printer`."""
    if printer not in menu.printer:
        raise Refused("no_such_printer")
    kept = (each for each in menu.printers if each.id != printer)
    return replace(menu, printers=tuple(replace(each, backup="") if each.backup == printer else each for each in kept))
