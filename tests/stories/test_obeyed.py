"""What is taken back while several instances are at it."""

import pytest

from tests.stories import asks
from tests.stories.config import CONNECTIONS
from tests.stories.house import House

NUMBER = 1200


@pytest.mark.timeout(120)
async def test_pause_and_cancel_under_load(house: House) -> None:
    """W15: once a pause or a cancel is answered no instance starts anything more of that job.

    What was under way at that moment ends: at most as much as there are connections.
    """
    daemons = [await house.start() for _ in range(2)]
    ask = house.producer.ask
    await house.sink.do("slow", ms=20)
    held = await ask(asks.send(asks.people(NUMBER, words="held-")))
    ended = await ask(asks.send(asks.people(NUMBER, words="ended-")))
    await house.sink.stored(200)
    paused = await ask(asks.command("pause", job=held.job))
    canceled = await ask(asks.command("cancel", job=ended.job))
    await house.sink.do("slow", ms=0)
    other = await ask(asks.send(asks.people(300)))
    await house.events.completed(other.job)  # as long as this nobody has started anything of them
    assert canceled.done["canceled"] > 0
    for answered, words in ((paused.answered, "held-"), (canceled.answered, "ended-")):
        assert answered is not None
        later = [copy for copy in house.sink.copies_to(words) if copy.time > answered]
        assert len(later) <= CONNECTIONS
    assert len(house.sink.copies_to("held-")) < NUMBER
    await ask(asks.command("resume", job=held.job))
    completed = await house.events.completed(held.job)
    assert completed.data["counts"]["sent"] == NUMBER
    counts = (await house.events.completed(ended.job)).data["counts"]
    assert counts["sent"] + counts["canceled"] == NUMBER
    assert min(sum(1 for _ in daemon.lines("delivery")) for daemon in daemons) > 0
    await house.judge()
