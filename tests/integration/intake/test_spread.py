"""`spread_over`: many small batches that fall due one after the other, evenly."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest

from daemon.store import spans
from tests.integration.intake.counter import ANN, Counter, Document, command, send

HOUR = timedelta(hours=1)


def letter(number: int, **delivery: Any) -> Document:
    """A send to so many, with these terms of delivery."""
    to = (f"p{place}@x.test" for place in range(number))
    return send(*to, request_id=uuid4().hex, delivery=delivery)


async def dues(counter: Counter) -> list[float]:
    """In how many seconds each batch is due, in their order, from when the job is."""
    rows = await counter.sql(
        "SELECT extract(epoch FROM b.due_at - j.not_before)::double precision"
        " FROM batch b JOIN job j ON j.id = b.job_id ORDER BY b.part"
    )
    return [row[0] for row in rows]


@pytest.mark.parametrize(
    ("number", "seconds", "batches"),
    [(1, 60, 1), (10, 3600, 10), (100, 7, 7), (1201, 2, 3), (1000, 86_400, 1000)],
)
async def test_evenly(counter: Counter, number: int, seconds: int, batches: int) -> None:
    """One batch a second, or a delivery; all of one size, each as long after the one before it."""
    job = (await counter.answer(letter(number, spread_over=seconds)))["job"]
    rows = await counter.sql("SELECT length(state) FROM batch ORDER BY part")
    sizes = [row[0] for row in rows]
    assert (len(sizes), sum(sizes)) == (batches, number)
    assert max(sizes) - min(sizes) <= 1
    steps = [place * seconds / batches for place in range(batches)]
    assert await dues(counter) == pytest.approx(steps, abs=0.1)
    assert await counter.value("SELECT parts FROM job") == batches
    listed = (await counter.answer(command("deliveries", job=job, limit=1000)))["deliveries"]
    expected = [f"p{place}@x.test" for place in range(min(number, 1000))]
    assert [one["address"] for one in listed] == expected


async def test_within_its_window(counter: Counter) -> None:
    """It is spread over the time at which the window is open, and over no other."""
    now = datetime.now(UTC)
    window = {"from": f"{now - HOUR:%H:%M}", "to": f"{now + HOUR:%H:%M}", "timezone": "UTC"}
    await counter.put(letter(300, spread_over="3d", send_window=window))
    rows = await counter.sql(
        "SELECT bool_and(j.windows @> b.due_at), count(DISTINCT b.due_at),"
        " max(b.due_at) - min(b.due_at) FROM batch b JOIN job j ON j.id = b.job_id"
    )
    ((is_within, parts, lasts),) = rows
    assert (is_within, parts) == (True, 300)
    assert timedelta(days=2) < lasts < timedelta(days=3)


async def test_what_has_no_time(counter: Counter) -> None:
    """A spread that would last longer than anything is tried is refused, naming both."""
    (fault,) = (await counter.answer(letter(3, spread_over="2h", expires_after="1h")))["errors"]
    assert fault["field"] == "delivery.spread_over"
    assert "`expires_after`" in fault["message"]
    assert await counter.value("SELECT count(*) FROM job") == 0


async def test_slices_hold_everyone_once(counter: Counter) -> None:
    """Whatever number and time: every delivery has one place in one batch of at most 500."""
    chance = Random(11)
    for _ in range(40):
        total, seconds = chance.randint(1, 30_000), chance.choice([0, 1, 7, 60, 3600, 10**6])
        now = datetime.now(UTC)
        spread = spans.written(((now, now + timedelta(seconds=seconds)),)) if seconds else None
        ((batches, placed, largest, last),) = await counter.sql(
            "SELECT s.batches, count(DISTINCT (s.batch, s.nth)), max(s.nth) + 1, max(s.batch) + 1"
            " FROM (SELECT b.batches, batch_of(n, $1, b.batches) AS batch,"
            "       n - first_in(batch_of(n, $1, b.batches), $1, b.batches) AS nth"
            "       FROM (SELECT batches_of($1, $2::text::tstzmultirange) AS batches) b,"
            "       generate_series(0, $1 - 1) AS n) s GROUP BY 1",
            total,
            spread,
        )
        assert (placed, last) == (total, batches)
        assert largest <= 500
        assert largest == -(-total // batches)
        wanted = min(total, 10_000, seconds) if seconds else 0
        assert batches == max(-(-total // 500), wanted)


async def test_a_pause_moves_what_is_left(counter: Counter) -> None:
    """Resumed, it goes on as fast as before: what was held up isn't all due at once."""
    for pause in ({"job": ""}, {"customer": ANN}):
        await counter.sql("TRUNCATE job CASCADE")
        job = (await counter.answer(letter(10, spread_over=1000)))["job"]
        whom = {name: value or job for name, value in pause.items()}
        await counter.put(command("pause", **whom))
        # half of it had gone by, when it was paused long ago
        await counter.sql("UPDATE batch SET state = 's', done = true WHERE part < 5")
        await counter.sql(
            "UPDATE job SET not_before = now() - interval '800 s', spread = tstzmultirange("
            "tstzrange(now() - interval '800 s', now() + interval '200 s'))"
        )
        await counter.put(command("resume", **whom))
        rows = await counter.sql(
            "SELECT extract(epoch FROM due_at - now())::double precision FROM batch"
            " WHERE part >= 5 ORDER BY part"
        )
        assert [row[0] for row in rows] == pytest.approx([0, 100, 200, 300, 400], abs=5)


async def test_a_pause_that_held_up_nothing(counter: Counter) -> None:
    """What isn't due yet when it is resumed keeps its time."""
    asked = letter(10, spread_over=1000, not_before=(datetime.now(UTC) + HOUR).isoformat())
    job = (await counter.answer(asked))["job"]
    before = await dues(counter)
    await counter.put(command("pause", job=job))
    await counter.put(command("resume", job=job))
    assert await dues(counter) == before == pytest.approx(range(0, 1000, 100), abs=0.1)


async def test_rescheduled(counter: Counter) -> None:
    """What waits is spread from the new time on, as fast as it was."""
    job = (await counter.answer(letter(10, spread_over=1000)))["job"]
    await counter.sql("UPDATE batch SET state = 's', done = true WHERE part < 5")
    due = datetime.now(UTC) + HOUR
    await counter.put(command("reschedule", job=job, not_before=due.isoformat()))
    assert (await dues(counter))[5:] == pytest.approx([0, 100, 200, 300, 400], abs=0.1)
