"""The audit: the accounting law recomputed from what is stored, as of one moment.

Counters of jobs against the letters of their batches, those against retry rows, doubts and the
ledger. Every statement answers only what doesn't fit, so that nothing is good news.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from uuid import UUID

from daemon.mail.state import State
from daemon.store import door

LAWS = (
    "audit.counters",
    "audit.asked",
    "audit.deliveries",
    "audit.retries",
    "audit.batches",
    "audit.doubts",
    "audit.jobs",
    "audit.streams",
)
"""Statements that take a job, or null for all, and how many mismatches to answer."""
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


async def _mismatches(
    session: door.Session, job: UUID | None, limit: int
) -> AsyncIterator[Mismatch]:
    for law in LAWS:
        for row in await session.rows(law, job, limit):
            yield _mismatch(law, row)
    for row in await session.rows("audit.ledger", job, limit, LETTERS):
        yield _mismatch("audit.ledger", row)


def _mismatch(law: str, row: door.Row) -> Mismatch:
    return Mismatch(
        law=law.partition(".")[2],
        job=row["job_id"],
        what=row["what"],
        expected=row["expected"],
        found=row["found"],
    )
