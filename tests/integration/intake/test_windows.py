"""`send_window` and `too_late`, as they are stored, moved and refused."""

from datetime import UTC, datetime, timedelta
from typing import Any

from daemon.store import spans
from tests.integration.intake.counter import ANN, Counter, Document, command, extend, send
from tests.waiting import until

HOUR = timedelta(hours=1)
IN_2_HOURS = "date_trunc('minute', now() + interval '2 hours')"


def hours(since: float, until: float) -> dict[str, str]:
    """A window on every day, told by how many hours from now it opens and closes."""
    now = datetime.now(UTC)
    opens, closes = (f"{now + number * HOUR:%H:%M}" for number in (since, until))
    return {"from": opens, "to": closes, "timezone": "UTC"}


def letter(*addresses: str, request_id: str = "w", **delivery: Any) -> Document:
    """A send with these terms of delivery."""
    return send(*addresses, request_id=request_id, delivery=delivery)


async def shut(counter: Counter) -> datetime:
    """Every window is closed, and opens in an hour; answers when."""
    opens = datetime.now(UTC) + HOUR
    windows = spans.written(((opens, opens + HOUR),))
    await counter.sql("UPDATE job SET windows = $1::text::tstzmultirange", windows)
    return opens


async def test_it_waits_for_the_opening(counter: Counter) -> None:
    """Job and batch are due then, the patience counts from then, and all of it is told."""
    answer = await counter.answer(letter(send_window=hours(2, 3), expires_after="1h"))
    assert answer["warnings"][0]["field"] == "delivery.send_window"
    rows = await counter.sql(
        f"SELECT j.not_before = {IN_2_HOURS}, b.due_at = j.not_before,"
        " j.expires_at = j.not_before + interval '1 hour', j.windows @> j.not_before"
        " FROM job j JOIN batch b ON b.job_id = j.id"
    )
    assert rows == [(True, True, True, True)]
    (told,) = counter.heard.of("job.accepted")
    assert told["not_before"] == (await counter.sql("SELECT not_before FROM job"))[0][0].isoformat()
    status = await counter.answer(command("status", job=answer["job"]))
    assert status["send_window"]["timezone"] == "UTC"


async def test_an_open_window_changes_nothing(counter: Counter) -> None:
    """It is due at once, and no warning is given."""
    answer = await counter.answer(letter(send_window=hours(-1, 1)))
    assert "warnings" not in answer
    assert await counter.value("SELECT due_at <= now() FROM batch") is True


async def test_too_late_ends_it_sooner(counter: Counter) -> None:
    """Its expiry is so long after the time asked for, and no later than its patience lasts."""
    due = datetime.now(UTC) + HOUR
    await counter.put(letter(not_before=due.isoformat(), too_late="10m"))
    assert await counter.value("SELECT expires_at - $1 FROM job", due) == HOUR / 6
    await counter.put(letter(request_id="p", too_late="10d", expires_after=5))
    lasts = "SELECT expires_at - not_before FROM job WHERE request_id = 'p'"
    assert await counter.value(lasts) == timedelta(seconds=5)


async def test_what_could_never_be_sent(counter: Counter) -> None:
    """It is refused by name and stores nothing, in a rehearsal too."""
    asked = letter(send_window=hours(2, 3), too_late="1h")
    for document in (asked, asked | {"dry_run": True}):
        (fault,) = (await counter.answer(document))["errors"]
        assert fault["field"] == "delivery.too_late"
        assert "`send_window`" in fault["message"]
    ago = (datetime.now(UTC) - HOUR).isoformat()
    (fault,) = (await counter.answer(letter(not_before=ago, too_late="1h")))["errors"]
    assert fault["field"] == "delivery.not_before"
    for table in ("job", "request_seen", "message", "batch"):
        assert await counter.value(f"SELECT count(*) FROM {table}") == 0


async def test_a_repeat_that_is_too_late(counter: Counter) -> None:
    """It gets the first answer: what was accepted stays so, however late one asks again."""
    due = datetime.now(UTC)
    asked = letter(not_before=due.isoformat(), too_late=1)
    first = await counter.answer(asked)
    assert first["ok"]
    await until(lambda: datetime.now(UTC) > due + timedelta(seconds=1))
    assert await counter.answer(asked) == first
    assert not (await counter.answer(asked | {"request_id": "other"}))["ok"]


