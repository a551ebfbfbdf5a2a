"""Settling: facts become letters, retry rows, counters, doubts and events, once (promise 3)."""

import asyncio
import random
from dataclasses import replace

import pytest

from daemon.mail.outcome import Bounced, Deferred, Failed, InDoubt, Sent, Verdict, Withheld
from daemon.mail.reply import Reply
from daemon.store import claims, control, orphans
from tests.integration.dispatch.facts import ask, claimed, facts, of_retry, retried, settling

OK = Sent(reply=Reply(code=250, enhanced="2.0.0", text="taken"), relay="r:25")
NOT_NOW = Deferred(reason="refused", reply=Reply(code=451, text="later"), relay="r:25")
UNCOUNTED = Deferred(reason="connect", counts=False)
NO = Bounced(reply=Reply(code=550, enhanced="5.1.1", text="nobody"), relay="r:25")
DOUBT = InDoubt(reason="dropped", relay="r:25")
LATE = Withheld(verdict=Verdict.EXPIRED)
PAUSED = Withheld(verdict=Verdict.PAUSED)
ALL = [OK, NOT_NOW, UNCOUNTED, NO, Failed(reason="8bit"), DOUBT, LATE, PAUSED]


async def _counters(ground) -> dict[str, int]:
    row = await ground.bare.fetchrow(
        "SELECT sent, bounced, failed, expired, in_doubt, remaining, handed, released FROM job"
    )
    return {name: number for name, number in row.items() if number}


async def test_every_outcome_is_written(ground) -> None:
    """Each outcome moves its letter, its counter, its retry row and its doubt, in one commit."""
    me = await ground.instance()
    await ground.job(len(ALL), doubt="hold")
    (batch,) = await claimed(ground, me)
    async with settling(ground.store, me) as settler:
        await settler.settled(facts(batch, ALL))
    assert await ground.letters() == "sddbfqew"
    assert await _counters(ground) == {
        "sent": 1, "bounced": 1, "failed": 1, "expired": 1, "in_doubt": 1, "remaining": 3,
        "handed": 1, "released": 3,
    }  # fmt: skip
    rows = await ground.bare.fetch("SELECT position, attempt, owner FROM retry ORDER BY position")
    assert [tuple(row) for row in rows] == [(1, 1, None), (2, 0, None)]
    doubt = await ground.bare.fetchrow("SELECT delivery_id, attempt, reason, resolution FROM doubt")
    assert tuple(doubt) == (batch.id * 512 + 5, 1, "dropped", None)
    assert await ground.bare.fetchval("SELECT state FROM job") == "running"
    assert await ground.keeps_the_law()


async def test_twice_is_once(ground) -> None:
    """The same facts again move nothing: replies are on record as repeated, the rest is dropped."""
    me = await ground.instance()
    await ground.job(len(ALL))
    (batch,) = await claimed(ground, me)
    told = facts(batch, ALL)
    async with settling(ground.store, me) as settler:
        await settler.settled(told)
        before = await ground.letters(), await _counters(ground)
        await settler.settled(told[:-1])
        await settler.settled(told)
    assert (await ground.letters(), await _counters(ground)) == before
    assert await ground.told("delivery.sent") == 1
    assert await ground.told("delivery.deferred") == 2
    assert await ground.told("delivery.in_doubt") == 1
    assert await ground.keeps_the_law()


async def test_the_last_outcome_completes_the_job(ground) -> None:
    """A batch without waiting and under way is done and nobody's; the job's end is told once."""
    me = await ground.instance()
    await ground.job(3)
    (batch,) = await claimed(ground, me)
    told = facts(batch, [OK, NO, OK])
    async with settling(ground.store, me) as settler:
        await settler.settled(told[:2])
        assert await ground.told("job.completed") == 0
        await settler.settled(told[2:])
        await settler.settled(told)
    assert await ground.told("job.completed") == 1
    assert await ground.owned() == 0
    assert await ground.bare.fetchval("SELECT done FROM batch")
    assert await ground.bare.fetchval("SELECT state FROM job") == "completed"


async def test_two_settlers_on_shared_jobs(ground) -> None:
    """Two settlers with facts of the same jobs, in any order, neither deadlock nor miscount."""
    first, second = await ground.instance(), await ground.instance()
    chance = random.Random(3)
    for _ in range(12):
        await ground.job(6)
    told = [fact for batch in await claimed(ground, first) for fact in facts(batch, [OK, NO] * 3)]
    chance.shuffle(told)
    async with (
        settling(ground.store, first) as one,
        settling(ground.store, second) as other,
        asyncio.TaskGroup() as group,
    ):
        for start in range(0, len(told), 9):
            settler = chance.choice([one, other])
            group.create_task(settler.settled(told[start : start + 9]))
    assert await ground.finished(12)
    assert await ground.told("job.completed") == 12
    assert await ground.told("delivery.sent") == await ground.told("delivery.bounced") == 36
    assert await ground.keeps_the_law()
    assert await ground.deadlocks() == 0


