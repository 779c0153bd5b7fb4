"""The documents at hand, on a real store."""

import asyncio

from machines import on_a_shop

from ordering.documents import MENU, STOCK
from ordering.embedded import Embedded
from ordering.shelf import Shelf
from ordering.stock import Stock
from ordering.store import Committed, Store, StoreAway
from ordering.subscriber import Subscriber


async def change(store: Store, op: str) -> None:
    """Another process changes the stock."""
    seen = (await store.load([STOCK])).documents
    outcome = await store.commit("x", op, "{}", b"{}", {}, seen, {STOCK: Stock(sold_out=frozenset({op}))})
    assert isinstance(outcome, Committed)


def test_a_look_puts_right_what_was_lost_and_not_what_is_only_just_being_watched(embedded: Embedded) -> None:
    async def story(store: Store) -> None:
        shelf = Shelf(store)
        shelf.start()
        await shelf.watch([MENU], number=True)
        async with asyncio.timeout(5):
            while not shelf.live:
                await asyncio.sleep(0.01)
        shelf.put((await store.load([STOCK])).documents.values())
        await change(store, "fish")
        subscribe, asked = Subscriber.subscribe, []
        Subscriber.subscribe = lambda self, channels: asked.append((self, list(channels)))
        try:
            coming = asyncio.create_task(shelf.watch([STOCK]))
            await asyncio.sleep(0)
            await shelf.watch([MENU], number=True)  # a look at everything, while the store has not confirmed it
        finally:
            Subscriber.subscribe = subscribe
        assert (shelf.newest(STOCK).v, shelf.repairs) == (1, 0)
        for subscriber, channels in asked:
            subscriber.subscribe(channels)
        await coming
        heard = shelf._store.message
        shelf._store.message = lambda *_: (_ for _ in ()).throw(StoreAway("lost"))  # the message does not come through
        await change(store, "soup")
        await asyncio.sleep(0.1)
        shelf._store.message = heard
        await shelf.watch([MENU], number=True)
        assert (shelf.newest(STOCK).v, shelf.repairs) == (2, 0), "it may still come"
        await shelf.watch([MENU], number=True)
        assert shelf.repairs == 1
        await shelf.stop()

    on_a_shop(embedded, story)
