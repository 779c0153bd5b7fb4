"""Whatever comes from the store, and whatever is asked of the desk: a value, a refusal or a lost connection.

Longer, with other seeds: `make fuzz MINUTES=60`.
"""

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from typing import Any

import msgspec
import pytest
from arbitrary import EXAMPLES, SOME, arbitrary, types_of
from hypothesis import given
from hypothesis import strategies as st
from machines import bundled_store

from ordering import commands
from ordering.clock import now
from ordering.desk import Desk
from ordering.documents import FLOOR, KINDS, MENU, PACE, STAFF, STOCK, sitting_name
from ordering.floor import Floor, open_sittings
from ordering.limits import Limits
from ordering.menu import Ordering, Printer
from ordering.pace import Pace
from ordering.payments import left
from ordering.refused import Refused
from ordering.resp import Connection, Line
from ordering.restaurant import DEMO, read
from ordering.shelf import Shelf
from ordering.sitting import Sitting
from ordering.staff import Account, Staff
from ordering.store import Committed, Document, Store, StoreAway, StoreUnfit
from ordering.subscriber import Subscriber
from ordering.views.audience import Audience, build, needs
from ordering.views.record import entries
from ordering.views.text import text

# ---- what comes from the store


def resp(value: Any) -> bytes:
    """A value as a store writes it."""
    match value:
        case None:
            return b"$-1\r\n"
        case bool():
            return b"#t\r\n" if value else b"#f\r\n"
        case int():
            return b":%d\r\n" % value
        case bytes():
            return b"$%d\r\n%b\r\n" % (len(value), value)
        case str():
            return b"-%b\r\n" % value.encode()
        case tuple():
            return b">%d\r\n" % len(value) + b"".join(map(resp, value))
        case dict():
            return b"%%%d\r\n" % len(value) + b"".join(resp(each) for pair in value.items() for each in pair)
        case _:
            return b"*%d\r\n" % len(value) + b"".join(map(resp, value))


WORDS = st.sampled_from(
    [b"smessage", b"ssubscribe", b"sunsubscribe", b"message", b"PONG", b"ok", b"conflict", b"done", b"", b"\xff",
     b"ordering:{main}:doc:stock", b"ordering:{main}:doc:nothing", b"1 a 1\n{}", b"x y z\n{}", b"1 a 1\n" + b"[" * 9000,
     b"9 \xff 1\n", b"1", b"-1", b"9" * 5000, b'{"left":{"a":1}}', b"redis_version:8.0.0\r\nvalkey_version:x"]
) | st.binary(max_size=20)  # fmt: skip
ERRORS = st.sampled_from(["ERR x", "NOSCRIPT No matching script", "OOM x", "MOVED 1 h:1", "LOADING x", "", "é"])
SAID = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | WORDS | ERRORS,
    lambda inner: st.lists(inner, max_size=7) | st.lists(inner, max_size=3).map(tuple)
    | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=14,
)  # fmt: skip
BYTES = st.one_of(
    SAID.map(resp),
    st.binary(max_size=40),
    st.tuples(SAID.map(resp), st.binary(max_size=6)).map(b"".join),
    st.sampled_from([b"%1\r\n*0\r\n+a\r\n", b"*1\r\n" * 2000, b",x\r\n", b"*100000\r\n", b"$-7\r\n", b"|1\r\n+a\r\n"]),
)


def lost_only_as_a_connection_is(connection: Connection) -> None:
    """It still lives, or was lost with an OSError."""
    if connection.lost.done():
        assert isinstance(connection.lost.exception(), OSError)


@SOME
@given(st.lists(BYTES, max_size=6), st.integers(0, 4))
def test_any_bytes_to_a_line_are_answers_or_lose_it(parts: list[bytes], asked: int) -> None:
    async def story() -> None:
        line = Line(2.0)
        answers = [line.ask("PING") for _ in range(asked)]
        for part in parts:
            line.data_received(part)
        lost_only_as_a_connection_is(line)
        for answer in answers:
            if answer.done() and (error := answer.exception()):
                assert isinstance(error, OSError)
            assert answer.done() or not line.lost.done(), "nobody told who waits"
        line.close()
        await asyncio.gather(*answers, return_exceptions=True)

    asyncio.run(story())


