"""To 5,000 recipients."""

import pytest

from tests.stories import asks
from tests.stories.house import House

NUMBER = 5000


@pytest.mark.timeout(120)
async def test_5000_recipients(house: House) -> None:
    """One parcel may name 5,000 recipients: each gets one mail, with his own name in it."""
    await house.start()
    asked = await house.producer.ask(asks.send(asks.people(NUMBER), **{"class": "normal"}))
    assert asked.done["counts"]["queued"] == NUMBER
    completed = await house.events.completed(asked.job, seconds=60)
    assert completed.data["counts"]["sent"] == NUMBER
    await house.events.count("delivery.sent", NUMBER, asked.job)
    await house.judge()


async def test_one_more_is_too_many(house: House) -> None:
    """5,001 recipients in one parcel are refused, and nobody gets anything."""
    await house.start()
    asked = await house.producer.ask(asks.send(asks.people(NUMBER + 1)))
    assert [error["code"] for error in asked.said["errors"]] == ["too_large"]
    await house.judge()
