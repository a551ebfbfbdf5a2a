"""Overdue: what fell due while nobody was there."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from tests.stories import asks
from tests.stories.config import CONNECTIONS
from tests.stories.house import House
from tests.waiting import until

JOBS = 1000
AHEAD = timedelta(seconds=20)
"""Time enough for so many to be accepted, and for two daemons to stop."""
APART = timedelta(milliseconds=2)
"""Between the due times of two jobs, which come in another order than they are due in."""
CLAIMS = 5
"""Of 200 jobs each: what another one gives back is older than what somebody has."""
RECOVERY = 30.0
"""Seconds within which all of it must have left once somebody is there again."""


@pytest.mark.timeout(180)
async def test_due_while_nobody_was_there(house: House) -> None:
    """T097: of 1,000 jobs each leaves once, soon after two daemons are back, the oldest first.

    Each takes what is oldest and nobody has; what it has too much of it gives to the other one.
    """
    names = ("one.story.test", "two.story.test")
    for name in names:
        await house.start(delivery__hostname=name)
    due = datetime.now(UTC) + AHEAD
    at = {f"p{place}@there.test": due + APART * (place * 7 % JOBS) for place in range(JOBS)}
    async with asyncio.TaskGroup() as group:
        for address, moment in at.items():
            body = asks.send([address], delivery={"not_before": moment.isoformat()})
            group.create_task(house.producer.tell(body), name=address)
    await house.events.count("job.accepted", JOBS)
    for daemon in house.daemons:
        await daemon.stop()
    assert not house.sink.copies
    assert datetime.now(UTC) < due
    await until(lambda: datetime.now(UTC) > due + APART * JOBS, seconds=2 * AHEAD.seconds)
    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(house.start(delivery__hostname=name), name=name)
    await house.events.count("job.completed", JOBS, seconds=RECOVERY)
    copies = sorted(house.sink.copies, key=lambda copy: copy.time)
    assert sorted(copy.rcpt[0] for copy in copies) == sorted(at)
    for name in names:
        assert _steps_back([at[copy.rcpt[0]] for copy in copies if copy.helo == name]) <= CLAIMS
    await house.judge()


def _steps_back(dues: Sequence[datetime]) -> int:
    """How often somebody went on with what is older, by more than what was under way at once."""
    near = APART * 2 * CONNECTIONS
    return sum(later + near < earlier for earlier, later in pairwise(dues))
