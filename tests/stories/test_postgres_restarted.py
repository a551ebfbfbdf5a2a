"""Postgres is restarted."""

import pytest

from tests.stories import asks
from tests.stories.house import House
from tests.stories.servers import Pair


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
async def test_postgres_restarted(breakable: House, pair: Pair, *, kill: bool) -> None:
    """A database that goes away and comes back in mid-campaign costs time, and no recipient."""
    house = breakable
    daemon = await house.start()
    await house.sink.do("slow", ms=20)
    asked = await house.producer.ask(asks.send(asks.people(1500)))
    await house.sink.stored(50)
    meanwhile = [
        await house.producer.tell(asks.send([f"meanwhile-{number}@there.test"]), wants_answer=True)
        for number in range(20)
    ]
    await pair.restart("postgres", kill=kill)
    assert daemon.is_running, daemon.log
    await house.sink.do("slow", ms=0)
    for one in meanwhile:
        await house.producer.answered(one, seconds=60)
    completed = await house.events.completed(asked.job, seconds=60)
    assert completed.data["counts"]["sent"] == 1500
    assert daemon.repetitions == []
    await house.judge()
