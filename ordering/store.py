"""The only room that speaks to Redis or Valkey: load, commit, and where to subscribe.

It knows documents, not dishes. Everything of a shop lies in one slot (`ordering:{shop}:…`), so on a cluster one
master holds all of it: the store finds that master and talks to it like to a single server.
"""

import asyncio
import hashlib
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from msgspec import MsgspecError

from ordering import signing
from ordering.address import CLUSTER, database, seed_servers
from ordering.documents import decoder
from ordering.ids import new_id
from ordering.replies import ELSEWHERE, explained
from ordering.resp import Line, ReplyError, Server, Word, connect, credentials
from ordering.signing import SigningKeys, new_key
from ordering.values import Value

OLDEST_SERVER = (7, 0)  # the first with SPUBLISH
NEAR_KEPT = 24 * 60 * 60  # seconds after its last sign of life that a table's are forgotten
UNKNOWN = ""  # no document's revision
CROWD = 64  # commands that wait on a connection before another one is opened
NOTED_AGAIN = 10.0  # seconds after which the log says again why the store refuses
REFUSED = ("NOAUTH", "WRONGPASS", "NOPERM", "ERR invalid password", "ERR AUTH", "ERR Client sent AUTH")

log = logging.getLogger(__name__)

_SCRIPTS = {name: (Path(__file__).parent / f"{name}.lua").read_text() for name in ("commit", "load", "near", "lease")}


class StoreAway(Exception):
    """The store did not do it, or did not say whether it did. The same `op` may be sent again safely."""


class StoreUnfit(Exception):
    """The store can't be used at all; the text says what to do."""


class Document(Value, frozen=True):
    """A document as one commit left it: `value` is None while it does not exist (version 0).

    `revision` is the version and the commit's id, "v r" ("0 " while it does not exist): no two states of a document
    have the same."""

    name: str
    v: int
    revision: str
    s: int
    value: Any


class Loaded(NamedTuple):
    """`record`: what an op's earlier commit left, if any; `s`: the shop's sequence number at that moment."""

    record: "Record | None"
    s: int
    documents: dict[str, Document]


class Record(NamedTuple):
    """The memory of an op that took effect."""

    fingerprint: str
    s: int
    answer: bytes


class Committed(Value, frozen=True):
    """The documents as they are now, and the shop's sequence number of the commit."""

    s: int
    documents: dict[str, Document]


class Conflict(Value, frozen=True):
    """Documents that do not stand where the rules saw them, as they stand."""

    s: int
    documents: dict[str, Document]


_NOT_UNDERSTOOD = (ValueError, TypeError, LookupError, AttributeError, MsgspecError, RecursionError)


class _Understanding:
    """Around what is made of an answer. One of another form is an answer to something else, or no store's: nothing
    that comes on these connections can be believed."""

    def __init__(self, store: "Store") -> None:
        self._store = store

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, _NOT_UNDERSTOOD):
            self._store.hang_up()
            raise StoreAway(f"the store's answer can't be understood: {error}") from error


class Keys:
    """The names of a shop's keys; a document's key is also its channel."""

    def __init__(self, shop: str) -> None:
        self.prefix = f"ordering:{{{shop}}}:"
        self.sequence = self.prefix + "seq"
        self.log = self.prefix + "log"
        self.first_key = self.prefix + "secret"
        self.signing = self.prefix + "keys"
        self._documents = self.prefix + "doc:"
        self._files = self.prefix + "file:"

    def document(self, name: str) -> str:
        """Key and channel of a document."""
        return self._documents + name

    def name(self, key: bytes) -> str:
        """The document's name again."""
        return key.decode("utf-8", "replace").removeprefix(self._documents)

    def file(self, name: str) -> str:
        """Key of a file."""
        return self._files + name

    def lease(self, name: str) -> str:
        """Key of a lease."""
        return f"{self.prefix}lease:{name}"

    def op(self, who: str, op: str) -> str:
        """Key of an op's record: an op is its sender's, so two who pick the same one do not meet."""
        return f"{self.prefix}op:{who}:{op}"


