"""Fills an empty shop: menu, stock, floor and the first manager, in one commit, however many processes try."""

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from argon2 import PasswordHasher
from msgspec.structs import replace

from ordering.documents import FLOOR, MENU, STAFF, STOCK
from ordering.floor import Floor
from ordering.menu import Menu
from ordering.options import MANAGER_PASSWORD, Options, OptionsError
from ordering.pictures import COVER, DISH, LOGO, Prepared, prepare
from ordering.refused import Refused
from ordering.restaurant import DEMO, Restaurant, RestaurantError, read
from ordering.staff import PASSWORD_SHORTEST, Account, Staff, must_be_secret
from ordering.store import Committed, Store
from ordering.verdicts import new_code


class Founded(NamedTuple):
    """The shop as it is now; `password` is the manager's when it was made up just now."""

    menu: Menu
    floor: Floor
    password: str | None


async def found(store: Store, options: Options) -> Founded:
    """The shop's menu and floor; filled from `--restaurant` or `--demo` if the shop is empty.

    Raises:
        RestaurantError: when it is empty and nothing says with what to fill it.
        PictureError: when a picture of it can't be used.
        OptionsError: when the first manager's password is none.
        StoreAway
    """
    names = (MENU, STOCK, FLOOR, STAFF)
    while True:
        loaded = await store.load(names)
        menu, floor, staff = (loaded.documents[name].value for name in (MENU, FLOOR, STAFF))
        if menu is not None and floor is not None and staff is not None:
            return Founded(menu, floor, None)
        restaurant = _restaurant(options)
        _must_be_secret(options.manager_password or "")
        menu, files = await asyncio.to_thread(_illustrated, restaurant)
        await store.keep(files)
        password = options.manager_password or secrets.token_urlsafe(9)
        hashed = await asyncio.to_thread(PasswordHasher().hash, password)
        tables = len(restaurant.tables)
        new = restaurant.floor(
            codes=(new_code() for _ in range(tables)), sittings=(secrets.token_hex(6) for _ in range(tables))
        )
        accounts = Staff((Account("manager", "manager", "manager", hashed),))
        changes = {MENU: menu, STOCK: restaurant.stock, FLOOR: new, STAFF: accounts}
        outcome = await store.commit(
            "founding", secrets.token_hex(8), "founding", b"{}", {"who": "founding"}, loaded.documents, changes
        )
        if isinstance(outcome, Committed):
            return Founded(menu, new, None if options.manager_password else password)


def _illustrated(restaurant: Restaurant) -> tuple[Menu, dict[str, bytes]]:
    """The menu with the pictures that its file names, and their files."""
    with ThreadPoolExecutor() as pool:
        dishes = dict(
            zip(
                restaurant.pictures,
                pool.map(lambda path: prepare(path, DISH), restaurant.pictures.values()),
                strict=True,
            )
        )
    brand = {name: prepare(path, {"logo": LOGO, "cover": COVER}[name]) for name, path in restaurant.brand.items()}
    prepared: list[Prepared] = [*dishes.values(), *brand.values()]
    menu = replace(
        restaurant.menu,
        shop=replace(restaurant.menu.shop, **{name: each.picture for name, each in brand.items()}),
        items=tuple(
            replace(item, picture=dishes[item.id].picture) if item.id in dishes else item
            for item in restaurant.menu.items
        ),
    )
    return menu, {name: content for each in prepared for name, content in each.files.items()}


def _must_be_secret(password: str) -> None:
    try:
        must_be_secret(password, "")
    except Refused as refused:
        raise OptionsError(
            f"{MANAGER_PASSWORD} is not a password that protects anything: take {PASSWORD_SHORTEST} characters or more "
            "that nobody guesses, or leave it out to have one made up"
        ) from refused


def _restaurant(options: Options) -> Restaurant:
    if options.restaurant:
        return read(options.restaurant)
    if options.demo:
        return read(DEMO).with_tables(options.demo_tables)
    raise RestaurantError(
        f"the shop {options.shop!r} in this store is empty: fill it with --restaurant=FILE "
        "(ordering/demo/restaurant.toml is an example), or look around with --demo"
    )
