"""Reading how things stand under their locks, and writing a settlement, in one transaction.

Lock order, everywhere: own stream, jobs, batches, retry rows, each by id.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from daemon.mail.outcome import Sent
from daemon.mail.settle import LATE, DoubtRow, RetryRow, Settlement
from daemon.mail.standing import BatchNow, Fact, JobNow, RetryNow
from daemon.store import door, spans

_COUNTERS = (
    "sent", "bounced", "failed", "expired", "canceled", "suppressed_late", "in_doubt", "handed",
    "released",
)  # fmt: skip
_NUMBERS = (
    "requested", "queued", "no_address", "invalid", "excluded", "duplicate", "suppressed",
    "not_found", "inactive", "sent", "delivered", "bounced", "failed", "expired", "canceled",
    "suppressed_late", "in_doubt", "handed", "released",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Locked:
    """The rows that a group of facts is about."""

    jobs: dict[UUID, JobNow]
    batches: dict[int, BatchNow]
    retries: dict[int, RetryNow]
    tries: dict[int, int]
    """See `Ground`."""


async def locked(session: door.Session, facts: Sequence[Fact]) -> Locked:
    """Locks and reads what the facts are about. The stream row must be locked already."""
    found = await locked_places(
        session,
        jobs={fact.job_id for fact in facts},
        batches={fact.place[0] for fact in facts},
        retries={fact.retry_id for fact in facts if fact.retry_id is not None},
    )
    late = [fact.delivery_id for fact in facts if _may_be_late(fact, found.batches)]
    since = min((batch.job_on for batch in found.batches.values()), default=None)
    rows = await session.rows("settle.tries", late, since) if late else []
    return replace(found, tries={row["delivery_id"]: row["attempt"] for row in rows})


def _may_be_late(fact: Fact, batches: Mapping[int, BatchNow]) -> bool:
    """Whether it is a 2xx for a delivery that isn't under way."""
    batch_id, position = fact.place
    batch = batches.get(batch_id)
    return isinstance(fact.outcome, Sent) and batch is not None and batch.at(position) in LATE


async def locked_places(
    session: door.Session,
    *,
    jobs: Collection[UUID],
    batches: Collection[int],
    retries: Collection[int] = (),
) -> Locked:
    """The same, of rows by their ids."""
    job_rows = await session.rows("settle.jobs", list(jobs))
    batch_rows = await session.rows("settle.batches", list(batches))
    retry_rows = await session.rows("settle.retries", list(retries)) if retries else []
    return Locked(
        jobs={row["id"]: job_from(row) for row in job_rows},
        batches={row["id"]: _batch(row) for row in batch_rows},
        retries={row["id"]: RetryNow(id=row["id"], epoch=row["epoch"]) for row in retry_rows},
        tries={},
    )


async def write(session: door.Session, settlement: Settlement, at: Locked) -> None:
    """Writes a settlement; the ledger has its events already."""
    batches = [at.batches[number] for number in settlement.batches]
    changed = [job for job in at.jobs.values() if job.is_moved]
    gone = set(settlement.gone)
    # one statement deletes only rows that were there before it: what came and went isn't put at all
    put = [row for row in settlement.retries if (row.batch_id, row.position) not in gone]
    await session.run(
        "settle.write",
        [batch.id for batch in batches],
        ["".join(batch.letters) for batch in batches],
        [batch.is_done for batch in batches],
        *_columns(gone, 2),
        *_columns(map(_retry, put), 9),
        [job.id for job in changed],
        *([job.changes.get(name, 0) for job in changed] for name in _COUNTERS),
        [job.id in settlement.completed for job in changed],
    )
    await _write_doubts(session, settlement)


async def _write_doubts(session: door.Session, settlement: Settlement) -> None:
    if settlement.doubts:
        now = await session.value("clock.now")
        await session.run("settle.doubts", *_columns(map(_doubt, settlement.doubts), 7), now)
    if settlement.resolved:
        await session.run("settle.resolved", *_columns(settlement.resolved, 2))


def job_from(row: door.Row) -> JobNow:
    """A job as `settle.jobs` reads it."""
    return JobNow(
        id=row["id"],
        customer_id=row["customer_id"],
        state=row["state"],
        open=row["open"],
        doubt=row["doubt"],
        parts=row["parts"],
        expires_at=row["expires_at"],
        windows=spans.read(row["windows"]),
        numbers={name: row[name] for name in _NUMBERS},
        price=row["price"],
    )


def _batch(row: door.Row) -> BatchNow:
    return BatchNow(
        id=row["id"],
        job_id=row["job_id"],
        job_on=row["job_on"],
        lane_id=row["lane_id"],
        klass=row["class"],
        epoch=row["epoch"],
        letters=list(row["state"]),
    )


def _retry(row: RetryRow) -> tuple[object, ...]:
    return (
        row.batch_id, row.position, row.job_id, row.job_on, row.customer_id, row.lane_id, row.klass,
        row.due_at, row.attempt,
    )  # fmt: skip


def _doubt(row: DoubtRow) -> tuple[object, ...]:
    return (
        row.delivery_id, row.job_id, row.customer_id, row.attempt, row.reason, row.relay,
        row.resolution,
    )  # fmt: skip


def _columns(rows: Iterable[Sequence[object]], width: int) -> list[list[object]]:
    """Rows turned into one list per column, as `unnest` wants them."""
    columns: list[list[object]] = [[] for _ in range(width)]
    for row in rows:
        for column, value in zip(columns, row, strict=True):
            column.append(value)
    return columns
