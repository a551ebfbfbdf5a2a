"""A producer: publishes requests so that none is lost, and collects the answers.

Persistent, mandatory, with confirms, and with the same `message_id` when it has to be repeated:
then a request is either confirmed, and so will be carried out exactly once, or an exception says
that it was not.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import aio_pika
from aio_pika.abc import AbstractConnection, AbstractExchange, AbstractQueue

from .samples import Sample

ROUTING_KEY = "request.normal"
PATIENCE = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Producer:
    """The exchange for requests, and a queue of our own for the answers."""

    requests: AbstractExchange
    inbox: AbstractQueue

    async def publish(self, sample: Sample) -> None:
        """Returns once the broker has it safe; raises when it has not, or nobody would get it."""
        message = aio_pika.Message(
            sample.body,
            content_type="application/json",
            delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
            message_id=sample.key,
            type=sample.kind,
            reply_to=self.inbox.name,
            correlation_id=sample.name,
        )
        await self.requests.publish(message, ROUTING_KEY, mandatory=True, timeout=PATIENCE)

    async def answers(self) -> AsyncIterator[tuple[str, bytes]]:
        """The answers as they come, for ever: the correlation id and the body of each."""
        async with self.inbox.iterator(no_ack=True) as messages:
            async for message in messages:
                yield message.correlation_id or "", message.body


async def opened(connection: AbstractConnection, exchange: str) -> Producer:
    """A producer on a channel of its own."""
    # without on_return_raises a request that no queue takes would count as published
    channel = await connection.channel(on_return_raises=True)
    return Producer(
        requests=await channel.get_exchange(exchange),
        inbox=await channel.declare_queue(exclusive=True),
    )
