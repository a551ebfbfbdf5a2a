"""RabbitMQ is in trouble, one after the other, while a campaign goes on."""

import asyncio
from contextlib import AbstractAsyncContextManager

import aio_pika
import asyncpg
import pytest

from daemon.broker import topology
from tests.forms import form
from tests.stories import asks, branch
from tests.stories import broker_troubles as troubles
from tests.stories.house import House
from tests.stories.process import Daemon
from tests.stories.servers import Pair
from tests.waiting import until

RESUMES = 5.0
"""Seconds from a cure until work goes on."""
MORE_MEMORY = 64 * 2**20
"""Octets that a daemon may take beyond what it had when it began to work."""
LASTS = form(0, 60)
"""Seconds that each trouble goes on once it is known."""
CAMPAIGNS = form(1, 10)
_EXPANDING = "SELECT FROM job WHERE state = 'expanding'"
IMPATIENT = {
    "rabbitmq__heartbeat": "1s",
    "rabbitmq__connect_timeout": "3s",
    "rabbitmq__publish_timeout": "2s",
    "log__delivery_sample": "0",
}


@pytest.mark.timeout(form(360, 2400))
async def test_one_after_the_other(breakable: House, pair: Pair) -> None:
    """E1, E2, E5, E6, A17, A19, A20: whatever befalls the broker, mail goes on.

    It blocks, freezes, is away, refuses, has lost a queue or an exchange: /readyz and STATUS name
    the cause, nobody repeats himself in the log, and within seconds of the cure parcels are taken
    and events told. Memory stays what it was, nothing is lost, each stream is told in its order.
    """
    house, names = breakable, topology.names(breakable.prefix)
    daemon = await house.start(**IMPATIENT)
    await house.sink.do("slow", ms=250)
    campaigns = [await house.producer.ask(asks.send(asks.people(4000))) for _ in range(CAMPAIGNS)]
    await house.sink.stored(20)
    memory = daemon.memory
    events = troubles.without_exchange(names.events, heard=f"{house.prefix}.heard", house=house)
    for trouble, check, cause in (
        (troubles.alarmed(pair), "events", "blocked: low on disk"),
        (troubles.short_of_memory(pair), "events", "blocked: low on memory"),
        (troubles.frozen(pair), "rabbitmq", "no answer within 3 s"),
        (troubles.gone(pair), "rabbitmq", "connect: 111"),
        (troubles.locked_out(pair, house), "rabbitmq", "ACCESS_REFUSED"),
        (troubles.forbidden(pair), "intake", "ACCESS_REFUSED"),
        (troubles.without(names.normal, house=house), "intake", "NOT_FOUND"),
        (events, "events", "no exchange"),
    ):
        await _outlived(house, daemon, trouble, check, cause)
    await _buried_later(house, daemon, names.dead)
    await house.sink.do("slow", ms=0)
    for campaign in campaigns:
        completed = await house.events.completed(campaign.job, seconds=form(20, 120))
        assert completed.data["counts"]["sent"] == 4000
    await daemon.recovers()
    assert daemon.memory < memory + MORE_MEMORY
    assert daemon.repetitions == []
    await house.judge(seconds=form(30, 120))


async def _outlived(
    house: House,
    daemon: Daemon,
    trouble: AbstractAsyncContextManager[None],
    check: str,
    cause: str,
) -> None:
    """A trouble whose cause is named, in which mail goes on, and after which everything does."""
    async with trouble:
        await daemon.names(check, cause)
        await house.sink.more(10)
        await asyncio.sleep(LASTS)
    asked = await house.producer.ask(
        asks.send(asks.people(3, words="urgent-"), **{"class": "urgent"}), seconds=RESUMES
    )
    await house.events.completed(asked.job, seconds=RESUMES)


async def _buried_later(house: House, daemon: Daemon, dead: str) -> None:
    """A parcel that is no request stays with the daemon while nothing takes dead letters."""
    async with troubles.without_exchange(dead, heard=f"{house.prefix}.buried", house=house):
        await house.producer.tell(b"no request")
        await daemon.names("dead letters", "no exchange")
        await house.sink.more(10)
        assert not house.events.dead
    await house.events.buried(1)


@pytest.mark.timeout(120)
async def test_longer_than_the_broker_waits(breakable: House, pair: Pair) -> None:
    """A14: a parcel whose acceptance takes longer than the broker waits comes again: one job."""
    house = breakable
    async with troubles.impatient(pair):
        daemon = await house.start()
        connection = await asyncpg.connect(house.dsn, timeout=10)
        async with connection.transaction():
            await connection.execute("LOCK TABLE job IN EXCLUSIVE MODE")
            asked = [
                await house.producer.tell(asks.send(asks.people(3)), wants_answer=True)
                for _ in range(5)
            ]
            await daemon.names("intake", "PRECONDITION_FAILED")
        await connection.close()
        for one in asked:
            await house.producer.answered(one)
            await house.events.completed(one.job)
        await house.judge()


