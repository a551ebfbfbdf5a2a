"""The local journal: a disk that takes no records, and a restart that reads them."""

import asyncio
import resource
import time

import pytest

from tests.stories import asks
from tests.stories.house import House


async def test_a_disk_that_takes_no_records(house: House) -> None:
    """Nothing new starts without its journal, and that is said; with it work goes on, no doubts."""
    daemon = await house.start()
    await house.sink.do("slow", ms=5)
    first = await house.producer.ask(asks.send(asks.people(400)))
    await house.sink.stored(50)
    _allow(daemon.pid, 1)
    await daemon.names("journal", "File too large")
    # requests are taken all the same; what they ask for waits
    second = await house.producer.ask(asks.send(asks.people(5, words="later-")))
    await _told(house, second.job)
    mended = time.time()
    _allow(daemon.pid, resource.RLIM_INFINITY)
    for asked in (first, second):
        await house.events.completed(asked.job)
    assert all(copy.time >= mended for copy in house.sink.copies_to("later-"))
    assert house.events.number("delivery.in_doubt") == 0
    await daemon.recovers()
    await house.judge()


@pytest.mark.timeout(90)
async def test_a_restart_knows_what_was_heard(house: House) -> None:
    """C17: killed with replies that no commit knows of, it repeats nothing and doubts nothing."""
    house.sections["instance"] |= {"lease": "60s"}  # which nobody waits for: its lock is free
    house.transport["max_connections"] = 1  # on others a dot might wait for its reply: a doubt
    doomed = await house.start(crash="C17:30")
    doomed.is_doomed = True
    asked = await house.producer.tell(asks.send(asks.people(60)), wants_answer=True)
    await doomed.ended()
    daemon = await house.start()
    await house.events.completed(asked.job)
    assert next(daemon.lines("journal.adopted"))["replies"] > 0
    assert len(house.sink.copies) == 60
    assert house.events.number("delivery.in_doubt") == 0
    await house.judge()
    assert list((house.folder / "state").iterdir()) == []


async def _told(house: House, job: str) -> None:
    """Returns once `trace` says why nothing of a job starts: with the next heartbeat."""
    async with asyncio.timeout(20):
        while True:
            _, told = await house.typed("trace", job)
            if any("No instance starts" in line and "journal" in line for line in told["words"]):
                return
            await asyncio.sleep(0.2)


def _allow(pid: int, size: int) -> None:
    """No file of a process grows beyond so many octets."""
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
