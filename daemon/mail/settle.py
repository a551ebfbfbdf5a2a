"""Settle: facts and how things stand become new states, events and next steps. The heart; pure.

Facts are always recorded, decisions are fenced (promise 3): a fact from the current epoch of
whoever holds the delivery moves it; from an earlier one only a 2xx still does, and only a delivery
that is in doubt or deferred. Any other reply is recorded as repeated, and nothing else moves, so
that settling the same facts twice is the same as settling them once.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from uuid import UUID

from daemon.mail import counts, money, outcome
from daemon.mail.event import Event, Type
from daemon.mail.reply import Reply
from daemon.mail.retry import Schedule
from daemon.mail.standing import BatchNow, Fact, JobNow, RetryNow
from daemon.mail.state import State

LATE = frozenset({State.IN_DOUBT, State.DEFERRED})
"""Where a delivery may stand that a positive reply, heard of too late, still moves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryRow:
    """A retry row as it shall stand, without owner: the delivery waits in it."""

    batch_id: int
    position: int
    job_id: UUID
    job_on: date
    customer_id: int
    lane_id: int
    klass: int
    due_at: datetime
    attempt: int
    """Tries made."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtRow:
    """A doubt as it shall be remembered."""

    delivery_id: int
    job_id: UUID
    customer_id: int
    attempt: int
    reason: str
    relay: str | None
    resolution: str | None


@dataclass(slots=True, kw_only=True)
class Settlement:
    """What a group of facts comes to; the store writes it in one transaction."""

    events: list[Event] = field(default_factory=list)
    retries: list[RetryRow] = field(default_factory=list)
    gone: list[tuple[int, int]] = field(default_factory=list)
    """Batch and position of the retry rows that must go."""
    doubts: list[DoubtRow] = field(default_factory=list)
    resolved: list[tuple[int, str]] = field(default_factory=list)
    """Delivery and resolution of doubts that a late fact ended."""
    batches: set[int] = field(default_factory=set)
    """Batches whose letters changed."""
    moves: list[tuple[Fact, State, State]] = field(default_factory=list)
    started: list[UUID] = field(default_factory=list)
    completed: list[UUID] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Everything that facts settle against."""

    batches: Mapping[int, BatchNow]
    retries: Mapping[int, RetryNow]
    jobs: Mapping[UUID, JobNow]
    schedule: Schedule
    tries: dict[int, int] = field(default_factory=dict)
    """The last try that was told: of deliveries that a 2xx comes late for, and of this group's."""
    now: datetime
    chance: Callable[[], float]
    """A random number in [0, 1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """What one fact does to its delivery."""

    became: State
    events: tuple[Event, ...] = ()
    due_at: datetime | None = None
    """When it is tried again; with DEFERRED only. Without it its retry row stays as it is."""
    tries: int = 0
    doubt: DoubtRow | None = None


def settle(facts: Iterable[Fact], ground: Ground) -> Settlement:
    """Settles facts in their order. Changes the letters and numbers of the ground it was given."""
    result = Settlement()
    for fact in facts:
        _settle_one(fact, ground, result)
    for job in ground.jobs.values():
        _tell_job(job, result)
    return result


def _settle_one(fact: Fact, ground: Ground, result: Settlement) -> None:
    batch_id, position = fact.place
    batch, job = ground.batches.get(batch_id), ground.jobs.get(fact.job_id)
    if batch is None or job is None:
        return  # the job was removed with all that was in it
    was = batch.at(position)
    step = _decide(fact, was, batch, ground)
    if step is None:
        if (reply := getattr(fact.outcome, "reply", None)) is not None:
            result.events.append(_repeated(fact, reply))
        return
    if not isinstance(fact.outcome, outcome.Withheld):  # of which no try was made
        ground.tries[fact.delivery_id] = max(fact.attempt, ground.tries.get(fact.delivery_id, 0))
        job.begins |= job.state == "scheduled"  # also by a deferral, which moves no number
    _write(fact, was, step, batch, result)
    job.count(counts.deltas(was, step.became))


def _decide(fact: Fact, was: State, batch: BatchNow, ground: Ground) -> _Step | None:
    """The step that a fact takes, or None when it may not move anything."""
    if _is_current(fact, was, batch, ground.retries):
        return _current(fact, was, ground)
    if isinstance(fact.outcome, outcome.Sent) and was in LATE:
        # told as the last word, behind whatever later tries came to (reliability E13)
        last = max(fact.attempt, ground.tries.get(fact.delivery_id, 0))
        return _sent(replace(fact, attempt=last), fact.outcome)
    return None


def _is_current(fact: Fact, was: State, batch: BatchNow, retries: Mapping[int, RetryNow]) -> bool:
    """Whether the teller of the fact still holds the delivery."""
    withheld = isinstance(fact.outcome, outcome.Withheld)
    if fact.retry_id is None:
        held = was is State.UNDER_WAY or (withheld and was is State.WAITING)
        return held and batch.epoch == fact.epoch
    row = retries.get(fact.retry_id)
    held = was is State.RETRYING or (withheld and was is State.DEFERRED)
    return held and row is not None and row.epoch == fact.epoch


def _current(fact: Fact, was: State, ground: Ground) -> _Step | None:
    match fact.outcome:
        case outcome.Sent():
            return _sent(fact, fact.outcome)
        case outcome.Bounced():
            return _bounced(fact, fact.outcome)
        case outcome.Failed():
            event = _event(fact, Type.DELIVERY_FAILED, State.FAILED, reason=fact.outcome.reason)
            return _Step(became=State.FAILED, events=(event,))
        case outcome.Deferred():
            return _deferred(fact, fact.outcome, ground)
        case outcome.InDoubt():
            return _doubted(fact, fact.outcome, ground)
        case outcome.Withheld():
            return _withheld(fact, was, fact.outcome)


def _sent(fact: Fact, sent: outcome.Sent) -> _Step:
    event = _event(fact, Type.DELIVERY_SENT, State.SENT, reply=sent.reply, relay=sent.relay)
    return _Step(became=State.SENT, events=(event,))


def _bounced(fact: Fact, bounced: outcome.Bounced) -> _Step:
    event = _event(
        fact, Type.DELIVERY_BOUNCED, State.BOUNCED, reply=bounced.reply, relay=bounced.relay
    )
    return _Step(became=State.BOUNCED, events=(event,))


def _deferred(fact: Fact, deferred: outcome.Deferred, ground: Ground) -> _Step:
    if ground.jobs[fact.job_id].state == "canceled":  # its next permit would only say so later
        event = _event(fact, Type.DELIVERY_CANCELED, State.CANCELED, reply=deferred.reply)
        return _Step(became=State.CANCELED, events=(event,))
    tries = fact.attempt if deferred.counts else fact.attempt - 1
    due = _next_at(fact, tries, deferred.retry_after, ground)
    state = State.DEFERRED if due else State.EXPIRED
    event = _event(
        fact,
        Type.DELIVERY_DEFERRED if due else Type.DELIVERY_EXPIRED,
        state,
        reply=deferred.reply,
        relay=deferred.relay,
        next_at=due,
        reason=deferred.reason,
    )
    return _Step(became=state, events=(event,), due_at=due, tries=tries)


def _doubted(fact: Fact, doubt: outcome.InDoubt, ground: Ground) -> _Step:
    policy = ground.jobs[fact.job_id].doubt
    due = _resend_at(fact, ground) if policy == "resend" else None
    told = _event(
        fact,
        Type.DELIVERY_IN_DOUBT,
        State.IN_DOUBT,
        relay=doubt.relay,
        next_at=due,
        reason=doubt.reason,
        policy=policy,
    )
    row = DoubtRow(
        delivery_id=fact.delivery_id,
        job_id=fact.job_id,
        customer_id=fact.customer_id,
        attempt=fact.attempt,
        reason=doubt.reason,
        relay=doubt.relay,
        resolution=None if policy == "hold" else policy,
    )
    if policy == "give_up":
        failed = _event(fact, Type.DELIVERY_FAILED, State.FAILED, reason="doubt")
        return _Step(became=State.FAILED, events=(told, failed), doubt=row)
    became = State.DEFERRED if due else State.IN_DOUBT
    return _Step(became=became, events=(told,), due_at=due, tries=fact.attempt, doubt=row)


def _resend_at(fact: Fact, ground: Ground) -> datetime:
    """At once after the first try; a relay that doubts again is given the time of any retry."""
    if fact.attempt <= 1:
        return ground.now
    later = _next_at(fact, fact.attempt - 1, None, ground)
    return later or ground.now  # its permit will find it expired


def _next_at(fact: Fact, tries: int, hint: float | None, ground: Ground) -> datetime | None:
    """When it is tried again; None when that would be too late."""
    job, chance = ground.jobs[fact.job_id], ground.chance()
    due = ground.schedule.next_at(
        tries, hint, now=ground.now, expires=job.expires_at, chance=chance
    )
    return due and job.opening(due)


_WITHHELD = {
    outcome.Verdict.CANCELED: (State.CANCELED, Type.DELIVERY_CANCELED),
    outcome.Verdict.EXPIRED: (State.EXPIRED, Type.DELIVERY_EXPIRED),
    outcome.Verdict.SUPPRESSED: (State.SUPPRESSED, Type.DELIVERY_SUPPRESSED),
}


def _withheld(fact: Fact, was: State, withheld: outcome.Withheld) -> _Step | None:
    if withheld.verdict in _WITHHELD:
        became, kind = _WITHHELD[withheld.verdict]
        return _Step(became=became, events=(_event(fact, kind, became),))
    if was is State.UNDER_WAY:
        return _Step(became=State.WAITING)
    if was is State.RETRYING:
        return _Step(became=State.DEFERRED)
    return None  # it waits already; whoever gives its batch or row back does the rest


def _write(fact: Fact, was: State, step: _Step, batch: BatchNow, result: Settlement) -> None:
    batch_id, position = fact.place
    batch.letters[position] = step.became
    result.batches.add(batch_id)
    result.moves.append((fact, was, step.became))
    result.events.extend(step.events)
    if step.doubt is not None:
        result.doubts.append(step.doubt)
    elif was is State.IN_DOUBT:
        result.resolved.append((fact.delivery_id, step.became.name.lower()))
    if step.due_at is not None:
        result.retries.append(_retry_row(fact, step.due_at, step.tries, batch))
    elif step.became is not State.DEFERRED and was in (State.DEFERRED, State.RETRYING):
        result.gone.append((batch_id, position))


def _retry_row(fact: Fact, due_at: datetime, tries: int, batch: BatchNow) -> RetryRow:
    batch_id, position = fact.place
    return RetryRow(
        batch_id=batch_id,
        position=position,
        job_id=fact.job_id,
        job_on=batch.job_on,
        customer_id=fact.customer_id,
        lane_id=batch.lane_id,
        klass=batch.klass,
        due_at=due_at,
        attempt=max(tries, 0),
    )


def _tell_job(job: JobNow, result: Settlement) -> None:
    """`job.started` at its first outcome (unless it is one batch), `job.completed` at its last."""
    if not job.is_moved:
        return
    if job.state == "scheduled":
        result.started.append(job.id)
        if job.parts > 1 or job.open:
            result.events.append(
                Event(type=Type.JOB_STARTED, customer_id=job.customer_id, job_id=job.id)
            )
    if job.is_complete:
        result.completed.append(job.id)
        result.events.append(completed(job))


def completed(job: JobNow) -> Event:
    """The one `job.completed` of a job, with its final numbers."""
    numbers = {name: job.numbers.get(name) for name in counts.ALL if name != "remaining"}
    return Event(
        type=Type.JOB_COMPLETED, customer_id=job.customer_id, job_id=job.id,
        data={"state": job.state if job.state in ("canceled", "failed") else "completed",
              "counts": numbers | {"remaining": job.remaining},
              **money.charged(job.numbers.get("handed") or 0, job.price)},
    )  # fmt: skip


def _repeated(fact: Fact, reply: Reply) -> Event:
    return _event(fact, Type.DELIVERY_REPEATED, State.WAITING, reply=reply, epoch=fact.epoch)


def _event(
    fact: Fact,
    kind: Type,
    state: State,
    *,
    reply: Reply | None = None,
    relay: str | None = None,
    next_at: datetime | None = None,
    **data: object,
) -> Event:
    return Event(
        type=kind,
        customer_id=fact.customer_id,
        job_id=fact.job_id,
        message_id=fact.message_id,
        delivery_id=fact.delivery_id,
        attempt=fact.attempt,
        step=state.step,
        code=reply.code if reply else None,
        enhanced=reply.enhanced if reply else None,
        text=reply.text if reply else None,
        address=fact.address,
        relay=relay,
        next_at=next_at,
        data={**fact.how, **data},
    )
