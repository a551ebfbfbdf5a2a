"""Sent."""

from tests.stories import asks
from tests.stories.house import House


async def test_sent(house: House) -> None:
    """A mail that is asked for is at the relay, and its sender is answered and told so."""
    await house.start()
    asked = await house.producer.ask(asks.send([{"address": "ann@there.test", "name": "Ann"}]))
    assert asked.done["counts"]["queued"] == 1
    sent = await house.events.count("delivery.sent", 1, asked.job)
    completed = await house.events.completed(asked.job)
    assert sent[0].data["address"] == "ann@there.test"
    assert sent[0].delivery == asked.said["delivery"]
    assert completed.data["counts"]["sent"] == 1
    assert [copy.subject for copy in house.sink.copies] == ["Hello Ann"]
    await house.judge()
