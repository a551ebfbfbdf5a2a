"""The audit: the accounting law recomputed from what is stored, as of one moment.

Counters of jobs against the letters of their batches, those against retry rows, doubts and the
ledger. Every statement answers only what doesn't fit, so that nothing is good news.
"""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from uuid import UUID

from daemon.mail.state import State
from daemon.store import door

LAWS: Mapping[str, str] = MappingProxyType(
    {
        "audit.counters": "a job's counter is the number of its deliveries with that letter",
        "audit.asked": "who was asked for is queued, or listed under the reason that counts him",
        "audit.deliveries": "a batch has a delivery row for each of its letters",
        "audit.retries": "a delivery is deferred or retrying if and only if it has a retry row",
        "audit.batches": "a batch is done if and only if nothing in it waits or is under way",
        "audit.doubts": "a delivery is in doubt if and only if a doubt of it is open",
        "audit.jobs": "a job was accepted once, and completed once if it has ended",
        "audit.streams": "a stream has no gap between its first kept event and its last",
        "audit.money": "whatever came to its end was handed over or released, once",
        "audit.credit": "an account is what its lines add up to, a job's as far as it is booked",
        "audit.ends": "a job with nothing left has ended",
        "audit.owners": "whatever is held is held by somebody alive",
        "audit.ledger": "where a delivery stands is the furthest that the ledger has of it",
    }
)
"""Every law in words, by its statement: that takes a job, or null for all, and how many mismatches
to answer at most."""
LETTERS = "".join(State)
"""The letter of each step."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """Something that isn't as the law says."""

    law: str
    job: UUID | None
    what: str
    expected: int
    found: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much was looked at."""

    jobs: int
    deliveries: int


async def taken(store: door.Store, job: UUID | None, *, limit: int) -> tuple[Size, list[Mismatch]]:
    """Audits one job or everything; at most `limit` mismatches of each law."""
    async with store.transaction() as session:
        await session.run("audit.snapshot")
        row = await session.row("audit.size", job)
        assert row is not None  # noqa: S101 - it counts, so there is an answer
        found = [mismatch async for mismatch in _mismatches(session, job, limit)]
    return Size(**dict(row)), found


def said(law: str) -> str:
    """A law in words."""
    return LAWS[f"audit.{law}"]


async def _mismatches(
    session: door.Session, job: UUID | None, limit: int
) -> AsyncIterator[Mismatch]:
    for law in LAWS:
        more = (LETTERS,) if law == "audit.ledger" else ()
        for row in await session.rows(law, job, limit, *more):
            yield _mismatch(law, row)


def _mismatch(law: str, row: door.Row) -> Mismatch:
    return Mismatch(
        law=law.partition(".")[2],
        job=row["job_id"],
        what=row["what"],
        expected=row["expected"],
        found=row["found"],
    )
