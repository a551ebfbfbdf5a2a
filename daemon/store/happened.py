"""Events on record that people have a name for: an event's own id, or that of a refused request."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from daemon.mail import ids
from daemon.store import door


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """An event, and what it is about."""

    at: datetime
    type: str
    customer_id: int
    """0 when nobody knows whose request it was."""
    job_id: UUID | None
    delivery_id: int | None
    data: dict[str, Any]


async def event(store: door.Store, number: UUID) -> Happened | None:
    """What an event is about; None when it isn't on record."""
    return _happened(await store.row("operator.find_event", *ids.stream_place(number)))


async def refusal(store: door.Store, request_id: str, *, since: datetime) -> Happened | None:
    """The last refusal of a request, whoever's it was; None when none is on record since then."""
    return _happened(await store.row("operator.find_refusal", request_id, since))


def _happened(row: door.Row | None) -> Happened | None:
    return Happened(**(dict(row) | {"data": row["data"] or {}})) if row else None
