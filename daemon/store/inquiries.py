"""How things stand, for whoever asks: rows as they are, always of one customer only."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from daemon.mail import counts, event, money
from daemon.mail.money import Standing
from daemon.store import door


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job with all that one may know of it."""

    id: UUID
    fields: Mapping[str, Any]
    """Its columns but for the numbers."""
    numbers: Mapping[str, int | None]
    """Every number of the accounting law."""
    money: Mapping[str, str]
    """What it costs, and what of that is charged; empty where nobody pays."""

    @property
    def is_balanced(self) -> bool:
        """Whether the numbers keep the law."""
        return counts.is_balanced(self.numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivery, where it stands, and the last fact on record of it."""

    id: int
    message_id: int
    address: str
    name: str | None
    letter: str
    tries: int
    due_at: datetime | None
    """When it is next looked at, where it waits; None = paused, or nothing to wait for."""
    fact: Mapping[str, Any]
    """Type, time, attempt, code, enhanced, text, relay and data of the event; empty = none yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dropped:
    """Somebody who was asked for and isn't delivered to."""

    id: int
    position: int
    address: str | None
    reason: str
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A doubt that waits for a decision."""

    id: int
    delivery_id: int
    job_id: UUID
    attempt: int
    reason: str
    relay: str | None
    since: datetime
    address: str


async def job(
    store: door.Store,
    customer: int,
    *,
    job: UUID | None = None,
    ticket: str | None = None,
    message: int | None = None,
    delivery: int | None = None,
) -> Job | None:
    """A job by one of its names; None when the customer has no such job."""
    row = await store.row("inquiry.job", customer, job, ticket, message, delivery)
    if row is None:
        return None
    fields = dict(row)
    numbers = {name: fields.pop(name) for name in counts.ALL}
    price, handed, released = (fields.pop(name) for name in ("price", "handed", "released"))
    paid = money.standing(Standing(numbers["queued"], handed, released), price)
    return Job(id=fields.pop("id"), fields=fields, numbers=numbers, money=paid)


async def deliveries(  # noqa: PLR0913 - what a page is of
    store: door.Store,
    customer: int,
    job: UUID,
    *,
    message: int | None,
    after: int,
    letters: str,
    limit: int,
) -> list[Delivery]:
    """Deliveries in one of the given states with an id after `after`, in order."""
    async with store.session() as session:
        rows = await session.rows(
            "inquiry.deliveries", customer, job, message, after, letters, limit
        )
        facts = await session.rows("ledger.of_deliveries", [row["id"] for row in rows])
    last = {fact["delivery_id"]: dict(fact) for fact in facts}
    return [_delivery(row, last.get(row["id"], {})) for row in rows]


async def dropped(store: door.Store, job: UUID, *, after: int, limit: int) -> list[Dropped]:
    """Who was dropped in a job, with an id after `after`, in order."""
    rows = await store.rows("inquiry.dropped", job, after, limit)
    return [Dropped(**dict(row)) for row in rows]


async def doubts(
    store: door.Store, customer: int, job: UUID | None, *, after: int, limit: int
) -> list[Doubt]:
    """Open doubts of a job or of all, with an id after `after`, in order."""
    rows = await store.rows("inquiry.doubts", customer, job, after, limit)
    return [Doubt(**dict(row)) for row in rows]


def _delivery(row: door.Row, fact: Mapping[str, Any]) -> Delivery:
    return Delivery(
        id=row["id"],
        message_id=row["message_id"],
        address=row["address"],
        name=row["name"],
        letter=row["letter"],
        tries=row["tries"] or event.tries(fact),
        due_at=row["due_at"],
        fact=fact,
    )
