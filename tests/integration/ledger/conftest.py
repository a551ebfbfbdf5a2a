"""A living instance, a writer's audience, and a scene in which everything told is heard."""

import json
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import aio_pika
import asyncpg
import pytest
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from daemon.broker import declare, topology
from daemon.broker.topology import Names
from daemon.ledger import teller as tellers
from daemon.store import door, instances
from tests.integration.ledger.audience import Listener
from tests.integration.ledger.scene import Scene


@pytest.fixture
async def instance(store: door.Store) -> UUID:
    """Somebody who is alive."""
    return await living(store)


async def living(store: door.Store) -> UUID:
    """Registers somebody who is alive for a minute."""
    one = instances.Instance(id=uuid4(), name="t", host="h", state_dir="/", version="0")
    await instances.register(store, one, 60.0)
    return one.id


@pytest.fixture
def listener() -> Listener:
    """Hears what a writer says it has committed."""
    return Listener()


@pytest.fixture
async def bare(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection beside the store, to look and to meddle."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


@pytest.fixture
async def broker(url: str) -> AsyncIterator[AbstractChannel]:
    """A channel of aio-pika's, to look and to meddle."""
    async with await aio_pika.connect(url, timeout=10) as plain, plain.channel() as channel:
        yield channel


@pytest.fixture
async def names(url: str, prefix: str, broker: AbstractChannel) -> AsyncIterator[Names]:
    """The names of a topology that exists as long as the test."""
    await declare.apply(url, prefix)
    yield topology.names(prefix)
    for queue in topology.queues(prefix):
        await broker.queue_delete(queue.name)
    for exchange in topology.exchanges(prefix):
        await broker.exchange_delete(exchange.name)


@pytest.fixture
async def scene(store, bare, instance, url, names, broker, monkeypatch) -> Scene:  # noqa: PLR0917
    """All of it, and a teller that soon tries again what couldn't be told."""
    monkeypatch.setattr(tellers, "_PAUSE", 0.05)
    heard: list[tuple[str, str]] = []

    async def take(message: AbstractIncomingMessage) -> None:
        document = json.loads(message.body)
        assert message.message_id == document["id"]
        heard.append((document["id"], document["data"]["text"]))

    ear = await broker.declare_queue(exclusive=True)
    await ear.bind(names.events, "#")
    await ear.consume(take, no_ack=True)
    return Scene(
        store=store,
        bare=bare,
        instance=instance,
        url=url,
        names=names,
        broker=broker,
        ear=ear,
        heard=heard,
    )
