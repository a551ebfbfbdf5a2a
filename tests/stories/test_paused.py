"""Paused and resumed."""

from tests.stories import asks
from tests.stories.house import ONE_LOOP, House

pytestmark = ONE_LOOP


async def test_paused_and_resumed(home: House) -> None:
    """A paused job starts nothing while others go on; resumed it goes on where it was."""
    await home.sink.do("slow", ms=20)
    ask = home.producer.ask
    asked = await ask(asks.send(asks.people(1000, words="held-")))
    await home.sink.more(50)
    paused = await ask(asks.command("pause", job=asked.job))
    assert paused.done["paused"] is True
    await home.sink.do("slow", ms=0)
    # what was past its permit ends, and two others come and go: then the job would have moved too
    for number in range(2):
        other = await ask(asks.send([f"other-{number}@there.test"], **{"class": "bulk"}))
        await home.events.completed(other.job)
        stored = len(home.sink.copies_to("held-"))
    assert stored < 1000
    last = max(copy.time for copy in home.sink.copies_to("held-"))
    assert last <= paused.answered + 0.5
    assert home.events.number("job.completed", asked.job) == 0
    await ask(asks.command("resume", job=asked.job))
    completed = await home.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == 1000
    assert home.events.number("job.paused", asked.job) == 1
    assert home.events.number("job.resumed", asked.job) == 1
    await home.balance()


async def test_customer_paused(home: House) -> None:
    """A paused customer's jobs wait, those too that are accepted meanwhile, until he is resumed."""
    ask = home.producer.ask
    await ask(asks.command("pause", customer=1))
    asked = await ask(asks.send(asks.people(5)))
    assert asked.said["ok"]
    status, shown = await home.typed("status", asked.job)
    assert (status, shown["counts"]["remaining"]) == (0, 5)
    await ask(asks.command("resume", customer=1))
    await home.events.completed(asked.job)
    await home.balance()