def test_an_answer_that_nobody_asked_for_loses_the_line() -> None:
    """Whatever is asked on it next would get an answer that is another's."""

    async def story() -> None:
        line = Line(2.0)
        first = line.ask("GET", "a")
        line.data_received(b"+one\r\n+two\r\n")
        assert await first == b"one"
        with pytest.raises(ConnectionError, match="nobody asked"):
            await line.lost
        with pytest.raises(ConnectionError):
            await line.ask("GET", "b")

    asyncio.run(story())


@pytest.fixture(scope="module")
def quiet() -> Iterator[None]:
    """What the shelf says of messages that it can't read is no news here."""
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@SOME
@given(st.lists(BYTES, max_size=6))
def test_any_bytes_to_a_subscriber_are_news_or_lose_it(quiet: None, parts: list[bytes]) -> None:
    async def story() -> None:
        store = Store("unix:///nowhere", "main")
        shelf = Shelf(store)
        subscriber = Subscriber(shelf._heard, shelf._confirmed, shelf._let_go)
        shelf._begin(subscriber)
        for part in parts:
            subscriber.data_received(part)
        lost_only_as_a_connection_is(subscriber)
        assert all(isinstance(each.value, KINDS[name.partition(":")[0]] | None) for name, each in shelf.known().items())

    asyncio.run(story())


@SOME
@given(WORDS | st.binary(max_size=60), WORDS | st.binary(max_size=60))
def test_any_message_is_a_document_or_away_and_the_shelf_outlives_it(
    quiet: None, channel: bytes, payload: bytes
) -> None:
    store = Store("unix:///nowhere", "main")
    with suppress(StoreAway):
        assert isinstance(store.message(channel, payload, {}), Document)
    Shelf(store)._heard(channel, payload)


