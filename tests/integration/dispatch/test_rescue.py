"""Rescue: what the dead held is decided and free again, what has expired is ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID, uuid4

from daemon.broker.publisher import BatchPublisher
from daemon.config.sections import Events
from daemon.dispatch.held import Holdings, of_batches
from daemon.dispatch.journal import Journal
from daemon.dispatch.legacy import Legacy
from daemon.dispatch.rescue import Rescue
from daemon.dispatch.strays import Strays
from daemon.ledger.teller import Teller
from daemon.ledger.writer import Writer
from daemon.mail import ids
from daemon.mail.attempt import Attempt, Envelope, Tenure
from daemon.mail.content import Content
from daemon.mail.reply import Reply
from daemon.store import claims, errors, instances, orphans
from tests.integration.dispatch.facts import claimed, facts, retried, settling
from tests.integration.dispatch.test_settling import NOT_NOW, OK
from tests.integration.ledger.audience import Listener, written
from tests.waiting import until


@asynccontextmanager
async def rescuing(
    ground, link, holdings: Holdings | None = None, folder: Path | None = None
) -> AsyncIterator[UUID]:
    """Somebody who looks for the dead all the time: elsewhere, or as a neighbour in `folder`."""
    me = await ground.instance()
    host = "h" if folder else "elsewhere"
    here = instances.Instance(id=me, name="t", host=host, state_dir="/", version="0")
    teller = Teller(
        ground.store, BatchPublisher(link), instance=me, exchange="nowhere", pace=Events()
    )
    async with settling(ground.store, me) as settler, asyncio.TaskGroup() as group:
        with TemporaryDirectory() as elsewhere:
            journal = Journal(folder or Path(elsewhere), me, database="d")
            legacy = Legacy(journal)
            rescue = Rescue(
                ground.store,
                settler,
                teller,
                Strays(holdings or Holdings(), here.id, permit_window=0.05),
                legacy=legacy,
                instance=here,
            )
            task = group.create_task(rescue.run(0.05))
            yield me
            task.cancel()
            legacy.close()
            journal.close()


async def _nobody_owns(ground) -> bool:
    return await ground.owned() == 0


async def _dies(ground, instance: UUID) -> None:
    """Its lease is over, and so long that everybody may rescue."""
    long_ago = "UPDATE instance SET lease_until = now() - interval '10 s' WHERE id = $1"
    await ground.bare.execute(long_ago, instance)


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


def tried(batch: claims.Batch, position: int) -> Attempt:
    """The attempt at one delivery of a batch, as its holder's journal names it."""
    return Attempt(
        delivery_id=ids.delivery_id(batch.id, position),
        number=1,
        envelope=Envelope(sender="", recipient="a@b.example"),
        content=Content(data=b"\r\n"),
        tenure=Tenure(batch.job_id, 0, batch.epoch),
    )


def noted(journal: Journal, batch: claims.Batch) -> None:
    """Four attempts: taken, refused, refused for now, and one whose reply never came."""
    for position, code in enumerate((250, 550, 451, None)):
        attempt = tried(batch, position)
        assert journal.dot(attempt)
        if code:
            journal.reply(attempt, Reply(code=code, text="said so"), "h:25")


async def test_a_journal_decides_what_was_under_way(ground, link, tmp_path) -> None:
    """C17: what it heard is settled, what never left waits again, only the rest is a doubt."""
    dead = await ground.instance()
    await ground.job(6)
    (batch,) = await claimed(ground, dead)
    await ground.bare.execute("UPDATE batch SET state = 'uuuuuw'")
    journal = Journal(tmp_path, dead, database="d")
    noted(journal, batch)
    journal.close()  # its lease has a minute to go, but its process is gone
    async with rescuing(ground, link, folder=tmp_path), rescuing(ground, link):
        await until(lambda: _nobody_owns(ground))
        await until(lambda: _is_buried(journal))
    assert await ground.letters() == "sbddww"
    assert await ground.told("delivery.in_doubt") == 1
    assert await ground.told("delivery.repeated") == 0
    relay = await ground.bare.fetchval("SELECT relay FROM ledger WHERE type = 'delivery.sent'")
    assert relay == "h:25"
    assert await ground.keeps_the_law()


async def test_a_journal_whose_process_is_frozen(ground, link, tmp_path) -> None:
    """W2: once its lease is over its journal is read, lock held or not; and left in its place."""
    dead = await ground.instance()
    await ground.job(6)
    (batch,) = await claimed(ground, dead)
    journal = Journal(tmp_path, dead, database="d")
    noted(journal, batch)
    await _dies(ground, dead)
    async with rescuing(ground, link, folder=tmp_path):
        await until(lambda: _nobody_owns(ground))
    assert await ground.letters() == "sbddww"
    assert journal.path.exists()
    journal.close()