class Store:
    """One shop's documents in a Redis or Valkey server, or in the master of a cluster that holds its slot.

    Args:
        url: `redis://`, `rediss://`, `unix://`, or `redis+cluster://host:port,host:port`; with database and
            password as in redis-py.
        shop: the shop's key.
        timeout: seconds for connecting and for an answer.
        connections: most of them at once; commands share them.
        password: used when the URL has none.
    """

    def __init__(
        self, url: str, shop: str, timeout: float = 2.0, connections: int = 32, password: str | None = None
    ) -> None:
        self.keys = Keys(shop)
        self.shop = shop
        self.timeout = timeout
        self._url = url
        self._most = connections
        self._password = password
        self._lines: list[Line] = []
        self._connecting: asyncio.Task[Line] | None = None
        self._server: Server | None = None
        self._under_way: dict[str, Mapping[str, Any]] = {}  # what is being committed, by commit id
        self._noted: dict[str, float] = {}
        self._understanding = _Understanding(self)

    async def load(
        self, names: Sequence[str], known: Mapping[str, Document] | None = None, op: tuple[str, str] | None = None
    ) -> Loaded:
        """The documents of these names at one moment, and the record of an op (`who`, `op`) if one is asked for.

        What stands as in `known` is not read again.

        Raises:
            StoreAway
        """
        known = {name: known[name] for name in names if name in known} if known else {}
        keys = [self.keys.op(*op or ("", "")), self.keys.sequence, *map(self.keys.document, names)]
        have = [known[name].revision if name in known else UNKNOWN for name in names]
        answer = await self._run("load", keys, have)
        with self._understanding:
            record, s, *rest = answer
            documents = self._documents(rest)
            return Loaded(
                _record(record),
                int(s),
                {name: documents[name] if name in documents else known[name] for name in names},
            )

    async def commit(
        self,
        who: str,
        op: str,
        meant: str,
        answer: bytes,
        entry: Mapping[str, Any],
        seen: Mapping[str, Document],
        changes: Mapping[str, Any],
    ) -> Committed | Conflict | Record:
        """Writes `changes` (values by name, all of them in `seen`) if every document of `seen` still stands there.

        `meant` is a fingerprint of the command, `answer` what a repeat of the op gets, `entry` goes to the log.

        Raises:
            StoreAway: it may or may not have happened.
        """
        new = new_id()
        names = [*changes, *(seen.keys() - changes.keys())]
        stood = [seen[name].revision for name in names]
        head = "\n".join([_hashed(meant), new, str(len(changes)), *stood])
        arguments: list[Word] = [head, answer, _encode(entry), *map(_encode, changes.values())]
        keys = [self.keys.op(who, op), self.keys.sequence, self.keys.log, *map(self.keys.document, names)]
        self._under_way[new] = changes
        try:
            told = await self._run("commit", keys, arguments)
        finally:
            del self._under_way[new]
        with self._understanding:
            outcome, number, *rest = told
            if outcome == b"ok":
                s, committed = int(number), {}
                for name, value in changes.items():
                    v = seen[name].v + 1
                    committed[name] = Document(name, v, f"{v} {new}", s, value)
                return Committed(s, committed)
            if outcome == b"conflict":
                return Conflict(int(number), self._documents(rest))
            if outcome == b"done" and (record := _record(number)):
                return record
            raise ValueError(f"{outcome!r} is no outcome of a commit")

    def message(self, channel: bytes, payload: bytes, known: Mapping[str, Document]) -> Document:
        """The document in a published message. What stands as in `known`, or is being committed here, is not read.

        Raises:
            StoreAway: when it is no such message.
        """
        head, _, body = payload.partition(b"\n")
        try:
            name = self.keys.name(channel)
            revision, _, s = head.decode().rpartition(" ")
            if (held := known.get(name)) is not None:
                if held.revision == revision:
                    return held
                name = held.name  # the same string: its hash is known, and to compare it costs nothing
            v, r = revision.split(" ")
            if (ours := self._under_way.get(r)) is not None:
                return Document(name, int(v), revision, int(s), ours[name])
        except (ValueError, LookupError) as error:
            raise StoreAway(f"it is no document's message: {error}") from error
        return _document(name, revision, s, body)

    async def sign(self, name: str, guest: str, at: int | None, where: str, oldest: int) -> None:
        """Notes a guest's sign of life in the document `name` (at None: the guest has gone); drops those before
        `oldest` (ms since 1970).

        Raises:
            StoreAway
        """
        keys = [self.keys.document(name), self.keys.sequence]
        arguments = [new_id(), guest, "" if at is None else at, where, oldest, NEAR_KEPT]
        await self._run("near", keys, arguments)

    async def lease(self, name: str, who: str, ms: int) -> bool:
        """Takes or keeps a lease for so long (0: gives it back); False while somebody else has it.

        Raises:
            StoreAway: it may be held or not.
        """
        return bool(await self._run("lease", [self.keys.lease(name)], [who, ms]))

    async def keep(self, files: Mapping[str, bytes]) -> None:
        """Keeps these files; a file's name says what is in it, so one that is there already is left alone.

        Raises:
            StoreAway
        """
        for name, content in files.items():
            await self._do("SET", self.keys.file(name), content, "NX")

    async def file(self, name: str) -> bytes | None:
        """A file that was kept; None when there is none.

        Raises:
            StoreAway
        """
        content = await self._do("GET", self.keys.file(name))
        with self._understanding:
            return None if content is None else memoryview(content).tobytes()

    async def signing_keys(self) -> SigningKeys:
        """The shop's keys for cookies, made on the first call and the same for every process.

        Raises:
            StoreAway
        """
        found = await self._do("HGETALL", self.keys.signing)
        if not found:
            await self._do("SET", self.keys.first_key, new_key(), "NX")
            told = await self._do("GET", self.keys.first_key)
            with self._understanding:
                first = memoryview(told).tobytes()
            for name in ("ids", signing.FIRST):
                await self._do("HSETNX", self.keys.signing, name, first)
            found = await self._do("HGETALL", self.keys.signing)
        with self._understanding:
            words = [word.decode() for word in found]
            return signing.read(dict(zip(words[::2], words[1::2], strict=True)))

    async def new_signing_key(self, keep: bool) -> SigningKeys:
        """Signs with another key from now on; what was signed before holds only with `keep`.

        Raises:
            StoreAway
        """
        before = await self.signing_keys()
        await self._do("HSETNX", self.keys.signing, before.newest + 1, new_key())
        if not keep:
            await self._do("HDEL", self.keys.signing, *before.signing)
        return await self.signing_keys()

    async def log(self, entries: int = 100, before: int = 0) -> list[tuple[int, dict[str, Any]]]:
        """The newest entries of the shop's log (those before a number) with their sequence numbers, newest first."""
        newest = f"({before}-0" if before else "+"
        found = await self._do("XREVRANGE", self.keys.log, newest, "-", "COUNT", entries)
        with self._understanding:
            return [
                (int(id.split(b"-")[0]), msgspec.json.decode(entry, type=dict[str, Any])) for id, (_, entry) in found
            ]

    async def server(self) -> Server:
        """Where the shop's documents are; on a cluster the master of its slot, asked for anew after a fault."""
        if self._server is None:
            self._server = await self._locate()
        return self._server

    async def ping(self) -> None:
        """Returns when the store answers. Raises StoreAway."""
        await self._do("PING")

    async def check(self) -> str:
        """What the store promises, for the start-up log.

        Raises:
            StoreUnfit: with a line that says what to do.
        """
        try:
            told = await self._do("INFO", "server")
            with self._understanding:
                server = _info(told)
                version = server.get("valkey_version") or server["redis_version"]
                numbers = tuple(map(int, version.split(".")[:2]))
        except StoreAway as error:
            if str(error).startswith(REFUSED):
                raise StoreUnfit(_password_line(self._url, error)) from error
            raise StoreUnfit(
                f"the store at {_shown(self._url)} does not answer ({error}): start it, correct --store, "
                "or leave --store empty to use the one that comes with this program"
            ) from error
        if numbers < OLDEST_SERVER:
            raise StoreUnfit(f"the store at {_shown(self._url)} is version {version}: 7.0 or later is needed")
        try:
            await self._do("SPUBLISH", self.keys.prefix + "probe", "")
        except StoreAway as error:
            if not str(error).startswith("NOPERM"):
                raise StoreUnfit(f"the store at {_shown(self._url)} can't be used: {error}") from error
            raise StoreUnfit(
                f"the store at {_shown(self._url)} lets this user not publish ({error}): allow +@pubsub and the "
                f"channels {self.keys.prefix}*"
            ) from error
        return f"{server.get('server_name', 'redis')} {version}, {await self._durability()}"

    async def close(self) -> None:
        """Closes the connections; the next command makes new ones."""
        self.hang_up()
        if self._connecting is not None:
            self._connecting.cancel()
        await asyncio.sleep(0)  # the transports close in the loop's next round

    def hang_up(self) -> None:
        """Drops the connections without waiting: whoever waits for an answer gets `StoreAway` at once."""
        lines, self._lines = self._lines, []
        for line in lines:
            line.close("the connection was dropped")

    async def _durability(self) -> str:
        try:
            found = await self._do("CONFIG", "GET", "append*")
        except StoreAway:
            return "whether it writes to disk can't be seen (CONFIG is not allowed)"
        with self._understanding:
            append = dict(zip(found[::2], found[1::2], strict=True))
            synced = append.get(b"appendfsync", b"").decode()
        if append.get(b"appendonly") != b"yes":
            return "NO append-only file: what is acknowledged is lost when the store stops; set appendonly yes"
        if synced == "always":
            return "append-only file synced before each answer: what is acknowledged is on disk"
        return f"append-only file synced {synced}: power loss can lose the last seconds"

    async def _run(self, script: str, keys: Sequence[str], arguments: Sequence[Word]) -> Any:
        answer = await self._asked("EVALSHA", _SHA[script], len(keys), *keys, *arguments)
        if isinstance(answer, ReplyError):
            if str(answer).startswith("NOSCRIPT"):
                answer = await self._asked("EVAL", _SCRIPTS[script], len(keys), *keys, *arguments)
            if isinstance(answer, ReplyError):
                self._note(str(answer))
                raise self._refusal(str(answer))
        return answer

    async def _do(self, *words: Word) -> Any:
        answer = await self._asked(*words)
        if isinstance(answer, ReplyError):
            raise self._refusal(str(answer))
        return answer

    def _refusal(self, reply: str) -> StoreAway:
        """What to raise for a reply that is an error."""
        self._forget_server()
        if reply.startswith(ELSEWHERE):
            for line in [line for line in self._lines if not line.waiting]:
                line.close("the next one may lead to the primary")
        return StoreAway(explained(reply))

    def _note(self, reply: str) -> None:
        """The log says why the store refuses, and what to do, but not for every command."""
        word, now = reply.partition(" ")[0], time.monotonic()
        if now - self._noted.get(word, -NOTED_AGAIN) >= NOTED_AGAIN:
            self._noted[word] = now
            log.error("the store refuses: %s", explained(reply))

    async def _asked(self, *words: Word) -> Any:
        """The store's answer to a command; raises StoreAway when there is none within the time-out."""
        try:
            if (line := self._idle()) is not None:
                return await line.ask(*words)
            async with asyncio.timeout(self.timeout):
                return await (await self._another()).ask(*words)
        except OSError as error:  # TimeoutError is one
            self._forget_server()
            raise StoreAway(str(error) or f"no connection within {self.timeout:g} s") from error

    def _idle(self) -> Line | None:
        """The connection with the least to do, unless there is a crowd on each and another may be opened."""
        best, lines = None, 0
        for line in self._lines:
            if not line.lost.done():
                if not line.waiting:
                    return line
                lines += 1
                if best is None or len(line.waiting) < len(best.waiting):
                    best = line
        if best is not None and len(best.waiting) >= CROWD and lines < self._most:
            return None
        return best

    async def _another(self) -> Line:
        """One connection more, made once for everybody who wants it now."""
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(self._connected)
        return await asyncio.shield(self._connecting)

    async def _connect(self) -> Line:
        async with asyncio.timeout(self.timeout):
            server = await self.server()
            line = await connect(server, self._line)
            try:
                await _introduced(line, server, database(self._url))
            except BaseException:
                line.close()
                raise
        return line

    def _connected(self, task: "asyncio.Task[Line]") -> None:
        self._connecting = None
        if not task.cancelled() and task.exception() is None:
            self._lines = [*(line for line in self._lines if not line.lost.done()), task.result()]

    async def _locate(self) -> Server:
        seeds = seed_servers(self._url, self._password)
        if not self._url.startswith(CLUSTER):
            return seeds[0]
        from redis.crc import key_slot  # 50 ms, for a cluster alone

        slot = key_slot(self.keys.prefix.encode())
        reasons: list[str] = []
        for seed in seeds:
            try:
                async with asyncio.timeout(self.timeout / len(seeds)):
                    ranges = await self._ask_once(seed, "CLUSTER", "SLOTS")
                with self._understanding:
                    found = [
                        seed._replace(host=master[0].decode() or seed.host, port=int(master[1]))
                        for first, last, master, *_ in ranges
                        if first <= slot <= last
                    ]
            except (OSError, StoreAway) as error:
                reasons.append(f"{seed.host}:{seed.port}: {str(error) or type(error).__name__}")
                continue
            if found:
                return found[0]
            reasons.append(f"{seed.host}:{seed.port}: nobody serves slot {slot}")
        raise StoreAway("; ".join(reasons))

    async def _ask_once(self, server: Server, *words: Word) -> Any:
        """A server's answer on a connection of its own."""
        line = await connect(server, self._line)
        try:
            await _introduced(line, server, 0)
            answer = await line.ask(*words)
        finally:
            line.close()
        if isinstance(answer, ReplyError):
            raise StoreAway(str(answer))
        return answer

    def _line(self) -> Line:
        return Line(self.timeout)

    def _forget_server(self) -> None:
        """On a cluster the slot may have moved: the next call looks for its master again."""
        if self._url.startswith(CLUSTER):
            self._server = None
            self.hang_up()

    def _documents(self, parts: Sequence[bytes]) -> dict[str, Document]:
        found = {}
        for at in range(0, len(parts), 5):
            key, v, r, s, body = parts[at : at + 5]
            name = self.keys.name(key)
            found[name] = _document(name, f"{v.decode()} {r.decode()}", s, body)
        return found


