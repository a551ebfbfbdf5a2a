"""Who must not be written to."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from daemon.store import door

Source = Literal["api", "link", "dsn", "operator"]


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A suppression that is to be; `supp` is the address's form for them (requirements Q5)."""

    customer: int
    supp: str
    list_id: int | None
    """Of which list's mail; None = of everything."""
    kind: str
    reason: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """One as it stands."""

    id: int
    customer_id: int
    supp: str
    list_id: int | None
    effect: str
    kind: str
    reason: str | None
    source: str
    created_at: datetime
    lifted_at: datetime | None


async def unsubscribed(
    session: door.Session, customer: int, supp: str, *, reason: str | None, source: Source
) -> bool:
    """Notes that an address wants nothing more from a customer; False when that was noted before.

    `supp` is the address's form for suppressions (requirements Q5).
    """
    return await session.row("suppression.add", customer, supp, reason, source) is not None


async def resubscribed(session: door.Session, customer: int, supp: str) -> int:
    """Lifts every unsubscription of an address (Q23); answers how many there were."""
    return await session.run("suppression.lift", customer, supp)


async def listed(  # noqa: PLR0913 - what a page is of
    session: door.Session,
    customer: int | None,
    *,
    supp: str | None,
    kind: str | None,
    lifted: bool,
    after: int,
    limit: int,
) -> list[Suppression]:
    """Those of a customer, or of all, with an id after `after`, in order."""
    rows = await session.rows("suppression.list", customer, supp, kind, lifted, after, limit)
    return [Suppression(**dict(row)) for row in rows]


async def one(session: door.Session, number: int) -> Suppression | None:
    """One, whoever's it is, locked."""
    row = await session.row("suppression.one", number)
    return Suppression(**dict(row)) if row else None


async def has_list(session: door.Session, customer: int, number: int) -> bool:
    """Whether a list is this customer's."""
    found: bool = await session.value("suppression.has_list", customer, number)
    return found


async def add(session: door.Session, new: New) -> int | None:
    """Its id; None when it was noted before."""
    number: int | None = await session.value(
        "suppression.enter", new.customer, new.supp, new.list_id, new.kind, new.reason
    )
    return number


async def lift(session: door.Session, number: int) -> None:
    """It holds no more."""
    await session.run("suppression.end", number)
