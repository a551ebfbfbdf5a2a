"""The audit finds what doesn't fit, and nothing where all does."""

from uuid import UUID

from daemon.store import audits
from tests.integration.cli.conftest import Typed
from tests.integration.dispatch.conftest import Ground

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


async def test_every_law_can_be_broken() -> None:
    """There is no law that the audit can't find broken."""
    assert {name.partition(".")[2] for name in audits.LAWS} | {"ledger"} == BROKEN.keys()