class Parrot:
    """A store that says what it is told to, whatever it is asked."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self.run = runner.run
        self.says: list[bytes] = []
        self.port = 0
        self._talks: set[asyncio.Task[None]] = set()

    async def listen(self) -> None:
        """Opens its port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Closes it, when everybody has gone."""
        self._server.close()
        await asyncio.gather(*self._talks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talk = asyncio.current_task()
        assert talk
        self._talks.add(talk)
        talk.add_done_callback(self._talks.discard)
        with suppress(OSError):
            while await reader.read(65536):
                writer.write(self.says.pop(0) if self.says else b"$-1\r\n")
        writer.close()
        with suppress(OSError):
            await writer.wait_closed()


@pytest.fixture(scope="module")
def parrot() -> Iterator[Parrot]:
    """A store that says what it is told to."""
    with asyncio.Runner() as runner:
        made = Parrot(runner)
        runner.run(made.listen())
        yield made
        runner.run(made.close())


QUESTIONS: tuple[Callable[[Store], Awaitable[object]], ...] = (
    lambda store: store.load([STOCK, FLOOR], op=("a", "b")),
    lambda store: store.commit("a", "b", "m", b"{}", {}, {STOCK: Document(STOCK, 0, "0 ", 0, None)}, {}),
    lambda store: store.sign("near:x", "a", 1, "", 0),
    lambda store: store.lease("printing", "a", 1000),
    lambda store: store.keep({"a": b"b"}),
    lambda store: store.file("a"),
    lambda store: store.signing_keys(),
    lambda store: store.log(),
    lambda store: store.ping(),
    lambda store: store.check(),
)


@SOME
@given(st.lists(BYTES, min_size=1, max_size=4), st.sampled_from(range(len(QUESTIONS))), st.booleans())
def test_whatever_a_store_answers_it_is_understood_or_away(
    parrot: Parrot, says: list[bytes], question: int, cluster: bool
) -> None:
    async def story() -> None:
        parrot.says = says
        scheme = "redis+cluster" if cluster else "redis"
        store = Store(f"{scheme}://127.0.0.1:{parrot.port}", "main", timeout=0.05)
        with suppress(StoreAway, StoreUnfit):
            await QUESTIONS[question](store)
        await store.close()

    parrot.run(story())


# ---- what is asked of the desk


DEMO_MENU = read(DEMO)
WAITER = Account("w", "Wu", "waiter", "hash", "hash")
MANAGER = Account("manager", "Ma", "manager", "hash")
GUESTS = ("lin", "jo", "kim")
UNIONS = {
    "guest": types_of(commands.Diner),
    "kitchen": types_of(commands.Kitchen),
    "floor": types_of(commands.Floor),
    "manage": types_of(commands.Manage),
}
AT_THE_DOOR = {"printer_test"}  # no rule of the desk's
OFTEN = ("add", "add", "place", "advance", "acknowledge", "pay", "close", "reopen", "move", "part", "merge")
"""What brings a party forward; others come by chance."""


class House:
    """A shop with three tables at a real desk and store, asked by everybody at once."""

    def __init__(self, run: Callable[..., Any], url: str) -> None:
        self.run = run
        self.store = Store(url, f"fuzz-{secrets.token_hex(4)}", timeout=30)  # a busy machine is no refusal
        self.shelf = Shelf(self.store)
        self.desk = Desk(self.store, self.shelf, Limits())
        self.sittings: set[str] = set()

    async def found(self, rules: Ordering) -> None:
        """Fills the shop."""
        restaurant = DEMO_MENU.with_tables(3)
        printer = Printer("p1", {"en": "Bar"}, "h", stations=("bar",), receipts=True)
        menu = msgspec.structs.replace(
            restaurant.menu, printers=(printer,), shop=msgspec.structs.replace(restaurant.menu.shop, ordering=rules)
        )
        values = {
            MENU: menu,
            STOCK: restaurant.stock,
            FLOOR: restaurant.floor(("c1", "c2", "c3"), ("s1", "s2", "s3")),
            STAFF: Staff((WAITER, MANAGER)),
            PACE: Pace(),
        }
        seen = (await self.store.load(list(values))).documents
        assert isinstance(await self.store.commit("f", "f", "f", b"{}", {"who": "f", "at": 1}, seen, values), Committed)
        self.shelf.put((await self.store.load(list(values))).documents.values())

    def floor(self) -> Floor:
        """The floor as it is now."""
        found = self.shelf.newest(FLOOR)
        assert found
        value: Floor = found.value
        return value

    def known(self, sitting: Sitting, v: int) -> dict[str, list[Any]]:
        """What is at home in which field."""
        lines = [line.id for line in sitting.lines] + [line.id for line in sitting.removed]
        tickets = sorted({f"{sitting.id}.{line.round}.{line.station}" for line in sitting.lines if line.round})
        tables = [table.id for table in self.floor().tables]
        return {
            "op": [secrets.token_hex(8)],
            "table": tables,
            "to": tables,
            "line": lines,
            "lines": lines,
            "ticket": tickets,
            "item": ["dongpo-pork", "steamed-rice", "osmanthus-cake", "mapo-tofu"],
            "modifiers": ["mild", "hot"],
            "seen": [v, v, v, max(0, v - 1)],
            "qty": [1, 2],
            "by": [1, -1],
            "round": [each.number for each in sitting.rounds],
            "call": [each.id for each in sitting.calls],
            "payment": [each.id for each in sitting.payments],
            "amount": [1, 100, 3000],
            "guest": [each.id for each in sitting.guests],
            "guests": [each.id for each in sitting.guests],
            "party": sorted(self.sittings),
            "sitting": sorted(self.sittings),
            "tags": ["soy", "nuts"],
            "reason": ["why not"],
            "pin": [sitting.pin],
            "account": ["w", "manager"],
            "stations": ["bar", "kitchen"],
            "printer": ["p1"],
            "backup": ["p1"],
        }

    async def ask(self, who: str, command: Any, sitting_id: str) -> dict[str, Any]:
        """The desk's answer to a guest, a waiter or a manager."""
        if who == "manage":
            return await self.desk.manage(MANAGER, command, "hash", "hash")
        if who in GUESTS:
            return await self.desk.guest(who, sitting_id, command)
        return await self.desk.staff(WAITER, command)

    async def every_page(self) -> None:
        """Everything that can be looked at can be built from what is stored."""
        floor = self.floor()
        subjects = [*open_sittings(floor), *sorted(self.sittings)]
        audiences = [Audience("diner", form, "en", id) for id in subjects for form in ("html", "json")]
        audiences += [
            Audience(kind, form, "zh", "") for kind in ("kitchen", "expo", "floor") for form in ("html", "json")
        ]
        audiences += [Audience("party", "html", "en", table.id) for table in floor.tables]
        for audience in audiences:
            names = needs(audience, floor)
            documents = (await self.store.load(list(names))).documents
            build(audience, {name: each.value for name, each in documents.items()}, 1, now())
        log = await self.store.log()
        loaded = (await self.store.load([STAFF, MENU])).documents
        past = (await self.store.load([sitting_name(id) for id in self.sittings])).documents
        sittings = [each.value for each in past.values() if each.value]
        staff, menu = loaded[STAFF].value, loaded[MENU].value
        assert len(entries(log, sittings, menu=menu, staff=staff, floor=floor, text=text("zh"))) <= len(log)

    async def nothing_is_broken(self) -> None:
        """What must hold after anything: parties sit at one table each, owe what they have paid, and stock is there."""
        floor = self.floor()
        names = [sitting_name(id) for id in {*self.sittings, *open_sittings(floor)}]
        found = (await self.store.load([*names, STOCK])).documents
        seats = [table.sitting for table in floor.tables]
        assert len(set(seats)) == len(seats)
        for name in names:
            sitting: Sitting | None = found[name].value
            if sitting is None:
                continue
            if sitting.opened and not sitting.closed:
                assert floor.by_sitting[sitting.id].id == sitting.table, "a party without its table"
            assert left(sitting, sitting.terms or DEMO_MENU.menu.shop.terms) >= 0, "more was paid than is owed"
            assert len({line.id for line in sitting.lines}) == len(sitting.lines)
            assert {line.round for line in sitting.lines} <= {0, *(each.number for each in sitting.rounds)}
        assert all(count >= 0 for count in found[STOCK].value.left.values())


