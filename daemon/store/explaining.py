"""What an expansion came to, asked of the transaction that made it: who is in, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from daemon.store import door


@dataclass(frozen=True, slots=True, kw_only=True)
class Road:
    """By which lane a job would leave, and what stands before it there."""

    transport: int
    name: str
    max_connections: int
    max_per_second: float
    """0 = no limit."""
    not_before: datetime
    expires_at: datetime
    ahead: int
    """Deliveries that are due before it, in its class or a more urgent one."""


async def terms(session: door.Session, job: UUID) -> dict[int, dict[str, int]]:
    """How many each term came to, by what became of them."""
    found: dict[int, dict[str, int]] = {}
    for row in await session.rows("audience.explained", job):
        found.setdefault(row["term"], {})[row["reason"]] = row["number"]
    return found


async def ways(session: door.Session, job: UUID, norm: str) -> list[tuple[str, dict[str, Any]]]:
    """How an address came in: what was decided, and the path; the way that counts first."""
    rows = await session.rows("audience.ways", job, norm)
    return [(row["reason"], row["path"]) for row in rows]


async def sample(
    session: door.Session, job: UUID, number: int
) -> Sequence[tuple[str, dict[str, Any]]]:
    """Some of those who would get a mail: address and path."""
    rows = await session.rows("audience.sample", job, number)
    return [(row["address"], row["path"]) for row in rows]


async def branch(session: door.Session, above: int, customer: int) -> list[dict[str, Any]]:
    """The way down the tree from one customer to another."""
    return [dict(row) for row in await session.rows("audience.branch", above, customer)]


async def road(session: door.Session, job: UUID) -> Road | None:
    """The lane of a job."""
    row = await session.row("audience.road", job)
    return Road(**dict(row)) if row else None
