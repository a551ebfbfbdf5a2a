"""Promotion, claims and permits against a real database."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

from daemon.mail import ids
from daemon.mail.outcome import Verdict
from daemon.store import claims, orphans
from tests.integration.dispatch.facts import claimed, facts, retried, settling
from tests.integration.dispatch.test_settling import NOT_NOW


async def _claimed(ground, owner: UUID, *, customer: int = 1, klass: int = 1):
    return await claims.batches(ground.store, ground.lanes[customer], klass, owner, 500)


def _asks(batches, deliveries) -> list[claims.Ask]:
    epochs = {batch.id: batch.epoch for batch in batches}
    return [
        claims.Ask(
            delivery_id=one.id,
            epoch=epochs[ids.place_of(one.id)[0]],
            supp=one.supp,
            retry_id=None,
        )
        for one in deliveries
    ]


async def test_nothing_is_ready_before_it_is_due(ground) -> None:
    """A batch is promoted when its time has come, not before (promise 4)."""
    await ground.job(3, due=timedelta(hours=1))
    await claims.promote(ground.store)
    assert await claims.ready(ground.store) == []
    due = await claims.next_due(ground.store)
    assert due is not None
    assert 3500 < due <= 3600


async def test_a_newcomer_waits_for_one_batch_of_each_other_customer(ground) -> None:
    """Between customers of a class, ranks follow what each has had (promise 5)."""
    await ground.bare.execute(
        "UPDATE transport SET customer_id = 2, is_default = false WHERE id = 1"
    )
    await ground.bare.execute("UPDATE transport SET customer_id = 1 WHERE id = 2")
    await ground.bare.execute(
        "INSERT INTO transport (id, customer_id, name, kind, host, tls, is_default)"
        " VALUES (3, 2, 'c', 'smtp', 'h', 'none', true)"
    )
    await ground.bare.execute("UPDATE lane SET transport_id = 3 WHERE transport_id = 1")
    big = await ground.job(5000, customer=1)
    await claims.promote(ground.store)
    small = await ground.job(1, customer=2)
    await claims.promote(ground.store)
    rows = await ground.bare.fetch("SELECT job_id FROM batch ORDER BY rank")
    assert [row["job_id"] for row in rows].index(small) == 1
    assert rows[0]["job_id"] == big


async def test_a_batch_has_one_owner(ground) -> None:
    """However many claim at once, each batch goes to one of them."""
    await ground.job(5000)
    await claims.promote(ground.store)
    owners = [await ground.instance() for _ in range(4)]

    async def take(owner: UUID) -> list[int]:
        taken: list[int] = []
        while batches := (await _claimed(ground, owner))[0]:
            taken += [batch.id for batch in batches]
        return taken

    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(take(owner)) for owner in owners]
    taken = [number for task in tasks for number in task.result()]
    assert len(taken) == len(set(taken)) == 10


async def test_the_oldest_first(ground) -> None:
    """T097: of what fell due while nobody was there the oldest goes first, whoever claims it."""
    jobs = {}
    for place in range(450):
        hours = timedelta(hours=place * 7 % 450)
        jobs[await ground.job(1, due=timedelta(days=1))] = hours
        await ground.bare.execute(
            "UPDATE batch SET due_at = now() - interval '30 days' + $1 WHERE rank IS NULL"
            " AND due_at > now()",
            hours,
        )
    await claims.promote(ground.store)
    owners = [await ground.instance() for _ in range(2)]
    taken: list[timedelta] = []
    while batches := (await _claimed(ground, owners[0]))[0]:
        taken += [jobs[batch.job_id] for batch in batches]
        owners.reverse()
    assert len(taken) == 450
    assert taken == sorted(taken)


async def test_small_batches_are_claimed_together(ground) -> None:
    """A claim takes many one-recipient jobs at once, and not more than it asked for."""
    for _ in range(7):
        await ground.job(1)
    await claims.promote(ground.store)
    owner = await ground.instance()
    batches, deliveries = await claims.batches(ground.store, ground.lanes[1], 1, owner, 5)
    assert len(batches) == len(deliveries) == 5


async def test_what_is_deferred_goes_by_its_rank(ground) -> None:
    """Retry rows of whatever job go before the next batch as far as they rank before it."""
    owner = await ground.instance()
    for _ in range(3):
        await ground.job(1)
    first = await claimed(ground, owner)
    async with settling(ground.store, owner) as settler:
        await settler.settled([fact for batch in first for fact in facts(batch, [NOT_NOW])])
    await ground.job(1)
    await claims.promote(ground.store)
    await ground.bare.execute("UPDATE batch SET rank = 20 WHERE NOT done")
    await ground.bare.execute(
        "UPDATE retry SET due_at = now(), rank = 10 * (SELECT count(*) FROM retry r"
        " WHERE r.id <= retry.id)"
    )
    (ready,) = await claims.ready(ground.store)
    assert ready.retries_first
    rows = await claims.retries(ground.store, ground.lanes[1], 1, owner, 500, ready.batch)
    assert len({row.job_id for row in rows}) == len(rows) == 2
    (ready,) = await claims.ready(ground.store)
    assert not ready.retries_first


async def test_a_permit_says_go_and_marks(ground) -> None:
    """What may start is marked under way, and asking again says so again."""
    await ground.job(3)
    await claims.promote(ground.store)
    owner = await ground.instance()
    asks = _asks(*await _claimed(ground, owner))
    for _ in range(2):
        judged = await claims.permit(ground.store, owner, asks[:2])
        assert [one.verdict for one in judged.values()] == [Verdict.GO] * 2
    assert await ground.bare.fetchval("SELECT state FROM batch") == "uuw"


async def test_a_permit_refuses_by_reason(ground) -> None:
    """Paused, expired and suppressed deliveries don't start, and nothing of them is marked."""
    owner = await ground.instance()
    await ground.job(1, lasts=0.001)
    late = await ground.job(1)
    gone = await ground.job(1, purpose="marketing")
    await claims.promote(ground.store)
    asks = _asks(*await _claimed(ground, owner))
    await ground.bare.execute("UPDATE batch SET due_at = 'infinity' WHERE job_id = $1", late)
    await ground.bare.execute(
        "INSERT INTO suppression (customer_id, supp, scope, kind, source)"
        " VALUES (1, 'p0@x.example', 'all', 'unsubscribe', 'api')"
    )
    judged = await claims.permit(ground.store, owner, asks)
    assert [judged[ask.delivery_id].verdict for ask in asks] == [
        Verdict.EXPIRED,
        Verdict.PAUSED,
        Verdict.SUPPRESSED,
    ]
    assert gone
    assert await ground.bare.fetchval("SELECT string_agg(state, '') FROM batch") == "www"


