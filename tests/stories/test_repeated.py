"""The same request again."""

import json
from random import Random

from tests.stories import asks
from tests.stories.house import ONE_LOOP, House

pytestmark = ONE_LOOP
NUMBER = 500


async def test_same_key_same_answer(home: House) -> None:
    """T052, T089: a request that is published twice is done once, and answered alike."""
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
    """A2, T052: the same key with another body is refused and told; the first one stands."""
    body = asks.send(asks.people(3))
    first = await home.producer.ask(body)
    other = await home.producer.ask(body | {"name": "Something else"})
    assert [error["code"] for error in other.said["errors"]] == ["duplicate.request"]
    await home.events.rejected(body["request_id"])
    await home.events.completed(first.job)
    await home.balance()


async def test_published_once_to_three_times(home: House) -> None:
    """A1: however often each request is published, it is one job, with one answer."""
    chance = Random(20)
    bodies = [asks.send(asks.people(1)) for _ in range(NUMBER)]
    published = [body for body in bodies for _ in range(chance.randint(1, 3))]
    chance.shuffle(published)
    before = len(await home.rows("SELECT FROM job"))
    asked = [await home.producer.tell(body, wants_answer=True) for body in published]
    answers: dict[str, set[str]] = {}
    for one in asked:
        await home.producer.answered(one)
        answers.setdefault(one.body["request_id"], set()).add(json.dumps(one.said))
    assert {len(same) for same in answers.values()} == {1}
    assert len(await home.rows("SELECT FROM job")) == before + NUMBER
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
