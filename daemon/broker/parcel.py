"""What comes off a queue and what is put onto an exchange: plain data, with AMQP's properties."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    r"""One AMQP message as it came off the queue; absent properties are None.

    Texts are what the producer wrote: octets that aren't UTF-8 appear as `\xNN`, and controls stay
    in. A table of headers that can't be read counts as empty.
    """

    body: bytes
    """Empty when it is longer than whoever consumes wants."""
    size: int
    """Octets of the body as it was published."""
    queue: str
    session: int
    """Which of the consumer's channels, counted from 1, it came on: only there it can be acked."""
    tag: int
    """The broker's number of this delivery, within the session."""
    routing_key: str
    redelivered: bool
    """The broker handed it out before, to us or to another; whether it arrived there is open."""
    delivery_count: int = 0
    """How often before, as quorum queues count it (header `x-delivery-count`)."""
    message_id: str | None = None
    type: str | None = None
    correlation_id: str | None = None
    reply_to: str | None = None
    user_id: str | None = None
    """The publisher's user: the broker has compared it with the connection's own."""
    content_type: str | None = None
    content_encoding: str | None = None
    timestamp: int | None = None
    """Seconds since 1970, as the producer says."""
    headers: Mapping[str, Any]

    @property
    def is_whole(self) -> bool:
        """Whether the body is here: what is not can be rejected, and is nobody's else."""
        return len(self.body) == self.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """One AMQP message to be published: always persistent and mandatory."""

    routing_key: str
    body: bytes
    message_id: str
    """The same on every repeat, so that a consumer can recognise it; a return is matched by it."""
    type: str
    content_type: str = "application/json"
    correlation_id: str | None = None
    headers: Mapping[str, Any] | None = None
    expiration: float | None = None
    """Seconds, after which the broker may drop it."""
    content_encoding: str | None = None
    reply_to: str | None = None
    timestamp: int | None = None
    """Seconds since 1970."""
    user_id: str | None = None
    """The broker refuses, with the channel, any but the connection's own or an impersonator's."""
