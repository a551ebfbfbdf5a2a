"""Redelivered without a key."""

import pytest

from tests.stories import asks
from tests.stories.house import House


@pytest.mark.parametrize("point", ["C1", "C2", "C3"])
async def test_without_a_key(house: House, point: str) -> None:
    """A parcel without any key that comes back, because we died over it, is done once."""
    doomed = await house.start(crash=f"{point}:1")
    doomed.is_doomed = True
    body = asks.send(asks.people(3))
    del body["request_id"]
    asked = await house.producer.tell(body, is_keyless=True, wants_answer=True)
    await doomed.ended()
    await house.start()
    await house.producer.answered(asked)
    await house.events.completed(asked.job)
    assert len(await house.rows("SELECT FROM job")) == 1
    await house.judge()


async def test_twice_is_twice(house: House) -> None:
    """Two parcels without a key are two requests, though they say the same."""
    await house.start()
    body = asks.send(asks.people(1))
    del body["request_id"]
    asked = [await house.producer.tell(body, is_keyless=True, wants_answer=True) for _ in range(2)]
    for one in asked:
        await house.producer.answered(one)
    assert asked[0].job != asked[1].job
    await house.judge()
