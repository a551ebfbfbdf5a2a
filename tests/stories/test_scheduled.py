"""Scheduled."""

from tests.stories import asks
from tests.stories.house import ONE_LOOP, House

pytestmark = ONE_LOOP

AHEAD = 4.0


async def test_never_early_and_within_a_second(home: House) -> None:
    """T044: what is asked for later comes not before its time, and within a second after it."""
    due = asks.later(AHEAD)
    asked = await home.producer.ask(
        asks.send(asks.people(20, words="once-"), delivery={"not_before": due})
    )
    await home.events.completed(asked.job)
    moments = [copy.time - asks.moment(due) for copy in home.sink.copies_to("once-")]
    assert 0 <= min(moments) <= max(moments) <= 1.0, moments
    await home.balance()


async def test_rescheduled(home: House) -> None:
    """A job moves to another time, earlier or later, and keeps that one."""
    ask, due = home.producer.ask, asks.later(AHEAD)
    sooner = await ask(asks.send(["moved-s@there.test"], delivery={"not_before": asks.later(3600)}))
    later = await ask(asks.send(["moved-l@there.test"], delivery={"not_before": asks.later(2)}))
    for asked in (sooner, later):
        moved = await ask(asks.command("reschedule", job=asked.job, not_before=due))
        assert moved.done["moved"] == 1
    for asked in (sooner, later):
        await home.events.count("job.rescheduled", 1, asked.job)
        await home.events.completed(asked.job)
    moments = [copy.time - asks.moment(due) for copy in home.sink.copies_to("moved-")]
    assert 0 <= min(moments) <= max(moments) <= 1.0, moments
    await home.balance()
