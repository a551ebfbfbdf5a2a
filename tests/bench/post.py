"""The bench at the broker: it publishes requests, and keeps every event in a queue of its own.

Nothing here is the daemon's. Events are counted by the depth of that queue while the clock runs,
which costs the machine next to nothing; what they say is read afterwards.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import aiormq
from aio_pika.abc import AbstractChannel
from aiormq import spec
from aiormq.abc import AbstractChannel as Wire
from aiormq.abc import DeliveredMessage

from tests import waiting

NORMAL = "request.normal"
URGENT = "request.urgent"
_PATIENCE = 60.0
_AT_ONCE = 500
"""Requests that are written before the loop gets a turn."""


class Post:
    """A connection to the broker, for one prefix."""

    def __init__(self, channel: AbstractChannel, wire: Wire, exchange: str, events: str) -> None:
        self._channel = channel
        self._wire = wire
        self._exchange = exchange
        self.events = events
        """The queue that every event ends in."""

    async def publish(self, bodies: Iterable[bytes], *, key: str = NORMAL) -> None:
        """Publishes requests, each confirmed."""
        exchange = await self._channel.get_exchange(self._exchange, ensure=False)
        async with asyncio.TaskGroup() as group:
            for body in bodies:
                message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
                group.create_task(exchange.publish(message, key, timeout=_PATIENCE))
                await asyncio.sleep(0)

    async def fill(self, bodies: Sequence[bytes]) -> None:
        """Writes many requests, as fast as it can: none is confirmed."""
        for number, body in enumerate(bodies, start=1):
            await self._wire.basic_publish(
                body,
                exchange=self._exchange,
                routing_key=NORMAL,
                properties=spec.Basic.Properties(delivery_mode=2),
            )
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)

    async def depth(self, queue: str) -> int:
        """Messages in a queue that nobody has been given."""
        found = await self._channel.declare_queue(queue, passive=True, timeout=_PATIENCE)
        return found.declaration_result.message_count or 0

    async def drain(self, number: int, heard: Callable[[DeliveredMessage], None]) -> None:
        """Takes so many events out of their queue."""
        came, rest = asyncio.Event(), number

        async def take(message: DeliveredMessage) -> None:
            nonlocal rest
            heard(message)
            rest -= 1
            if not rest:
                came.set()

        if not number:
            return
        taken = await self._wire.basic_consume(self.events, take, no_ack=True)
        async with asyncio.timeout(_PATIENCE + number / 500):
            await came.wait()
        await self._wire.basic_cancel(taken.consumer_tag or "")

    async def told(self, kind: str, *, seconds: float = _PATIENCE) -> dict[str, Any]:
        """Takes events out of their queue up to the first one of a kind, which is returned."""
        came: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

        async def take(message: DeliveredMessage) -> None:
            event = json.loads(message.body)
            if event["type"] == kind and not came.done():
                came.set_result(event)

        taken = await self._wire.basic_consume(self.events, take, no_ack=True)
        async with asyncio.timeout(seconds):
            event = await came
        await self._wire.basic_cancel(taken.consumer_tag or "")
        return event

    async def until(self, queue: str, held: Callable[[int], bool]) -> None:
        """Returns once something holds for the depth of a queue."""

        async def looked() -> bool:
            return held(await self.depth(queue))

        await waiting.until(looked, seconds=_PATIENCE)


@asynccontextmanager
async def opened(url: str, prefix: str) -> AsyncIterator[Post]:
    """Connected, with a queue that is bound to every event."""
    wire = await aiormq.connect(url)
    async with await aio_pika.connect(url, timeout=_PATIENCE) as connection:
        try:
            channel = await connection.channel(on_return_raises=True)
            events = await channel.declare_queue(
                f"{prefix}.counted", durable=True, arguments={"x-queue-type": "quorum"}
            )
            await events.bind(f"{prefix}.events", "#")
            plain = await wire.channel(publisher_confirms=False)
            yield Post(channel, plain, prefix, events.name)
        finally:
            await wire.close()