async def test_what_runs_without_being_on_record_may_still_send(ground, link, tmp_path) -> None:
    """W7: its row was deleted and it runs: it may not know yet, so silence means nothing."""
    dead = await ground.instance()
    await ground.job(6)
    (batch,) = await claimed(ground, dead)
    journal = Journal(tmp_path, dead, database="d")
    noted(journal, batch)
    await ground.bare.execute("DELETE FROM instance WHERE id = $1", dead)
    async with rescuing(ground, link, folder=tmp_path):
        await until(lambda: _nobody_owns(ground))
    assert await ground.letters() == "sbdddd"
    assert await ground.told("delivery.in_doubt") == 3
    journal.close()


async def test_a_reply_that_is_found_late_ends_the_doubt(ground, link, tmp_path) -> None:
    """A journal adopted after others had to doubt still tells what was heard (promise 3)."""
    dead = await ground.instance()
    await ground.job(6, doubt="hold")
    (batch,) = await claimed(ground, dead)
    journal = Journal(tmp_path, dead, database="d")
    noted(journal, batch)
    journal.close()
    await ground.bare.execute("DELETE FROM instance WHERE id = $1", dead)
    async with rescuing(ground, link):
        await until(lambda: _nobody_owns(ground))
    assert await ground.letters() == "qqqqqq"
    async with rescuing(ground, link, folder=tmp_path):
        await until(lambda: _is_buried(journal))
    assert await ground.letters() == "sqqqqq"
    assert await ground.keeps_the_law()


async def test_a_journal_is_heard_before_it_is_buried(ground, link, tmp_path, monkeypatch) -> None:
    """A database that is away while a journal is adopted costs time, and no reply."""
    dead = await ground.instance()
    await ground.job(6, doubt="hold")
    (batch,) = await claimed(ground, dead)
    journal = Journal(tmp_path, dead, database="d")
    noted(journal, batch)
    journal.close()
    await ground.bare.execute("DELETE FROM instance WHERE id = $1", dead)
    async with rescuing(ground, link):  # nothing is held any more, and all of it is in doubt
        await until(lambda: _nobody_owns(ground))
    real, away = orphans.tried, iter([errors.Unavailable("away")] * 2)

    async def tried_later(store, tries):
        for error in away:
            raise error
        return await real(store, tries)

    monkeypatch.setattr(orphans, "tried", tried_later)
    async with rescuing(ground, link, folder=tmp_path):
        await until(lambda: _is_buried(journal))
    assert await ground.letters() == "sqqqqq"


async def test_a_journal_of_another_job_decides_nothing(ground, link, tmp_path) -> None:
    """A database set back to an earlier day may number alike what is another mail."""
    dead = await ground.instance()
    await ground.job(4)
    (batch,) = await claimed(ground, dead)
    journal = Journal(tmp_path, uuid4(), database="d")
    noted(journal, replace(batch, job_id=uuid4()))
    journal.close()
    async with rescuing(ground, link, folder=tmp_path):
        await until(lambda: _is_buried(journal))
    assert await ground.letters() == "uuuu"


async def test_others_are_left_to_their_neighbours_first(ground, link, tmp_path) -> None:
    """Who lies elsewhere is rescued a while after its lease, so that a neighbour goes first."""
    dead = instances.Instance(id=uuid4(), name="t", host="other", state_dir="/", version="0")
    await instances.register(ground.store, dead, 60.0)
    await ground.job(1)
    await claimed(ground, dead.id)
    late = "UPDATE instance SET lease_until = now() - interval '4 s' WHERE id = $1"
    await ground.bare.execute(late, dead.id)
    assert await _dead(ground, host="h") == []
    assert await _dead(ground, host="other") == [dead.id]
    await ground.bare.execute(late.replace("4 s", "5 s"), dead.id)
    assert await _dead(ground, host="h") == [dead.id]


async def _dead(ground, *, host: str) -> list[UUID]:
    found = await orphans.owners(ground.store, uuid4(), host=host, state_dir="/")
    return [owner.id for owner in found]


async def _is_buried(journal: Journal) -> bool:
    return not journal.path.exists()


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
    await claims.give_back(ground.store, me, batches=[(batch.id, batch.epoch)], retries=[])
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
