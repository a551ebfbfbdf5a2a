"""Instances are restarted one after the other."""

from itertools import pairwise

import pytest

from tests.stories import asks, troubles
from tests.stories.house import House
from tests.stories.servers import Pair

NUMBER = 1200
PAUSE = 5.0
"""Seconds for which nothing may be sent at most."""


@pytest.mark.timeout(120)
async def test_rolling_restart(house: House) -> None:
    """H5: three instances leave and come back one by one; mail and requests never stop for long."""
    daemons = [await house.start() for _ in range(3)]
    await house.sink.do("slow", ms=250)
    asked = await house.producer.ask(asks.send(asks.people(NUMBER)))
    await house.sink.stored(50)
    for daemon in daemons:
        await daemon.stop()
        await house.start()
        await house.producer.ask(asks.send(["meanwhile@there.test"]))
    assert len(house.sink.copies) < NUMBER, "there was no load while the last one came back"
    await house.sink.do("slow", ms=0)
    await house.events.completed(asked.job, seconds=60)
    times = sorted(copy.time for copy in house.sink.copies)
    assert max(later - sooner for sooner, later in pairwise(times)) < PAUSE
    assert house.events.number("delivery.in_doubt") == 0
    await house.judge()


@pytest.mark.timeout(120)
async def test_a_stop_without_a_database(breakable: House, pair: Pair) -> None:
    """A stop that the database doesn't hear of ends at its deadline, with 75; nothing is lost.

    What the relays had answered stands in the journal, and is not sent again.
    """
    house = breakable
    daemon = await house.start(instance__stop_deadline="2s", postgres__connect_timeout="1s")
    await house.sink.do("slow", ms=100)
    asked = await house.producer.ask(asks.send(asks.people(200)))
    await house.sink.stored(20)
    async with troubles.gone(pair):
        await daemon.names("postgres", "Connect")
        daemon.is_doomed = True
        daemon.terminate()
        assert await daemon.ended() == 75
    assert list(daemon.lines("stop.unsettled"))
    await house.sink.do("slow", ms=0)
    await house.start()
    await house.events.completed(asked.job, seconds=60)
    assert len(house.sink.copies) == 200
    await house.judge()
