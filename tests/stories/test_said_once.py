"""A server is away: one line in ten seconds, whichever parts and connections meet it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.stories import asks, broker_troubles, troubles
from tests.stories.house import House
from tests.stories.servers import Pair
from tests.waiting import until

RESUMES = 5.0
"""Seconds from a cure until work goes on."""
NUMBER = 400


@pytest.mark.timeout(120)
@pytest.mark.parametrize("cause", ["postgres", "rabbitmq", "relay sink"])
async def test_said_once(breakable: House, pair: Pair, cause: str) -> None:
    """It is away for longer than a line is kept back: all parts together write two.

    Both name the one cause, the second says how many more there would have been. A relay's failed
    attempts have their records besides, one each. After the cure what was asked for is answered.
    """
    house = breakable
    daemon = await house.start(instance__lease="60s")
    await house.sink.do("slow", ms=100)
    asked = await house.producer.ask(asks.send(asks.people(NUMBER)))
    await house.sink.stored(20)
    async with asyncio.TaskGroup() as group:
        async with _away(cause, house, pair):
            telling = house.producer.tell(asks.send(asks.people(5)), wants_answer=True)
            meanwhile = group.create_task(telling, name="tell")
            await until(lambda: len(daemon.complaints) >= 2, seconds=30)
        first, second = daemon.complaints
    assert [first["cause"], second["cause"]] == [cause, cause]
    assert second["swallowed"] > 0
    await house.sink.do("slow", ms=0)
    await house.producer.answered(meanwhile.result(), seconds=RESUMES)
    for one in (asked, meanwhile.result()):
        await house.events.completed(one.job)
    await house.judge()
    assert daemon.repetitions == []
    failed = [line for line in daemon.lines("delivery") if line["status"] == "deferred"]
    told = ("delivery.deferred", "delivery.in_doubt")
    assert len(failed) == sum(house.events.number(kind) for kind in told)


@asynccontextmanager
async def _away(cause: str, house: House, pair: Pair) -> AsyncIterator[None]:
    """One of the three servers is gone, and comes back."""
    if cause == "postgres":
        async with troubles.gone(pair):
            yield
    elif cause == "rabbitmq":
        async with broker_troubles.gone(pair):
            yield
    else:
        await house.sink.do("down")
        yield
        await house.sink.do("up")
