"""Paused and resumed."""

from tests.stories import asks
from tests.stories.house import House


async def test_paused_and_resumed(house: House) -> None:
    """A paused job starts nothing while others go on; resumed it goes on where it was."""
    await house.start()
    await house.sink.do("slow", ms=20)
    ask = house.producer.ask
    asked = await ask(asks.send(asks.people(1000)))
    await house.sink.stored(50)
    paused = await ask(asks.command("pause", job=asked.job))
    assert paused.done["paused"] is True
    await house.sink.do("slow", ms=0)
    # what was past its permit ends, and two others come and go: then the job would have moved too
    for number in range(2):
        other = await ask(asks.send([f"other-{number}@there.test"], **{"class": "bulk"}))
        await house.events.completed(other.job)
        stored = len(house.sink.copies)
    assert stored < 1000
    last = max(copy.time for copy in house.sink.copies if not copy.rcpt[0].startswith("other"))
    assert last <= paused.answered + 0.5
    assert house.events.number("job.completed", asked.job) == 0
    await ask(asks.command("resume", job=asked.job))
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == 1000
    assert house.events.number("job.paused", asked.job) == 1
    assert house.events.number("job.resumed", asked.job) == 1
    await house.judge()


async def test_customer_paused(house: House) -> None:
    """A paused customer's jobs wait, those too that are accepted meanwhile, until he is resumed."""
    await house.start()
    ask = house.producer.ask
    await ask(asks.command("pause", customer=1))
    asked = await ask(asks.send(asks.people(5)))
    assert asked.said["ok"]
    status, shown = await house.typed("status", asked.job)
    assert (status, shown["counts"]["remaining"]) == (0, 5)
    await ask(asks.command("resume", customer=1))
    await house.events.completed(asked.job)
    await house.judge()
