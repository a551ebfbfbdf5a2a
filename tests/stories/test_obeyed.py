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


@pytest.mark.timeout(120)
async def test_a_customer_paused_under_load(house: House) -> None:
    """Once a customer's pause is answered, no instance starts anything of any of his jobs.

    What waits says whose pause it waits for; resumed, all of it goes on.
    """
    daemons = [await house.start() for _ in range(2)]
    ask = house.producer.ask
    await house.sink.do("slow", ms=20)
    jobs = [
        (await ask(asks.send(asks.people(NUMBER, words=f"{word}-")))).job for word in ("one", "two")
    ]
    await house.sink.stored(200)
    paused = await ask(asks.command("pause", customer=1))
    await house.sink.do("slow", ms=0)
    assert paused.answered is not None
    (waiting,) = await house.rows(
        "SELECT b.id * 512 + strpos(b.state, 'w') - 1 AS id FROM batch b"
        " WHERE strpos(b.state, 'w') > 0 ORDER BY b.id DESC LIMIT 1"
    )
    _, traced = await house.typed("trace", str(waiting["id"]))
    assert traced["waits"]["for"] == "paused"
    assert "deliveryd resume --customer 1" in traced["waits"]["words"][0]
    later = [copy for copy in house.sink.copies if copy.time > paused.answered]
    assert len(later) <= CONNECTIONS
    assert len(house.sink.copies) < 2 * NUMBER
    await ask(asks.command("resume", customer=1))
    for job in jobs:
        assert (await house.events.completed(job)).data["counts"]["sent"] == NUMBER
    assert min(sum(1 for _ in daemon.lines("delivery")) for daemon in daemons) > 0
    await house.judge()