async def _introduced(line: Line, server: Server, database: int) -> None:
    """Says who we are and which database we want; raises StoreAway with what the store has against it."""
    for words in filter(None, (credentials(server), ("SELECT", database) if database else ())):
        answer = await line.ask(*words)
        if isinstance(answer, ReplyError):
            raise StoreAway(str(answer))


_encode = msgspec.json.Encoder().encode


def _info(text: bytes) -> dict[str, str]:
    lines = (line.partition(":") for line in text.decode().splitlines())
    return {name: value for name, colon, value in lines if colon}


def _document(name: str, revision: str, s: str | bytes, body: bytes) -> Document:
    try:
        value = decoder(name).decode(body) if body else None
        return Document(name, int(revision.partition(" ")[0]), revision, int(s), value)
    except (MsgspecError, KeyError, ValueError, RecursionError) as error:
        raise StoreAway(f"the document {name!r} can't be read: {error}") from error


def _record(stored: bytes) -> Record | None:
    if not stored:
        return None
    fingerprint, s, answer = stored.split(b" ", 2)
    return Record(fingerprint.decode(), int(s), answer)


def same_meaning(record: Record, meant: str) -> bool:
    """Whether an op that comes again means what it meant the first time."""
    return record.fingerprint == _hashed(meant)


def _hashed(meant: str) -> str:
    return hashlib.sha256(meant.encode()).hexdigest()[:32]


def _shown(url: str) -> str:
    """The URL without its password."""
    scheme, _, rest = url.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}"


def _password_line(url: str, error: Exception) -> str:
    return (
        f"the store at {_shown(url)} refuses the password ({error}): put it into --store=redis://:PASSWORD@host:port/0 "
        "or into the environment as ORDERING_STORE_PASSWORD"
    )


_SHA = {name: hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest() for name, source in _SCRIPTS.items()}
