"""A consumer of events: a queue of its own on the exchange, and each event as a value.

Who must not miss an event while he is away declares a durable queue instead of an exclusive one,
and acknowledges what he has dealt with. An event can come twice; its id tells.
"""

import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aio_pika.abc import AbstractConnection, AbstractQueue

EVERYTHING = "#"
"""Keys are `<family>.<event>.<customer>`; `delivery.*.1` would be the deliveries of customer 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A CloudEvents 1.0 document."""

    id: str
    type: str
    at: datetime
    data: Mapping[str, Any]


async def subscribed(connection: AbstractConnection, exchange: str) -> AbstractQueue:
    """A queue into which every event falls from now on."""
    channel = await connection.channel()
    queue = await channel.declare_queue(exclusive=True)
    await queue.bind(exchange, EVERYTHING)
    return queue


async def events(queue: AbstractQueue) -> AsyncIterator[Event]:
    """The events as they come, for ever."""
    async with queue.iterator(no_ack=True) as messages:
        async for message in messages:
            yield read(message.body)


def read(body: bytes) -> Event:
    """An event as it came off the exchange."""
    document = json.loads(body)
    return Event(
        id=document["id"],
        type=document["type"],
        at=datetime.fromisoformat(document["time"]),
        data=document["data"],
    )
