"""The end of a doubt by decision: its delivery is tried again, or given up. Pure.

What a late reply decides is settled elsewhere; here somebody, or the time that has passed, decides.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from daemon.mail import counts, ids, settle
from daemon.mail.event import Event, Type
from daemon.mail.settle import RetryRow, Settlement
from daemon.mail.standing import BatchNow, JobNow
from daemon.mail.state import State

Action = Literal["resend", "give_up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """A doubt that waits for a decision."""

    delivery_id: int
    job_id: UUID
    customer_id: int
    message_id: int
    address: str
    attempt: int
    """The try that is in doubt."""
    path: Mapping[str, Any] | None = None
    """By which way its recipient came into the audience."""


def resolved(
    doubts: Iterable[Open],
    action: Action,
    *,
    batches: Mapping[int, BatchNow],
    jobs: Mapping[UUID, JobNow],
    now: datetime,
) -> Settlement:
    """Decides doubts against locked batches and jobs, whose letters and numbers it changes.

    A delivery that is no longer in doubt isn't touched.
    """
    result = Settlement()
    for doubt in doubts:
        batch_id, position = ids.place_of(doubt.delivery_id)
        batch, job = batches.get(batch_id), jobs.get(doubt.job_id)
        if batch and job and batch.at(position) is State.IN_DOUBT:
            _decide(doubt, action, batch, now, result)
            job.count(counts.deltas(State.IN_DOUBT, batch.at(position)))
    for job in jobs.values():
        if job.changes and job.is_complete:
            result.completed.append(job.id)
            result.events.append(settle.completed(job))
    return result


def _decide(
    doubt: Open, action: Action, batch: BatchNow, now: datetime, result: Settlement
) -> None:
    position = ids.place_of(doubt.delivery_id)[1]
    became = State.DEFERRED if action == "resend" else State.FAILED
    batch.letters[position] = became
    result.batches.add(batch.id)
    result.resolved.append((doubt.delivery_id, action))
    result.events.append(_event(doubt, became, now))
    if became is State.DEFERRED:
        result.retries.append(_retry_row(doubt, batch, now))


def _retry_row(doubt: Open, batch: BatchNow, now: datetime) -> RetryRow:
    batch_id, position = ids.place_of(doubt.delivery_id)
    return RetryRow(
        batch_id=batch_id,
        position=position,
        job_id=doubt.job_id,
        job_on=batch.job_on,
        customer_id=doubt.customer_id,
        lane_id=batch.lane_id,
        klass=batch.klass,
        due_at=now,
        attempt=doubt.attempt,
    )


def _event(doubt: Open, became: State, now: datetime) -> Event:
    is_again = became is State.DEFERRED
    return Event(
        type=Type.DELIVERY_DEFERRED if is_again else Type.DELIVERY_FAILED,
        customer_id=doubt.customer_id,
        job_id=doubt.job_id,
        message_id=doubt.message_id,
        delivery_id=doubt.delivery_id,
        attempt=doubt.attempt,
        step=became.step,
        address=doubt.address,
        next_at=now if is_again else None,
        data={
            **({"path": doubt.path} if doubt.path else {}),
            "reason": "resend" if is_again else "doubt",
        },
    )
