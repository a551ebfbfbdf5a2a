"""The same request again."""

from tests.stories import asks
from tests.stories.house import ONE_LOOP, House

pytestmark = ONE_LOOP


async def test_same_key_same_answer(home: House) -> None:
    """A request that is published twice is done once, and answered alike."""
    body = asks.send(asks.people(3))
    first, second = await home.producer.ask(body), await home.producer.ask(body)
    assert first.said == second.said
    await home.events.completed(first.job)
    await home.balance()


async def test_the_parcels_own_key(home: House) -> None:
    """Without a request id the parcel's message_id is the key."""
    body = asks.send(asks.people(3))
    del body["request_id"]
    first = await home.producer.ask(body, message_id="parcel-1")
    second = await home.producer.ask(body, message_id="parcel-1")
    assert first.said == second.said
    await home.events.completed(first.job)
    await home.balance()


async def test_same_key_other_body(home: House) -> None:
    """The same key with another body is refused and told; what was accepted first stands."""
    body = asks.send(asks.people(3))
    first = await home.producer.ask(body)
    other = await home.producer.ask(body | {"name": "Something else"})
    assert [error["code"] for error in other.said["errors"]] == ["duplicate.request"]
    await home.events.rejected(body["request_id"])
    await home.events.completed(first.job)
    await home.balance()


async def test_both_at_once(home: House) -> None:
    """Two of a kind within one group are still one job."""
    body = asks.send(asks.people(3))
    home.daemons[0].pause()
    asked = [await home.producer.tell(body, wants_answer=True) for _ in range(5)]
    home.daemons[0].resume()
    for one in asked:
        await home.producer.answered(one)
    assert len({one.job for one in asked}) == 1
    await home.balance()
