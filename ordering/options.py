"""Every option, in one table: from the command line, from a file (`--config`), and for passwords the environment.

`docs/operations.md` lists the same table; a test compares them.
"""

import contextlib
import io
import re
import sys
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NamedTuple

from tornado.options import Error, OptionParser

from ordering.address import CLUSTER, seed_servers


class OptionsError(Exception):
    """An option is wrong; the text says which and what to do."""


class Option(NamedTuple):
    """An option as it stands in the table."""

    name: str
    default: Any
    help: str


TABLE = (
    Option("port", 8000, "port of the first process"),
    Option("processes", 1, "server processes, one each on port, port+1, …"),
    Option("address", "", "address to listen on; empty: all of this machine's"),
    Option("store", "", "redis://, rediss://, unix:// or redis+cluster://host:port,…; empty: the bundled store"),
    Option("data", "data", "folder of the bundled store"),
    Option("store_timeout", 2.0, "seconds to wait for the store"),
    Option("store_connections", 32, "connections to the store, at most, for each process"),
    Option("shop", "main", "which shop of the store this is"),
    Option("public_url", "", "what QR codes point at, such as https://order.example.com"),
    Option("trusted_proxies", "127.0.0.1,::1", "addresses whose X-Forwarded-Proto is believed, with commas between"),
    Option("rotate_keys", "", "keep or drop: sign cookies with a new key, honour the old ones or not, and end"),
    Option("restaurant", "", "TOML file to fill an empty shop with"),
    Option("locale", "", "folder with catalogues of more languages (LANGUAGE.po)"),
    Option("demo", False, "fill an empty shop with the demo restaurant, and list its tables on /"),
    Option("demo_tables", 12, "tables of the demo restaurant"),
)

MANAGER_PASSWORD = "ORDERING_MANAGER_PASSWORD"  # noqa: S105 - the variable's name
STORE_PASSWORD = "ORDERING_STORE_PASSWORD"  # noqa: S105 - the variable's name


class Options(NamedTuple):
    """The options, checked."""

    port: int
    processes: int
    address: str
    store: str
    data: Path
    store_timeout: float
    store_connections: int
    shop: str
    public_url: str
    trusted_proxies: tuple[str, ...]
    rotate_keys: str
    restaurant: Path | None
    locale: Path | None
    demo: bool
    demo_tables: int
    store_password: str | None
    manager_password: str | None


def read(arguments: list[str], environment: dict[str, str]) -> Options:
    """The options from `arguments` (the program's name first), the file that they name, and the environment.

    Raises:
        OptionsError
    """
    parser = OptionParser()
    for option in TABLE:
        parser.define(option.name, default=option.default, help=option.help)
    parser.define("config", type=str, help="file with options, each as name = value", default="")
    _must_be_of_its_kind(arguments)
    printed = io.StringIO()
    try:
        # Tornado prints its help on every mistake; here only who asks for it gets it.
        with contextlib.redirect_stderr(printed):
            # Twice: to learn of the file, and again because the command line wins over it.
            rest = parser.parse_command_line(arguments, final=False)
            if parser.config:
                parser.parse_config_file(parser.config, final=False)
                parser.parse_command_line(arguments, final=False)
    except SystemExit:
        sys.stdout.write(printed.getvalue())
        raise
    except Error as error:
        raise OptionsError(f"{error}; --help lists the options") from error
    except OSError as error:
        raise OptionsError(f"--config={parser.config}: {error.strerror}") from error
    except Exception as error:  # the file is Python, and can fail in every way
        raise OptionsError(f"--config={parser.config}: {error}") from error
    if rest:
        raise OptionsError(f"{rest[0]!r} is not an option; --help lists them")
    values = {option.name: getattr(parser, option.name) for option in TABLE}
    for name, value in values.items():
        if value is None:  # a file can say `port = None`, which Tornado takes
            raise OptionsError(f"--config={parser.config}: {name} has no value; leave the line out instead")
    return _checked(values, environment)


def _must_be_of_its_kind(arguments: list[str]) -> None:
    """Tornado does not say which option it can't read, and takes any word but "false" for true."""
    kinds = {option.name: type(option.default) for option in TABLE}
    for argument in arguments[1:]:
        if not argument.startswith("-") or argument == "--":
            return
        name, given, value = argument.lstrip("-").partition("=")
        name = name.replace("-", "_")
        reads, what = KINDS.get(kinds.get(name, str), (str, ""))
        try:
            if given:
                reads(value)
        except ValueError as error:
            raise OptionsError(f"--{name}={value} can't be used: {what}") from error


def _yes_or_no(value: str) -> None:
    if value.lower() not in ("true", "t", "1", "false", "f", "0"):
        raise ValueError(value)


KINDS: dict[type, tuple[Callable[[str], object], str]] = {
    int: (int, "a whole number"),
    float: (float, "a number"),
    bool: (_yes_or_no, "true or false"),
}
"""How the text of an option is read, and what it must be."""


def _checked(values: dict[str, Any], environment: dict[str, str]) -> Options:
    def must(holds: bool, name: str, what: str) -> None:
        if not holds:
            raise OptionsError(f"--{name}={values[name]} can't be used: {what}")

    must(1 <= values["processes"] <= 64, "processes", "1 to 64")
    must(1 <= values["port"] <= 65536 - values["processes"], "port", "1 to 65535, with room for all processes")
    must(0.1 <= values["store_timeout"] <= 60, "store_timeout", "0.1 to 60 seconds")
    must(1 <= values["store_connections"] <= 1000, "store_connections", "1 to 1000")
    must(bool(re.fullmatch(r"[a-z0-9_-]{1,32}", values["shop"])), "shop", "1 to 32 of a-z, 0-9, _ and -")
    must(1 <= values["demo_tables"] <= 2000, "demo_tables", "1 to 2000")
    public = values["public_url"].rstrip("/")
    must(
        not public or bool(re.fullmatch(r"https?://[^\s/]+(/\S*)?", public)),
        "public_url",
        "it begins with http(s)://",
    )
    must(values["rotate_keys"] in ("", "keep", "drop"), "rotate_keys", "keep or drop")
    proxies = tuple(filter(None, (each.strip() for each in values["trusted_proxies"].split(","))))
    must(all(map(_is_address, proxies)), "trusted_proxies", "IP addresses with commas between them")
    password = environment.get(STORE_PASSWORD)
    if values["store"]:
        _check_store(values["store"], password)
    return Options(
        **{
            **values,
            "data": Path(values["data"]),
            "public_url": public,
            "trusted_proxies": proxies,
            "restaurant": Path(values["restaurant"]) if values["restaurant"] else None,
            "locale": Path(values["locale"]) if values["locale"] else None,
        },
        store_password=password,
        manager_password=environment.get(MANAGER_PASSWORD),
    )


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _check_store(url: str, password: str | None) -> None:
    if not url.startswith(("redis://", "rediss://", "unix://", CLUSTER)):
        raise OptionsError(f"--store={url}: it begins with redis://, rediss://, unix:// or {CLUSTER}")
    try:
        seed_servers(url, password)
    except ValueError as error:
        raise OptionsError(f"--store={url}: {error}") from error
