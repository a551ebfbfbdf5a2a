"""The teller: what is committed is told in stream order, whatever happens in between (promise 8)."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import UUID

import aio_pika
import pytest
from yarl import URL

from daemon.broker import connection, declare, topology
from daemon.broker.connection import Link
from daemon.broker.publisher import BatchPublisher
from daemon.broker.topology import Names
from daemon.config.sections import Events
from daemon.ledger import teller as tellers
from daemon.ledger.teller import Teller
from daemon.ledger.writer import Writer
from daemon.mail.event import Type
from daemon.store import door
from tests.integration import way
from tests.integration.broker.conftest import Road
from tests.integration.ledger.audience import events, until
from tests.integration.ledger.conftest import living

pytestmark = pytest.mark.usefixtures("impatient")
PACE = Events(batch=50, confirm_timeout=2.0)


@pytest.fixture
def impatient(monkeypatch) -> None:
    """What couldn't be told is tried again soon."""
    monkeypatch.setattr(tellers, "_PAUSE", 0.05)


@pytest.fixture
async def names(url: str, prefix: str) -> AsyncIterator[Names]:
    """The names of a topology that exists as long as the test."""
    await declare.apply(url, prefix)
    yield topology.names(prefix)
    async with await aio_pika.connect(url, timeout=10) as plain, plain.channel() as channel:
        for queue in topology.queues(prefix):
            await channel.queue_delete(queue.name)
        for exchange in topology.exchanges(prefix):
            await channel.exchange_delete(exchange.name)


