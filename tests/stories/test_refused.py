"""What is no request, and what can't be done."""

import json

from tests.stories import asks
from tests.stories.house import House


async def test_no_request_at_all(house: House) -> None:
    """Bad JSON, another version, an unknown command and a giant are dead letters, and told so."""
    house.sections["intake"] = {"anonymous": 1, "max_parcel": "64KiB"}
    await house.start()
    bodies = {
        "bad_json": b'{"v": 1, "command": "send"',
        "unsupported.version": json.dumps(asks.send(asks.people(1)) | {"v": 2}).encode(),
        "unknown.command": json.dumps(asks.command("fly")).encode(),
        "too_large": json.dumps(asks.send(asks.people(3000))).encode(),
    }
    asked = {reason: await house.producer.ask(body) for reason, body in bodies.items()}
    strange = await house.producer.ask(b"{}", kind="nobody's")
    good = await house.producer.ask(asks.send(asks.people(1)))
    for reason, one in {**asked, "unknown.type": strange}.items():
        assert [error["code"] for error in one.said["errors"]] == [reason]
    await house.events.until(lambda: len(house.events.dead) == 5, "5 dead letters")
    assert {letter.reason for letter in house.events.dead} == {*bodies, "unknown.type"}
    await house.events.count("request.rejected", 5)
    await house.events.completed(good.job)
    await house.judge()


async def test_three_errors_at_once(house: House) -> None:
    """A request that is wrong in three ways is refused with all three, and stores nothing."""
    await house.start()
    body = asks.send(asks.people(2), purpose="fun", subjct="Hello")
    body["messages"][0]["from"] = {"address": "nobody"}
    asked = await house.producer.ask(body)
    wrong = {error["field"] for error in asked.said["errors"]}
    assert wrong == {"purpose", "subjct", "messages[0].from.address"}
    assert "did you mean" in json.dumps(asked.said) or "fun" not in json.dumps(asked.said)
    rejected = (await house.events.count("request.rejected", 1))[0]
    assert rejected.data["errors"] == asked.said["errors"]
    assert house.events.dead == []
    await house.judge()


async def test_a_bad_neighbour(house: House) -> None:
    """One bad parcel among many holds up nobody and fails nobody."""
    good = [
        await house.producer.tell(asks.send(asks.people(2)), wants_answer=True) for _ in range(20)
    ]
    bad = await house.producer.tell(b"not even close", wants_answer=True)
    wrong = await house.producer.tell(asks.send([], messages=[]), wants_answer=True)
    await house.start()
    for one in (*good, bad, wrong):
        await house.producer.answered(one)
    assert all(one.said["ok"] for one in good)
    assert not bad.said["ok"]
    assert not wrong.said["ok"]
    await house.judge()


async def test_a_dry_run_stores_nothing(house: House) -> None:
    """`validate` counts as a send would, and neither stores nor sends anything."""
    await house.start()
    asked = await house.producer.ask(asks.send(["a@there.test", "nobody"], dry_run=True))
    assert asked.done["counts"]["queued"] == 1
    assert asked.done["counts"]["invalid"] == 1
    assert await house.rows("SELECT FROM job") == []
    await house.judge()