async def test_rescheduled_into_the_window(counter: Counter) -> None:
    """A job that is moved is due at the next opening, with windows and an expiry of then."""
    job = (await counter.answer(letter(send_window=hours(-1, 1), too_late="20d")))["job"]
    due = datetime.now(UTC) + timedelta(days=9, hours=3)
    answer = await counter.answer(command("reschedule", job=job, not_before=due.isoformat()))
    opens = datetime.fromisoformat(answer["not_before"])
    assert timedelta(hours=19) < opens - due < timedelta(hours=21)
    rows = await counter.sql(
        "SELECT j.not_before = $1, b.due_at = $1, j.windows @> $1,"
        " j.expires_at = $1 + j.expires_after FROM job j JOIN batch b ON b.job_id = j.id",
        opens,
    )
    assert rows == [(True, True, True, True)]


async def test_rescheduled_to_what_could_never_be_sent(counter: Counter) -> None:
    """That is refused, and nothing moves."""
    job = (await counter.answer(letter(send_window=hours(-1, 1), too_late="1h")))["job"]
    before = await counter.sql("SELECT job.*, batch.* FROM job, batch")
    due = (datetime.now(UTC) + 3 * HOUR).isoformat()
    (fault,) = (await counter.answer(command("reschedule", job=job, not_before=due)))["errors"]
    assert fault["field"] == "not_before"
    assert "`too_late`" in fault["message"]
    assert await counter.sql("SELECT job.*, batch.* FROM job, batch") == before


async def test_one_delivery_rescheduled_into_the_window(counter: Counter) -> None:
    """It waits for the next opening as well; where none is left, it is refused."""
    await counter.put(letter("a@x.test", "b@x.test", send_window=hours(-1, 1), expires_after="30h"))
    first = await counter.value("SELECT min(id) FROM delivery")
    for ahead, field in ((3 * HOUR, None), (26 * HOUR, "not_before")):
        due = (datetime.now(UTC) + ahead).isoformat()
        answer = await counter.answer(command("reschedule", delivery=first, not_before=due))
        assert [fault["field"] for fault in answer.get("errors", [])] == [field] * bool(field)
    assert await counter.value(
        "SELECT j.windows @> r.due_at AND r.due_at > now() + interval '20 hours'"
        " FROM retry r JOIN job j ON j.id = r.job_id"
    )


async def test_resumed_while_it_is_closed(counter: Counter) -> None:
    """The end of a pause is no way around the window."""
    job = (await counter.answer(letter(send_window=hours(-1, 1))))["job"]
    await counter.put(command("pause", job=job))
    opens = await shut(counter)
    await counter.put(command("resume", job=job))
    assert await counter.value("SELECT due_at FROM batch") == opens


async def test_a_frame_that_comes_while_it_is_closed(counter: Counter) -> None:
    """Its batch waits for the opening, as the others do."""
    open_job = letter("a@x.test", send_window=hours(-1, 1)) | {"open": True}
    await counter.put(open_job)
    opens = await shut(counter)
    await counter.put(extend("w", 1, "b@x.test"))
    assert await counter.value("SELECT due_at FROM batch WHERE part = 1") == opens


async def test_a_paused_customer_isnt_rescheduled_into_sending(counter: Counter) -> None:
    """His job gets its new time for when he is resumed; one of its deliveries can't be moved."""
    job = (await counter.answer(letter("a@x.test", "b@x.test")))["job"]
    await counter.put(command("pause", customer=ANN))
    due = datetime.now(UTC) + HOUR
    moved = command("reschedule", not_before=due.isoformat())
    assert (await counter.answer(moved | {"job": job}))["ok"]
    assert await counter.value("SELECT due_at = 'infinity' FROM batch") is True
    first = await counter.value("SELECT min(id) FROM delivery")
    answer = await counter.answer(moved | {"delivery": first})
    assert answer["errors"][0]["code"] == "state.conflict"
    await counter.put(command("resume", customer=ANN))
    assert await counter.value("SELECT due_at = $1 FROM batch", due) is True
