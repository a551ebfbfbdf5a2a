"""Killed in mid-campaign."""

import pytest

from tests.stories import asks
from tests.stories.house import House

NUMBER = 1500


@pytest.mark.timeout(120)
async def test_killed_and_started_again(house: House) -> None:
    """T090: kill -9 in mid-campaign loses nobody; who may get a second copy is told in doubt."""
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


POINTS = ("C8:1", "C9:2", "C12:3", "C15:20", "C16:5", "C18:2", "C19:2", "C21:2", "C22:2")
"""Claimed; composed; RCPT accepted; dot sent; replied; committed; and around the telling."""


@pytest.mark.timeout(120)
async def test_killed_wherever(house: House) -> None:
    """Wherever a daemon dies between a claim and a told event, the next ones end its work."""
    asked = []
    for point in POINTS:
        doomed = await house.start(is_ready=False, crash=point)
        doomed.is_doomed = True
        asked.append(await house.producer.tell(asks.send(asks.people(40)), wants_answer=True))
        await doomed.ended()
    await house.start()
    for one in asked:
        await house.producer.answered(one)
        completed = await house.events.completed(one.job)
        assert completed.data["counts"]["sent"] == 40
    await house.judge()
