"""Redelivered without a key."""

import asyncio
import uuid

import pytest

from tests.stories import asks
from tests.stories.house import House

POINTS = ("C1", "C2", "C3")
"""Before it is read; stored and not committed; committed and not acknowledged."""


async def test_without_a_key(house: House) -> None:
    """A3, T089: a parcel without any key that comes back, as we died over it, is done once."""
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


@pytest.mark.parametrize("point", ["C2", "C3"])
async def test_another_answers(house: House, point: str) -> None:
    """A3: the answer that somebody owed who died over it is given by another."""
    doomed = await house.start(crash=f"{point}:1", only="intake")
    doomed.is_doomed = True
    asked = await house.producer.tell(asks.send(asks.people(2)), wants_answer=True)
    await house.start()
    await doomed.ended()
    await house.producer.answered(asked)
    assert len(await house.rows("SELECT FROM job")) == 1
    await house.judge()


async def test_another_answers_an_early_frame(house: House) -> None:
    """A frame that came before its send is answered by whoever applies it."""
    name = uuid.uuid4().hex
    first = await house.start(only="intake")
    early = await house.producer.tell(
        asks.command("extend", request_id=name, frame=1, items=asks.people(2)), wants_answer=True
    )
    while not await house.rows("SELECT FROM frame"):  # noqa: ASYNC110 - a row gives no sign
        await asyncio.sleep(0.05)
    first.is_doomed = True
    first.kill()
    await house.start()
    opened = await house.producer.ask(asks.send([], request_id=name, open=True))
    assert (await house.producer.answered(early)).said["ok"]
    await house.producer.ask(asks.command("close", request_id=name, frames=1))
    await house.events.completed(opened.job)
    await house.judge()
