"""Audiences that are found later: their requests, who waits for answers, what became of them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from daemon.store import door
from daemon.store.accepting import Key
from daemon.store.expansion import Term
from daemon.store.owed import Owed


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """One more try to find the audience of a job."""

    job_id: UUID
    tries: int
    """So many with this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Troubled:
    """A job whose audience was looked for in vain."""

    ticket: str
    tries: int
    trouble: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """The request of a job whose audience is still to be found, and how the job stands."""

    job_id: UUID
    customer_id: int
    person_id: int | None
    request_id: str | None
    body_hash: bytes
    body: bytes
    claim: int | None
    """Its key's; None = it has none."""
    ticket: str
    state: str
    accepted_at: datetime
    not_before: datetime
    expires_at: datetime
    price: Decimal | None
    message_id: int
    trouble: str | None
    """Why it couldn't be found so far."""


async def estimate(session: door.Session, acting: int, terms: Sequence[Term], *, limit: int) -> int:
    """About how many terms come to, counted no further than `limit`."""
    number: int = await session.value(
        "expanding.estimate",
        acting,
        [term.type for term in terms],
        [term.scope for term in terms],
        [term.id for term in terms],
        [term.excludes for term in terms],
        limit,
    )
    return number


async def keep(session: door.Session, kept: "Request", *, when_due: bool) -> None:
    """Puts the audience of a job off; to when it is due, or to as soon as somebody comes to it."""
    await session.run(
        "expanding.keep",
        kept.job_id,
        kept.customer_id,
        kept.person_id,
        kept.request_id,
        kept.body_hash,
        kept.body,
        kept.claim,
        when_due,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is kept of a request, to be read again."""

    job_id: UUID
    customer_id: int
    person_id: int | None
    request_id: str | None
    body_hash: bytes
    body: bytes
    claim: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Somebody who waits for an answer."""

    reply_to: str
    correlation_id: str | None
    dialect: str


async def expect(session: door.Session, job: UUID, waiting: Waiting, *, lifetime: float) -> None:
    """Notes who waits; nobody does for longer than `lifetime` seconds."""
    one = (waiting.reply_to, waiting.correlation_id, waiting.dialect)
    await session.run("expanding.expect", job, *one, lifetime)


async def expect_again(
    session: door.Session, key: Key, waiting: Waiting, *, lifetime: float
) -> None:
    """The same, of who asks once more under a key."""
    one = (waiting.reply_to, waiting.correlation_id, waiting.dialect)
    await session.run("expanding.expect_again", key.customer_id, key.request_id, *one, lifetime)


async def waits(store: door.Store) -> bool:
    """Whether an audience is to be found."""
    found: bool = await store.value("expanding.waits")
    return found


async def tried(store: door.Store, pauses: Sequence[float]) -> Try | None:
    """Counts another try to find the next audience; None when others are at all of them.

    One that never ends, since everything died, is followed by the next after its one of `pauses`.
    """
    row = await store.row("expanding.try", pauses)
    return Try(**dict(row)) if row else None


async def failed_try(store: door.Store, job: UUID, trouble: str, *, pause: float) -> None:
    """Notes why a try was in vain; the next one is in `pause` seconds."""
    await store.run("expanding.failed_try", job, trouble, pause)


async def troubled(store: door.Store) -> Troubled | None:
    """Of the audiences that were looked for in vain the one that was most often."""
    row = await store.row("expanding.troubled")
    return Troubled(**dict(row)) if row else None


async def taken(session: door.Session, job: UUID, *, memory: str) -> Kept | None:
    """A request, held until the transaction ends; None when another has it.

    `memory` is for the sorts of the search.
    """
    await session.value("expanding.begin", memory)
    row = await session.row("expanding.taken", job)
    return Kept(**dict(row)) if row else None


async def found(session: door.Session, job: UUID) -> None:
    """Its audience is stored: the job goes on like any other."""
    await session.run("expanding.found", job)
    await session.run("expanding.forget", job)


async def failed(session: door.Session, job: UUID) -> bool:
    """There will be none; answers whether the job ended by it, and not before."""
    ended = await session.run("expanding.failed", job)
    await session.run("expanding.forget", job)
    return bool(ended)


async def moved(session: door.Session, job: UUID, due: datetime) -> None:
    """A job that waits for its due time to be expanded has another one."""
    await session.run("expanding.moved", job, due)


async def give(session: door.Session, job: UUID, owner: UUID, answer: bytes) -> list[Owed]:
    """Whoever waits for the answer of a job is owed it."""
    rows = await session.rows("expanding.give", job, owner, answer)
    return [Owed(**dict(row)) for row in rows]


async def unheard(store: door.Store, owner: UUID) -> list[Owed]:
    """Those who came to wait when the answer was there already are owed it."""
    return [Owed(**dict(row)) for row in await store.rows("expanding.unheard", owner)]