async def test_a_permit_that_is_asked_again_is_judged_anew(ground) -> None:
    """What had its permit and hasn't started goes no further once its job is canceled."""
    owner = await ground.instance()
    await ground.job(2)
    await claims.promote(ground.store)
    asks = _asks(*await _claimed(ground, owner))
    for state, verdict in (("running", Verdict.GO), ("canceled", Verdict.CANCELED)):
        await ground.bare.execute("UPDATE job SET state = $1", state)
        judged = await claims.permit(ground.store, owner, asks)
        assert [one.verdict for one in judged.values()] == [verdict] * 2
    assert await ground.bare.fetchval("SELECT state FROM batch") == "uu"


async def test_a_transactional_mail_ignores_unsubscriptions_but_not_complaints(ground) -> None:
    """Purpose decides which suppressions count (Q3)."""
    owner = await ground.instance()
    await ground.job(1)
    await claims.promote(ground.store)
    asks = _asks(*await _claimed(ground, owner))
    for kind, verdict in (("unsubscribe", Verdict.GO), ("complaint", Verdict.SUPPRESSED)):
        await ground.bare.execute(
            "INSERT INTO suppression (customer_id, supp, scope, kind, source)"
            " VALUES (1, 'p0@x.example', 'all', $1, 'api')",
            kind,
        )
        judged = await claims.permit(ground.store, owner, asks)
        assert judged[asks[0].delivery_id].verdict is verdict


async def test_no_permit_for_the_dead_the_robbed_and_strangers(ground) -> None:
    """A permit needs a lease, the current epoch and the batch (promise 3)."""
    await ground.job(1)
    await claims.promote(ground.store)
    owner = await ground.instance()
    asks = _asks(*await _claimed(ground, owner))
    assert await claims.permit(ground.store, uuid4(), asks) == {}
    await ground.bare.execute("UPDATE instance SET lease_until = now()")
    assert await claims.permit(ground.store, owner, asks) == {}
    await ground.bare.execute("UPDATE instance SET lease_until = now() + interval '1 minute'")
    left = await orphans.batches(ground.store, [owner], uuid4(), known=[], after=0, limit=10)
    await orphans.free_batches(ground.store, left)
    assert await claims.permit(ground.store, owner, asks) == {}


async def test_given_back_is_promoted_again(ground) -> None:
    """A batch that is given back waits for anyone, by its due time."""
    await ground.job(3)
    await claims.promote(ground.store)
    owner = await ground.instance()
    batches, _ = await _claimed(ground, owner)
    first = (batches[0].id, batches[0].epoch)
    await claims.give_back(ground.store, owner, batches=[first], retries=[])
    assert await claims.promote(ground.store) == [ground.lanes[1]]
    again, _ = await _claimed(ground, owner)
    assert again[0].epoch == batches[0].epoch + 1


async def test_what_is_given_back_twice_stays_where_it_is_now(ground) -> None:
    """Given back unheard, claimed anew and under way: giving back once more takes nothing away."""
    await ground.job(1)
    await ground.job(1)
    owner = await ground.instance()
    (batch, deferred) = await claimed(ground, owner)
    async with settling(ground.store, owner) as settler:
        await settler.settled(facts(deferred, [NOT_NOW]))
    (retry,) = await retried(ground, owner)
    old = {"batches": [(batch.id, batch.epoch)], "retries": [(retry.id, retry.epoch)]}
    await claims.give_back(ground.store, owner, **old)
    assert await ground.owned() == 0
    await claimed(ground, owner)
    await retried(ground, owner)
    await claims.give_back(ground.store, owner, **old)
    assert await ground.owned() == 2


async def test_a_message_is_held_once(ground) -> None:
    """However many claims share a message, its content is in memory once (J4)."""
    owner = await ground.instance()
    await ground.job(20)
    await ground.job(1)
    (batch, other) = await claimed(ground, owner)
    async with settling(ground.store, owner) as settler:
        await settler.settled(facts(batch, [NOT_NOW] * 20) + facts(other, [NOT_NOW]))
    rows = await retried(ground, owner)
    assert len(rows) == 21
    assert len({id(row.spec) for row in rows}) == 2
    assert rows[0].spec["subject"] == "s"
