"""Where a store is: the URLs that `--store` takes, read as redis-py reads them.

A test holds them against redis-py's own reading; importing it for this would take a fifth of a start.
"""

from urllib.parse import parse_qs, unquote, urlsplit

from ordering.resp import Server

CLUSTER = "redis+cluster://"
SCHEMES = ("redis", "rediss", "unix")
PORT = 6379


def seed_servers(url: str, password: str | None) -> list[Server]:
    """The servers that a `--store` names.

    Raises:
        ValueError: when the URL is none of the forms that `Store` takes.
    """
    if url.startswith(CLUSTER):
        credentials, _, hosts = url.removeprefix(CLUSTER).rpartition("@")
        access = f"{credentials}@" if credentials else ""
        return [server for host in hosts.split(",") for server in seed_servers(f"redis://{access}{host}", password)]
    parts = _parts(url)
    return [
        Server(
            host=parts.get("host", "localhost"),
            port=int(parts.get("port", PORT)),
            path=parts.get("path", "") if url.startswith("unix://") else "",
            tls=url.startswith("rediss://"),
            username=parts.get("username"),
            password=parts.get("password") or password,
            ca=parts.get("ssl_ca_certs"),
        )
    ]


def database(url: str) -> int:
    """The number of the database that a `--store` names; a cluster has only the first. Raises ValueError."""
    return 0 if url.startswith(CLUSTER) else int(_parts(url).get("db", 0))


def _parts(url: str) -> dict[str, str]:
    """What a URL says, by redis-py's names. What stands before the `?` counts more, except for the database."""
    split = urlsplit(url)
    if split.scheme not in SCHEMES:
        raise ValueError(f"it begins with {', '.join(f'{scheme}://' for scheme in SCHEMES)} or {CLUSTER}")
    parts = {name: values[0] for name, values in parse_qs(split.query).items()}
    if not parts.get("db", "0").strip().isdecimal():
        raise ValueError("a database is a number")
    path = unquote(split.path)
    said = {"username": unquote(split.username or ""), "password": unquote(split.password or "")}
    if split.scheme == "unix":
        said["path"] = path
    else:
        said |= {"host": unquote(split.hostname or ""), "port": str(split.port or "")}
        number = path.replace("/", "")
        if "db" not in parts and number.isdecimal():
            said["db"] = number
    return parts | {name: value for name, value in said.items() if value}
