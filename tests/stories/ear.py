"""Who hears everything that comes to a queue, however often the broker goes away in between."""

import asyncio
from collections.abc import Callable, Iterable

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import AMQPError, ChannelInvalidStateError

LOST = (AMQPError, ChannelInvalidStateError, OSError, TimeoutError)
"""How a connection ends that nobody has closed."""
PATIENCE = 10.0
"""Seconds for one answer of the broker."""
_PAUSE = 0.2
_PREFETCH = 1000


class Ear:
    """One durable queue, consumed until it is told to stop. What is heard is acknowledged then."""

    def __init__(self, url: str, queue: str, heard: Callable[[AbstractIncomingMessage], None]):
        self._url = url
        self._queue = queue
        self._heard = heard
        self._listens = asyncio.Event()

    async def run(self, *, exchange: str | None = None) -> None:
        """Hears what is sent to the queue, and all that goes through an exchange, for ever."""
        while True:
            try:
                await self._listen(exchange)
            except LOST:
                pass
            except asyncio.CancelledError:
                if is_ours():
                    raise
            # a broker that is away gives no signal when it is back
            await asyncio.sleep(_PAUSE)

    async def listens(self) -> None:
        """Returns once nothing more can be missed."""
        async with asyncio.timeout(PATIENCE):
            await self._listens.wait()

    async def _listen(self, exchange: str | None) -> None:
        lost = asyncio.Event()
        async with await aio_pika.connect(self._url, timeout=PATIENCE) as connection:
            # `connection.closed()` never comes when it is the broker who closes
            connection.close_callbacks.add(lambda *_: lost.set())
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=_PREFETCH)
            queue = await channel.declare_queue(self._queue, durable=True, timeout=PATIENCE)
            if exchange:
                await queue.bind(exchange, "#", timeout=PATIENCE)
            await queue.consume(self._take, timeout=PATIENCE)
            self._listens.set()
            await lost.wait()

    async def _take(self, message: AbstractIncomingMessage) -> None:
        self._heard(message)
        await message.ack()


def is_ours() -> bool:
    """Whether it is us who is cancelled: the library cancels what waits on a lost connection."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def forget(url: str, *, queues: Iterable[str], exchanges: Iterable[str]) -> None:
    """Deletes what a story leaves at the broker."""
    async with await aio_pika.connect(url, timeout=PATIENCE) as connection:
        channel = await connection.channel()
        for queue in queues:
            await channel.queue_delete(queue, timeout=PATIENCE)
        for exchange in exchanges:
            await channel.exchange_delete(exchange, timeout=PATIENCE)
