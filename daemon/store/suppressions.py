"""Who must not be written to."""

from typing import Literal

from daemon.store import door

Source = Literal["api", "link", "dsn", "operator"]


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
