"""What was changed in the directory, by whom and when: kept for good, and never a secret."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from daemon.store import door

Deed = Literal["created", "changed", "deleted", "imported"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that was done to one row, or by an import to many."""

    by: str
    customer: int
    """Whose row it is; 0 of several."""
    entity: str
    number: int | None
    """None of many."""
    deed: Deed
    detail: Mapping[str, Any] = field(default_factory=dict)


async def note(session: door.Session, change: Change) -> None:
    """Notes it, in the transaction that does it."""
    await session.run(
        "change.note",
        change.by,
        change.customer,
        change.entity,
        "" if change.number is None else str(change.number),
        change.deed,
        change.detail,
    )
