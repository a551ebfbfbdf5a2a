"""Expired."""

from tests.stories import asks
from tests.stories.house import House


async def test_expired_while_deferred(house: House) -> None:
    """What a relay puts off beyond its expiry is told as expired, and never sent."""
    await house.start()
    people = asks.people(3, words="greylist-99+") + asks.people(3)
    asked = await house.producer.ask(asks.send(people, delivery={"expires_after": "3s"}))
    completed = await house.events.completed(asked.job)
    assert (completed.data["counts"]["expired"], completed.data["counts"]["sent"]) == (3, 3)
    await house.events.count("delivery.expired", 3, asked.job)
    await house.judge()


async def test_expired_while_the_relay_is_away(house: House) -> None:
    """What waits for a relay that stays away expires too, and isn't sent when it comes back."""
    await house.sink.do("down")
    await house.start()
    asked = await house.producer.ask(asks.send(asks.people(30), delivery={"expires_after": "3s"}))
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["expired"] == 30
    await house.sink.do("up")
    after = await house.producer.ask(asks.send(["after@there.test"]))
    await house.events.completed(after.job, seconds=60)
    assert len(house.sink.copies) == 1
    await house.judge()


async def test_expired_while_paused(house: House) -> None:
    """A pause doesn't lengthen anything's time."""
    await house.start()
    ask, terms = house.producer.ask, {"not_before": asks.later(1), "expires_after": "2s"}
    asked = await ask(asks.send(asks.people(3), delivery=terms))
    await ask(asks.command("pause", job=asked.job))
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["expired"] == 3
    await house.judge()
