"""What we tell the world: the types of events, one event, and its CloudEvents form (design 7).

`Event` is what is appended to the ledger; `Told` is an event with its place in a stream, ready to
be rendered. Both the writer that still has it in memory and whoever reads it from the ledger render
the same bytes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from operator import attrgetter
from typing import Any
from uuid import UUID

import orjson

from daemon.mail import ids

VERSION = 1
"""The version of every payload; a field may be added within it, none taken away or changed."""
MEDIA_TYPE = "application/cloudevents+json"


class Type(StrEnum):
    """`<family>.<event>`; the routing key adds the customer."""

    REQUEST_REJECTED = "request.rejected"
    JOB_ACCEPTED = "job.accepted"
    JOB_EXPANDED = "job.expanded"
    JOB_STARTED = "job.started"
    JOB_COMPLETED = "job.completed"
    JOB_CANCELED = "job.canceled"
    JOB_RESCHEDULED = "job.rescheduled"
    JOB_PAUSED = "job.paused"
    JOB_RESUMED = "job.resumed"
    DELIVERY_SENT = "delivery.sent"
    DELIVERY_DEFERRED = "delivery.deferred"
    DELIVERY_BOUNCED = "delivery.bounced"
    DELIVERY_FAILED = "delivery.failed"
    DELIVERY_EXPIRED = "delivery.expired"
    DELIVERY_SUPPRESSED = "delivery.suppressed"
    DELIVERY_CANCELED = "delivery.canceled"
    DELIVERY_IN_DOUBT = "delivery.in_doubt"
    DELIVERY_REPEATED = "delivery.repeated"
    """A fact that came too late to move anything: on record, never told (promise 3)."""
    ENGAGEMENT_UNSUBSCRIBED = "engagement.unsubscribed"
    ENGAGEMENT_RESUBSCRIBED = "engagement.resubscribed"
    CREDIT_LOW = "credit.low"


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact, as its writer appends it."""

    type: Type
    customer_id: int
    """0 when nobody knows whose request it was."""
    job_id: UUID | None = None
    message_id: int | None = None
    delivery_id: int | None = None
    attempt: int | None = None
    step: int | None = None
    code: int | None = None
    enhanced: str | None = None
    text: str | None = None
    address: str | None = None
    relay: str | None = None
    next_at: datetime | None = None
    data: dict[str, Any] = field(default_factory=dict)
    """What the event's type adds: counts of a job, faults of a rejection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """An event at its place."""

    stream: int
    prefix: UUID
    seq: int
    at: datetime
    event: Event

    @property
    def id(self) -> UUID:
        """What a consumer recognises a repeat by."""
        return ids.event_id(self.prefix, self.seq)

    @property
    def id_text(self) -> str:
        """The same as text."""
        return ids.event_id_text(self.prefix, self.seq)

    @property
    def routing_key(self) -> str:
        """`<family>.<event>.<customer>`."""
        return f"{self.event.type}.{self.event.customer_id}"


_DETAILS = (
    "message_id",
    "delivery_id",
    "attempt",
    "step",
    "address",
    "code",
    "enhanced",
    "text",
    "relay",
)


_details = attrgetter(*_DETAILS)


def cloud_event(told: Told, *, source: str) -> bytes:
    """The structured CloudEvents 1.0 document of an event."""
    event, event_id = told.event, told.id_text
    payload: dict[str, Any] = {
        "v": VERSION,
        "event_id": event_id,
        "occurred_at": told.at,
        "customer_id": event.customer_id,
        "job_id": event.job_id,
    }
    details = zip(_DETAILS, _details(event), strict=True)
    payload |= {name: value for name, value in details if value is not None}
    if event.next_at is not None:
        payload["next_attempt_at"] = event.next_at
    payload.update(event.data)
    return orjson.dumps(
        {
            "specversion": "1.0",
            "id": event_id,
            "source": source,
            "type": event.type,
            "time": told.at,
            "subject": event.job_id,
            "datacontenttype": "application/json",
            "data": payload,
        }
    )


_WITHHELD = frozenset({Type.DELIVERY_CANCELED, Type.DELIVERY_SUPPRESSED, Type.DELIVERY_EXPIRED})
"""May be told of a try that was never made: then no reply and no reason belongs to them."""


def tries(fact: Mapping[str, Any]) -> int:
    """How many tries were made, as of a delivery's last event; its `attempt` is that of its try.

    >>> tries({"type": "delivery.sent", "attempt": 2, "code": 250})
    2
    >>> tries({"type": "delivery.expired", "attempt": 3, "code": None, "data": None})
    2
    >>> tries({})
    0
    """
    attempt = int(fact.get("attempt") or 0)
    is_reasoned = bool(fact.get("code") or (fact.get("data") or {}).keys() - {"path"})
    was_withheld = fact.get("type") in _WITHHELD and not is_reasoned
    return max(attempt - 1, 0) if was_withheld else attempt
