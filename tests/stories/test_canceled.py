"""Canceled, before and during."""

from tests.stories import asks
from tests.stories.house import House


async def test_before(house: House) -> None:
    """A scheduled job that is canceled sends nothing, and says how many it took back."""
    await house.start()
    ask = house.producer.ask
    asked = await ask(asks.send(asks.people(700), delivery={"not_before": asks.later(600)}))
    canceled = await ask(asks.command("cancel", job=asked.job))
    assert canceled.done["canceled"] == 700
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["canceled"] == 700
    again = await ask(asks.command("cancel", job=asked.job))
    assert again.done["canceled"] == 700
    assert house.sink.copies == []
    await house.judge()


async def test_during(house: House) -> None:
    """A job that is canceled half way starts nothing more; what went out is counted as sent."""
    await house.start()
    await house.sink.do("slow", ms=20)
    asked = await house.producer.ask(asks.send(asks.people(1500)))
    await house.sink.stored(50)
    canceled = await house.producer.ask(asks.command("cancel", job=asked.job))
    assert 0 < canceled.done["canceled"] < 1500, canceled.said
    completed = await house.events.completed(asked.job)
    counts = completed.data["counts"]
    assert completed.data["state"] == "canceled"
    assert counts["sent"] >= 50
    assert counts["sent"] + counts["canceled"] == 1500
    await house.judge()


async def test_one_recipient(house: House) -> None:
    """A single delivery can be taken back; the others of its job go out."""
    await house.start()
    ask, due = house.producer.ask, asks.later(2)
    asked = await ask(asks.send(asks.people(3), delivery={"not_before": due}))
    _, listed = await house.typed("deliveries", asked.job)
    canceled = await ask(asks.command("cancel", delivery=listed["deliveries"][1]["id"]))
    assert canceled.done["canceled"] == 1
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == 2
    await house.events.count("delivery.canceled", 1, asked.job)
    await house.judge()
