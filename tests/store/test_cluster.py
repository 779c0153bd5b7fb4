"""A cluster: everything of a shop is on the master of one slot, found and found again when it moves."""

import asyncio
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from machines import free_ports, short_folder, until
from redis import Redis
from redis.crc import key_slot
from redis.exceptions import ConnectionError as NotThere

from ordering.documents import STOCK
from ordering.embedded import _program
from ordering.shelf import Shelf
from ordering.stock import Stock
from ordering.store import Committed, Keys, Store, StoreAway


class Cluster:
    """Two masters that share the slots."""

    def __init__(self, folder: Path) -> None:
        first = free_ports(4)  # the bus has ports of its own: by itself it would take port + 10000, if there is such
        self.ports = [first, first + 1]
        self.processes = []
        for port in self.ports:
            home = folder / str(port)
            home.mkdir()
            command = [_program(), "--port", str(port), "--cluster-enabled", "yes"]
            command += ["--cluster-port", str(port + 2), "--dir", str(home), "--save", ""]
            self.processes.append(subprocess.Popen([*command, "--logfile", "log", "--bind", "127.0.0.1"]))
        self.nodes = [Redis(port=port, decode_responses=True) for port in self.ports]
        for node in self.nodes:
            until(lambda node=node: answers(node))
        self.nodes[0].execute_command("CLUSTER", "ADDSLOTSRANGE", 0, 8191)
        self.nodes[1].execute_command("CLUSTER", "ADDSLOTSRANGE", 8192, 16383)
        self.nodes[0].execute_command("CLUSTER", "MEET", "127.0.0.1", self.ports[1], self.ports[1] + 2)
        for node in self.nodes:
            until(lambda node=node: "cluster_state:ok" in str(node.execute_command("CLUSTER", "INFO")), 20)

    @property
    def url(self) -> str:
        """What `--store` takes."""
        return "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in self.ports)

    def move(self, slot: int) -> None:
        """Moves a slot with its keys to the other master, as an operator's resharding does."""
        ids = [node.execute_command("CLUSTER", "MYID") for node in self.nodes]
        source = 0 if slot < 8192 else 1
        target = 1 - source
        self.nodes[target].execute_command("CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source])
        self.nodes[source].execute_command("CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target])
        for key in self.nodes[source].execute_command("CLUSTER", "GETKEYSINSLOT", slot, 1000):
            self.nodes[source].execute_command("MIGRATE", "127.0.0.1", self.ports[target], key, 0, 5000)
        for place in (target, source):
            self.nodes[place].execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[target])

    def stop(self) -> None:
        """Ends it."""
        for node in self.nodes:
            node.close()
        for process in self.processes:
            process.terminate()
            process.wait(10)


def answers(node: "Redis[str]") -> bool:
    """Whether the node is up."""
    try:
        return bool(node.ping())
    except NotThere:
        return False


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Two masters."""
    with short_folder() as folder:
        made = Cluster(folder)
        try:
            yield made
        finally:
            made.stop()


@pytest.mark.parametrize("shop", ["main", "second", "third"])
def test_commits_and_messages_follow_the_slot(cluster: Cluster, shop: str) -> None:
    async def story() -> None:
        here, there = Store(cluster.url, shop), Store(cluster.url, shop)
        shelf = Shelf(there)
        shelf.start()
        await shelf.watch([STOCK])

        async def commits(op: str, left: int) -> Committed:
            async with asyncio.timeout(10):
                while True:
                    try:
                        seen = (await here.load([STOCK])).documents
                        outcome = await here.commit("lin", op, "m", b"{}", {}, seen, {STOCK: Stock(left={"a": left})})
                        assert isinstance(outcome, Committed), outcome
                        return outcome
                    except StoreAway:
                        await asyncio.sleep(0.05)

        async def sees(left: int) -> None:
            async with asyncio.timeout(10):
                while (held := shelf.newest(STOCK)) is None or held.value != Stock(left={"a": left}):
                    await asyncio.sleep(0.01)

        await commits("1", 1)
        await sees(1)
        cluster.move(key_slot(Keys(shop).prefix.encode()))
        # The listening process sends no command of its own: the server's word that the channel is gone must do.
        await commits("2", 2)
        await sees(2)
        await commits("3", 3)
        await sees(3)
        await shelf.stop()
        await here.close()
        await there.close()

    asyncio.run(story())
