"""Signs of life and pictures, on a real store: beside the documents, never in the log."""

import asyncio
import secrets

from machines import on_a_shop
from redis.asyncio import Redis

from ordering.documents import near_name
from ordering.embedded import Embedded
from ordering.near import CHOOSING_LASTS, SIGN_LASTS, Near, Sign, choosing, here
from ordering.store import Store

NAME = near_name("0123456789ab")
NOW = 1_800_000_000_000


async def _near(store: Store) -> Near:
    value = (await store.load([NAME])).documents[NAME].value
    assert isinstance(value, Near)
    return value


def test_a_sign_says_where_somebody_is_and_since_when(embedded: Embedded) -> None:
    async def story(store: Store) -> None:
        await store.sign(NAME, "lin", NOW, "soups", 0)
        await store.sign(NAME, "lin", NOW + 5, "soups", 0)
        await store.sign(NAME, "jo", NOW + 6, "", 0)
        assert (await _near(store)).signs == {"lin": Sign(NOW + 5, "soups", NOW), "jo": Sign(NOW + 6, "", NOW + 6)}
        await store.sign(NAME, "lin", NOW + 9, "drinks", 0)
        assert (await _near(store)).signs["lin"] == Sign(NOW + 9, "drinks", NOW + 9)

    on_a_shop(embedded, story)


def test_old_signs_are_dropped_and_who_leaves_is_gone(embedded: Embedded) -> None:
    async def story(store: Store) -> None:
        await store.sign(NAME, "lin", NOW, "soups", 0)
        await store.sign(NAME, "jo", NOW + 100, "", NOW + 50)
        assert set((await _near(store)).signs) == {"jo"}
        await store.sign(NAME, "jo", None, "", 0)
        assert (await _near(store)).signs == {}

    on_a_shop(embedded, story)


def test_versions_rise_also_when_the_document_was_forgotten(embedded: Embedded) -> None:
    async def story(store: Store) -> None:
        await store.sign(NAME, "lin", NOW, "", 0)
        await store.sign(NAME, "jo", NOW, "", 0)
        before = (await store.load([NAME])).documents[NAME]
        async with Redis(unix_socket_path=embedded.url.removeprefix("unix://")) as raw:
            await raw.delete(store.keys.document(NAME))
        await store.sign(NAME, "lin", NOW + 60_000, "", 0)
        after = (await store.load([NAME])).documents[NAME]
        assert after.v > before.v
        assert after.revision != before.revision

    on_a_shop(embedded, story)


def test_a_sign_is_no_command(embedded: Embedded) -> None:
    async def story(store: Store) -> None:
        before = (await store.load([NAME])).s
        await store.sign(NAME, "lin", NOW, "", 0)
        assert (await store.load([NAME])).s == before
        assert await store.log() == []

    on_a_shop(embedded, story)


def test_a_sign_is_forgotten_by_the_store_itself(embedded: Embedded) -> None:
    async def story(store: Store) -> None:
        await store.sign(NAME, "lin", NOW, "", 0)
        async with Redis(unix_socket_path=embedded.url.removeprefix("unix://")) as raw:
            assert 0 < await raw.ttl(store.keys.document(NAME)) <= 24 * 3600

    on_a_shop(embedded, story)


def test_a_sign_counts_for_a_while() -> None:
    near = Near({"lin": Sign(NOW, "soups", NOW - CHOOSING_LASTS)})
    assert here(near, NOW + SIGN_LASTS) == near.signs
    assert here(near, NOW + SIGN_LASTS + 1) == {}
    assert choosing(near.signs["lin"], NOW) == "soups"
    assert choosing(near.signs["lin"], NOW + 1) == ""


def test_pictures_are_kept_and_read_back_whole(embedded: Embedded) -> None:
    async def story(store: Store) -> None:
        files = {"a-1": secrets.token_bytes(70_000), "b-2": b""}
        await store.keep(files)
        await store.keep({})
        assert [await store.file(name) for name in ("a-1", "b-2", "c-3")] == [files["a-1"], files["b-2"], None]

    on_a_shop(embedded, story)


def test_many_phones_signing_at_once_are_all_there(embedded: Embedded) -> None:
    async def story(store: Store) -> None:
        await asyncio.gather(*(store.sign(NAME, f"g{n}", NOW + n, "", 0) for n in range(50)))
        assert len((await _near(store)).signs) == 50

    on_a_shop(embedded, story)
