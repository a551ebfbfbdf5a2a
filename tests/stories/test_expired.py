"""Expired."""

from tests.stories import asks
from tests.stories.house import ONE_LOOP, House

pytestmark = ONE_LOOP


async def test_expired_while_deferred(home: House) -> None:
    """T092: what a relay puts off beyond its expiry is told as expired, and never sent."""
    people = asks.people(3, words="greylist-99+") + asks.people(3)
    asked = await home.producer.ask(asks.send(people, delivery={"expires_after": "3s"}))
    completed = await home.events.completed(asked.job)
    assert (completed.data["counts"]["expired"], completed.data["counts"]["sent"]) == (3, 3)
    await home.events.count("delivery.expired", 3, asked.job)
    await home.balance()


async def test_expired_while_the_relay_is_away(home: House) -> None:
    """What waits for a relay that stays away expires too, and isn't sent when it comes back."""
    await home.sink.do("down")
    asked = await home.producer.ask(
        asks.send(asks.people(30, words="away-"), delivery={"expires_after": "3s"})
    )
    completed = await home.events.completed(asked.job)
    assert completed.data["counts"]["expired"] == 30
    await home.sink.do("up")
    after = await home.producer.ask(asks.send(["after@there.test"]))
    await home.events.completed(after.job, seconds=60)
    assert home.sink.copies_to("away-") == []
    await home.balance()


async def test_expired_while_paused(home: House) -> None:
    """A pause doesn't lengthen anything's time."""
    ask, terms = home.producer.ask, {"not_before": asks.later(1), "expires_after": "2s"}
    asked = await ask(asks.send(asks.people(3), delivery=terms))
    await ask(asks.command("pause", job=asked.job))
    completed = await home.events.completed(asked.job)
    assert completed.data["counts"]["expired"] == 3
    await home.balance()
