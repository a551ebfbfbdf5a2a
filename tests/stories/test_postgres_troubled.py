"""Postgres is in trouble, one after the other, while a campaign goes on."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.stories import asks, troubles
from tests.stories.house import House
from tests.stories.process import Daemon
from tests.stories.producer import Asked
from tests.stories.servers import Pair

RESUMES = 5.0
"""Seconds from a cure until work goes on."""
UNFINISHED = 75
"""The exit code of whoever leaves outcomes to the next one."""
MORE_MEMORY = 64 * 2**20
"""Octets that a daemon may take beyond what it had when it began to work."""


@pytest.mark.timeout(180)
async def test_one_after_the_other(breakable: House, pair: Pair) -> None:
    """Killed backends, a freeze, a read-only hour and a stop cost time, and no recipient.

    In each /readyz and STATUS name the cause, and all parts together say it once in ten seconds;
    within seconds of the cure what was asked for meanwhile is sent. Memory stays what it was.
    """
    house = breakable
    daemon = await house.start(log__delivery_sample="0")
    await house.sink.do("slow", ms=30)
    campaign = await house.producer.ask(asks.send(asks.people(2500)))
    await house.sink.stored(100)
    memory = daemon.memory
    await troubles.backends_killed(house.dsn)
    await _resumes(house, await _asked(house))
    for trouble, cause in (
        (troubles.frozen(pair), "no answer in time"),
        (troubles.read_only(house.dsn), "read-only transaction"),
        (troubles.gone(pair), "Connect"),
    ):
        async with _during(house, daemon, trouble, cause) as asked:
            pass
        await _resumes(house, asked)
    await house.sink.do("slow", ms=0)
    completed = await house.events.completed(campaign.job)
    assert completed.data["counts"]["sent"] == 2500
    await daemon.recovers()
    assert daemon.memory < memory + MORE_MEMORY
    assert daemon.repetitions == []
    await house.judge()


@pytest.mark.timeout(180)
async def test_disk_full(cramped: House, disk: troubles.Disk) -> None:
    """A database whose disk is full is named; nothing is lost, and work goes on with room."""
    house = cramped
    daemon = await house.start(log__delivery_sample="0")
    await house.sink.do("slow", ms=30)
    campaign = await house.producer.ask(asks.send(asks.people(1500)))
    await house.sink.stored(100)
    memory = daemon.memory
    await disk.fill(house.dsn)
    asked = await _asked(house)
    await daemon.names("postgres", "53100")
    await disk.clear(house.dsn)
    await _resumes(house, asked)
    await house.sink.do("slow", ms=0)
    completed = await house.events.completed(campaign.job)
    assert completed.data["counts"]["sent"] == 1500
    assert daemon.memory < memory + MORE_MEMORY
    assert daemon.repetitions == []
    await house.judge()


@asynccontextmanager
async def _during(
    house: House, daemon: Daemon, trouble: AsyncIterator[None], cause: str
) -> AsyncIterator[Asked]:
    """A trouble of which the daemon says the cause, with something asked for in its middle."""
    async with trouble:
        asked = await _asked(house)
        await daemon.names("postgres", cause)
        assert asked.answer is None
        yield asked


async def _asked(house: House) -> Asked:
    """Something urgent, that no campaign is in the way of."""
    return await house.producer.tell(
        asks.send(asks.people(5, words="urgent-"), **{"class": "urgent"}), wants_answer=True
    )


async def _resumes(house: House, asked: Asked) -> None:
    """What waited is answered and sent soon after the cure."""
    await house.producer.answered(asked, seconds=RESUMES)
    await house.events.completed(asked.job, seconds=RESUMES)
    await house.sink.more(1)


@pytest.mark.timeout(120)
async def test_a_stop_while_it_is_frozen(breakable: House, pair: Pair) -> None:
    """A stop waits for a database that gives no answer no longer than its deadline, and says so.

    What it couldn't store lies in the journal: the next one settles it, and nobody gets two.
    """
    house = breakable
    daemon = await house.start(instance__stop_deadline="2s", postgres__connect_timeout="3s")
    await house.sink.do("slow", ms=100)
    asked = await house.producer.ask(asks.send(asks.people(200)))
    await house.sink.stored(20)
    async with troubles.frozen(pair):
        await daemon.names("postgres", "no answer in time")
        daemon.is_doomed = True
        daemon.terminate()
        assert await daemon.ended() == UNFINISHED
    assert not list(daemon.lines("stop.hangs"))
    await house.sink.do("slow", ms=0)
    await house.start()
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == 200
    await house.judge()
