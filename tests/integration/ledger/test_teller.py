"""The teller: what is committed is told, in stream order, whatever happens (promise 8)."""

import asyncio

import pytest
from yarl import URL

from daemon.ledger import teller as tellers
from daemon.ledger.writer import Append, Writer
from daemon.mail.event import Type
from daemon.store import door
from tests.integration import way
from tests.integration.broker.conftest import Road
from tests.integration.ledger.audience import events, written
from tests.integration.ledger.conftest import living
from tests.integration.ledger.scene import Scene, numbers, put, told
from tests.waiting import until


async def test_each_event_is_told_once_and_in_order(scene: Scene) -> None:
    """While two writers append, everything is told once, each stream in its order."""
    texts = {name: [f"{name}{number}" for number in numbers(150)] for name in "ab"}
    async with scene.telling() as (teller, _):
        async with asyncio.TaskGroup() as group:
            for name in "ab":
                group.create_task(put(scene.writer(teller), texts[name]))
        await told(teller)
        await until(lambda: len(scene.heard) >= 300)
    assert len(scene.texts) == len(scene.heard) == 300
    for name in "ab":
        assert [text for text in scene.texts if text.startswith(name)] == texts[name]
    assert await scene.is_told()


async def test_what_memory_does_not_hold_is_read_from_the_ledger(scene: Scene, monkeypatch) -> None:
    """More than memory should hold is told all the same: once, in order, under the same ids."""
    monkeypatch.setattr(tellers, "_LIMIT", 20)
    async with scene.telling() as (teller, _):
        await put(scene.writer(teller), numbers(200))
        assert teller.untold < 30
        await told(teller)
        await until(lambda: len(scene.heard) >= 200)
    assert [text for _, text in scene.heard] == scene.texts == numbers(200)


async def test_a_broker_that_is_away_delays_and_loses_nothing(scene: Scene) -> None:
    """What is committed while the broker is away is told when it is back, in its order."""
    road = Road(URL(scene.url))
    await road.open()
    async with scene.telling(url=road.url) as (teller, link):
        writer = scene.writer(teller)
        await put(writer, numbers(30))
        await told(teller)
        road.close()
        await put(writer, numbers(30, 30))
        await until(lambda: not link.is_up)
        assert teller.untold == 30
        await road.open()
        await told(teller)
        await until(lambda: len(scene.texts) == 60)
    assert scene.texts == numbers(60)
    assert await scene.is_told()
    road.close()


async def test_a_database_that_is_away_delays_and_loses_nothing(
    scene: Scene, dsn: str, listener
) -> None:
    """What has to be read while the database is away is read when it is back."""
    writer = Writer(scene.store, listener, instance=scene.instance, kind="t")
    await put(writer, numbers(20), at_once=5)
    async with way.to(dsn) as road, door.opened(door.Reach(dsn=road.dsn, role="test")) as fragile:
        road.close()
        async with scene.telling(store=fragile) as (teller, _):
            teller.offer(listener.told[15:])  # what comes before it is in the ledger only
            for _ in range(3):
                await asyncio.sleep(tellers._PAUSE)
            await road.open()
            await told(teller)
            await until(lambda: len(scene.texts) == 20)
    assert scene.texts == numbers(20)
    assert await scene.is_told()


async def test_a_repeated_fact_is_on_record_and_not_told(scene: Scene) -> None:
    """What came too late to move anything is passed over, and holds nothing up (promise 3)."""
    async with scene.telling() as (teller, _):
        writer = scene.writer(teller)
        for kind in (Type.DELIVERY_SENT, Type.DELIVERY_REPEATED, Type.DELIVERY_REPEATED):
            async with writer.transaction() as append:
                await append.events(events(kind.value, kind=kind))
        await told(teller)
        await until(lambda: scene.heard)
    assert scene.texts == ["delivery.sent"]
    assert await scene.is_told()


async def test_what_the_dead_left_is_told_under_the_same_ids(scene: Scene, listener) -> None:
    """A dead instance's events are told by whoever adopts its streams, from the first untold on."""
    dead = await living(scene.store)
    writer = Writer(scene.store, listener, instance=dead, kind="t")
    await put(writer, "abc", at_once=1)
    first, *others = listener.told
    await scene.store.run("stream.told", first.stream, 1, first.at, dead)
    async with scene.telling() as (teller, _):
        assert await teller.adopt() == 0
        await scene.bare.execute("DELETE FROM instance WHERE id = $1", dead)
        assert await teller.adopt() == 1
        assert await teller.adopt() == 0
        await told(teller)
        await until(lambda: len(scene.heard) >= 2)
        assert not teller._queues
    assert scene.heard == [(str(told.id), told.event.text) for told in others]


async def test_a_stream_that_has_ended_is_told_to_its_end_and_forgotten(scene: Scene) -> None:
    """After a writer has closed nothing of it stays in memory, and nobody can append to it."""
    async with scene.telling() as (teller, _):
        for text in "abc":
            writer = scene.writer(teller)
            await written(writer, text)
            await writer.close()
        await told(teller)
        await until(lambda: len(scene.heard) >= 3)
        assert not teller._queues
    assert await scene.bare.fetchval("SELECT count(*) FROM stream WHERE closed") == 3


async def test_a_commit_nobody_heard_of_is_told(scene: Scene, dsn: str) -> None:
    """An event whose commit was never answered is in the ledger, and so it is told."""
    async with (
        way.to(dsn) as road,
        door.opened(door.Reach(dsn=road.dsn, role="test", connect_timeout=1.0)) as fragile,
        scene.telling() as (teller, _),
    ):

        async def deafen(_append: Append) -> None:
            road.deafen()

        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await written(scene.writer(teller, store=fragile), "a", then=deafen)
        await told(teller)
        await until(lambda: scene.heard)
    assert scene.texts == ["a"]
    assert await scene.is_told()
