"""Several instances over one database: who leads, who is who, and what may come too late."""

import asyncio
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest

from daemon.mail.outcome import InDoubt
from daemon.store import claims, door, errors, instances, orphans, upkeep
from tests.forms import form
from tests.integration.dispatch.facts import claimed, facts, settling
from tests.integration.dispatch.test_rescue import rescuing
from tests.integration.dispatch.test_settling import OK
from tests.integration.dispatch.works import working
from tests.waiting import until

ROUNDS = form(20, 1000)
"""Of what several do at once."""
STUCK = form(60, 10_001)
"""Claims that can't be freed: more than a rescuer looks at together."""
_DEAD = "UPDATE instance SET lease_until = now() - interval '10 s' WHERE id = $1"


async def _owned(ground, number: int) -> bool:
    return await ground.owned() == number


async def test_two_leaders(ground) -> None:
    """W4: however many promote at once, everything gets the rank that one alone had given it."""
    for _ in range(40):
        await ground.job(1)

    async def lead() -> None:
        for _ in range(ROUNDS):
            await claims.promote(ground.store)

    async with asyncio.TaskGroup() as group:
        for _ in range(4):
            group.create_task(lead())
    ranks = await ground.bare.fetch("SELECT rank FROM batch ORDER BY rank")
    assert [row["rank"] for row in ranks] == list(range(1, 41))
    assert await ground.bare.fetchval("SELECT last_rank FROM turn") == 40


async def test_two_sweeps(ground, link, tmp_path) -> None:
    """W4: two who rescue the same dead at once, again and again, decide each delivery once."""
    async with rescuing(ground, link, folder=tmp_path), rescuing(ground, link):
        for _ in range(ROUNDS):
            dead = await ground.instance()
            await ground.job(3)
            (batch,) = await claimed(ground, dead)
            await ground.bare.execute(
                "UPDATE batch SET state = 'wuw', due_at = 'infinity' WHERE id = $1", batch.id
            )
            await ground.bare.execute(_DEAD, dead)
            await until(lambda: _owned(ground, 0))
    assert await ground.letters() == "wdw" * ROUNDS
    assert await ground.told("delivery.in_doubt") == ROUNDS
    assert await ground.keeps_the_law()


async def test_a_leader_that_freezes(ground) -> None:
    """W5: who stops in mid-promotion keeps the lead until the server has enough of him.

    Then another one promotes, and what he wakes up to is an outage: he changes nothing any more.
    """
    async with door.opened(door.Reach(dsn=ground.dsn, role="frozen")) as store:
        with pytest.raises(errors.Unavailable):
            await _leads_and_freezes(ground, store)
    assert await ground.bare.fetchval("SELECT count(rank) FROM batch") == 1


async def _leads_and_freezes(ground, store: door.Store) -> None:
    async with store.transaction() as session:
        await session._connection.execute("SET idle_in_transaction_session_timeout = '500ms'")
        await session.rows("promote.due", 1000)
        await ground.job(1)
        await claims.promote(ground.store)
        assert await ground.bare.fetchval("SELECT count(rank) FROM batch") == 0
        await until(lambda: _promoted(ground))
        await session.rows("promote.due", 1000)


async def _promoted(ground) -> bool:
    await claims.promote(ground.store)
    return bool(await ground.bare.fetchval("SELECT count(rank) FROM batch"))


@pytest.mark.parametrize("at", ["prepare", "copy"])
async def test_frozen_within_a_statement(ground, at: str) -> None:
    """W2: who freezes within a statement doesn't keep its locks, and what it wakes to is an outage.

    The server would wait for the rest of it for ever. Whoever is at work, however long, goes on.
    """
    async with (
        door.opened(door.Reach(dsn=ground.dsn, role="test")) as store,
        asyncio.TaskGroup() as group,
    ):
        working = group.create_task(_works(ground.store))
        with pytest.raises(errors.Unavailable):
            await _locks_and_freezes(ground, store, at)
    await ground.job(1)
    assert working.result()
    assert not await ground.bare.fetchval("SELECT count(*) FROM customer WHERE name = 'three'")


async def _works(store: door.Store) -> bool:
    async with store.session() as session:
        return await session._connection.fetchval("SELECT pg_sleep(1.5) IS NOT NULL")


