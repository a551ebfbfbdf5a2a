"""When a job will have ended, as honestly as it can be said. Pure.

A time is given only where a rate was seen; else what the end depends on. What was deferred comes
after, at times of its own, so an end of the rest is all that is promised while there is some.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from daemon.cli import reason, telling, words
from daemon.store.operator import Job, Lane, Open

WINDOW = 30.0
"""Seconds over which a rate is taken: long enough for a limit's slices, short enough for now."""
_LEAST = 0.5
"""Seconds of it that are enough to say anything."""


@dataclass(slots=True)
class Pace:
    """How fast a job goes, by how much of it had ended at each look."""

    _seen: deque[tuple[datetime, int]] = field(default_factory=deque)

    def note(self, at: datetime, ended: int) -> None:
        """Another look."""
        self._seen.append((at, ended))
        while (at - self._seen[0][0]).total_seconds() > WINDOW:
            self._seen.popleft()

    @property
    def seconds(self) -> float:
        """Between the first look that counts and the last."""
        return (self._seen[-1][0] - self._seen[0][0]).total_seconds() if self._seen else 0.0

    @property
    def per_second(self) -> float | None:
        """Deliveries that end in a second; None = not seen for long enough."""
        if self.seconds < _LEAST:
            return None
        return (self._seen[-1][1] - self._seen[0][1]) / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What can be said of the end."""

    words: str
    ends_at: datetime | None = None
    """None = nobody can know."""
    per_second: float | None = None


def of(job: Job, lane: Lane, waits: Sequence[Open], pace: Pace) -> Estimate:
    """The estimate, by what is open of the job and how fast it has gone."""
    if said := _over(job) or _hindered(job, lane):
        return Estimate(words=said)
    now = sum(one.count for one in waits if not _is_later(one, job.now))
    if not now:
        return _later(job, lane, waits)
    rate, rests = pace.per_second, _rests(waits, job)
    if rate is None:
        return _unseen(job, lane, now, rests)
    if rate <= 0:
        asked = f"deliveryd trace {job.id} says what it waits for"
        return Estimate(
            words=f"Nothing of it has ended in the last {words.span(pace.seconds)}: {asked}.",
            per_second=0.0,
        )
    at = job.now + timedelta(seconds=now / rate)
    rests += _shuts(job, at)
    measured = f"at {rate:,.1f} a second, as in the last {words.span(pace.seconds)}"
    return Estimate(
        words=f"About {words.span(now / rate)} more for {now:,}, {measured}{rests}.",
        ends_at=None if rests else at,
        per_second=round(rate, 1),
    )


def _hindered(job: Job, lane: Lane) -> str:
    """What must end first; empty when nothing must."""
    if resume := telling.paused(job):
        return f"No end can be told while it is paused: {resume}."
    if shut := reason.closed(job):
        return f"No end can be told. {shut}"
    nobody = reason.nobody_there(lane)
    return f"No end can be told. {nobody[0]}" if nobody else ""


def _over(job: Job) -> str:
    """That nothing is left to send, and what may be missing all the same; empty when there is."""
    if job.remaining:
        return ""
    if job.in_doubt:
        doubts = words.number(job.in_doubt, "doubt is", "doubts are")
        return f"It ends when {doubts} decided: deliveryd doubt list {job.id}."
    if job.open:
        return "Open for frames: more may come."
    return "It has ended." if job.finished_at else "All of it has ended; that is about to be told."


def _is_later(one: Open, now: datetime) -> bool:
    return not one.claimed and (words.is_never(one.due_at) or one.due_at > now)


def _later(job: Job, lane: Lane, waits: Sequence[Open]) -> Estimate:
    """Nothing of it is due now."""
    dues = [one.due_at for one in waits if not words.is_never(one.due_at)]
    if not dues:
        return Estimate(words="Put off for ever: it ends when it is rescheduled, or canceled.")
    due = words.when(min(dues), job.now)
    if all(one.retries for one in waits):
        return Estimate(words=f"What is left was deferred; nothing of it ends before {due}.")
    last = _last(waits)
    spread = f", the last of it not before {words.when(last, job.now)}" if last else ""
    least = _at_least(lane, job.remaining)
    return Estimate(words=f"Nothing of it ends before {due}{spread}{least}.")


def _unseen(job: Job, lane: Lane, now: int, rests: str) -> Estimate:
    """One look alone: the average since the job started is all that is known."""
    started = job.started_at
    ended = job.queued - job.remaining - job.in_doubt
    if started is None or ended <= 0 or started >= job.now:
        least = _at_least(lane, now) or "; no rate was seen yet: add --watch"
        return Estimate(words=f"{now:,} are due{least}{rests}.")
    rate = ended / (job.now - started).total_seconds()
    average = f"at {rate:,.1f} a second, its average since it started"
    at = job.now + timedelta(seconds=now / rate)
    rests += _shuts(job, at)
    return Estimate(
        words=f"About {words.span(now / rate)} more for {now:,}, {average}{rests}.",
        ends_at=None if rests else at,
        per_second=round(rate, 1),
    )


def _at_least(lane: Lane, count: int) -> str:
    """What the lane's rate allows at best, where it has one."""
    if not 0 < lane.max_per_second < count:
        return ""
    least = words.span(count / lane.max_per_second)
    return f"; at the lane's rate of {lane.max_per_second:g} a second that takes {least} at least"


def _shuts(job: Job, at: datetime) -> str:
    """That the window closes before the job would end at this rate."""
    if job.shuts_at is None or at <= job.shuts_at:
        return ""
    return f"; but its send window closes {words.when(job.shuts_at, job.now)}"


def _last(waits: Sequence[Open]) -> datetime | None:
    """When the last of what is spread over time is due; None = nothing is."""
    return max(filter(None, map(telling.until, waits)), default=None)


def _rests(waits: Sequence[Open], job: Job) -> str:
    """What comes after, at times of its own."""
    later = [one for one in waits if _is_later(one, job.now)]
    if not later:
        return ""
    count = sum(one.count for one in later)
    due = min(one.due_at for one in later)
    last = _last(later)
    when = "is put off for ever" if words.is_never(due) else f"from {words.when(due, job.now)} on"
    when += f", evenly until {words.when(last, job.now)}" if last else ""
    return f"; then {count:,} more, {when}"