@pytest.mark.timeout(180)
async def test_work_that_takes_longer_than_the_broker_waits(breakable: House, pair: Pair) -> None:
    """A14: what takes long is done after the acknowledgement: no channel is closed over it."""
    house, people = breakable, asks.people(20)
    await branch.peopled(house, people)
    async with troubles.impatient(pair):
        daemon = await house.start(intake__inline_limit="10")
        connection = await asyncpg.connect(house.dsn, timeout=10)
        async with connection.transaction():
            await connection.execute("LOCK TABLE contact")
            body = asks.send([], audience=branch.TERMS)
            asked = await house.producer.tell(body, wants_answer=True, meant=people)
            await until(lambda: house.rows(_EXPANDING))
            await troubles.closed_over_a_message(house)
        await connection.close()
        await house.producer.answered(asked)
        await house.events.completed(asked.job)
        assert daemon.complaints == []
        await house.judge()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("is_lost", [False, True], ids=["lease-held", "lease-lost"])
async def test_answers_wait_and_acknowledgements_do_not(
    breakable: House, pair: Pair, *, is_lost: bool
) -> None:
    """E5: while the broker takes no publishes parcels are accepted and acknowledged all the same.

    Their answers follow when it does. A life that ends meanwhile with its lease (W2) waits neither
    for what it can't tell nor for a good-bye: the next one begins at once, and does all that.
    """
    house, queue = breakable, topology.names(breakable.prefix).normal
    daemon = await house.start(rabbitmq__publish_timeout="1s", intake__group="5")
    daemon.pause()
    asked = [
        await house.producer.tell(asks.send(asks.people(2)), wants_answer=True) for _ in range(30)
    ]
    if is_lost:
        await until(lambda: _is_lapsed(house), seconds=30)
    async with troubles.alarmed(pair):
        daemon.resume()
        await house.sink.stored(60)
        await until(lambda: troubles.is_empty(pair, queue), seconds=30)
        assert not any(one.answer for one in asked)
    for one in asked:
        await house.producer.answered(one)
    await house.judge()


@pytest.mark.timeout(120)
async def test_another_gives_the_answers_of_the_dead(breakable: House, pair: Pair) -> None:
    """E5: what was acknowledged while the broker took no answers is answered, whoever dies."""
    house, queue = breakable, topology.names(breakable.prefix).normal
    doomed = await house.start(rabbitmq__publish_timeout="1s", intake__group="5")
    doomed.pause()
    asked = [
        await house.producer.tell(asks.send(asks.people(2)), wants_answer=True) for _ in range(30)
    ]
    async with troubles.alarmed(pair):
        doomed.resume()
        await house.sink.stored(60)
        await until(lambda: troubles.is_empty(pair, queue), seconds=30)
        # the first ones were written before the broker said that it takes none: those it may have
        assert len(await house.rows("SELECT FROM owed_answer")) >= 20
        doomed.kill()
        assert await doomed.ended() < 0
    await house.start()
    for one in asked:
        await house.producer.answered(one)
    await until(lambda: _owes_nothing(house))
    await house.judge()


async def _owes_nothing(house: House) -> bool:
    return not await house.rows("SELECT FROM owed_answer")


async def _is_lapsed(house: House) -> bool:
    """Whether nobody holds a lease any more."""
    return not await house.rows("SELECT 1 FROM instance WHERE lease_until > clock_timestamp()")


@pytest.mark.timeout(120)
async def test_answers_that_are_refused(breakable: House, pair: Pair) -> None:
    """A17: a daemon that may not answer accepts, sends and tells all the same; no event waits."""
    house = breakable
    async with troubles.without_answers(pair):
        daemon = await house.start()
        asked = [
            await house.producer.tell(asks.send(asks.people(20)), wants_answer=True)
            for _ in range(10)
        ]
        await house.events.count("job.completed", len(asked))
        await daemon.waits("answer.lost")
        _, page = await daemon.answers("/metrics")
        assert 'deliveryd_told_total{result="confirmed"}' in page
        assert 'deliveryd_told_total{result="unknown"}' not in page
        assert not any(one.answer for one in asked)
    assert len(house.sink.copies) == 200


async def test_a_queue_with_other_arguments(house: House) -> None:
    """A18: what time doesn't mend ends the start, and its last line names the difference."""
    queue = topology.names(house.prefix).normal
    async with await aio_pika.connect(house.url, timeout=10) as connection:
        channel = await connection.channel()
        await channel.queue_delete(queue)
        await channel.declare_queue(queue, durable=True)
    daemon = await house.start(is_ready=False)
    assert await daemon.ended() == 69
    last = daemon.log.splitlines()[-1]
    assert f"queue {queue}: x-dead-letter-exchange is none, should be {house.prefix}.dead" in last
