"""Cancel, pause, resume, reschedule, unsubscribe, doubts: of one's own, and repeatable."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from daemon.mail import settle
from daemon.mail.outcome import Deferred
from daemon.mail.retry import Schedule
from daemon.mail.standing import Fact
from daemon.store import settling
from tests.integration.intake.counter import ANN, BOB, Counter, Document, command, extend, send


async def _job(counter: Counter, *addresses: str, **changes: Any) -> str:
    addresses = addresses or ("a@x.test", "b@x.test", "c@x.test")
    answer = await counter.answer(send(*addresses, **changes))
    return answer["job"]


async def _letters(counter: Counter, letters: str) -> None:
    """As if the deliveries had come so far: states, retry rows and counters."""
    await counter.sql("UPDATE batch SET state = $1, done = translate($1, 'wu', '') = $1", letters)
    await counter.sql(
        "INSERT INTO retry (batch_id, position, job_id, job_on, customer_id, lane_id, class,"
        " due_at, attempt) SELECT b.id, n - 1, b.job_id, b.job_on, b.customer_id, b.lane_id,"
        " b.class, now() + interval '1 hour', 1 FROM batch b, generate_series(1, length(b.state)) n"
        " WHERE substr(b.state, n, 1) IN ('d', 'r')"
    )
    await counter.sql(
        "UPDATE job SET sent = state_count(b.state, 's'), in_doubt = state_count(b.state, 'q'),"
        " state = 'running' FROM batch b WHERE b.job_id = job.id"
    )
    await counter.sql(
        "INSERT INTO doubt (delivery_id, job_id, customer_id, attempt, reason, since)"
        " SELECT b.id * 512 + n - 1, b.job_id, b.customer_id, 1, 'dropped', now()"
        " FROM batch b, generate_series(1, length(b.state)) n WHERE substr(b.state, n, 1) = 'q'"
    )


def _code(answer: Document) -> str:
    return answer["errors"][0]["code"]


async def test_cancel_before_anything_started(counter: Counter) -> None:
    """T096: everything is taken back, told with its number, and the job has ended."""
    job = await _job(counter)
    verdict = await counter.put(command("cancel", job=job))
    assert verdict.delay == counter.means.terms.permit_window
    row = await counter.sql(
        "SELECT state, canceled, released, remaining, finished_at IS NULL FROM job"
    )
    assert row == [("canceled", 3, 3, 0, False)]
    assert await counter.sql("SELECT state, done FROM batch") == [("ccc", True)]
    assert [told["canceled"] for told in counter.heard.of("job.canceled")] == [3]
    assert [told["state"] for told in counter.heard.of("job.completed")] == ["canceled"]


async def test_cancel_in_the_middle(counter: Counter) -> None:
    """T096: what waits or is deferred is taken back; what is tried or sent goes its way."""
    job = await _job(counter, *(f"{n}@x.test" for n in range(6)))
    await _letters(counter, "wdursw")
    answer = await counter.answer(command("cancel", job=job))
    assert (answer["canceled"], answer["already_gone"]) == (3, 3)
    assert await counter.value("SELECT state FROM batch") == "ccursc"
    assert await counter.sql("SELECT position FROM retry") == [(3,)]
    assert await counter.sql("SELECT state, remaining, finished_at FROM job") == [
        ("canceled", 2, None)
    ]
    assert counter.heard.of("job.completed") == []


async def test_cancel_twice(counter: Counter) -> None:
    """T096: the second time it is answered like the first, with nothing changed; and told once."""
    job = await _job(counter)
    first = await counter.answer(command("cancel", job=job))
    assert await counter.answer(command("cancel", job=job)) == first | {"unchanged": True}
    assert len(counter.heard.of("job.canceled")) == 1


async def test_cancel_after_the_end(counter: Counter) -> None:
    """T096: a job that has ended can't be canceled any more."""
    job = await _job(counter, "nobody")
    assert _code(await counter.answer(command("cancel", job=job))) == "state.conflict"


