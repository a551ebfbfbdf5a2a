"""Redelivered without a key."""

from tests.stories import asks
from tests.stories.house import House

POINTS = ("C1", "C2", "C3")
"""Before it is read; stored and not committed; committed and not acknowledged."""


async def test_without_a_key(house: House) -> None:
    """A parcel without any key that comes back, because we died over it, is done once."""
    asked = []
    for point in POINTS:
        body = asks.send(asks.people(3), name=point)
        del body["request_id"]
        doomed = await house.start(is_ready=False, crash=f"{point}:1")
        doomed.is_doomed = True
        asked.append(await house.producer.tell(body, is_keyless=True, wants_answer=True))
        await doomed.ended()
    await house.start()
    for one in asked:
        await house.producer.answered(one)
    assert len({one.job for one in asked}) == len(await house.rows("SELECT FROM job")) == 3
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
