"""Telling while the broker has a fault of its own: what waits, what is said, and nothing lost."""

import asyncio

import pytest
from yarl import URL

from daemon.broker import declare
from daemon.ledger import teller as tellers
from daemon.ledger.writer import Append, Writer
from daemon.mail.event import Type
from tests.forms import form
from tests.integration.broker.conftest import Road
from tests.integration.ledger.audience import events, written
from tests.integration.ledger.conftest import living
from tests.integration.ledger.scene import Scene, numbers, put, told
from tests.waiting import until


async def test_a_deleted_exchange(scene: Scene, prefix: str) -> None:
    """E2: without its exchange a stream stops and says why; it goes on when that is back."""
    async with scene.telling() as (teller, _):
        writer = scene.writer(teller)
        await put(writer, numbers(20))
        await told(teller)
        await scene.broker.exchange_delete(scene.names.events)
        await put(writer, numbers(20, 20))
        await until(lambda: "no exchange" in teller.why_waiting)
        assert not await scene.is_told()
        await declare.apply(scene.url, prefix)
        await told(teller)
        assert teller.why_waiting == ""
    assert await scene.is_told()
    await until(lambda: _is_complete(scene))


async def _is_complete(scene: Scene) -> bool:
    """Whether every event is with us, or where those go that nobody is bound to."""
    await scene.ear.bind(scene.names.events, "#")
    unrouted = await scene.broker.declare_queue(scene.names.unrouted, passive=True)
    return len(set(scene.texts)) + (unrouted.declaration_result.message_count or 0) == 40


async def test_a_lost_confirm(scene: Scene) -> None:
    """E3: what the broker has taken and couldn't say so is told again, under the same ids."""
    road = Road(URL(scene.url))
    await road.open()
    async with scene.telling(url=road.url) as (teller, _):
        writer = scene.writer(teller)
        await put(writer, ["first"])
        await told(teller)
        road.deafen()
        await put(writer, numbers(10), at_once=10)
        await until(lambda: len(scene.heard) == 11)
        road.cut()
        road.thaw()
        await told(teller)
        await until(lambda: len(scene.heard) == 21)
    assert scene.texts == ["first", *numbers(10)]
    assert scene.heard[1:11] == scene.heard[11:]
    road.close()


async def test_a_queue_that_is_full(scene: Scene) -> None:
    """E4: a stream whose event a queue refuses waits, and repeats nothing else; others go on."""
    arguments = {"x-max-length": 2, "x-overflow": "reject-publish"}
    full = await scene.broker.declare_queue(exclusive=True, arguments=arguments)
    await full.bind(scene.names.events, "delivery.bounced.#")
    async with scene.telling() as (teller, _):
        async with scene.writer(teller).transaction() as append:
            await append.events(events("a", "b", "c", kind=Type.DELIVERY_BOUNCED))
            await append.events(events("d", "e"))
        await until(lambda: "refused" in teller.why_waiting)
        await put(scene.writer(teller), numbers(50))
        await until(lambda: len(scene.texts) == 55)
        await until(lambda: scene.bare.fetchval(_TWO_AND_ALL))
        await full.purge()
        await told(teller)
    once = [text for _, text in scene.heard if text != "c"]
    assert sorted(once) == sorted(["a", "b", "d", "e", *numbers(50)])


_TWO_AND_ALL = "SELECT array_agg(told_seq ORDER BY number) = '{2,50}' FROM stream"


async def test_memory_is_bounded_while_nothing_can_be_told(
    scene: Scene, listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    """E1: however many streams wait, whoever left them, memory holds only so many events."""
    monkeypatch.setattr(tellers, "_LIMIT", 40)
    dead = await living(scene.store)
    for _ in range(8):
        await put(Writer(scene.store, listener, instance=dead, kind="t"), numbers(30))
    await scene.bare.execute("DELETE FROM instance WHERE id = $1", dead)
    road = Road(URL(scene.url))
    await road.open()
    async with scene.telling(url=road.url) as (teller, link):
        road.close()
        await until(lambda: not link.is_up)
        assert await teller.adopt() == 8
        for _ in range(8):
            await put(scene.writer(teller), numbers(30), at_once=1)
            assert teller.untold <= 80  # a page may be on its way while others are offered
        assert await scene.bare.fetchval("SELECT sum(last_seq - told_seq) FROM stream") == 480
        await road.open()
        await told(teller)
        await until(lambda: len(dict(scene.heard)) == 480)
    assert await scene.is_told()
    road.close()


MEANWHILE = form(100, 10_000)
"""Events of others while one transaction is open."""


@pytest.mark.timeout(form(60, 600))
async def test_a_long_transaction_commits_late(scene: Scene) -> None:
    """E9: what commits late is told, in its stream, whatever was told of others meanwhile."""
    async with scene.telling() as (teller, _):

        async def others(append: Append) -> None:
            for start in range(0, MEANWHILE, 100):
                await put(scene.writer(teller), numbers(100, start))
                await append.session.rows("clock.now")  # who does nothing for long is ended
            await until(lambda: len(scene.heard) == MEANWHILE, seconds=form(10, 300))

        await written(scene.writer(teller), "late", then=others)
        await told(teller)
        await until(lambda: len(scene.heard) == MEANWHILE + 1)
    assert scene.texts == [*numbers(MEANWHILE), "late"]


async def test_two_tellers(scene: Scene) -> None:
    """E10: what two instances tell, and would adopt of each other, is told once."""
    other = await living(scene.store)
    async with scene.telling() as (one, _), scene.telling(instance=other) as (two, _):
        writers = [scene.writer(one), scene.writer(two, instance=other)]
        async with asyncio.TaskGroup() as group:
            for writer in writers:
                group.create_task(put(writer, numbers(100)))
            for teller in (one, two) * 10:
                assert await teller.adopt() == 0
        await told(one)
        await told(two)
        await until(lambda: len(scene.heard) >= 200)
    assert len(scene.heard) == len(dict(scene.heard)) == 200


async def test_a_mark_that_must_wait_holds_up_nobody(scene: Scene) -> None:
    """While a writer holds its stream's row, that can't be marked, and the others are told."""
    road = Road(URL(scene.url))
    await road.open()
    async with scene.telling(url=road.url) as (teller, _):
        road.deafen()
        await put(scene.writer(teller), numbers(10))
        async with scene.bare.transaction():
            await scene.bare.execute("SELECT FROM stream FOR UPDATE")
            road.thaw()
            await put(scene.writer(teller), numbers(10, 10))
            await until(lambda: len(scene.heard) == 20)
            assert await scene.bare.fetchval("SELECT sum(told_seq) FROM stream") <= 10
        await told(teller)
    assert await scene.is_told()
    road.close()