async def test_a_retry_ends_with_its_row(ground) -> None:
    """A retried delivery is deferred again with one try more, or ends and leaves no row."""
    me = await ground.instance()
    await ground.job(2)
    (batch,) = await claimed(ground, me)
    async with settling(ground.store, me) as settler:
        await settler.settled(facts(batch, [NOT_NOW] * 2))
        first, second = await retried(ground, me)
        assert await ground.letters() == "rr"
        await settler.settled([of_retry(first, OK), of_retry(second, NOT_NOW)])
    assert await ground.letters() == "sd"
    row = await ground.bare.fetchrow("SELECT position, attempt, owner, rank FROM retry")
    assert tuple(row) == (1, 2, None, None)
    assert await ground.keeps_the_law()


async def test_a_retry_that_is_put_off_keeps_its_time(ground) -> None:
    """A retried delivery whose job is paused waits for the resume, though it was permitted once."""
    me = await ground.instance()
    job = await ground.job(1)
    (batch,) = await claimed(ground, me)
    async with settling(ground.store, me) as settler:
        await settler.settled(facts(batch, [NOT_NOW]))
        (row,) = await retried(ground, me)
        async with ground.store.transaction() as session:
            await control.flag(session, job, paused=True)
            await control.hold(session, [job])
        judged = await claims.permit(ground.store, me, [ask(row)])
        assert judged[row.delivery.id].verdict is Verdict.PAUSED
        await settler.settled([of_retry(row, PAUSED)])
        await claims.give_back(ground.store, me, batches=[], retries=[(row.id, row.epoch)])
    assert await ground.letters() == "d"
    assert await ground.bare.fetchval("SELECT due_at = 'infinity' AND attempt = 1 FROM retry")
    assert await ground.owned() == 0


async def test_what_is_deferred_while_its_job_is_paused_waits(ground) -> None:
    """An attempt that flew when its job was paused isn't tried again before the resume."""
    me = await ground.instance()
    job = await ground.job(1)
    (batch,) = await claimed(ground, me)
    async with ground.store.transaction() as session:
        await control.flag(session, job, paused=True)
        await control.hold(session, [job])
    async with settling(ground.store, me) as settler:
        await settler.settled(facts(batch, [NOT_NOW]))
    assert await ground.bare.fetchval("SELECT due_at = 'infinity' FROM retry")


async def test_a_job_whose_first_try_was_deferred_runs(ground) -> None:
    """It is no longer `scheduled`, though no number of it has changed (requirements 2.6)."""
    me = await ground.instance()
    await ground.job(1)
    (batch,) = await claimed(ground, me)
    async with settling(ground.store, me) as settler:
        await settler.settled(facts(batch, [NOT_NOW]))
    job = await ground.bare.fetchrow("SELECT state, started_at IS NOT NULL AS began FROM job")
    assert tuple(job) == ("running", True)
    assert await ground.keeps_the_law()


async def test_a_fact_that_breaks_a_law_stands_alone(ground) -> None:
    """One outcome that can't be stored holds up none of those that settle with it."""
    me = await ground.instance()
    await ground.job(3)
    await ground.job(2)
    good, bad = await claimed(ground, me)
    await ground.bare.execute(
        "ALTER TABLE job ADD CONSTRAINT strange CHECK (queued <> 2 OR sent = 0)"
    )
    async with settling(ground.store, me) as settler:
        await settler.settled(facts(bad, [OK]) + facts(good, [OK] * 3))
    assert await ground.letters() == "sssuu"
    assert await ground.told("delivery.sent") == 3
    assert await ground.keeps_the_law()


async def test_who_waits_hears_what_was_refused(ground) -> None:
    """Only what is committed may be forgotten by the journal: the rest would be sent again."""
    me = await ground.instance()
    await ground.job(2)
    (batch,) = await claimed(ground, me)
    await ground.bare.execute("ALTER TABLE job ADD CONSTRAINT strange CHECK (sent = 0)")
    said: list[tuple[int, bool]] = []
    async with settling(ground.store, me) as settler:
        for fact in facts(batch, [OK, NO]):
            settler.put(fact, lambda done, fact=fact: said.append((fact.place[1], done)))
    assert said == [(0, False), (1, True)]
    assert await ground.letters() == "ub"