async def _locks_and_freezes(ground, store: door.Store, at: str) -> None:
    async def lines() -> AsyncIterator[bytes]:
        await until(lambda: upkeep.end_frozen(ground.store, 0.5))
        yield b"3\tthree\n"

    async with store.transaction() as session:
        await session._connection.execute("LOCK TABLE job")
        if at == "copy":
            await session.copy_text("customer", ["id", "name"], lines())
        else:
            await session._connection.prepare("SELECT $1::integer")
            await until(lambda: upkeep.end_frozen(ground.store, 0.5))
        await session.rows("clock.now")


async def test_a_name_is_no_identity(ground, link, tmp_path) -> None:
    """W6: a hundred starts under one name are a hundred instances: nothing is taken by name."""
    made = [
        instances.Instance(id=uuid4(), name="pod-0", host="h", state_dir="/", version="0")
        for _ in range(100)
    ]
    for one in made:
        await instances.register(ground.store, one, 60.0)
    await ground.job(2)
    (batch,) = await claimed(ground, made[0].id)
    async with rescuing(ground, link, folder=tmp_path):
        await instances.leave(ground.store, made[1].id)
        for _ in range(3):
            assert not await instances.beat(ground.store, made[1].id, 60.0, draining=False)
            assert await _owner(ground, batch.id) == made[0].id
        await instances.leave(ground.store, made[0].id)
        await until(lambda: _owned(ground, 0))


async def _owner(ground, batch: int) -> UUID | None:
    return await ground.bare.fetchval("SELECT owner FROM batch WHERE id = $1", batch)


async def test_the_heartbeats_are_deleted(ground, link, relay) -> None:
    """W7: whoever has no row is dead to the others, and gets no permit; his work is theirs."""
    gone = await ground.instance()
    await ground.job(3)
    (batch,) = await claimed(ground, gone)
    await ground.bare.execute("UPDATE batch SET state = 'www'")
    await ground.bare.execute("TRUNCATE instance CASCADE")
    asks = [claims.Ask(delivery_id=batch.id * 512, epoch=batch.epoch, supp="", retry_id=None)]
    assert await claims.permit(ground.store, gone, asks) == {}
    assert not await instances.beat(ground.store, gone, 60.0, draining=False)
    async with working(ground.store, relay, link):
        await until(lambda: ground.finished(1), seconds=20)
    assert sorted(relay.sent.values()) == [1, 1, 1]


async def test_a_success_that_overtakes_its_rescue(ground) -> None:
    """W8: what completes between the rescuer's look and his verdict stays completed."""
    slow, me = await ground.instance(), await ground.instance()
    await ground.job(2)
    (batch,) = await claimed(ground, slow)
    await ground.bare.execute(_DEAD, slow)
    (left,) = await orphans.batches(ground.store, [slow], me, known=[], after=0, limit=50)
    async with settling(ground.store, slow) as settler:
        await settler.settled(facts(batch, [OK]))
    async with settling(ground.store, me) as settler:
        await settler.settled([one.fact(InDoubt(reason="died")) for one in left.orphans])
    await orphans.free_batches(ground.store, [left])
    assert await ground.letters() == "sd"
    assert await ground.told("delivery.sent") == 1
    assert await ground.told("delivery.in_doubt") == 1
    assert await ground.owned() == 0
    assert await ground.keeps_the_law()


async def test_what_can_not_be_rescued_is_in_nobodys_way(ground, link, tmp_path) -> None:
    """W9: more than a page of claims that can't be freed don't keep the one behind them."""
    dead = await ground.instance()
    for _ in range(STUCK + 1):
        await ground.job(1)
    batches: list[claims.Batch] = []
    while more := await claimed(ground, dead):
        batches += more
    await ground.bare.execute("UPDATE batch SET state = 'w'")
    last = max(batch.id for batch in batches)
    await ground.bare.execute(
        "CREATE FUNCTION stuck() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;"
        "CREATE TRIGGER stuck BEFORE UPDATE ON batch FOR EACH ROW"
        f" WHEN (OLD.id < {last}) EXECUTE FUNCTION stuck()"
    )
    await ground.bare.execute(_DEAD, dead)
    async with rescuing(ground, link, folder=tmp_path):
        await until(lambda: _owned(ground, STUCK), seconds=form(10, 60))
    assert await _owner(ground, last) is None


async def test_nobody_is_told_of_what_is_due(ground, link, relay) -> None:
    """W16: without any NOTIFY what is due is found by the next look."""
    async with working(ground.store, relay, link):
        for number in range(1, 4):
            await ground.job(2)
            await until(lambda number=number: ground.finished(number))
    assert len(relay.sent) == 6
