"""A Tornado that only relays: the baseline for what a larger house costs this machine, whatever is done in it.

    python tests/bench/relay.py PORT STORE_SOCKET

Phones of a table connect to /table/NUMBER. What one of them sends is published through Redis with nothing looked at
but its `op`, is answered, and goes to all phones of the table with the next number of its versions. No state but that
number; nothing is stored, checked or rendered, and nobody is asked whether they are still there.
"""

import sys
from contextlib import suppress
from typing import Any

import msgspec
import redis.asyncio
import tornado.web
import uvloop
from redis.asyncio.client import PubSub
from tornado.websocket import WebSocketClosedError, WebSocketHandler

FILLING = "x" * 300  # as long as ours, of which most is what has changed


class Command(msgspec.Struct):
    """What a phone sends."""

    op: str


class Table:
    """Who is there, and how many messages there were."""

    def __init__(self) -> None:
        self.phones: set[Live] = set()
        self.v = 0

    def push(self) -> bytes:
        """To each phone."""
        return b'{"v":%d,"set":{"main":"%s"}}' % (self.v, FILLING.encode())


class Live(WebSocketHandler):
    """A phone."""

    def initialize(self, tables: dict[bytes, Table], store: "redis.asyncio.Redis[Any]", messages: PubSub) -> None:
        """Called by Tornado."""
        self.tables, self.store, self.messages = tables, store, messages

    async def open(self, number: str) -> None:
        """Sits down."""
        self.set_nodelay(True)
        self.channel = b"table:" + number.encode()
        table = self.tables.get(self.channel)
        if table is None:
            table = self.tables[self.channel] = Table()
            await self.messages.subscribe(self.channel)
        self.table = table
        self.table.phones.add(self)
        self.write_message(self.table.push())

    async def on_message(self, message: str | bytes) -> None:
        """Passes it on."""
        command = msgspec.json.decode(message, type=Command)
        await self.store.publish(self.channel, message)
        self.write_message(msgspec.json.encode(command))

    def on_close(self) -> None:
        """Has left."""
        self.table.phones.discard(self)


async def main(port: int, socket: str) -> None:
    """Until it is killed."""
    store = redis.asyncio.Redis(unix_socket_path=socket)
    tables: dict[bytes, Table] = {}
    messages = store.pubsub()
    await messages.subscribe("ready")  # to one at least, before it listens
    pages = [(r"/table/(\d+)", Live, {"tables": tables, "store": store, "messages": messages})]
    tornado.web.Application(pages).listen(port, "127.0.0.1")
    async for message in messages.listen():
        if message["type"] == "message":
            table = tables[message["channel"]]
            table.v += 1
            push = table.push()
            for phone in table.phones:
                with suppress(WebSocketClosedError):  # it is about to leave
                    phone.write_message(push)


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), sys.argv[2]))
