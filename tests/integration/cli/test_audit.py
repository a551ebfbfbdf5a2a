"""The audit finds what doesn't fit, and nothing where all does."""

import asyncio
from uuid import UUID

from daemon import metrics
from daemon.dispatch import upkeep as upkeeping
from daemon.store import audits, upkeep
from tests.integration.cli.conftest import Typed
from tests.integration.dispatch.conftest import Ground
from tests.waiting import until

BROKEN = {
    "counters": "UPDATE job SET sent = 1 WHERE id = $1",
    "asked": "UPDATE job SET requested = requested + 1, invalid = 1 WHERE id = $1",
    "deliveries": "DELETE FROM delivery WHERE job_id = $1 AND norm = 'p0@x.example'",
    "retries": "UPDATE batch SET state = 'd' || substr(state, 2) WHERE job_id = $1",
    "batches": "UPDATE batch SET done = true WHERE job_id = $1",
    "doubts": "INSERT INTO doubt (delivery_id, job_id, customer_id, attempt, reason, since)"
    " SELECT id * 512, job_id, 1, 1, 'dropped', now() FROM batch WHERE job_id = $1",
    "ledger": "INSERT INTO ledger (stream, seq, at, type, customer_id, job_id, delivery_id, step)"
    " SELECT 1, 2, now(), 'delivery.sent', 1, job_id, id * 512, 5 FROM batch WHERE job_id = $1",
    "jobs": "DELETE FROM ledger WHERE job_id = $1",
    "money": "UPDATE job SET released = 1 WHERE id = $1",
    "credit": "WITH account AS (INSERT INTO credit_account (customer_id) VALUES (1))"
    " UPDATE job SET price = 1, payer_id = 1 WHERE id = $1",
    "ends": "UPDATE job SET sent = 3, handed = 3 WHERE id = $1",
    "owners": "UPDATE batch SET owner = gen_random_uuid(), epoch = 1 WHERE job_id = $1",
    "streams": "INSERT INTO ledger (stream, seq, at, type, customer_id, job_id)"
    " VALUES (1, 5, now(), 'job.paused', 1, $1)",
}
"""A way to break each law; letters and counters may break with it."""


async def _accepted(ground: Ground) -> UUID:
    """A job of three with its `job.accepted` on record, in a stream of its own."""
    job = await ground.job(3)
    await ground.bare.execute(
        "WITH stream AS (INSERT INTO stream (prefix, instance, kind, last_seq)"
        " VALUES (gen_random_uuid(), gen_random_uuid(), 'test', 1) RETURNING number)"
        " INSERT INTO ledger (stream, seq, at, type, customer_id, job_id)"
        " SELECT number, 1, now(), 'job.accepted', 1, $1 FROM stream",
        job,
    )
    return job


async def test_the_books_balance(ground: Ground, typed: Typed) -> None:
    """Where everything fits the audit says so, with how much it looked at, and exits 0."""
    job = await _accepted(ground)
    for words in ((), (str(job),)):
        ended = await typed("audit", *words, "--json")
        assert ended.code == 0
        assert ended.document == {"balanced": True, "jobs": 1, "deliveries": 3, "mismatches": []}


async def test_what_does_not_fit(ground: Ground) -> None:
    """Whichever law is broken, its mismatch is found, with its job; a sound job has none."""
    broken = {law: await _accepted(ground) for law in BROKEN}
    whole = await _accepted(ground)
    for law, job in broken.items():
        await ground.bare.execute(BROKEN[law], job)
    size, found = await audits.taken(ground.store, None, limit=100)
    assert size.jobs == len(broken) + 1
    assert all(one.expected != one.found for one in found)
    for law, job in broken.items():
        assert (law, None if law == "streams" else job) in {(one.law, one.job) for one in found}
    assert whole not in {one.job for one in found}


async def test_mismatches_are_told(ground: Ground, typed: Typed) -> None:
    """A mismatch is a line with what was expected and found, and exit 1."""
    job = await _accepted(ground)
    await ground.bare.execute(BROKEN["counters"], job)
    ended = await typed("audit")
    assert ended.code == 1
    assert f"counters  {job}  sent" in " ".join(ended.out.split()).replace(" ", "  ")
    assert (await typed("audit", "--quiet")).out == ""


