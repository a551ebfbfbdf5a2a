"""Canceled, before and during."""

from tests.stories import asks
from tests.stories.house import ONE_LOOP, House

pytestmark = ONE_LOOP


async def test_before(home: House) -> None:
    """A scheduled job that is canceled sends nothing, and says how many it took back."""
    ask = home.producer.ask
    asked = await ask(
        asks.send(asks.people(700, words="before-"), delivery={"not_before": asks.later(600)})
    )
    canceled = await ask(asks.command("cancel", job=asked.job))
    assert canceled.done["canceled"] == 700
    completed = await home.events.completed(asked.job)
    assert completed.data["counts"]["canceled"] == 700
    again = await ask(asks.command("cancel", job=asked.job))
    assert again.done["canceled"] == 700
    assert home.sink.copies_to("before-") == []
    await home.balance()


async def test_during(home: House) -> None:
    """A job that is canceled half way starts nothing more; what went out is counted as sent."""
    await home.sink.do("slow", ms=20)
    asked = await home.producer.ask(asks.send(asks.people(1500)))
    await home.sink.more(50)
    canceled = await home.producer.ask(asks.command("cancel", job=asked.job))
    assert 0 < canceled.done["canceled"] < 1500, canceled.said
    completed = await home.events.completed(asked.job)
    counts = completed.data["counts"]
    await home.sink.do("slow", ms=0)
    assert completed.data["state"] == "canceled"
    assert counts["sent"] >= 50
    assert counts["sent"] + counts["canceled"] == 1500
    await home.balance()


async def test_one_recipient(home: House) -> None:
    """A single delivery can be taken back; the others of its job go out."""
    ask = home.producer.ask
    await ask(asks.command("pause", customer=1))
    asked = await ask(asks.send(asks.people(3)))
    _, listed = await home.typed("deliveries", asked.job)
    canceled = await ask(asks.command("cancel", delivery=listed["deliveries"][1]["id"]))
    assert canceled.done["canceled"] == 1
    await ask(asks.command("resume", customer=1))
    completed = await home.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == 2
    await home.events.count("delivery.canceled", 1, asked.job)
    await home.balance()
