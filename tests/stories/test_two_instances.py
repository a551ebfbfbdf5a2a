"""Two instances."""

import asyncpg
import pytest

from tests.checker.evidence import Limits
from tests.stories import asks
from tests.stories.house import House

NUMBER = 2000
CONNECTIONS = 6
_INSTANCE = {"application_name": "deliveryd:serve"}
"""How the sessions of instances are known to each other."""


@pytest.mark.timeout(120)
async def test_they_share_one_backlog(house: House) -> None:
    """Both deliver, nobody gets two, and together they keep the limit of one relay."""
    house.transport["max_connections"] = CONNECTIONS
    daemons = [await house.start() for _ in range(2)]
    await house.sink.do("slow", ms=5)
    asked = await house.producer.ask(asks.send(asks.people(NUMBER)))
    completed = await house.events.completed(asked.job, seconds=60)
    assert completed.data["counts"]["sent"] == NUMBER
    shares = [sum(1 for _ in daemon.lines("delivery")) for daemon in daemons]
    assert min(shares) > 0, shares
    assert len(house.sink.copies) == NUMBER
    await house.judge(limits=Limits(connections=CONNECTIONS))


@pytest.mark.timeout(120)
async def test_one_is_killed(house: House) -> None:
    """W1: when one of them dies the other one ends the work of both."""
    house.transport["max_connections"] = CONNECTIONS
    doomed, _ = [await house.start() for _ in range(2)]
    await house.sink.do("slow", ms=5)
    asked = await house.producer.ask(asks.send(asks.people(NUMBER)))
    await house.sink.stored(500)
    doomed.kill()
    completed = await house.events.completed(asked.job, seconds=60)
    assert completed.data["counts"]["sent"] == NUMBER
    await house.judge(limits=Limits(connections=CONNECTIONS))


@pytest.mark.timeout(120)
async def test_one_is_frozen(house: House) -> None:
    """W2: an instance that was frozen beyond its lease sends nothing new when it wakes."""
    house.transport["max_connections"] = CONNECTIONS
    frozen, _ = [await house.start() for _ in range(2)]
    await house.sink.do("slow", ms=5)
    asked = await house.producer.ask(asks.send(asks.people(NUMBER)))
    await house.sink.stored(500)
    frozen.pause()
    completed = await house.events.completed(asked.job, seconds=60)
    assert completed.data["counts"]["sent"] == NUMBER
    before = len(house.sink.copies)
    frozen.resume()
    await frozen.ready()
    after = await house.producer.ask(asks.send(["after@there.test"]))
    await house.events.completed(after.job)
    assert len(house.sink.copies) <= before + 1 + CONNECTIONS
    await house.judge()


@pytest.mark.timeout(120)
async def test_one_is_frozen_behind_its_dot(house: House) -> None:
    """W2: what a frozen instance waited for is in doubt meanwhile; the reply it wakes to ends that.

    The relay has taken the mail and said so to nobody who could hear it. Nobody sends it again.
    """
    frozen = await house.start()
    held = {"delivery": {"doubt": "hold"}}
    asked = await house.producer.ask(asks.send(["stall-at-dot-2+p@there.test"], **held))
    await house.sink.stored(1)
    frozen.pause()
    await house.start()
    await house.events.count("delivery.in_doubt", 1, asked.job)
    frozen.resume()
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == 1
    assert len(house.sink.copies) == 1
    await house.judge()


@pytest.mark.timeout(120)
async def test_one_is_frozen_within_a_statement(house: House) -> None:
    """W2: who froze between two halves of a statement holds everybody up for seconds only.

    Here it is a session like an instance's. For the rest the server would wait for ever.
    """
    daemon = await house.start()
    due = {"delivery": {"not_before": asks.later(2)}}
    asked = await house.producer.ask(asks.send(asks.people(3), **due))
    frozen = await asyncpg.connect(house.dsn, timeout=10, server_settings=_INSTANCE)
    try:
        await frozen.execute("BEGIN; SELECT FROM job FOR UPDATE")
        await frozen.prepare("SELECT $1::integer")
        completed = await house.events.completed(asked.job, seconds=30)
        assert completed.data["counts"]["sent"] == 3
        await daemon.waits("sessions.ended")
        assert frozen.is_closed()
    finally:
        frozen.terminate()
    await house.judge()