@pytest.fixture(scope="module")
def desk_run() -> Iterator[tuple[Any, str]]:
    """A loop and a store for houses."""
    with bundled_store() as embedded, asyncio.Runner() as runner:
        yield runner.run, embedded.url


@SOME
@given(st.randoms(), st.sampled_from([Ordering(), Ordering(pin=True), Ordering(open="nod"), Ordering(open="staff")]))
def test_any_commands_in_any_order_are_carried_out_or_refused(
    desk_run: tuple[Any, str], rng: Any, rules: Ordering
) -> None:
    run, url = desk_run
    house = House(run, url)

    async def one_after_the_other() -> None:
        await house.found(rules)
        for _ in range(rng.choice((5, 20, STEPS))):
            who = rng.choice((*GUESTS, *GUESTS, "kitchen", "kitchen", "floor", "floor", "floor", "manage"))
            types = UNIONS["guest" if who in GUESTS else who]
            words = [word for word in (*OFTEN, *types) if word in types and word not in AT_THE_DOOR]
            sitting_id = rng.choice((*open_sittings(house.floor()), *sorted(house.sittings)))
            house.sittings.add(sitting_id)
            document = (await house.desk.look(sitting_name(sitting_id)))[sitting_name(sitting_id)]
            sitting = document.value or Sitting(sitting_id, "")
            command = arbitrary(types[rng.choice(words)], rng, house.known(sitting, document.v))
            try:
                answer = await house.ask(who, command, sitting_id)
                assert answer["ok"] is True
                assert msgspec.json.encode(answer)
            except Refused as refused:
                assert refused.status in (400, 403, 404, 409)
                assert text("en").refusal(refused)
                assert text("zh").refusal(refused)
        await house.nothing_is_broken()
        await house.every_page()

    async def story() -> None:
        try:
            await one_after_the_other()
        finally:
            await house.store.close()

    run(story())


STEPS = 60 if EXAMPLES <= 300 else 200