async def test_a_late_success_ends_a_doubt(ground) -> None:
    """A reply that comes after the doubt was told decides it: sent, and no second try."""
    me, other = await ground.instance(), await ground.instance()
    await ground.job(2, doubt="hold")
    await ground.job(1)
    held, resent = await claimed(ground, me)
    late = facts(held, [OK, NO]) + facts(resent, [OK])
    async with settling(ground.store, other) as settler:
        for batch in (held, resent):
            await settler.settled(facts(batch, [DOUBT] * len(batch.state)))
        assert await ground.letters() == "qqd"
        left = await orphans.batches(ground.store, [me], other, known=[], after=0, limit=10)
        await orphans.free_batches(ground.store, left)
        await settler.settled(late)
    assert await ground.letters() == "sqs"
    resolved = await ground.bare.fetch("SELECT resolution FROM doubt ORDER BY delivery_id")
    assert [row["resolution"] for row in resolved] == ["sent", None, "resend"]
    assert await ground.told("delivery.repeated") == 1
    assert await ground.keeps_the_law()


async def test_a_deferral_and_its_late_success_in_one_commit(ground) -> None:
    """What is deferred and turns out as sent in the same commit leaves no retry row behind."""
    me = await ground.instance()
    await ground.job(1)
    (batch,) = await claimed(ground, me)
    async with settling(ground.store, me) as settler:
        for fact in facts(batch, [NOT_NOW]) + facts(batch, [OK]):
            settler.put(fact)
        await settler.drained()
    assert await ground.letters() == "s"
    assert await ground.keeps_the_law()


async def test_a_settler_outlives_its_stream(ground) -> None:
    """Facts are recorded though the stream was taken away and the backend killed in between."""
    me = await ground.instance()
    await ground.job(30)
    (batch,) = await claimed(ground, me)
    told = facts(batch, [OK] * 30)
    async with settling(ground.store, me) as settler:
        await settler.settled(told[:10])
        await ground.bare.execute("UPDATE stream SET closed = true, epoch = epoch + 1")
        await settler.settled(told[10:20])
        await ground.bare.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND usename = current_user"
            " AND pid <> pg_backend_pid()"
        )
        await settler.settled(told[20:])
    assert await ground.finished(1)
    assert await ground.told("delivery.sent") == 30
    assert await ground.keeps_the_law()


async def test_facts_of_a_job_that_is_gone(ground) -> None:
    """A job that was removed with all that was in it doesn't stop the settling of others."""
    me = await ground.instance()
    await ground.job(1)
    await ground.job(1)
    gone, other = await claimed(ground, me)
    await ground.bare.execute("DELETE FROM job WHERE id = $1", gone.job_id)
    async with settling(ground.store, me) as settler, asyncio.timeout(10):
        await settler.settled(facts(gone, [OK]) + facts(other, [OK]))
    assert await ground.finished(1)


@pytest.mark.parametrize("policy", ["resend", "hold", "give_up"])
async def test_a_doubt_follows_its_policy(ground, policy: str) -> None:
    """A doubt is told and remembered, then resent at once, held, or given up, as the job says."""
    me = await ground.instance()
    await ground.job(1, doubt=policy)
    (batch,) = await claimed(ground, me)
    async with settling(ground.store, me) as settler:
        await settler.settled(facts(batch, [DOUBT]))
    expected = {"resend": ("d", "resend"), "hold": ("q", None), "give_up": ("f", "give_up")}
    resolution = await ground.bare.fetchval("SELECT resolution FROM doubt")
    assert (await ground.letters(), resolution) == expected[policy]
    assert await ground.bare.fetchval("SELECT count(*) FROM retry WHERE due_at <= now()") == (
        policy == "resend"
    )
    assert await ground.told("delivery.in_doubt") == 1
    assert await ground.told("job.completed") == (policy == "give_up")
    assert await ground.keeps_the_law()


@pytest.mark.parametrize("together", [False, True])
async def test_a_late_success_is_the_last_word(ground, together) -> None:
    """E13: a 2xx of the first try, heard of after the second one, is told behind it."""
    me = await ground.instance()
    await ground.job(1, doubt="resend")
    (batch,) = await claimed(ground, me)
    (first,) = facts(batch, [OK])
    async with settling(ground.store, me) as settler:
        await settler.settled([replace(first, outcome=DOUBT)])
        (again,) = await retried(ground, me)
        second = of_retry(again, NOT_NOW)
        for group in ([second, first],) if together else ([second], [first]):
            await settler.settled(group)
    rows = await ground.bare.fetch(
        "SELECT type FROM ledger WHERE delivery_id IS NOT NULL ORDER BY attempt, step"
    )
    assert [row["type"] for row in rows] == [
        "delivery.in_doubt", "delivery.deferred", "delivery.sent",
    ]  # fmt: skip
    assert await ground.letters() == "s"
    assert await ground.keeps_the_law()
