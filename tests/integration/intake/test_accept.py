"""Sends: stored once, recognised, counted, refused without a trace."""

from dataclasses import replace
from uuid import uuid4

import pytest

from daemon.dialects import DIALECTS
from daemon.intake import carry
from daemon.intake.ask import Back
from daemon.mail.refusal import Code, Refused
from daemon.store import memories
from daemon.store.memories import Holder, Undecided
from tests.integration.intake.counter import BOB, Counter, Document, send


def _errors(answer: Document) -> list[tuple[str, str]]:
    return [(error["code"], error["field"]) for error in answer["errors"]]


async def _stored(counter: Counter) -> dict[str, int]:
    tables = ("job", "message", "batch", "delivery", "dropped_recipient", "request_seen")
    return {name: await counter.value(f"SELECT count(*) FROM {name}") for name in tables}


async def test_a_send_is_stored_answered_and_told(counter: Counter) -> None:
    """A job, its message and its deliveries are there; answer and event carry the same counts."""
    answer = await counter.answer(send("a@x.test", "b@x.test", "a@x.test", "nobody", None))
    counts = {
        "requested": 5, "queued": 2, "no_address": 1, "invalid": 1, "excluded": 0,
        "duplicate": 1, "suppressed": 0, "not_found": 0, "inactive": 0,
    }  # fmt: skip
    assert answer["ok"]
    assert answer["counts"] == counts
    [event] = counter.heard.of("job.accepted")
    assert event["counts"] == counts
    assert event["ticket"] == answer["ticket"]
    row = await counter.sql("SELECT id::text, state, queued, requested, name FROM job")
    assert row == [(answer["job"], "scheduled", 2, 5, answer["ticket"])]
    assert await counter.value("SELECT state FROM batch") == "ww"


async def test_the_only_delivery_is_named(counter: Counter) -> None:
    """An answer names the delivery when there is exactly one."""
    answer = await counter.answer(send("a@x.test"))
    assert answer["delivery"] == await counter.value("SELECT id FROM delivery")
    assert answer["messages"] == [await counter.value("SELECT id FROM message")]


async def test_the_same_key_gives_the_first_answer_again(counter: Counter) -> None:
    """A repeat is answered word for word as the first time, and stores nothing."""
    first = await counter.answer(send(request_id="r1"))
    before = await _stored(counter)
    verdict = await counter.put(send(request_id="r1"))
    assert verdict.result == "repeated"
    assert await counter.answer(send(request_id="r1")) == first
    assert await _stored(counter) == before
    assert len(counter.heard.of("job.accepted")) == 1


async def test_the_same_key_with_another_body_is_a_conflict(counter: Counter) -> None:
    """What differs is refused and told, and the first job stays as it was."""
    await counter.put(send(request_id="r1"))
    answer = await counter.answer(send("other@x.test", request_id="r1"))
    assert _errors(answer) == [("duplicate.request", "request_id")]
    assert [told["errors"] for told in counter.heard.of("request.rejected")] == [answer["errors"]]
    assert await counter.value("SELECT count(*) FROM job") == 1
    assert (await counter.put(send(request_id="r1"))).result == "repeated"


async def test_a_key_belongs_to_its_customer(counter: Counter) -> None:
    """Two customers may use the same key for different things."""
    await counter.put(send(request_id="r1"))
    other = await counter.put(send("b@x.test", request_id="r1"), customer=BOB)
    assert other.result == "accepted"


async def test_an_old_key_may_be_used_again(counter: Counter) -> None:
    """T052: a key whose time is over is free."""
    await counter.put(send(request_id="r1"))
    await counter.sql("UPDATE request_seen SET expires_at = now() - interval '1 second'")
    assert (await counter.put(send("new@x.test", request_id="r1"))).result == "accepted"


async def test_refusals_are_not_remembered(counter: Counter) -> None:
    """A key that came with a refused request is free for the corrected one."""
    wrong = send(request_id="r1", delivery={"transport": {"id": 2}})
    answer = await counter.answer(wrong)
    assert _errors(answer) == [("not_found", "delivery.transport")]
    assert await _stored(counter) == dict.fromkeys(await _stored(counter), 0)
    assert (await counter.put(send(request_id="r1"))).result == "accepted"


async def test_a_group_is_one_transaction(counter: Counter) -> None:
    """Two hundred sends are accepted together, in one stretch of the stream."""
    asks = [counter.read(send(f"r{n}@x.test", request_id=f"k{n}")) for n in range(200)]
    verdicts = await carry.group(counter.means, asks)
    assert [verdict.result for verdict in verdicts] == ["accepted"] * 200
    assert await counter.value("SELECT count(DISTINCT xmin::text) FROM job") == 1
    assert [told.seq for told in counter.heard.told] == list(range(1, 201))


