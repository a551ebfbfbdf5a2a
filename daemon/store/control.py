"""What control commands ask of the store. Lock order: stream, jobs, batches, retry rows, by id."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from daemon.mail import doubt, ids
from daemon.mail.plan import Plan
from daemon.mail.window import Spans
from daemon.store import door, spans


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job of a customer, locked."""

    id: UUID
    state: str
    paused: bool
    open: bool
    is_finished: bool
    not_before: datetime
    expires_at: datetime
    queued: int
    remaining: int
    released: int
    price: Decimal | None
    """Of an e-mail; None = nobody pays."""
    settings: Mapping[str, Any]
    windows: Spans | None
    """When it may start; None = at any time."""
    expires_after: float
    """Seconds from its due time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """How far a job is that is spread over time."""

    id: UUID
    whole: Spans
    """Over which time."""
    windows: Spans | None
    expires_at: datetime
    share: float
    """How much of it is over: nothing waits any more that is due before."""
    due_at: datetime
    """When the next of it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """What came of those in a job who were found at a customer or below him."""

    number: int
    """So many were taken back, or moved."""
    meant: int
    """So many there are of them."""
    under_way: int = 0
    """So many were just being tried, and may wait again afterwards."""
    is_finished: bool = False
    """Whether the job has nothing left with that."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivery at its place; its job and batch are locked."""

    id: int
    batch_id: int
    job_id: UUID
    job_on: date
    customer_id: int
    message_id: int
    lane_id: int
    klass: int
    epoch: int
    letter: str
    retry_id: int | None
    retry_epoch: int | None
    attempt: int | None
    """Tries made, where it is deferred."""
    address: str
    path: dict[str, Any] | None


async def job(session: door.Session, customer: int, number: UUID) -> Job | None:
    """A job, locked; None when the customer has none of this id."""
    row = await session.row("control.job", customer, number)
    return Job(**(dict(row) | {"windows": spans.read(row["windows"])})) if row else None


async def job_of(session: door.Session, customer: int, batch: int) -> UUID | None:
    """The job of a batch; None when the customer has none of this number."""
    found: UUID | None = await session.value("control.job_of", customer, batch)
    return found


async def delivery(
    session: door.Session, job: UUID, *, batch: int, position: int
) -> Delivery | None:
    """A delivery, its batch locked; the job must be locked already."""
    row = await session.row("control.delivery", batch, position, job)
    if row is None:
        return None
    fields: dict[str, Any] = dict(row)
    return Delivery(klass=fields.pop("class"), **fields)


async def cancel(session: door.Session, job: UUID) -> tuple[int, bool]:
    """Cancels a locked job; answers how many were taken back, and whether nothing is left."""
    await session.run("control.batches", job)
    await session.run("control.retries", job)
    # what a pause put off for ever must still come to its end
    await free(session, [job])
    row = await session.row("control.cancel", job)
    assert row is not None  # noqa: S101 - the job is locked, so it is there
    return row["number"], row["is_finished"]


async def cancel_branch(session: door.Session, job: UUID, customer: int) -> Branch:
    """Cancels what was found at a customer or below him, of a locked job."""
    await session.run("control.batches", job)
    await session.run("control.retries", job)
    row = await session.row("control.cancel_branch", job, customer)
    assert row is not None  # noqa: S101 - the job is locked, so it is there
    return Branch(**dict(row))


async def move_branch(session: door.Session, job: UUID, customer: int, due: datetime) -> Branch:
    """Moves what was found at a customer or below him, of a locked job."""
    await session.run("control.batches", job)
    await session.run("control.retries", job)
    row = await session.row("control.move_branch", job, customer, due)
    assert row is not None  # noqa: S101 - it counts
    return Branch(**dict(row))


async def canceled(
    session: door.Session, job: UUID, customer: int | None = None
) -> tuple[int, str | None]:
    """How many an earlier cancel took back, and what that gave back; 0 once off the record."""
    row = await session.row("control.canceled", job, customer)
    return (row["number"] or 0, row["refund"]) if row else (0, None)


async def flag(session: door.Session, job: UUID, *, paused: bool) -> None:
    """Sets or lifts the flag of a job."""
    await session.run("control.pause_job", job, paused)


async def customer(session: door.Session, number: int) -> bool | None:
    """Whether a customer is paused, locked against accepts under way; None when there is none."""
    paused: bool | None = await session.value("control.customer", number)
    return paused


async def flag_customer(session: door.Session, number: int, *, paused: bool) -> None:
    """Sets or lifts the flag of a customer."""
    await session.run("control.pause_customer", number, paused)


async def jobs_of(session: door.Session, customer: int) -> list[UUID]:
    """The unfinished jobs of a customer that aren't paused themselves, locked."""
    return [row["id"] for row in await session.rows("control.jobs_of", customer)]


async def hold(session: door.Session, jobs: Sequence[UUID]) -> None:
    """Puts off for ever what isn't done of locked jobs."""
    await session.run("control.lock_batches", jobs)
    await session.run("control.lock_retries", jobs)
    await session.run("control.hold_batches", jobs)
    await session.run("control.hold_retries", jobs)


async def free(session: door.Session, jobs: Sequence[UUID]) -> None:
    """Makes due again what was put off of locked jobs."""
    await session.run("control.lock_batches", jobs)
    await session.run("control.lock_retries", jobs)
    await session.run("control.free_batches", jobs)
    await session.run("control.free_retries", jobs)


async def move(session: door.Session, job: UUID, plan: Plan, *, paused: bool) -> int:
    """Gives a locked job another plan, and what waits in it another due time; answers how many.

    `paused`: it, or its customer, is: then it goes on waiting for ever.
    """
    written = spans.written(plan.windows), spans.written(plan.spread)
    await session.run("control.move_job", job, plan.due_at, plan.expires_at, *written)
    await session.run("control.lock_batches", [job])
    return int(await session.value("control.move_batches", job, paused))


async def spreads(session: door.Session, jobs: Sequence[UUID]) -> list[Spread]:
    """Those of some locked jobs that are spread, and that have something waiting."""
    rows = await session.rows("control.spreads", jobs)
    return [_spread(dict(row)) for row in rows]


async def spread(session: door.Session, job: UUID, over: Spans) -> None:
    """Spreads what waits in a locked job over another time, as soon as it is freed."""
    await session.run("control.spread", job, spans.written(over))


def _spread(fields: dict[str, Any]) -> Spread:
    whole, windows = (spans.read(fields.pop(name)) for name in ("spread", "windows"))
    return Spread(whole=whole or (), windows=windows, **fields)


async def defer(session: door.Session, delivery: Delivery, due: datetime) -> None:
    """A waiting delivery leaves its batch and waits by itself until `due`."""
    batch, position = ids.place_of(delivery.id)
    await session.run("control.defer", batch, position, due)


async def move_retry(session: door.Session, retry: int, due: datetime) -> None:
    """Gives a deferred delivery another due time."""
    await session.run("control.move_retry", retry, due)


async def doubts(
    session: door.Session,
    customer: int,
    *,
    job: UUID | None,
    deliveries: Sequence[int] | None,
    limit: int,
) -> list[doubt.Open]:
    """Open doubts of a job, or of some deliveries; nothing is locked yet."""
    rows = await session.rows("control.doubts", customer, job, deliveries, limit)
    return [doubt.Open(**dict(row)) for row in rows]


async def overdue(session: door.Session, seconds: float, limit: int) -> list[doubt.Open]:
    """Doubts that have been open for longer than so many seconds; nothing is locked yet."""
    rows = await session.rows("control.overdue", seconds, limit)
    return [doubt.Open(**dict(row)) for row in rows]
