"""The commit script, on a real store: all or nothing, once, and only on what the rules saw."""

import asyncio

import pytest
from machines import bundled_store, on_a_shop
from redis.asyncio import Redis

from ordering.documents import FLOOR, STOCK
from ordering.embedded import Embedded
from ordering.floor import Floor
from ordering.stock import Stock
from ordering.store import Committed, Conflict, Keys, Record, Store, StoreAway, StoreUnfit, same_meaning


async def commit(
    store: Store, op: str, seen: dict[str, object], changes: dict[str, object], meant: str = "m"
) -> object:
    """A commit by one guest."""
    return await store.commit("lin", op, meant, b'{"ok":true}', {"who": "lin"}, seen, changes)  # type: ignore[arg-type]


def test_a_commit_counts_up_the_version_and_the_shops_number(embedded: Embedded) -> None:
    async def story(store: Store) -> None:
        seen = (await store.load([STOCK])).documents
        assert (seen[STOCK].v, seen[STOCK].revision, seen[STOCK].value) == (0, "0 ", None)
        first = await commit(store, "1", seen, {STOCK: Stock(left={"a": 1})})
        assert isinstance(first, Committed)
        assert (first.s, first.documents[STOCK].v) == (1, 1)
        loaded = await store.load([STOCK])
        assert loaded.documents[STOCK] == first.documents[STOCK]
        assert [entry["who"] for _, entry in await store.log()] == ["lin"]

    on_a_shop(embedded, story)


def test_an_op_takes_effect_once_and_answers_first(embedded: Embedded) -> None:
    async def story(store: Store) -> None:
        seen = (await store.load([STOCK])).documents
        await commit(store, "1", seen, {STOCK: Stock(left={"a": 1})})
        # A repeat with what it saw then must not look like a conflict.
        again = await commit(store, "1", seen, {STOCK: Stock(left={"a": 2})})
        assert isinstance(again, Record)
        assert (again.s, again.answer, same_meaning(again, "m"), same_meaning(again, "n")) == (
            1,
            b'{"ok":true}',
            True,
            False,
        )
        assert (await store.load([], op=("lin", "1"))).record == again
        assert (await store.load([], op=("jo", "1"))).record is None
        assert (await store.load([STOCK])).documents[STOCK].v == 1

    on_a_shop(embedded, story)


def test_nothing_is_written_when_one_document_has_moved(embedded: Embedded) -> None:
    async def story(store: Store) -> None:
        seen = (await store.load([STOCK, FLOOR])).documents
        await commit(store, "1", {STOCK: seen[STOCK]}, {STOCK: Stock()})
        outcome = await commit(store, "2", seen, {FLOOR: Floor()})
        assert isinstance(outcome, Conflict)
        assert list(outcome.documents) == [STOCK]
        assert outcome.documents[STOCK].v == 1
        loaded = await store.load([STOCK, FLOOR], op=("lin", "2"))
        assert (loaded.s, loaded.documents[FLOOR].v, loaded.record) == (1, 0, None)

    on_a_shop(embedded, story)


def test_the_same_number_by_another_commit_is_a_conflict(embedded: Embedded) -> None:
    async def story(store: Store) -> None:
        seen = (await store.load([STOCK])).documents
        lost = await commit(store, "1", seen, {STOCK: Stock(left={"a": 1})})
        assert isinstance(lost, Committed)
        client = Redis(unix_socket_path=embedded.url.removeprefix("unix://"))
        key = Keys(store.shop).document(STOCK)
        await client.hset(key, mapping={"r": "of another life", "b": '{"left":{"a":9}}'})
        await client.aclose()
        outcome = await commit(store, "2", lost.documents, {STOCK: Stock(left={"a": 0})})
        assert isinstance(outcome, Conflict)
        assert outcome.documents[STOCK].value == Stock(left={"a": 9})

    on_a_shop(embedded, story)


