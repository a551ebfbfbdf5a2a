"""Many jobs at a glance, and the shape of everything that waits. Of any customer; reading only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from daemon.store import door


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as a row of a list."""

    id: UUID
    ticket: str
    request_id: str | None
    name: str
    customer_id: int
    klass: int
    state: str
    open: bool
    paused: bool
    customer_paused: bool
    accepted_at: datetime
    not_before: datetime
    started_at: datetime | None
    finished_at: datetime | None
    queued: int
    remaining: int
    in_doubt: int
    handed: int
    """Accepted by the next hop."""
    campaign: int | None
    """Under which it is booked."""
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What waits, by domain and age."""

    domains: Mapping[str, Mapping[int, int]]
    """Of the domains with the most of it, by the span of ages; -1 = not to start yet."""
    everything: Mapping[int, int]
    """Of all domains."""


async def jobs(
    store: door.Store,
    *,
    customer: int | None = None,
    campaign: int | None = None,
    before: UUID | None = None,
    limit: int,
    ended: bool,
) -> list[Job]:
    """Jobs, the newest first: those that haven't ended, or all."""
    name = "overview.jobs" if ended else "overview.unfinished"
    return [_job(dict(row)) for row in await store.rows(name, customer, before, limit, campaign)]


async def shape(
    store: door.Store,
    minutes: Sequence[int],
    *,
    customer: int | None = None,
    deferred: bool,
    limit: int,
) -> Shape:
    """What waits, in the spans between so many minutes; counted in the database, row by row."""
    rows = await store.rows("overview.shape", list(minutes), customer, deferred, limit)
    domains: dict[str, dict[int, int]] = {}
    for row in rows:
        if row["domain"] is not None:
            domains.setdefault(row["domain"], {})[row["age"]] = row["count"]
    everything = {row["age"]: row["count"] for row in rows if row["domain"] is None}
    return Shape(domains=domains, everything=everything)


def _job(fields: dict[str, Any]) -> Job:
    return Job(klass=fields.pop("class"), **fields)
