"""Retention: what is finished and old goes, day by day, and leaves nothing that breaks a law."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from daemon.config.sections import Retention
from daemon.dispatch import retention
from daemon.mail import ids
from daemon.store import audits
from daemon.store import retention as kept
from tests.integration import till
from tests.integration.dispatch.conftest import Ground
from tests.integration.dispatch.facts import claimed, facts, settling
from tests.integration.dispatch.works import NOT_NOW, OK

KEPT = Retention()
NOW = datetime.now(UTC)
TABLES = ("batch", "message", "dropped_recipient")
# one statement, so that no row is without its job in between
_AGE = """
WITH j AS (
    UPDATE job SET id = $2, job_on = $3, accepted_at = $4,
                   finished_at = CASE WHEN finished_at IS NOT NULL THEN $4::timestamptz END
    WHERE id = $1
), m AS (
    UPDATE message SET job_id = $2 WHERE job_id = $1
), b AS (
    UPDATE batch SET job_id = $2, job_on = $3 WHERE job_id = $1
), r AS (
    UPDATE retry SET job_id = $2, job_on = $3 WHERE job_id = $1
)
UPDATE delivery SET job_id = $2, job_on = $3 WHERE job_id = $1
"""


async def aged(ground: Ground, job: UUID, days: int) -> tuple[UUID, date]:
    """As if a job, with all it has, had been accepted and ended so many days ago; id and day."""
    then = NOW - timedelta(days=days)
    new = ids.job_id(then, job.int & (1 << 74) - 1)
    await ground.bare.fetch("SELECT partition_made('delivery', $1)", then.date())
    await ground.bare.execute(_AGE, job, new, then.date(), then)
    return new, then.date()


async def sent(ground: Ground, size: int = 3) -> UUID:
    """A job all of whose mail was taken."""
    me = await ground.instance()
    job = await ground.job(size)
    (batch,) = await claimed(ground, me)
    async with settling(ground.store, me) as settler:
        await settler.settled(facts(batch, [OK] * size))
    return job


async def left(ground: Ground, job: UUID) -> dict[str, int]:
    """Rows that are left of a job."""
    of = {
        table: await ground.bare.fetchval(
            f"SELECT count(*) FROM {table} WHERE job_id = $1",
            job,
        )
        for table in (*TABLES, "delivery")
    }
    of["job"] = await ground.bare.fetchval("SELECT count(*) FROM job WHERE id = $1", job)
    return of


async def _is_sound(ground: Ground) -> bool:
    _, found = await audits.taken(ground.store, None, limit=20)
    # the ledger of those days isn't ours to make up
    return not [one for one in found if one.law not in ("events", "jobs", "facts")]


async def test_deliveries_go_and_counters_stay(ground: Ground) -> None:
    """A day past its time goes whole; what was counted stays with the job, and breaks no law."""
    old, day = await aged(ground, await sent(ground), 31)
    young, _ = await aged(ground, await sent(ground), 29)
    await ground.bare.execute(
        "INSERT INTO dropped_recipient (job_id, position, reason) VALUES ($1, 9, 'invalid')", old
    )
    await retention.retire(ground.store, KEPT, NOW)
    assert await left(ground, old) == dict.fromkeys((*TABLES, "delivery"), 0) | {"job": 1}
    assert (await left(ground, young))["delivery"] == 3
    assert await ground.bare.fetchval("SELECT sent FROM job WHERE id = $1", old) == 3
    assert await ground.bare.fetchval("SELECT to_regclass($1)", f"delivery_{day:%Y%m%d}") is None
    assert await ground.keeps_the_law()
    assert await _is_sound(ground)


async def test_nothing_unfinished_goes(ground: Ground) -> None:
    """A day with a job that isn't finished stays, whatever its age; days behind it may go."""
    me = await ground.instance()
    job = await ground.job(3)
    (batch,) = await claimed(ground, me)
    async with settling(ground.store, me) as settler:
        await settler.settled(facts(batch, [OK, OK, NOT_NOW]))
    open_one, day = await aged(ground, job, 500)
    other, _ = await aged(ground, await sent(ground), 499)
    await retention.retire(ground.store, KEPT, NOW)
    assert (await left(ground, open_one))["delivery"] == 3
    assert (await left(ground, open_one))["batch"] == 1
    assert sum((await left(ground, other)).values()) == 0
    assert not await kept.drop(ground.store, day)
    assert await ground.keeps_the_law()


async def test_jobs_go_last(ground: Ground) -> None:
    """A job is forgotten when its own time is over, not with its deliveries; its costs stay."""
    young, _ = await aged(ground, await sent(ground), 399)
    old, _ = await aged(ground, await sent(ground), 401)
    await retention.retire(ground.store, KEPT, NOW)
    assert (await left(ground, young))["job"] == 1
    assert (await left(ground, old))["job"] == 0
    assert await _is_sound(ground)


async def test_what_is_not_booked_is_not_forgotten(ground: Ground) -> None:
    """A job somebody pays for stays until what it came to is booked."""
    await till.fund(ground.bare, "100")
    old, _ = await aged(ground, await sent(ground), 401)
    assert await ground.bare.fetchval("SELECT handed > booked_handed FROM job WHERE id = $1", old)
    await retention.retire(ground.store, KEPT, NOW)
    assert (await left(ground, old))["job"] == 1
    await ground.bare.execute("UPDATE job SET booked_handed = handed, booked_released = released")
    await retention.retire(ground.store, KEPT, NOW)
    assert (await left(ground, old))["job"] == 0


async def test_more_jobs_than_go_at_once(ground: Ground, monkeypatch) -> None:
    """However many there are on a day, all of them are gone before the day is."""
    monkeypatch.setattr(kept, "_JOBS", 2)
    jobs = [(await aged(ground, await sent(ground, 1), 40))[0] for _ in range(5)]
    await retention.retire(ground.store, KEPT, NOW)
    for job in jobs:
        assert await left(ground, job) == dict.fromkeys((*TABLES, "delivery"), 0) | {"job": 1}


async def test_nobody_waits_for_it(ground: Ground) -> None:
    """While somebody reads deliveries their day stays, and goes at a later look."""
    old, _ = await aged(ground, await sent(ground), 31)
    async with ground.locked("SELECT count(*) FROM delivery"):
        await retention.retire(ground.store, KEPT, NOW)
        assert (await left(ground, old))["delivery"] == 3
    await retention.retire(ground.store, KEPT, NOW)
    assert (await left(ground, old))["delivery"] == 0
