"""Rescue: what the dead held is decided and free again, what has expired is ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID

from daemon.broker.publisher import BatchPublisher
from daemon.config.sections import Events
from daemon.dispatch.held import Holdings, of_batches
from daemon.dispatch.rescue import Rescue
from daemon.ledger.teller import Teller
from daemon.ledger.writer import Writer
from daemon.store import claims
from tests.integration.dispatch.facts import claimed, facts, retried, settling
from tests.integration.dispatch.test_settling import NOT_NOW, OK
from tests.integration.ledger.audience import Listener, written
from tests.waiting import until


@asynccontextmanager
async def rescuing(ground, link, holdings: Holdings | None = None) -> AsyncIterator[UUID]:
    """Somebody alive who looks for the dead all the time."""
    me = await ground.instance()
    teller = Teller(
        ground.store, BatchPublisher(link), instance=me, exchange="nowhere", pace=Events()
    )
    async with settling(ground.store, me) as settler, asyncio.TaskGroup() as group:
        rescue = Rescue(
            ground.store, settler, teller, holdings or Holdings(), instance=me, every=0.05
        )
        task = group.create_task(rescue.run())
        yield me
        task.cancel()


async def _nobody_owns(ground) -> bool:
    return await ground.owned() == 0


async def _dies(ground, instance: UUID) -> None:
    await ground.bare.execute("UPDATE instance SET lease_until = now() WHERE id = $1", instance)


async def test_what_the_dead_had_under_way_is_in_doubt(ground, link) -> None:
    """What waited waits again, what was under way is a doubt, told once, and tried again."""
    dead = await ground.instance()
    await ground.job(4)
    await ground.job(3)
    first, second = await claimed(ground, dead)
    await ground.bare.execute("UPDATE batch SET state = 'wuwu' WHERE id = $1", first.id)
    async with settling(ground.store, dead) as settler:
        await settler.settled(facts(second, [OK, OK]))
    await _dies(ground, dead)
    async with rescuing(ground, link), rescuing(ground, link):
        await until(lambda: _nobody_owns(ground))
    assert await ground.letters() == "wdwd" + "ssd"
    assert await ground.told("delivery.in_doubt") == 3
    assert await ground.bare.fetchval("SELECT count(*) FROM doubt WHERE reason = 'died'") == 3
    assert await ground.bare.fetchval("SELECT bool_and(rank IS NULL) FROM batch")
    assert await ground.keeps_the_law()


async def test_the_retry_rows_of_the_dead(ground, link) -> None:
    """A retry row that was only claimed waits again with its tries; one under way is a doubt."""
    dead = await ground.instance()
    await ground.job(2)
    (batch,) = await claimed(ground, dead)
    async with settling(ground.store, dead) as settler:
        await settler.settled(facts(batch, [NOT_NOW] * 2))
    await retried(ground, dead)
    await ground.bare.execute("UPDATE batch SET state = 'dr'")
    await _dies(ground, dead)
    async with rescuing(ground, link):
        await until(lambda: _nobody_owns(ground))
    assert await ground.letters() == "dd"
    rows = await ground.bare.fetch("SELECT attempt FROM retry ORDER BY position")
    assert [row["attempt"] for row in rows] == [1, 2]
    assert await ground.told("delivery.in_doubt") == 1
    assert await ground.keeps_the_law()


async def test_a_claim_nobody_heard_of_is_given_back(ground, link) -> None:
    """What is ours without our knowing it, for the answer was lost, is found and free again."""
    await ground.job(5)
    await ground.job(2)
    holdings = Holdings()
    async with rescuing(ground, link, holdings) as me:
        async with holdings.taking:  # as the claimer does
            await claims.promote(ground.store)
            batches, deliveries = await claims.batches(ground.store, ground.lanes[1], 1, me, 6)
            holdings.add(of_batches(batches[:1], deliveries[:5], 1))
            await claims.batches(ground.store, ground.lanes[1], 1, me, 500)
            assert await ground.owned() == 2
        await until(lambda: _one_is_owned(ground))
        assert (
            await ground.bare.fetchval("SELECT id FROM batch WHERE owner = $1", me) == batches[0].id
        )
        assert await ground.bare.fetchval("SELECT bool_and(state !~ '[^w]') FROM batch")
    assert await ground.told("delivery.in_doubt") == 0


async def _one_is_owned(ground) -> bool:
    return await ground.owned() == 1


async def test_what_has_expired_is_ended(ground, link) -> None:
    """What waits or is deferred beyond its time ends, told as expired, and so does its job."""
    me = await ground.instance()
    await ground.job(600)
    await ground.job(3, due=timedelta(hours=1))
    (batch, _) = await claimed(ground, me)
    async with settling(ground.store, me) as settler:
        await settler.settled(facts(batch, [NOT_NOW] * 5))
    await claims.give_back(ground.store, me, batches=[batch.id], retries=[])
    await _dies(ground, me)
    await ground.bare.execute("UPDATE batch SET state = translate(state, 'u', 'w')")
    await ground.bare.execute("UPDATE job SET expires_at = now()")
    async with rescuing(ground, link), rescuing(ground, link):
        await until(lambda: ground.finished(2))
    assert await ground.letters() == "e" * 603
    assert await ground.told("delivery.expired") == 603
    assert await ground.told("job.completed") == 2
    assert await ground.owned() == 0
    assert await ground.bare.fetchval("SELECT count(*) FROM retry") == 0
    assert await ground.keeps_the_law()


async def test_nobody_alive_is_robbed(ground, link) -> None:
    """What the living hold stays theirs, whatever its state and its time."""
    me, dead = await ground.instance(), await ground.instance()
    await ground.job(3)
    (mine,) = await claimed(ground, me)
    await ground.bare.execute("UPDATE job SET expires_at = now()")
    await _dies(ground, dead)
    async with rescuing(ground, link):
        for _ in range(2):  # when the second is found a whole round has passed
            await ground.job(1)
            await claimed(ground, dead)
            await until(lambda: _one_is_owned(ground))
    row = await ground.bare.fetchrow("SELECT state, owner FROM batch WHERE id = $1", mine.id)
    assert tuple(row) == ("uuu", me)


async def test_the_untold_of_the_dead_finds_a_teller(ground, link) -> None:
    """A dead instance's stream is adopted, once, and closed against whoever still writes to it."""
    dead = await ground.instance()
    writer = Writer(ground.store, Listener(), instance=dead, kind="t")
    await written(writer, "a")
    await _dies(ground, dead)
    async with rescuing(ground, link), rescuing(ground, link):
        await until(lambda: ground.bare.fetchval("SELECT closed FROM stream"))
    assert await ground.bare.fetchval("SELECT epoch FROM stream") == 2
