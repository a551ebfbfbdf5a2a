"""The daemon's books, read by SQL of our own: jobs, deliveries with their letters, the ledger."""

from uuid import UUID

import asyncpg

from tests.checker.evidence import Books, Delivery, Entry, Job

STATES = {
    "w": "waiting",
    "u": "under_way",
    "r": "retrying",
    "d": "deferred",
    "q": "in_doubt",
    "s": "sent",
    "v": "delivered",
    "b": "bounced",
    "f": "failed",
    "e": "expired",
    "p": "suppressed",
    "c": "canceled",
}
"""What the letters of `batch.state` mean."""

DROPPED = ("no_address", "invalid", "excluded", "duplicate", "suppressed", "not_found", "inactive")
SETTLED = (
    "sent", "delivered", "bounced", "failed", "expired", "canceled", "suppressed_late", "in_doubt",
)  # fmt: skip
NUMBERS = ("requested", "queued", *DROPPED, *SETTLED, "remaining")
"""Every number of the accounting law."""

_JOBS = f"""
SELECT id::text, request_id, customer_id, purpose, state, open,
       finished_at IS NOT NULL AS is_finished,
       extract(epoch FROM accepted_at)::double precision AS accepted,
       extract(epoch FROM not_before)::double precision AS due,
       extract(epoch FROM expires_at)::double precision AS expires, {", ".join(NUMBERS)}
FROM job ORDER BY id
"""
_DELIVERIES = """
SELECT d.id, d.job_id::text, d.address, substr(b.state, (d.id % 512)::integer + 1, 1) AS letter
FROM delivery d JOIN batch b ON b.id = d.id / 512 ORDER BY d.id
"""
_PLACES = "SELECT coalesce(sum(length(state)), 0) FROM batch"
_DROPPED = "SELECT job_id::text, reason FROM dropped_recipient ORDER BY id"
_RETRIES = "SELECT batch_id * 512 + position AS delivery FROM retry"
_LEDGER = """
SELECT s.prefix, l.seq, l.type, l.job_id::text AS job, l.delivery_id AS delivery
FROM ledger l JOIN stream s ON s.number = l.stream
WHERE l.type <> 'delivery.repeated' ORDER BY l.stream, l.seq
"""


async def read(dsn: str) -> Books:
    """Everything, as one snapshot. AssertionError when a delivery lacks its letter."""
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            deliveries = await connection.fetch(_DELIVERIES)
            places = await connection.fetchval(_PLACES)
            assert len(deliveries) == places, f"{places} letters, {len(deliveries)} deliveries"
            return Books(
                jobs=[_job(row) for row in await connection.fetch(_JOBS)],
                deliveries=[_delivery(row) for row in deliveries],
                dropped=[
                    (row["job_id"], row["reason"]) for row in await connection.fetch(_DROPPED)
                ],
                entries=[_entry(row) for row in await connection.fetch(_LEDGER)],
                retries=[row["delivery"] for row in await connection.fetch(_RETRIES)],
            )
    finally:
        await connection.close()


def _job(row: asyncpg.Record) -> Job:
    return Job(
        id=row["id"],
        request_id=row["request_id"],
        customer=row["customer_id"],
        purpose=row["purpose"],
        state=row["state"],
        is_finished=row["is_finished"],
        open=row["open"],
        accepted=row["accepted"],
        due=row["due"],
        expires=row["expires"],
        numbers={name: row[name] for name in NUMBERS},
    )


def _delivery(row: asyncpg.Record) -> Delivery:
    return Delivery(
        id=row["id"], job=row["job_id"], address=row["address"], state=STATES[row["letter"]]
    )


def _entry(row: asyncpg.Record) -> Entry:
    return Entry(
        id=str(UUID(int=row["prefix"].int | row["seq"])),
        type=row["type"],
        job=row["job"],
        delivery=row["delivery"],
    )
