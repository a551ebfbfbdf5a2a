"""The relay is down, and comes back."""

from tests.stories import asks
from tests.stories.house import House

NUMBER = 50


async def test_down_and_back(house: House) -> None:
    """T021: while the relay is away nothing is lost or in doubt; when it is back all is sent."""
    await house.sink.do("down")
    daemon = await house.start()
    asked = await house.producer.ask(asks.send(asks.people(NUMBER)))
    await house.events.count("delivery.deferred", 1, asked.job)
    await daemon.names("relay", "no connection")
    await house.sink.do("up")
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == NUMBER
    assert house.events.number("delivery.in_doubt") == 0
    await daemon.recovers()
    assert daemon.repetitions == []
    await house.judge()


async def test_goes_away_in_between(house: House) -> None:
    """A relay that goes away in mid-campaign and comes back has every mail once it is over."""
    await house.start()
    await house.sink.do("slow", ms=10)
    asked = await house.producer.ask(asks.send(asks.people(400)))
    await house.sink.stored(100)
    await house.sink.do("down")
    await house.sink.do("slow", ms=0)
    await house.events.count("delivery.deferred", 1, asked.job)
    await house.sink.do("up")
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == 400
    await house.judge()