async def test_who_is_refused_in_a_group_leaves_nothing(counter: Counter) -> None:
    """In one group: accepted, repeated, conflict, refused, each as if it were alone."""
    await counter.put(send(request_id="seen"))
    documents = [
        send("a@x.test", request_id="new"),
        send(request_id="seen"),
        send("other@x.test", request_id="seen-too"),
        send(request_id="wrong", delivery={"transport": {"id": 99}}),
    ]
    await counter.put(send(request_id="seen-too"))
    asks = [counter.read(document) for document in documents]
    verdicts = await carry.group(counter.means, asks)
    assert [verdict.result for verdict in verdicts] == [
        "accepted", "repeated", "conflict", "refused",
    ]  # fmt: skip
    assert await counter.value("SELECT count(*) FROM job") == 3
    keys = await counter.sql("SELECT request_id FROM request_seen ORDER BY 1")
    assert keys == [("new",), ("seen",), ("seen-too",)]


async def test_without_a_key_only_a_redelivered_one_is_recognised(counter: Counter) -> None:
    """The same body twice is two jobs; redelivered it is matched once to each of them."""
    first = await counter.answer(send())
    second = await counter.answer(send())
    assert first["job"] != second["job"]
    again = [await counter.answer(send(), redelivered=True) for _ in range(2)]
    assert again == [first, second]
    assert (await counter.put(send(), redelivered=True)).result == "accepted"


async def test_a_twin_is_no_repeat(counter: Counter) -> None:
    """What comes while the first is in the same hand is another parcel, redelivered too."""
    me = uuid4()
    first = await counter.answer(send(), holder=Holder(me, 1, 1))
    twin = await counter.put(send(), redelivered=True, holder=Holder(me, 1, 2))
    assert twin.result == "accepted"
    assert await counter.answer(send(), redelivered=True, holder=Holder(me, 2, 1)) == first


async def test_of_what_somebody_living_has_in_hand_nobody_can_tell(counter: Counter) -> None:
    """It may be the same parcel or a twin, until the holder has lost it, forgotten it, or died."""
    holder, me = uuid4(), uuid4()
    await counter.sql(
        "INSERT INTO instance (id, name, host, state_dir, version, lease_until)"
        " VALUES ($1, 'i', 'h', '/', '0', now() + interval '1 minute')",
        holder,
    )
    kept = [(await counter.put(send(), holder=Holder(holder, 1, tag))).memory for tag in (1, 2, 3)]

    async def again() -> str:
        return (await counter.put(send(), redelivered=True, holder=Holder(me, 9, 9))).result

    with pytest.raises(Undecided):
        await again()
    await memories.lost(counter.means.store, [kept[1] or 0])
    assert await again() == "repeated"
    with pytest.raises(Undecided):
        await again()
    await memories.arrived(counter.means.store, [kept[0] or 0])
    await counter.sql("UPDATE instance SET lease_until = now()")
    assert await again() == "repeated"
    assert await again() == "accepted"


async def test_a_commit_that_seemed_lost_is_found(counter: Counter) -> None:
    """Without a key either: tried again from the same hand, a parcel gets its first answer."""
    mine = Holder(uuid4(), 1, 1)
    first = await counter.put(send(), holder=mine)
    again = await counter.put(send(), holder=mine)
    assert (again.result, again.memory) == ("repeated", first.memory)
    assert await counter.value("SELECT count(*) FROM job") == 1


async def test_an_empty_audience_is_a_job_that_has_ended(counter: Counter) -> None:
    """A send that reaches nobody is accepted, and completed at once with its counts."""
    answer = await counter.answer(send("nobody"))
    assert answer["counts"]["queued"] == 0
    assert await counter.value("SELECT state FROM job") == "completed"
    [completed] = counter.heard.of("job.completed")
    assert completed["counts"]["invalid"] == 1
    assert completed["counts"]["remaining"] == 0


async def test_a_dialect_may_refuse_an_empty_audience(counter: Counter) -> None:
    """Where reaching nobody is an error nothing is stored, not even the key."""
    await counter.sql(
        "INSERT INTO suppression (customer_id, supp, scope, kind, source)"
        " VALUES (1, 'to@x.test', 'all', 'hard_bounce', 'operator')"
    )
    foreign = Back(dialect=DIALECTS["smsby"])
    verdict = await counter.put(send(), back=foreign, request_id="r1")
    assert isinstance(verdict.answer, Refused)
    assert verdict.answer.faults[0].code is Code.AUDIENCE_EMPTY
    assert await _stored(counter) == dict.fromkeys(await _stored(counter), 0)


