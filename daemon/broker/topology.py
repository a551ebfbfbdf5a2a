"""The exchanges and queues that must exist at the broker, as data; to be shown, checked, applied.

Requests come in by `P` into two queues, events go out by `P.events`; what nobody is bound to ends
in `P.unrouted`, what kills us or can't be read in `P.dead`. P is the configured prefix.

All are durable and all queues are quorum queues. A request queue that dead-letters keeps the parcel
until its dead letter is confirmed, which the broker does only with overflow `reject-publish`.
Nothing is ever deleted or redeclared: what exists with other arguments is named, and left alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

UNROUTED_AT_MOST = 100_000
DELIVERY_LIMIT = 20
"""Times that a parcel comes back before it is dead-lettered; a lost connection counts too."""
LOOKS = 1_000_000
"""Times that a dead letter may be looked at: each look counts, and RabbitMQ 4 forgets at 20."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A durable exchange."""

    name: str
    kind: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A durable quorum queue, and the one binding through which it is filled."""

    name: str
    exchange: str
    routing_key: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the rest of the house publishes to and consumes from."""

    requests: str
    """Exchange; its keys are `request.normal` and `request.urgent`."""
    normal: str
    urgent: str
    events: str
    """Exchange."""
    unrouted: str
    dead: str
    """Both exchanges, each with a queue of the same name."""


def names(prefix: str) -> Names:
    """All names under one prefix."""
    return Names(
        requests=prefix,
        normal=f"{prefix}.requests",
        urgent=f"{prefix}.requests.urgent",
        events=f"{prefix}.events",
        unrouted=f"{prefix}.unrouted",
        dead=f"{prefix}.dead",
    )


def exchanges(prefix: str) -> tuple[Exchange, ...]:
    """In an order in which each stands before whoever refers to it."""
    name = names(prefix)
    # a dead letter keeps its routing key, by which it can be put back: hence fanout
    return (
        Exchange(name=name.unrouted, kind="fanout"),
        Exchange(name=name.dead, kind="fanout"),
        Exchange(name=name.requests, kind="topic"),
        Exchange(name=name.events, kind="topic", arguments={"alternate-exchange": name.unrouted}),
    )


def queues(prefix: str) -> tuple[Queue, ...]:
    """With everything that a queue of this name must have been declared with."""
    name = names(prefix)
    quorum = {"x-queue-type": "quorum"}
    request = quorum | {
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": name.dead,
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    newest = {"x-max-length": UNROUTED_AT_MOST, "x-overflow": "drop-head"}
    return (
        Queue(name=name.unrouted, exchange=name.unrouted, arguments=quorum | newest),
        Queue(name=name.dead, exchange=name.dead, arguments=quorum | {"x-delivery-limit": LOOKS}),
        _requests(name.normal, name, "request.normal", request),
        _requests(name.urgent, name, "request.urgent", request),
    )


def show(prefix: str, *, vhost: str = "/") -> dict[str, Any]:
    """The same as RabbitMQ's definitions, for `rabbitmqctl import_definitions`."""
    place = {"vhost": vhost, "durable": True, "auto_delete": False}
    return {
        "exchanges": [
            {"name": each.name, "type": each.kind, "internal": False}
            | place
            | {"arguments": dict(each.arguments)}
            for each in exchanges(prefix)
        ],
        "queues": [
            {"name": each.name} | place | {"arguments": dict(each.arguments)}
            for each in queues(prefix)
        ],
        "bindings": [
            {
                "source": each.exchange,
                "vhost": vhost,
                "destination": each.name,
                "destination_type": "queue",
                "routing_key": each.routing_key,
                "arguments": {},
            }
            for each in queues(prefix)
        ],
    }


def _requests(queue: str, name: Names, key: str, arguments: Mapping[str, Any]) -> Queue:
    return Queue(name=queue, exchange=name.requests, routing_key=key, arguments=arguments)