@pytest.fixture
async def heard(url: str, names: Names) -> AsyncIterator[list[tuple[str, str]]]:
    """Ids and texts of the events that were told, repeats included."""
    found: list[tuple[str, str]] = []

    async def take(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        document = json.loads(message.body)
        assert message.message_id == document["id"]
        found.append((document["id"], document["data"]["text"]))

    async with await aio_pika.connect(url, timeout=10) as plain, plain.channel() as channel:
        queue = await channel.declare_queue(exclusive=True)
        await queue.bind(names.events, "#")
        await queue.consume(take, no_ack=True)
        yield found


@pytest.fixture
async def link(url: str) -> AsyncIterator[Link]:
    """A link straight to the broker."""
    async with connection.connect(url, instance="test", role="test") as link:
        yield link


@asynccontextmanager
async def telling(
    store: door.Store, link: Link, names: Names, instance: UUID
) -> AsyncIterator[Teller]:
    """A teller at work."""
    teller = Teller(
        store, BatchPublisher(link), instance=instance, exchange=names.events, pace=PACE
    )
    async with asyncio.TaskGroup() as group:
        task = group.create_task(teller.run())
        yield teller
        task.cancel()


async def _write(writer: Writer, texts: list[str], *, at_once: int = 7) -> None:
    for start in range(0, len(texts), at_once):
        async with writer.transaction() as append:
            await append.events(events(*texts[start : start + at_once]))


async def _told(teller: Teller) -> None:
    async with asyncio.timeout(10):
        await teller.drained()


async def test_each_event_is_told_once_and_in_order(
    store, instance, link, names, heard, bare
) -> None:
    """While two writers append, everything is told once, each stream in its order."""
    texts = {name: [f"{name}{number:03}" for number in range(150)] for name in "ab"}
    async with telling(store, link, names, instance) as teller:
        async with asyncio.TaskGroup() as group:
            for name in "ab":
                writer = Writer(store, teller, instance=instance, kind="t")
                group.create_task(_write(writer, texts[name]))
        await _told(teller)
        await until(lambda: len(heard) >= 300)
    assert len(dict(heard)) == len(heard) == 300
    for name in "ab":
        assert [text for _, text in heard if text.startswith(name)] == texts[name]
    assert await bare.fetchval("SELECT bool_and(told_seq = last_seq) FROM stream")


async def test_what_memory_does_not_hold_is_read_from_the_ledger(
    store, instance, link, names, heard, monkeypatch
) -> None:
    """More than memory should hold is told all the same: once, in order, under the same ids."""
    monkeypatch.setattr(tellers, "_LIMIT", 20)
    texts = [f"{number:03}" for number in range(200)]
    async with telling(store, link, names, instance) as teller:
        await _write(Writer(store, teller, instance=instance, kind="t"), texts)
        assert teller.untold < 30
        await _told(teller)
        await until(lambda: len(heard) >= 200)
    assert [text for _, text in heard] == texts
    assert len(dict(heard)) == 200


async def test_a_broker_that_is_away_delays_and_loses_nothing(
    url, store, instance, names, heard, bare
) -> None:
    """What is committed while the broker is away is told when it is back, in its order."""
    road = Road(URL(url))
    await road.open()
    texts = [f"{number:03}" for number in range(60)]
    async with (
        connection.connect(
            road.url, instance="test", role="fragile", heartbeat=1, seconds=2
        ) as link,
        telling(store, link, names, instance) as teller,
    ):
        writer = Writer(store, teller, instance=instance, kind="t")
        await _write(writer, texts[:30])
        await _told(teller)
        road.close()
        await _write(writer, texts[30:])
        await until(lambda: not link.is_up)
        assert teller.untold == 30
        await road.open()
        await _told(teller)
        await until(lambda: len({name for name, _ in heard}) == 60)
    first = {}
    for name, text in heard:
        first.setdefault(name, text)
    assert list(first.values()) == texts
    assert await bare.fetchval("SELECT told_seq = last_seq FROM stream")
    road.close()


async def test_a_database_that_is_away_delays_and_loses_nothing(
    dsn, store, instance, link, names, heard, monkeypatch
) -> None:
    """What has to be read while the database is away is read when it is back."""
    monkeypatch.setattr(tellers, "_LIMIT", 5)
    texts = [f"{number:03}" for number in range(20)]
    async with (
        way.to(dsn) as road,
        door.opened(door.Reach(dsn=road.dsn, role="test")) as fragile,
    ):
        road.close()
        async with telling(fragile, link, names, instance) as teller:
            await _write(Writer(store, teller, instance=instance, kind="t"), texts)
            await until(lambda: heard)
            await road.open()
            await _told(teller)
            await until(lambda: len({name for name, _ in heard}) == 20)
    assert sorted({text for _, text in heard}) == texts


async def test_a_repeated_fact_is_on_record_and_not_told(
    store, instance, link, names, heard, bare
) -> None:
    """What came too late to move anything is passed over, and holds nothing up (promise 3)."""
    async with telling(store, link, names, instance) as teller:
        writer = Writer(store, teller, instance=instance, kind="t")
        for kind in (Type.DELIVERY_SENT, Type.DELIVERY_REPEATED, Type.DELIVERY_REPEATED):
            async with writer.transaction() as append:
                await append.events(events(kind.value, kind=kind))
        await _told(teller)
        await until(lambda: heard)
    assert [text for _, text in heard] == ["delivery.sent"]
    assert await bare.fetchval("SELECT told_seq FROM stream") == 3


async def test_what_the_dead_left_is_told_under_the_same_ids(
    store, instance, link, names, heard, listener, bare
) -> None:
    """A dead instance's events are told by whoever adopts its streams, from the first untold on."""
    dead = await living(store)
    await _write(Writer(store, listener, instance=dead, kind="t"), ["a", "b", "c"], at_once=1)
    await store.run("stream.told", listener.told[0].stream, 1, listener.told[0].at, dead)
    async with telling(store, link, names, instance) as teller:
        assert await teller.adopt() == 0
        await bare.execute("DELETE FROM instance WHERE id = $1", dead)
        assert await teller.adopt() == 1
        assert await teller.adopt() == 0
        await _told(teller)
        await until(lambda: len(heard) >= 2)
        assert not teller._queues
    assert heard == [(str(told.id), told.event.text) for told in listener.told[1:]]


async def test_a_stream_that_has_ended_is_told_to_its_end_and_forgotten(
    store, instance, link, names, heard, bare
) -> None:
    """After a writer has closed nothing of it stays in memory, and nobody can append to it."""
    async with telling(store, link, names, instance) as teller:
        for text in "abc":
            writer = Writer(store, teller, instance=instance, kind="t")
            await _write(writer, [text])
            await writer.close()
        await _told(teller)
        await until(lambda: len(heard) >= 3)
        assert not teller._queues
    assert await bare.fetchval("SELECT count(*) FROM stream WHERE closed") == 3


async def test_a_commit_nobody_heard_of_is_told(
    dsn, store, instance, link, names, heard, bare
) -> None:
    """An event whose commit was never answered is in the ledger, and so it is told."""
    async with (
        way.to(dsn) as road,
        door.opened(door.Reach(dsn=road.dsn, role="test")) as fragile,
        telling(store, link, names, instance) as teller,
    ):
        writer = Writer(fragile, teller, instance=instance, kind="t")
        with pytest.raises(asyncio.TimeoutError):
            async with asyncio.timeout(0.5), writer.transaction() as append:
                await append.events(events("a"))
                road.deafen()
        await _told(teller)
        await until(lambda: heard)
    assert [text for _, text in heard] == ["a"]
    assert await bare.fetchval("SELECT told_seq = last_seq AND closed FROM stream")