async def test_mismatches_are_a_metric(ground: Ground, typed: Typed, monkeypatch) -> None:
    """Nobody has to ask: each instance goes through all jobs, round and round, and counts them."""
    monkeypatch.setattr(upkeeping, "_HOUSE_EVERY", 0.05)
    job = await _accepted(ground)
    await ground.bare.execute(BROKEN["counters"], job)
    async with asyncio.TaskGroup() as group:
        rounds = upkeeping.house(ground.store)
        keeping = group.create_task(rounds, name="house")
        await until(lambda: _mismatches() == 1)
        await typed("audit", "--fix-counters")
        await until(lambda: _mismatches() == 0)
        keeping.cancel()


def _mismatches() -> float | None:
    return metrics.REGISTRY.get_sample_value("deliveryd_law_mismatches")


async def test_every_law_can_be_broken() -> None:
    """There is no law that the audit can't find broken."""
    assert {name.partition(".")[2] for name in audits.LAWS} == BROKEN.keys()


async def test_counters_are_mended(ground: Ground, typed: Typed) -> None:
    """--fix-counters counts the letters again and says what it changed; nothing is appended."""
    job, other = await _accepted(ground), await _accepted(ground)
    await ground.bare.execute("UPDATE batch SET state = 'sbw' WHERE job_id = $1", job)
    await ground.bare.execute("UPDATE job SET handed = 1, released = 1 WHERE id = $1", job)
    await ground.bare.execute("UPDATE job SET failed = 1 WHERE id = $1", job)
    before = await ground.bare.fetchval("SELECT count(*) FROM ledger")
    ended = await typed("audit", str(other), "--fix-counters", "--json")
    assert (ended.code, ended.document["mended"]) == (0, [])
    ended = await typed("audit", "--fix-counters", "--json")
    assert {(one["what"], one["was"], one["became"]) for one in ended.document["mended"]} == {
        ("sent", 0, 1), ("bounced", 0, 1), ("failed", 1, 0),
    }  # fmt: skip
    left = {(one["law"], one["job"]) for one in ended.document["mismatches"]}
    assert left == {("ledger", str(job))}  # the letters were moved by hand: nobody has told of it
    assert await ground.bare.fetchval("SELECT count(*) FROM ledger") == before
    assert "sent" not in (await typed("audit", "--fix-counters")).out


async def test_what_a_law_forbids_is_left(ground: Ground, typed: Typed) -> None:
    """A job whose letters would break a law of the database stays as it is, and is named."""
    job = await _accepted(ground)
    await ground.bare.execute("UPDATE batch SET state = 'sss', done = true")
    await ground.bare.execute(
        "UPDATE job SET sent = 3, handed = 3, state = 'completed', finished_at = now()"
    )
    await ground.bare.execute("UPDATE batch SET state = 'ssw', done = false")
    ended = await typed("audit", "--fix-counters")
    assert ended.code == 1
    assert f"job {job}: left as it is" in ended.out
    assert "job_completed_has_nothing_left" in ended.out
    assert await ground.bare.fetchval("SELECT sent FROM job") == 3


async def test_mending_waits_for_whoever_is_at_the_job(ground: Ground, typed: Typed) -> None:
    """The counters are counted under the job's lock: what commits meanwhile is in them."""
    job = await _accepted(ground)
    await ground.bare.execute("UPDATE job SET failed = 1")
    held = ground.locked(f"UPDATE batch SET state = 'www' WHERE job_id = '{job}'")
    async with asyncio.TaskGroup() as tasks, held:
        mending = tasks.create_task(typed("audit", "--fix-counters"), name="mending")
        await until(ground.is_held_up)
    assert mending.result().code == 0
    assert await ground.bare.fetchval("SELECT failed FROM job") == 0


async def test_the_look_by_schedule(ground: Ground) -> None:
    """The look that feeds the metric finds wrong numbers, however few jobs it takes at a time."""
    seen = ("counters", "retries", "doubts", "ends")
    broken = {await _accepted(ground): law for law in seen for _ in range(2)}
    whole = {await _accepted(ground) for _ in range(3)}
    for job, law in broken.items():
        await ground.bare.execute(BROKEN[law], job)
    assert await upkeep.law_breakers(ground.store) == broken.keys()
    assert await upkeep.law_breakers(ground.store, deliveries=250) == broken.keys()
    looked = await upkeep.look(ground.store, min(whole), 1)
    assert (looked.upto, looked.broken) == (sorted(whole)[1], frozenset())
