"""Counters mended: every number of a job counted again from the letters of its deliveries.

The letters are what the engine acts on, so they are believed. Each job is mended in a transaction
of its own, under its locks in the order of all (jobs, batches, retry rows); nothing is appended to
any stream. What a law of the database forbids is left as it was, and said.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

import asyncpg

from daemon.store import door


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """A counter that was wrong."""

    job: UUID
    what: str
    was: int
    became: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmended:
    """A job whose numbers as counted would break a law: more than its counters is wrong."""

    job: UUID
    law: str


async def wrong(store: door.Store, job: UUID | None) -> list[UUID]:
    """Jobs whose counters and letters differ; of one job or of all."""
    return [row["id"] for row in await store.rows("mend.wrong", job)]


async def counters(store: door.Store, jobs: Sequence[UUID]) -> list[Mended | Unmended]:
    """Counts these jobs again, one after the other."""
    found: list[Mended | Unmended] = []
    for job in jobs:
        try:
            found += await _counted(store, job)
        except asyncpg.CheckViolationError as error:
            found.append(Unmended(job=job, law=error.constraint_name or str(error)))
    return found


async def _counted(store: door.Store, job: UUID) -> list[Mended]:
    async with store.transaction() as session:
        await session.rows("settle.jobs", [job])
        await session.rows("mend.batches", job)
        await session.rows("mend.retries", job)
        rows = await session.rows("mend.counters", job)
    return [Mended(job=job, what=row["what"], was=row["was"], became=row["became"]) for row in rows]