async def test_cancel_closes_an_open_job(counter: Counter) -> None:
    """No frame comes in after it."""
    job = await _job(counter, request_id="j", open=True)
    await counter.put(command("cancel", job=job))
    assert await counter.sql("SELECT open, requested FROM job") == [(False, 3)]
    late = await counter.answer(extend("j", 1, "late@x.test"))
    assert _code(late) == "state.conflict"


@pytest.mark.parametrize(
    "document",
    [
        command("cancel"),
        command("pause"),
        command("resume"),
        command("reschedule", not_before="2020-01-01T00:00:00Z"),
        command("doubt.resolve", action="resend"),
        command("status"),
        command("deliveries"),
        command("events.replay"),
    ],
    ids=lambda document: document["command"],
)
async def test_anothers_job_does_not_exist(counter: Counter, document: Document) -> None:
    """T096: what isn't one's own is answered exactly like what isn't there, and isn't touched."""
    job = await _job(counter)
    before = await counter.sql("SELECT job.*, batch.* FROM job, batch")
    theirs = await counter.answer(document | {"job": job}, customer=BOB)
    unknown = await counter.answer(document | {"job": str(uuid.uuid4())}, customer=BOB)
    assert _code(theirs) == "not_found"
    assert theirs == unknown
    assert await counter.sql("SELECT job.*, batch.* FROM job, batch") == before


async def test_cancel_one_delivery(counter: Counter) -> None:
    """A single recipient is taken back and told; his neighbours go on."""
    await _job(counter)
    await _letters(counter, "wdw")
    first = await counter.value("SELECT min(id) FROM delivery")
    for number in (first, first + 1):
        verdict = await counter.put(command("cancel", delivery=number))
        assert verdict.result == "answered"
    assert await counter.value("SELECT state FROM batch") == "ccw"
    assert await counter.sql("SELECT canceled, released, remaining FROM job") == [(2, 2, 1)]
    assert await counter.value("SELECT count(*) FROM retry") == 0
    told = [
        told.event.delivery_id
        for told in counter.heard.told
        if told.event.type == "delivery.canceled"
    ]
    assert told == [first, first + 1]
    again = await counter.answer(command("cancel", delivery=first))
    assert (again["ok"], again["unchanged"]) == (True, True)
    others = await counter.answer(command("cancel", delivery=first + 2), customer=BOB)
    assert _code(others) == "not_found"


async def test_a_delivery_under_way_is_gone(counter: Counter) -> None:
    """What may have left can't be taken back."""
    await _job(counter)
    await _letters(counter, "usw")
    first = await counter.value("SELECT min(id) FROM delivery")
    for number in (first, first + 1):
        assert _code(await counter.answer(command("cancel", delivery=number))) == "state.conflict"


async def test_pause_and_resume(counter: Counter) -> None:
    """Nothing of a paused job is due, whoever holds it; resumed it is due again."""
    job = await _job(counter)
    await _letters(counter, "wdw")
    await counter.sql("UPDATE batch SET rank = 1; ")
    await counter.put(command("pause", job=job))
    held = "SELECT due_at = 'infinity', rank FROM "
    assert await counter.sql(f"{held} batch") == [(True, None)]
    assert await counter.sql(f"{held} retry") == [(True, None)]
    again = await counter.answer(command("pause", job=job))
    assert (again["paused"], again["unchanged"]) == (True, True)
    assert "unchanged" not in await counter.answer(command("resume", job=job))
    assert await counter.value("SELECT due_at <= now() FROM batch") is True
    assert await counter.value("SELECT due_at <= now() FROM retry") is True
    kinds = [told.event.type for told in counter.heard.told]
    assert kinds == ["job.accepted", "job.paused", "job.resumed"]


async def test_a_paused_batch_stays_with_its_holder(counter: Counter) -> None:
    """Whoever has claimed it finds at the permit that it isn't due, and gives it back."""
    job = await _job(counter)
    await counter.sql("UPDATE batch SET rank = 1, owner = $1, epoch = 1", uuid.uuid4())
    await counter.put(command("pause", job=job))
    row = await counter.sql("SELECT due_at = 'infinity', rank, owner IS NOT NULL FROM batch")
    assert row == [(True, 1.0, True)]


