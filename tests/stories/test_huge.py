"""Parcels far above the limit: the daemon says no, and never has them in memory."""

import pytest

from tests.stories import asks
from tests.stories.house import House

HUGE = 64 * 2**20
NUMBER = 3


@pytest.mark.timeout(120)
async def test_huge_parcels_are_never_held(house: House) -> None:
    """A10: each is answered and told as too large and buried whole; memory never has even one."""
    daemon = await house.start()
    await house.producer.ask(asks.send(["before@there.test"]))
    before = daemon.peak
    body = b'{"v":1,"command":"send","filler":"' + b"x" * HUGE + b'"}'
    told = [await house.producer.tell(body, wants_answer=True) for _ in range(NUMBER)]
    beside = await house.producer.ask(asks.send(["beside@there.test"]))
    await house.events.completed(beside.job)
    for asked in told:
        (error,) = (await house.producer.answered(asked)).said["errors"]
        assert error["code"] == "too_large"
    assert daemon.peak - before < HUGE / 2
    buried = await house.events.buried(NUMBER)
    assert {(len(one.body), one.reason) for one in buried} == {(len(body), "too_large")}
    await house.events.count("request.rejected", NUMBER)
    _, listed = await house.typed("dead", "list")
    assert [one["reason"] for one in listed["dead"]] == ["too_large"] * NUMBER
    await house.judge()
