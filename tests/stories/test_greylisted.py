"""Greylisted, then sent."""

from tests.stories import asks
from tests.stories.house import House

NUMBER = 20


async def test_greylisted_then_sent(house: House) -> None:
    """T092: a 4xx at RCPT is told as deferred, with when it is tried again; then it is sent."""
    await house.start()
    people = asks.people(NUMBER, words="greylist-1+") + asks.people(NUMBER)
    asked = await house.producer.ask(asks.send(people))
    completed = await house.events.completed(asked.job)
    deferred = house.events.of("delivery.deferred", asked.job)
    assert len(deferred) == NUMBER
    assert {(event.data["code"], event.data["enhanced"]) for event in deferred} == {(451, "4.7.1")}
    assert all(event.data["next_attempt_at"] > event.data["occurred_at"] for event in deferred)
    assert completed.data["counts"]["sent"] == 2 * NUMBER
    sent = await house.events.count("delivery.sent", 2 * NUMBER, asked.job)
    assert sorted(event.data["attempt"] for event in sent) == [1] * NUMBER + [2] * NUMBER
    await house.judge()


async def test_the_server_says_when(house: House) -> None:
    """A delay that the server names is kept, though our own would be longer."""
    house.sections["retry"] = {"first": "60s", "jitter": 0.0, "hint_min": "100ms"}
    await house.start()
    asked = await house.producer.ask(asks.send(["retry-after-1+p@there.test"]))
    deferred = (await house.events.count("delivery.deferred", 1, asked.job))[0]
    (sent,) = await house.events.count("delivery.sent", 1, asked.job)
    waited = asks.moment(sent.data["occurred_at"]) - asks.moment(deferred.data["occurred_at"])
    assert 1.0 <= waited <= 2.5
    await house.judge()