async def test_a_dry_run_stores_nothing(counter: Counter) -> None:
    """It is checked and counted as it would be, and leaves no row and no event."""
    before = await _stored(counter)
    answer = await counter.answer(send("a@x.test", "a@x.test", "nobody", command="validate"))
    assert answer["dry_run"]
    assert (answer["counts"]["queued"], answer["counts"]["duplicate"]) == (1, 1)
    assert "job" not in answer
    assert await _stored(counter) == before
    assert counter.heard.told == []


async def test_a_dry_run_is_refused_like_the_real_thing(counter: Counter) -> None:
    """What a send would be refused for, its rehearsal is refused for."""
    answer = await counter.answer(send(dry_run=True, delivery={"transport": {"id": 99}}))
    assert _errors(answer) == [("not_found", "delivery.transport")]
    assert len(counter.heard.of("request.rejected")) == 1


async def test_the_transport_supplies_the_from(counter: Counter) -> None:
    """A message without From carries the transport's from the start."""
    await counter.put(send(messages=[{"subject": "s", "text": "t"}]))
    spec = await counter.value("SELECT spec -> 'from' FROM message")
    assert spec == {"address": "ann@x.test", "name": "Ann"}


async def test_without_any_from_it_is_refused(counter: Counter) -> None:
    """Nobody is written to by nobody."""
    answer = await counter.answer(send(messages=[{"subject": "s", "text": "t"}]), customer=BOB)
    assert _errors(answer) == [("param.missing", "messages[0].from.address")]


async def test_an_open_job_needs_a_key(counter: Counter) -> None:
    """Frames could not be sent for it."""
    answer = await counter.answer(send(open=True))
    assert _errors(answer) == [("param.missing", "request_id")]


async def test_suppressions_count_by_purpose(counter: Counter) -> None:
    """An unsubscription holds back marketing only, a hard bounce everything (Q3)."""
    await counter.sql(
        "INSERT INTO suppression (customer_id, supp, scope, kind, source) VALUES"
        " (1, 'out@x.test', 'all', 'unsubscribe', 'api'),"
        " (1, 'gone@x.test', 'all', 'hard_bounce', 'dsn'),"
        " (2, 'in@x.test', 'all', 'manual', 'operator')"
    )
    addresses = ("OUT@x.test", "gone@x.test", "in@x.test")
    letter = await counter.answer(send(*addresses))
    campaign = await counter.answer(send(*addresses, purpose="marketing"))
    assert (letter["counts"]["queued"], letter["counts"]["suppressed"]) == (2, 1)
    assert (campaign["counts"]["queued"], campaign["counts"]["suppressed"]) == (1, 2)


@pytest.mark.parametrize("wanted", ["2000-01-01T00:00:00Z", None])
async def test_the_past_means_now(counter: Counter, wanted: str | None) -> None:
    """A due time in the past is now, and the answer says so."""
    answer = await counter.answer(send(delivery={"not_before": wanted}))
    assert await counter.value("SELECT due_at <= now() FROM batch") is True
    assert bool(answer.get("warnings")) == (wanted is not None)


async def test_a_misspelt_variable_is_told(counter: Counter) -> None:
    """A variable that no recipient brings becomes nothing; whoever sent it hears so (Q37)."""
    answer = await counter.answer(send(messages=[{"subject": "Hi {{ nmae }}", "text": "t"}]))
    (warning,) = answer["warnings"]
    assert (warning["field"], "nmae" in warning["message"]) == ("messages[0].subject", True)


async def test_a_future_send_waits(counter: Counter) -> None:
    """The expiry counts from the due time."""
    await counter.put(send(delivery={"not_before": "2026-12-31T00:00:00Z", "expires_after": "1h"}))
    row = await counter.sql(
        "SELECT b.due_at = j.not_before, j.expires_at - j.not_before = interval '1 hour'"
        " FROM job j JOIN batch b ON b.job_id = j.id"
    )
    assert row == [(True, True)]


async def test_a_law_of_the_database_undoes_the_group(counter: Counter) -> None:
    """When one breaks a law none of the group is stored, and no key is left claimed."""
    ask = counter.read(send(request_id="r1"))
    # the same job twice would have to have the same ticket
    twins = [ask, replace(ask, request_id="r2")]
    counter.means.chance.getrandbits = lambda _bits: 7  # type: ignore[method-assign]
    with pytest.raises(Exception, match="duplicate key"):
        await carry.group(counter.means, twins)
    assert await _stored(counter) == dict.fromkeys(await _stored(counter), 0)
