"""Scheduled."""

from tests.stories import asks
from tests.stories.house import House

AHEAD = 4.0


async def test_never_early_and_within_a_second(house: House) -> None:
    """What is asked for later is at the relay not before its time, and within a second after it."""
    await house.start()
    due = asks.later(AHEAD)
    asked = await house.producer.ask(asks.send(asks.people(20), delivery={"not_before": due}))
    await house.events.completed(asked.job)
    moments = [copy.time - asks.moment(due) for copy in house.sink.copies]
    assert 0 <= min(moments) <= max(moments) <= 1.0, moments
    await house.judge()


async def test_rescheduled(house: House) -> None:
    """A job moves to another time, earlier or later, and keeps that one."""
    await house.start()
    ask, due = house.producer.ask, asks.later(AHEAD)
    sooner = await ask(asks.send(["s@there.test"], delivery={"not_before": asks.later(3600)}))
    later = await ask(asks.send(["l@there.test"], delivery={"not_before": asks.later(2)}))
    for asked in (sooner, later):
        moved = await ask(asks.command("reschedule", job=asked.job, not_before=due))
        assert moved.done["moved"] == 1
    for asked in (sooner, later):
        await house.events.count("job.rescheduled", 1, asked.job)
        await house.events.completed(asked.job)
    moments = [copy.time - asks.moment(due) for copy in house.sink.copies]
    assert 0 <= min(moments) <= max(moments) <= 1.0, moments
    await house.judge()
