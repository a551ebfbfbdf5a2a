"""Several instances."""

import pytest

from tests.checker.evidence import Limits
from tests.forms import form
from tests.stories import asks
from tests.stories.house import House

NUMBER = 2000
CONNECTIONS = 6
KILLS = form(2, 20)


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


@pytest.mark.timeout(form(120, 900))
async def test_one_of_three_is_killed(house: House) -> None:
    """W1: whenever one of them dies the others end the work of all, and the next one joins in."""
    house.transport["max_connections"] = CONNECTIONS
    daemons = [await house.start() for _ in range(3)]
    await house.sink.do("slow", ms=5)
    for _ in range(KILLS):
        asked = await house.producer.ask(asks.send(asks.people(NUMBER)))
        await house.sink.more(500)
        daemons.pop(0).kill()
        completed = await house.events.completed(asked.job, seconds=60)
        assert completed.data["counts"]["sent"] == NUMBER
        daemons.append(await house.start())
    await house.judge(limits=Limits(connections=CONNECTIONS))
