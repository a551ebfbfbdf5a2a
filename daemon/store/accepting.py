"""What accept asks of the store: keys, jobs, first answers. All of it within one transaction."""

from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import orjson

from daemon.mail.window import Spans
from daemon.store import door, spans

SEND = 0
"""The part of a key that is a send's; a frame's is its number."""
CLOSE = -1
"""The part of a key that is a close's."""


class Key(NamedTuple):
    """What a request is recognised by."""

    customer_id: int
    request_id: str
    part: int = SEND


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A key that was seen before, with what was asked and answered then."""

    body_hash: bytes
    answer: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job as it shall be stored, with its one message."""

    id: UUID
    ticket: str
    customer_id: int
    acting_id: int | None = None
    """In whose name, when not in that customer's."""
    person_id: int | None = None
    """Who of the customer's people asked."""
    campaign_id: int | None = None
    """What it is booked under."""
    dialect: str
    request_id: str | None
    body_hash: bytes
    name: str
    purpose: str
    klass: int
    doubt: str
    transport_id: int | None
    """None = the customer's default."""
    open: bool
    not_before: datetime | None
    """None = at once."""
    not_before_raw: str | None
    opens_at: datetime | None = None
    """When its window opens, where it has one; it isn't due before."""
    expires_after: float
    """Seconds from the due time."""
    too_late: float | None = None
    """Seconds from `not_before`, or from now, after which it expires at the latest."""
    windows: Spans | None = None
    """When it may start; None = at any time."""
    spread: Spans | None = None
    """Over which time its deliveries fall due; None = at once."""
    local_dues: dict[str, str] | None = None
    """When it is due for whoever has a zone, by its name; None = for all at the same time."""
    settings: dict[str, Any]
    coercions: list[Any]
    spec: dict[str, Any]
    """Content in canonical form; without a From the transport's is put in."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """What became of a job. Without a transport, or without a From, it wasn't stored."""

    id: UUID
    has_transport: bool
    message_id: int | None
    not_before: datetime | None
    expires_at: datetime | None
    price: Decimal | None
    """Of an e-mail, for ever; None = nobody pays."""
    lane_id: int | None = None
    spec: dict[str, Any] | None = None
    """Its content as it is stored, where that was wanted."""


async def claim(
    session: door.Session,
    keys: Sequence[Key],
    *,
    hashes: Sequence[bytes],
    jobs: Sequence[UUID | None],
    lifetime: float,
) -> dict[Key, int]:
    """Claims keys for `lifetime` seconds; answers the claims. A key without one was seen before."""
    rows = await session.rows("accept.keys", *_columns(keys), hashes, jobs, lifetime)
    return {_key(row): row["id"] for row in rows}


async def known(session: door.Session, keys: Sequence[Key]) -> dict[Key, Known]:
    """What was asked and answered under keys that were seen before."""
    rows = await session.rows("accept.known", *_columns(keys))
    return {_key(row): Known(body_hash=row["body_hash"], answer=row["answer"]) for row in rows}


async def unclaim(session: door.Session, claims: Sequence[int]) -> None:
    """Gives keys back whose requests were refused."""
    if claims:
        await session.run("accept.unclaim", claims)


async def answer(session: door.Session, answers: Iterable[tuple[int, bytes]]) -> None:
    """Keeps the first answers beside the claims they belong to."""
    given = list(answers)
    if given:
        await session.run(
            "accept.answers", [claim for claim, _ in given], [text for _, text in given]
        )


async def forget(store: door.Store) -> int:
    """Forgets keys whose time is over; answers how many."""
    return await store.run("accept.forget_keys")


async def stored(
    session: door.Session,
    jobs: Sequence[Job],
    *,
    open_timeout: float,
    wanted: Container[UUID] = (),
) -> dict[UUID, Stored]:
    """Stores jobs with their messages; one left open is closed after `open_timeout` seconds.

    The content of those `wanted` is answered.
    """
    are_wanted = [job.id in wanted for job in jobs]
    rows = await session.rows("accept.jobs", *_job_columns(jobs, open_timeout), are_wanted)
    return {row["id"]: Stored(**dict(row)) for row in rows}


async def complete(session: door.Session, jobs: Sequence[UUID]) -> None:
    """Ends jobs that nobody is left in; those that are open stay so."""
    if jobs:
        await session.run("accept.empty", jobs)


async def undo(session: door.Session, jobs: Sequence[UUID]) -> None:
    """Takes back jobs that this very transaction has stored, with all that is theirs."""
    if jobs:
        await session.run("accept.undo", jobs)


async def wake(session: door.Session) -> None:
    """Has dispatch woken at the commit."""
    await session.run("accept.wake")


def _columns(keys: Sequence[Key]) -> tuple[list[int], list[str], list[int]]:
    return (
        [key.customer_id for key in keys],
        [key.request_id for key in keys],
        [key.part for key in keys],
    )


def _key(row: door.Row) -> Key:
    return Key(row["customer_id"], row["request_id"], row["part"])


def _job_columns(jobs: Sequence[Job], open_timeout: float) -> list[list[Any]]:
    return [
        [job.id for job in jobs],
        [job.ticket for job in jobs],
        [job.customer_id for job in jobs],
        [job.dialect for job in jobs],
        [job.request_id for job in jobs],
        [job.body_hash for job in jobs],
        [job.name for job in jobs],
        [job.purpose for job in jobs],
        [job.klass for job in jobs],
        [job.doubt for job in jobs],
        [job.transport_id for job in jobs],
        [job.open for job in jobs],
        [job.not_before for job in jobs],
        [job.not_before_raw for job in jobs],
        [job.expires_after for job in jobs],
        [open_timeout] * len(jobs),
        [job.settings for job in jobs],
        # a list within an array would be taken for a second dimension
        [orjson.dumps(job.coercions) for job in jobs],
        [job.spec for job in jobs],
        [job.opens_at for job in jobs],
        [job.too_late for job in jobs],
        [spans.written(job.windows) for job in jobs],
        [spans.written(job.spread) for job in jobs],
        [job.acting_id for job in jobs],
        [job.person_id for job in jobs],
        [job.local_dues for job in jobs],
        [job.campaign_id for job in jobs],
    ]
