"""The same request again."""

from tests.stories import asks
from tests.stories.house import House


async def test_same_key_same_answer(house: House) -> None:
    """A request that is published twice is done once, and answered alike."""
    await house.start()
    body = asks.send(asks.people(3))
    first, second = await house.producer.ask(body), await house.producer.ask(body)
    assert first.said == second.said
    await house.events.completed(first.job)
    await house.judge()


async def test_the_parcels_own_key(house: House) -> None:
    """Without a request id the parcel's message_id is the key."""
    await house.start()
    body = asks.send(asks.people(3))
    del body["request_id"]
    first = await house.producer.ask(body, message_id="parcel-1")
    second = await house.producer.ask(body, message_id="parcel-1")
    assert first.said == second.said
    await house.events.completed(first.job)
    await house.judge()


async def test_same_key_other_body(house: House) -> None:
    """The same key with another body is refused and told; what was accepted first stands."""
    await house.start()
    body = asks.send(asks.people(3))
    first = await house.producer.ask(body)
    other = await house.producer.ask(body | {"name": "Something else"})
    assert [error["code"] for error in other.said["errors"]] == ["duplicate.request"]
    await house.events.count("request.rejected", 1)
    await house.events.completed(first.job)
    await house.judge()


async def test_both_at_once(house: House) -> None:
    """Two of a kind within one group are still one job."""
    body = asks.send(asks.people(3))
    asked = [await house.producer.tell(body, wants_answer=True) for _ in range(5)]
    await house.start()
    for one in asked:
        await house.producer.answered(one)
    assert len({one.job for one in asked}) == 1
    await house.judge()
