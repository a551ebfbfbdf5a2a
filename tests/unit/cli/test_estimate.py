"""When a job will have ended: a time only where a rate was seen."""

from dataclasses import replace
from datetime import datetime, timedelta

from daemon.cli import estimate
from daemon.cli.estimate import Pace
from daemon.store.operator import Job, Open
from tests.unit.cli.test_reason import HOUR, JOB, LANE, NEVER, NOW

RUNNING = replace(JOB, queued=1000, remaining=600, started_at=NOW - timedelta(seconds=100))
UNPACED = replace(LANE, max_per_second=0.0)


def waits(count: int, *, retries: bool = False, due: datetime = NOW, ready: bool = True) -> Open:
    """Open deliveries that stand alike."""
    return Open(retries=retries, ready=ready, claimed=False, due_at=due, count=count)


def pace(per_second: float) -> Pace:
    """Of a job that was watched for ten seconds."""
    seen = Pace()
    for second in range(11):
        seen.note(NOW + timedelta(seconds=second - 10), int(second * per_second))
    return seen


def said(job: Job = RUNNING, *open_: Open, seen: Pace | None = None, **lane: object) -> str:
    """What is said of the end."""
    return estimate.of(job, replace(UNPACED, **lane), open_, seen or Pace()).words


def test_a_rate_that_was_seen() -> None:
    """A job that was watched ends when what is due has ended at the rate that was seen."""
    found = estimate.of(RUNNING, UNPACED, [waits(600)], pace(100))
    assert found.ends_at == NOW + timedelta(seconds=6)
    assert found.words == "About 6 s more for 600, at 100.0 a second, as in the last 10 s."


def test_an_average() -> None:
    """One look alone has the average since the start, and says so."""
    assert said(RUNNING, waits(600)) == (
        "About 2 min 30 s more for 600, at 4.0 a second, its average since it started."
    )


def test_what_was_deferred_comes_after() -> None:
    """With something deferred no end is promised, only when the rest has been tried."""
    later = waits(20, retries=True, due=NOW + HOUR, ready=False)
    found = estimate.of(RUNNING, UNPACED, [waits(580), later], pace(100))
    assert found.ends_at is None
    assert "then 20 more, from" in found.words
    only = estimate.of(replace(RUNNING, remaining=20), UNPACED, [later], Pace())
    assert only.words.startswith("What is left was deferred; nothing of it ends before")


def test_not_due_yet() -> None:
    """A job that is scheduled says when it begins, and how long its lane takes at least."""
    found = said(
        replace(RUNNING, started_at=None), waits(600, due=NOW + HOUR, ready=False),
        max_per_second=10.0,
    )  # fmt: skip
    assert found.startswith("Nothing of it ends before")
    assert "that takes 1 min at least" in found


def test_no_end_can_be_told() -> None:
    """Paused, stuck, put off for ever, or with nobody there: what must change is said instead."""
    paused = said(replace(RUNNING, paused=True), waits(600))
    assert paused.startswith("No end can be told while it is paused: deliveryd resume")
    assert said(RUNNING, waits(600), alive=0, starting=0).startswith("No end can be told. No inst")
    stuck = said(RUNNING, waits(600), seen=pace(0))
    assert stuck.startswith("Nothing of it has ended in the last 10 s: deliveryd trace")
    assert said(RUNNING, waits(600, due=NEVER, ready=False)).startswith("Put off for ever")


def test_it_has_ended() -> None:
    """A job without anything left has ended, unless a doubt or a frame is waited for."""
    done = replace(RUNNING, remaining=0)
    assert said(replace(done, finished_at=NOW)) == "It has ended."
    assert said(replace(done, in_doubt=2)).startswith("It ends when 2 doubts are decided")
    assert said(replace(done, open=True)) == "Open for frames: more may come."


def test_only_the_last_half_minute_counts() -> None:
    """A job that was fast and is slow now is told by how it goes now."""
    seen = Pace()
    for second in range(100):
        seen.note(NOW + timedelta(seconds=second), min(second, 50) * 100)
    assert seen.per_second == 0
    assert seen.seconds == estimate.WINDOW


def test_a_window_that_closes_first() -> None:
    """No end is told beyond the closing of the window; nor while it is closed."""
    shuts = replace(RUNNING, shuts_at=NOW + timedelta(seconds=3))
    found = estimate.of(shuts, UNPACED, [waits(600)], pace(100))
    assert found.ends_at is None
    assert "but its send window closes 2026-11-21 10:00:03Z (in 3 s)" in found.words
    assert "but its send window closes" in said(shuts, waits(600))
    open_long = replace(RUNNING, shuts_at=NOW + timedelta(seconds=7))
    assert estimate.of(open_long, UNPACED, [waits(600)], pace(100)).ends_at is not None
    shut = said(replace(RUNNING, opens_at=NOW + HOUR), waits(600))
    assert shut.startswith("No end can be told. Its send window is closed: it opens")


def test_a_job_that_is_spread() -> None:
    """It ends when the last of it is due, not sooner, however fast the first of it goes."""
    later = replace(waits(500, due=NOW + HOUR, ready=False), last_at=NOW + 3 * HOUR)
    found = estimate.of(RUNNING, UNPACED, [waits(100), later], pace(100))
    assert found.ends_at is None
    assert "then 500 more, from 2026-11-21 11:00:00Z (in 1 h) on, evenly until" in found.words
    assert said(RUNNING, later).startswith(
        "Nothing of it ends before 2026-11-21 11:00:00Z (in 1 h), the last of it not before"
        " 2026-11-21 13:00:00Z (in 3 h)"
    )
