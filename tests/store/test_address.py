"""The URLs of `--store` mean what they mean to redis-py."""

import pytest
from redis.asyncio.connection import parse_url

from ordering.address import database, seed_servers

URLS = [
    "redis://",
    "redis://localhost",
    "redis://shop.example:7000",
    "redis://shop.example/3",
    "redis://shop.example/3?db=5",
    "redis://shop.example/?db=5",
    "redis://shop.example/none",
    "redis://:secret@shop.example:7000/1",
    "redis://waiter:se%40cr%2Fet%25@shop.example",
    "redis://waiter@shop.example?password=a%2520b",
    "redis://[::1]:7000/2",
    "redis://shop.example?host=other.example&port=7001&username=cook",
    "rediss://:secret@shop.example:7000/1?ssl_ca_certs=/etc/ssl/shop.pem",
    "unix:///run/store.sock",
    "unix:///run/store.sock?db=4",
    "unix://waiter:secret@/run/a%20b/store.sock?db=4",
    "unix:///run/3",
]


@pytest.mark.parametrize("url", URLS)
def test_a_url_is_read_as_redis_py_reads_it(url: str) -> None:
    known = parse_url(url)
    (server,) = seed_servers(url, None)
    assert server.host == known.get("host", "localhost")
    assert server.port == int(known.get("port", 6379))
    assert server.path == known.get("path", "")
    assert (server.username, server.password) == (known.get("username"), known.get("password"))
    assert server.ca == known.get("ssl_ca_certs")
    assert server.tls == url.startswith("rediss://")
    assert database(url) == int(known.get("db") or 0)


@pytest.mark.parametrize("url", ["http://shop.example", "redis://shop.example:port", "redis://shop.example?db=x", "x"])
def test_what_is_no_address_of_a_store_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_url(url)
    with pytest.raises(ValueError, match=r"."):
        seed_servers(url, None)


def test_the_password_of_the_environment_is_for_a_url_that_has_none() -> None:
    assert [server.password for server in seed_servers("redis://shop.example", "kept")] == ["kept"]
    assert [server.password for server in seed_servers("redis://:said@shop.example", "kept")] == ["said"]


def test_a_cluster_is_named_by_some_of_its_servers() -> None:
    servers = seed_servers("redis+cluster://waiter:secret@one.example:7000,two.example", None)
    assert [(each.host, each.port, each.username) for each in servers] == [
        ("one.example", 7000, "waiter"),
        ("two.example", 6379, "waiter"),
    ]
    assert database("redis+cluster://one.example,two.example") == 0
