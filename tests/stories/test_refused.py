"""What is no request, and what can't be done."""

import json

from tests.stories import asks
from tests.stories.house import ONE_LOOP, House

pytestmark = ONE_LOOP


async def test_no_request_at_all(home: House) -> None:
    """Bad JSON, another version, an unknown command and a giant are dead letters, and told so."""
    bodies = {
        "bad_json": b'{"v": 1, "command": "send"',
        "unsupported.version": json.dumps(asks.send(asks.people(1)) | {"v": 2}).encode(),
        "unknown.command": json.dumps(asks.command("fly")).encode(),
        "too_large": json.dumps(asks.send(asks.people(20_000))).encode(),
    }
    asked = {reason: await home.producer.ask(body) for reason, body in bodies.items()}
    strange = await home.producer.ask(b"{}", kind="nobody's")
    good = await home.producer.ask(asks.send(asks.people(1)))
    asked["unknown.type"] = strange
    dead = await home.events.buried(5)
    assert {letter.message_id: letter.reason for letter in dead} == {
        one.message_id: reason for reason, one in asked.items()
    }
    for reason, one in asked.items():
        assert [error["code"] for error in one.said["errors"]] == [reason]
        await home.events.rejected(one.message_id)
    await home.events.completed(good.job)
    await home.balance()


SHAPES = (
    b"", b"{", b"[]", b"null", b'"text"', b'{"v":NaN}', b'{"v":1e400}', b'{"v":-Infinity}',
    b'{"v":' + b"1" * 10_000 + b"}", b'{"v":' * 2000 + b"1" + b"}" * 2000, b"[" * 100_000,
    b'{"v":"\xff"}', b'{"v":"\\ud800"}', b"\xef\xbb\xbf{}", '{"v":1}'.encode("utf-16"),
    b'{"v":1}\0', b'{"v":1}{"v":1}', b'{"v":1,}', b'{"v":"\0"}',
)  # fmt: skip


async def test_every_shape_of_bad_json(home: House) -> None:
    """A6, T089: whatever is wrong with the JSON, it is one dead letter, told once; no retry."""
    before = len(home.events.dead)
    asked = [await home.producer.tell(body, wants_answer=True) for body in SHAPES]
    for one in asked:
        await home.producer.answered(one)
        assert [error["code"] for error in one.said["errors"]] == ["bad_json"]
        await home.events.rejected(one.message_id)
    dead = (await home.events.buried(before + len(SHAPES)))[before:]
    assert [letter.reason for letter in dead] == ["bad_json"] * len(SHAPES)
    assert not list(home.daemons[0].lines("parcel.failed"))
    await home.balance()


async def test_all_errors_at_once(home: House) -> None:
    """A request that is wrong in four ways is refused with all four, and stores nothing."""
    body = asks.send(asks.people(2), purpose="fun", dry_rum=True)
    body["messages"][0] |= {"from": {"address": "nobody"}, "html": "Dear {{ first name }}"}
    asked = await home.producer.ask(body)
    wrong = {error["field"] for error in asked.said["errors"]}
    assert wrong == {"purpose", "dry_rum", "messages[0].from.address", "messages[0].html"}
    told = json.dumps(asked.said)
    assert "did you mean" in told
    assert "fun" not in told
    assert "first name" not in told
    rejected = await home.events.rejected(body["request_id"])
    assert rejected.data["errors"] == asked.said["errors"]
    assert asked.message_id not in {letter.message_id for letter in home.events.dead}
    await home.balance()


async def test_a_bad_neighbour(home: House) -> None:
    """One bad parcel among many holds up nobody and fails nobody."""
    home.daemons[0].pause()
    good = [
        await home.producer.tell(asks.send(asks.people(2)), wants_answer=True) for _ in range(20)
    ]
    bad = await home.producer.tell(b"not even close", wants_answer=True)
    wrong = await home.producer.tell(asks.send([], messages=[]), wants_answer=True)
    home.daemons[0].resume()
    for one in (*good, bad, wrong):
        await home.producer.answered(one)
    assert all(one.said["ok"] for one in good)
    assert not bad.said["ok"]
    assert not wrong.said["ok"]
    await home.balance()


async def test_a_dry_run_stores_nothing(home: House) -> None:
    """`validate` counts as a send would, and neither stores nor sends anything."""
    asked = await home.producer.ask(asks.send(["a@there.test", "nobody"], dry_run=True))
    assert asked.done["counts"]["queued"] == 1
    assert asked.done["counts"]["invalid"] == 1
    key = asked.request.key
    assert await home.rows("SELECT FROM job WHERE request_id = $1", key) == []
    await home.balance()
