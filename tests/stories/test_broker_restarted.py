"""The broker is restarted."""

import asyncio

import pytest

from tests.stories import asks
from tests.stories.house import House
from tests.stories.servers import Pair


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
async def test_broker_restarted(breakable: House, pair: Pair, *, kill: bool) -> None:
    """E1: a broker that goes away and comes back costs no request and no event; mail goes on."""
    house = breakable
    daemon = await house.start()
    await house.sink.do("slow", ms=20)
    asked = await house.producer.ask(asks.send(asks.people(1500)))
    await house.sink.stored(50)
    async with asyncio.TaskGroup() as group:
        group.create_task(pair.restart("rabbitmq", kill=kill), name="restart")
        for number in range(20):
            body = asks.send([f"meanwhile-{number}@there.test"])
            group.create_task(house.producer.tell(body), name=f"ask {number}")
    assert daemon.is_running
    await house.sink.do("slow", ms=0)
    completed = await house.events.completed(asked.job, seconds=60)
    assert completed.data["counts"]["sent"] == 1500
    await house.events.count("job.completed", 21, seconds=60)
    assert daemon.repetitions == []
    await house.judge()
