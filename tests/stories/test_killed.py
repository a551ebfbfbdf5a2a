"""Killed in mid-campaign."""

import pytest

from tests.stories import asks
from tests.stories.house import House

NUMBER = 1500


@pytest.mark.timeout(120)
async def test_killed_and_started_again(house: House) -> None:
    """Kill -9 in mid-campaign loses nobody; whoever may get a second copy is told as in doubt."""
    daemon = await house.start()
    await house.sink.do("slow", ms=5)
    asked = await house.producer.ask(asks.send(asks.people(NUMBER)))
    await house.sink.stored(300)
    daemon.kill()
    await daemon.ended()
    await house.start()
    completed = await house.events.completed(asked.job, seconds=60)
    assert completed.data["counts"]["sent"] == NUMBER
    await house.judge()


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    "point", ["C8:1", "C9:2", "C12:3", "C15:20", "C16:5", "C18:2", "C19:2", "C21:2", "C22:2"]
)
async def test_killed_at(house: House, point: str) -> None:
    """Wherever the daemon dies between a claim and a told event, the next one ends its work."""
    doomed = await house.start(crash=point)
    doomed.is_doomed = True
    asked = await house.producer.tell(asks.send(asks.people(40)), wants_answer=True)
    await doomed.ended()
    await house.start()
    await house.producer.answered(asked)
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == 40
    await house.judge()
