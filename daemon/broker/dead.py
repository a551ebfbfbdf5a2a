"""A dead letter: how a parcel is put away, and how it is read, whoever put it away. Pure.

Ours bring the reason in headers and keep what the producer wrote as it was; the broker's own, of
parcels that came back too often, bring `x-death`. Either way the way back is known: exchange,
routing key, key, properties and body of the parcel as it was published.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from daemon.broker import encode
from daemon.broker.parcel import Outgoing, Parcel
from daemon.mail.refusal import Code

REASON = "reason"
_DETAIL, _QUEUE, _USER, _CUSTOMER, _DIED = "detail", "queue", "user_id", "customer_id", "died"
_OWN = "headers"
"""The producer's headers, as one beside ours."""
_BROKERS = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count", "x-acquired-count")
"""How the broker's own headers begin; a parcel that goes back starts anew."""
BROKERS_REASONS = frozenset({"expired", "maxlen", "delivery_limit", "unknown"})
"""Why the broker puts parcels away, in its own words; unknown = it doesn't say."""
_REJECTED = "rejected"
"""By us, and only those that are too large to be taken in."""
_NOT_TAKEN_IN = "since it is longer than intake.max_parcel"
_HEADERS_AT_MOST = 65_536
"""Octets of a producer's headers that are kept: all of a message's must fit into one frame."""
_SHORT, _ROOM = 10, 255
"""Characters of an id as it is shown; octets of a short string (AMQP 0-9-1, 4.2.5.3)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """Why and when a parcel was put away."""

    reason: str
    """A code of ours, or the broker's word: `delivery_limit`."""
    detail: str = ""
    queue: str
    """From which it was taken."""
    at: datetime | None = None
    customer: int | None = None
    """None = nobody had looked whose it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A parcel that was put away."""

    digest: str
    """Of key, way and body, in hex: the same as long as it lies there, and if it dies again."""
    death: Death
    exchange: str
    """Where it was published."""
    parcel: Outgoing
    """As it was published there."""
    tag: int
    """By which it can be acknowledged, where it was read."""

    @property
    def id(self) -> str:
        """What a person types."""
        return self.digest[:_SHORT]

    @property
    def goes_by(self) -> tuple[str, ...]:
        """All its names; the digest may be cut short."""
        return self.digest, self.parcel.message_id


def buried(parcel: Parcel, death: Death) -> Outgoing:
    """The dead letter that a parcel becomes. One without a key gets one, so that it may go back."""
    ours = {
        REASON: death.reason,
        _DETAIL: death.detail,
        _QUEUE: death.queue,
        _CUSTOMER: death.customer,
        _DIED: None if death.at is None else round(death.at.timestamp()),
        _USER: parcel.user_id,
        _OWN: _own(parcel.headers),
    }
    headers = {name: value for name, value in ours.items() if value not in (None, {})}
    return replace(_published(parcel), headers=headers, user_id=None, message_id=_key(parcel))


def read(parcel: Parcel, requests: str) -> DeadLetter:
    """What lies in the queue of dead letters; `requests` is the exchange that requests come by."""
    death = _death(parcel)
    back = _published(parcel)
    if _is_ours(parcel.headers):
        back = replace(back, headers=_own(_table(parcel.headers)), user_id=_user(parcel.headers))
    exchange = _exchange(parcel, death, requests)
    parts = (back.message_id, exchange, back.routing_key, death.queue)
    digest = hashlib.sha256("\0".join(parts).encode() + b"\0" + back.body).hexdigest()
    return DeadLetter(digest=digest, death=death, exchange=exchange, parcel=back, tag=parcel.tag)


def _is_ours(headers: Mapping[str, Any]) -> bool:
    """Whether we put it away. Beside `x-death` the rest is the producer's, whatever he calls it."""
    return REASON in headers and not _last(headers)


def _table(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    own = headers.get(_OWN)
    return own if isinstance(own, dict) else {}


def _user(headers: Mapping[str, Any]) -> str | None:
    user = headers.get(_USER)
    return user if isinstance(user, str) else None


def _death(parcel: Parcel) -> Death:
    headers, last = parcel.headers, _last(parcel.headers)
    if not _is_ours(headers):
        at = last.get("time")
        reason = str(last.get("reason", "unknown"))
        returns = f"after {parcel.headers.get('x-delivery-count', '?')} returns"
        return Death(
            reason=Code.TOO_LARGE.value if reason == _REJECTED else reason,
            detail=f"by the broker, {_NOT_TAKEN_IN if reason == _REJECTED else returns}",
            queue=str(last.get("queue", "")),
            at=at.astimezone(UTC) if isinstance(at, datetime) else None,
        )
    customer = headers.get(_CUSTOMER)
    return Death(
        reason=str(headers[REASON]),
        detail=str(headers.get(_DETAIL, "")),
        queue=str(headers.get(_QUEUE, "")),
        at=_moment(headers.get(_DIED)),
        customer=customer if isinstance(customer, int) else None,
    )


def _last(headers: Mapping[str, Any]) -> Mapping[str, Any]:
    """The broker's own record of the last death, if there is one."""
    deaths = headers.get("x-death")
    first = deaths[0] if isinstance(deaths, list) and deaths else None
    return first if isinstance(first, dict) else {}


def _exchange(parcel: Parcel, death: Death, requests: str) -> str:
    """Where it was published: the broker says it, else its key does."""
    told = _last(parcel.headers).get("exchange")
    if isinstance(told, str):
        return told
    return "" if parcel.routing_key == death.queue else requests


def _published(parcel: Parcel) -> Outgoing:
    """The parcel with all its properties; what AMQP has no room for is cut."""
    return Outgoing(
        routing_key=_short(parcel.routing_key),
        body=parcel.body,
        message_id=_short(parcel.message_id or ""),
        type=_short(parcel.type or ""),
        content_type=_short(parcel.content_type or ""),
        content_encoding=parcel.content_encoding and _short(parcel.content_encoding),
        correlation_id=parcel.correlation_id and _short(parcel.correlation_id),
        reply_to=parcel.reply_to and _short(parcel.reply_to),
        timestamp=parcel.timestamp,
        user_id=parcel.user_id and _short(parcel.user_id),
        headers=_own(parcel.headers),
    )


def _own(headers: Mapping[str, Any]) -> dict[str, Any]:
    """What a producer wrote, as far as it can be written again, beside ours, in one frame."""
    kept: dict[str, Any] = {}
    left = _HEADERS_AT_MOST
    for name, value in headers.items():
        size = encode.header_size(name, value)
        if 0 < size <= left and not name.startswith(_BROKERS):
            kept[name] = value
            left -= size
    return kept


def _key(parcel: Parcel) -> str:
    return _short(parcel.message_id or str(uuid4()))


def _moment(seconds: object) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC) if isinstance(seconds, int) else None
    except (ValueError, OverflowError, OSError):
        return None


def _short(text: str) -> str:
    """As much as AMQP has room for: what wasn't UTF-8 has grown while it was read."""
    return text.encode()[:_ROOM].decode(errors="ignore")