def test_what_the_reader_knows_is_not_read_again(embedded: Embedded) -> None:
    async def story(store: Store) -> None:
        seen = (await store.load([STOCK])).documents
        made = await commit(store, "1", seen, {STOCK: Stock(left={"a": 1})})
        assert isinstance(made, Committed)
        again = await store.load([STOCK], known=made.documents)
        assert again.documents[STOCK] is made.documents[STOCK]

    on_a_shop(embedded, story)


def test_what_is_known_not_to_exist_is_not_told_again(embedded: Embedded, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(store: Store) -> None:
        told: list[int] = []
        understood = store._documents
        monkeypatch.setattr(store, "_documents", lambda parts: told.append(len(parts)) or understood(parts))
        absent = (await store.load([STOCK])).documents
        again = (await store.load([STOCK], known=absent)).documents
        made = await commit(store, "1", again, {STOCK: Stock(left={"a": 1})})
        assert isinstance(made, Committed)
        found = (await store.load([STOCK], known=absent)).documents
        assert found == made.documents
        await store._do("DEL", store.keys.document(STOCK))
        gone = (await store.load([STOCK], known=found)).documents
        assert gone[STOCK] == absent[STOCK]
        assert told == [5, 0, 5, 5]

    on_a_shop(embedded, story)


def test_a_flushed_script_is_brought_again(embedded: Embedded) -> None:
    async def story(store: Store) -> None:
        await store.load([STOCK])
        client = Redis(unix_socket_path=embedded.url.removeprefix("unix://"))
        await client.script_flush()
        await client.aclose()
        seen = (await store.load([STOCK])).documents
        assert isinstance(await commit(store, "1", seen, {STOCK: Stock()}), Committed)

    on_a_shop(embedded, story)


def test_a_full_store_refuses_and_writes_nothing() -> None:
    with bundled_store() as own:

        async def story(store: Store) -> None:
            seen = (await store.load([STOCK])).documents
            client = Redis(unix_socket_path=own.url.removeprefix("unix://"))
            await client.config_set("maxmemory", "1")
            with pytest.raises(StoreAway):
                await commit(store, "1", seen, {STOCK: Stock()})
            await client.config_set("maxmemory", "0")
            loaded = await store.load([STOCK], op=("lin", "1"))
            assert (loaded.s, loaded.documents[STOCK].v, loaded.record) == (0, 0, None)
            assert isinstance(await commit(store, "1", seen, {STOCK: Stock()}), Committed)
            await client.aclose()

        on_a_shop(own, story)


def test_a_document_that_can_not_be_read_is_a_clear_error(embedded: Embedded) -> None:
    async def story(store: Store) -> None:
        client = Redis(unix_socket_path=embedded.url.removeprefix("unix://"))
        await client.hset(Keys(store.shop).document(STOCK), mapping={"v": 1, "r": "x", "s": 1, "b": '{"left":"no"}'})
        await client.aclose()
        with pytest.raises(StoreAway, match="'stock' can't be read"):
            await store.load([STOCK])

    on_a_shop(embedded, story)


def test_everything_of_a_shop_is_one_slot() -> None:
    from redis.crc import key_slot

    keys = Keys("main")
    names = [keys.sequence, keys.log, keys.signing, keys.document("sitting:x"), keys.op("lin", "1"), keys.prefix]
    assert len({key_slot(name.encode()) for name in names}) == 1
    assert all(name.startswith("ordering:{main}:") for name in names)


def test_the_bundled_store_syncs_each_answer_and_has_no_port(embedded: Embedded) -> None:
    async def story(store: Store) -> None:
        assert "synced before each answer" in await store.check()
        client = Redis(unix_socket_path=embedded.url.removeprefix("unix://"))
        assert (await client.config_get("port")) == {"port": "0"}
        await client.aclose()

    on_a_shop(embedded, story)


def test_a_store_that_is_not_there_says_what_to_do() -> None:
    async def story() -> None:
        with pytest.raises(StoreUnfit, match="start it, correct --store, or leave --store empty"):
            await Store("redis://:secret@127.0.0.1:1/0", "main").check()

    asyncio.run(story())
