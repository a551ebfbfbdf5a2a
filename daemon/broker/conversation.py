"""A person's short talk with the broker: one connection, one private queue, questions and answers.

The queue is exclusive and goes with the connection; answers come to it, and whatever it is bound
to. Made for a terminal: a handful of messages, each published with a confirm of its own. A lost
connection is not opened again, since the queue and what was in it are gone.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aio_pika
import aio_pika.connection
from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    AbstractIncomingMessage,
    AbstractQueue,
    DeliveryMode,
)
from aio_pika.exceptions import PublishError

from daemon.broker import errors

PREFETCH = 500
"""Messages that wait here unread; the rest waits at the broker."""


class Unroutable(Exception):
    """The broker has no queue for what was published: the topology isn't as it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A request as it is published; the answer comes to the private queue."""

    body: bytes
    message_id: str
    """Also the correlation id of the answer."""
    type: str | None = None
    """Name of a dialect; None = native."""
    user_id: str | None = None
    """The broker refuses any but the connection's own; None = anonymous."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A message that came to the private queue."""

    body: bytes
    correlation_id: str | None
    """Of an answer; None = an event."""
    routing_key: str
    repeated: bool = False
    """Of an answer: whether it is the first answer again, to a key that was seen before."""


class Conversation:
    """Made by `opened`. For one task."""

    def __init__(self, channel: AbstractChannel, queue: AbstractQueue, seconds: float) -> None:
        self._channel = channel
        self._queue = queue
        self._seconds = seconds
        self._inbox: asyncio.Queue[AbstractIncomingMessage | None] = asyncio.Queue()
        self._aside: deque[Heard] = deque()

    async def listen(self, exchange: str, keys: Iterable[str]) -> None:
        """From now on hears what is published there under these keys (`*` one word, `#` any)."""
        for key in keys:
            async with errors.asking("queue.bind", seconds=self._seconds):
                await self._queue.bind(exchange, key)

    async def ask(self, exchange: str, key: str, question: Question) -> None:
        """Publishes, persistent and confirmed. Raises `Unavailable`, `Unroutable`."""
        message = aio_pika.Message(
            question.body,
            content_type="application/json",
            delivery_mode=DeliveryMode.PERSISTENT,
            message_id=question.message_id,
            correlation_id=question.message_id,
            reply_to=self._queue.name,
            type=question.type,
            user_id=question.user_id,
        )
        async with errors.asking("basic.publish", seconds=self._seconds):
            target = await self._channel.get_exchange(exchange, ensure=False)
            try:
                await target.publish(message, key, mandatory=True)
            except PublishError as error:
                raise Unroutable(f"no queue takes {key} at exchange {exchange}") from error

    async def answer(self, to: str, seconds: float) -> Heard | None:
        """The answer to a question; None when none came within so many seconds.

        What else comes meanwhile is kept for `hear`. Raises `Unavailable`.
        """
        try:
            async with asyncio.timeout(seconds):
                while (heard := await self._next()).correlation_id != to:
                    self._aside.append(heard)
        except TimeoutError:
            return None
        return heard

    async def hear(self, seconds: float | None = None) -> Heard | None:
        """The next message; None when none came within so many seconds. Raises `Unavailable`."""
        if self._aside:
            return self._aside.popleft()
        try:
            async with asyncio.timeout(seconds):
                return await self._next()
        except TimeoutError:
            return None

    async def begin(self) -> None:
        """What comes to the queue is heard from now on."""
        async with errors.asking("basic.consume", seconds=self._seconds):
            await self._channel.set_qos(prefetch_count=PREFETCH)
            await self._queue.consume(self._take)

    def lost(self, *_: object) -> None:
        """Whoever waits learns that nothing more comes."""
        self._inbox.put_nowait(None)

    async def _next(self) -> Heard:
        message = await self._inbox.get()
        if message is None:
            raise errors.Unavailable("the connection was lost")
        async with errors.asking("basic.ack", seconds=self._seconds):
            await message.ack()
        return Heard(
            body=message.body,
            correlation_id=message.correlation_id,
            routing_key=message.routing_key or "",
            repeated=message.headers.get("repeated") is True,
        )

    async def _take(self, message: AbstractIncomingMessage) -> None:
        self._inbox.put_nowait(message)


@asynccontextmanager
async def opened(url: str, *, name: str, seconds: float) -> AsyncIterator[Conversation]:
    """A conversation for as long as the block lasts. Raises `Unavailable`, `Refused`.

    `seconds` bounds the connect and every question to the broker itself.
    """
    full = aio_pika.connection.make_url(url, name=f"deliveryd:{name}", heartbeat=10)
    connection = aio_pika.Connection(full)
    try:
        conversation = await _begun(connection, seconds)
        yield conversation
    finally:
        await _closed(connection, seconds)


async def _begun(connection: AbstractConnection, seconds: float) -> Conversation:
    async with errors.asking("connect", seconds=seconds):
        await connection.connect()
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        queue = await channel.declare_queue(exclusive=True, auto_delete=True)
    conversation = Conversation(channel, queue, seconds)
    channel.close_callbacks.add(conversation.lost)
    await conversation.begin()
    return conversation


async def _closed(connection: AbstractConnection, seconds: float) -> None:
    try:
        async with errors.asking("connection.close", seconds=seconds):
            await connection.close()
    except errors.Unavailable:
        return  # there was nobody left to say good-bye to