async def test_what_was_under_way_waits_too(counter: Counter) -> None:
    """A delivery that is deferred while its job is paused isn't tried before it is resumed."""
    job = await _job(counter, "a@x.test")
    await _letters(counter, "u")
    await counter.put(command("pause", job=job))
    [(delivery, message, epoch)] = await counter.sql(
        "SELECT d.id, d.message_id, b.epoch FROM delivery d, batch b"
    )
    fact = Fact(
        delivery_id=delivery,
        job_id=uuid.UUID(job),
        customer_id=ANN,
        message_id=message,
        address="a@x.test",
        attempt=1,
        epoch=epoch,
        retry_id=None,
        outcome=Deferred(reason="refused"),
    )
    async with counter.means.store.transaction() as session:
        locked = await settling.locked(session, [fact])
        ground = settle.Ground(
            batches=locked.batches,
            retries={},
            jobs=locked.jobs,
            schedule=Schedule(),
            now=datetime.now(UTC),
            chance=lambda: 0.5,
        )
        await settling.write(session, settle.settle([fact], ground), locked)
    assert await counter.value("SELECT due_at = 'infinity' FROM retry") is True
    await counter.put(command("resume", job=job))
    assert await counter.value("SELECT due_at <= now() FROM retry") is True


async def test_a_paused_job_can_be_canceled(counter: Counter) -> None:
    """Nothing of it is put off for ever."""
    job = await _job(counter)
    await _letters(counter, "uws")
    await counter.put(command("pause", job=job))
    await counter.put(command("cancel", job=job))
    assert await counter.sql("SELECT state, due_at < 'infinity' FROM batch") == [("ucs", True)]


async def test_a_customer_is_paused(counter: Counter) -> None:
    """All his jobs wait, those that come meanwhile too; a job paused by itself stays so."""
    one, two = await _job(counter), await _job(counter)
    theirs = await counter.answer(send(), customer=BOB)
    await counter.put(command("pause", job=one))
    await counter.put(command("pause", customer=ANN))
    await _job(counter)
    count = "SELECT count(*) FROM batch WHERE due_at = 'infinity'"
    assert await counter.value(count) == 3
    standing = await counter.answer(command("status", job=two))
    assert (standing["paused"], standing["customer_paused"]) == (False, True)
    await counter.put(command("resume", job=one))
    assert await counter.value(count) == 3
    await counter.put(command("pause", job=two))
    await counter.put(command("resume", customer=ANN))
    assert await counter.value(count) == 1
    assert theirs["ok"]


async def test_a_customer_speaks_for_himself(counter: Counter) -> None:
    """Nobody pauses another one."""
    answer = await counter.answer(command("pause", customer=BOB))
    assert _code(answer) == "not_found"


async def test_reschedule_a_job(counter: Counter) -> None:
    """What waits moves, with the expiry; what is deferred or gone doesn't."""
    job = await _job(counter)
    await _letters(counter, "wds")
    due = datetime.now(UTC) + timedelta(days=3)
    answer = await counter.answer(command("reschedule", job=job, not_before=due.isoformat()))
    assert (answer["moved"], answer["already_gone"]) == (1, 2)
    row = await counter.sql(
        "SELECT j.not_before = $1, j.expires_at = $1 + j.expires_after, b.due_at = $1"
        " FROM job j JOIN batch b ON b.job_id = j.id",
        due,
    )
    assert row == [(True, True, True)]
    assert await counter.value("SELECT due_at < now() + interval '2 hours' FROM retry") is True
    assert [told["moved"] for told in counter.heard.of("job.rescheduled")] == [1]


async def test_a_paused_job_stays_paused_when_it_is_rescheduled(counter: Counter) -> None:
    """Its new time counts from when it is resumed."""
    job = await _job(counter)
    due = datetime.now(UTC) + timedelta(days=3)
    await counter.put(command("pause", job=job))
    await counter.put(command("reschedule", job=job, not_before=due.isoformat()))
    assert await counter.value("SELECT due_at = 'infinity' FROM batch") is True
    await counter.put(command("resume", job=job))
    assert await counter.value("SELECT due_at = $1 FROM batch", due) is True


