"""Stopped."""

from tests.stories import asks
from tests.stories.house import House

NUMBER = 1500


async def test_stop_drains(house: House) -> None:
    """T097: SIGTERM ends what has begun, tells it, leaves with 0; the next one does the rest, once.

    A line says that it stops, why, and how many attempts are waited for.
    """
    daemon = await house.start()
    await house.sink.do("slow", ms=10)
    asked = await house.producer.ask(asks.send(asks.people(NUMBER)))
    await house.sink.stored(200)
    await daemon.stop()
    (stopping,) = daemon.lines("stopping")
    assert (stopping["why"], 0 < stopping["in_flight"] <= NUMBER) == ("SIGTERM", True)
    handed = len(house.sink.copies)
    assert handed < NUMBER
    await house.events.count("delivery.sent", handed, asked.job, seconds=5)
    await house.sink.do("slow", ms=0)
    await house.start()
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == NUMBER
    assert house.events.number("delivery.in_doubt") == 0
    assert len(house.sink.copies) == NUMBER
    await house.judge()


async def test_stop_waits_for_a_reply(house: House) -> None:
    """An attempt whose dot has left is waited for, so that it is no doubt."""
    daemon = await house.start()
    asked = await house.producer.ask(asks.send(["stall-at-dot-2+p@there.test"]))
    await house.sink.stored(1)
    await daemon.stop()
    await house.events.count("delivery.sent", 1, asked.job, seconds=5)
    assert house.events.number("delivery.in_doubt") == 0
    await house.judge()


async def test_second_signal_leaves_at_once(house: House) -> None:
    """Whoever can't wait says so a second time; what was under way is a doubt then."""
    daemon = await house.start()
    asked = await house.producer.ask(asks.send(["stall-at-dot-3+p@there.test"]))
    await house.sink.stored(1)
    daemon.is_doomed = True
    daemon.terminate()
    await daemon.drains()
    daemon.terminate()
    assert await daemon.ended(seconds=1) != 0
    await house.start()
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == 1
    await house.judge()