async def test_reschedule_one_delivery(counter: Counter) -> None:
    """It leaves its batch for a retry row without a try; one that is deferred gets the new time."""
    await _job(counter)
    await _letters(counter, "wdw")
    first = await counter.value("SELECT min(id) FROM delivery")
    due = datetime.now(UTC) + timedelta(days=1)
    for number in (first, first + 1):
        wanted = command("reschedule", delivery=number, not_before=due.isoformat())
        assert (await counter.answer(wanted))["moved"] == 1
    assert await counter.value("SELECT state FROM batch") == "ddw"
    rows = await counter.sql("SELECT position, attempt, due_at = $1 FROM retry ORDER BY 1", due)
    assert rows == [(0, 0, True), (1, 1, True)]
    late = (datetime.now(UTC) + timedelta(days=30)).isoformat()
    beyond = await counter.answer(command("reschedule", delivery=first + 2, not_before=late))
    assert beyond["errors"][0]["field"] == "not_before"


async def test_unsubscribe_and_subscribe(counter: Counter) -> None:
    """An address is out for marketing until it subscribes; each change is told once."""
    for _ in range(2):
        verdict = await counter.put(command("unsubscribe", address="Out@X.test", reason="enough"))
        assert verdict.delay == counter.means.terms.permit_window
    marketing = send("out@x.test", purpose="marketing")
    assert (await counter.answer(marketing))["counts"]["suppressed"] == 1
    first, again = [
        await counter.answer(command("subscribe", address="out@x.test")) for _ in range(2)
    ]
    assert (first["changed"], "unchanged" in first) == (True, False)
    assert (again["changed"], again["unchanged"]) == (False, True)
    assert (await counter.answer(marketing))["counts"]["suppressed"] == 0
    kinds = [told.event.type for told in counter.heard.told]
    assert kinds.count("engagement.unsubscribed") == 1
    assert kinds.count("engagement.resubscribed") == 1


async def test_subscribing_heals_no_bounce(counter: Counter) -> None:
    """Only unsubscriptions are lifted."""
    await counter.sql(
        "INSERT INTO suppression (customer_id, supp, scope, kind, source)"
        " VALUES (1, 'gone@x.test', 'all', 'hard_bounce', 'dsn')"
    )
    answer = await counter.answer(command("subscribe", address="gone@x.test"))
    assert answer["changed"] is False
    assert (await counter.answer(send("gone@x.test")))["counts"]["suppressed"] == 1


async def test_resend_what_is_in_doubt(counter: Counter) -> None:
    """It is deferred and due now, with the try counted; the doubt is resolved."""
    job = await _job(counter)
    await _letters(counter, "qsq")
    answer = await counter.answer(command("doubt.resolve", job=job, action="resend"))
    assert answer["resend"] == 2
    assert await counter.value("SELECT state FROM batch") == "dsd"
    assert await counter.sql("SELECT in_doubt, remaining FROM job") == [(0, 2)]
    assert await counter.sql("SELECT attempt, due_at <= now() FROM retry") == [(1, True)] * 2
    assert await counter.sql("SELECT DISTINCT resolution FROM doubt") == [("resend",)]
    again = await counter.answer(command("doubt.resolve", job=job, action="resend"))
    assert again["resend"] == 0


async def test_give_up_what_is_in_doubt(counter: Counter) -> None:
    """It has failed for that reason; with the last of them the job has ended."""
    await _job(counter)
    await _letters(counter, "qsq")
    numbers = [row[0] for row in await counter.sql("SELECT delivery_id FROM doubt ORDER BY 1")]
    for number in numbers:
        wanted = command("doubt.resolve", deliveries=[number], action="give_up")
        assert (await counter.answer(wanted))["give_up"] == 1
    assert await counter.value("SELECT state FROM batch") == "fsf"
    assert await counter.sql("SELECT state, failed, released FROM job") == [("completed", 2, 2)]
    assert [told["reason"] for told in counter.heard.of("delivery.failed")] == ["doubt"] * 2
    assert len(counter.heard.of("job.completed")) == 1
