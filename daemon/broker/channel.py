"""One AMQP channel of ours, open until it is lost; it never comes back, its number might.

aiormq opens and closes it and asks the questions that have one answer. What comes and goes in
thousands passes it by: it is read by the tap and written here, whole frames in one write, so that a
cancelled caller can't leave half a message behind. Nobody else may publish or consume on it:
aiormq's own count of what was published stays at 0.
"""

import asyncio

from aiormq.abc import AbstractChannel, DeliveredMessage

from daemon.broker import errors
from daemon.broker.tap import Listener, Tap


class Channel:
    """A channel whose deliveries, returns and confirms go to one listener."""

    def __init__(
        self,
        under: AbstractChannel,
        *,
        tap: Tap,
        writer: asyncio.StreamWriter,
        listener: Listener,
        seconds: float,
    ) -> None:
        self._under = under
        self._tap = tap
        self._writer = writer
        self._listener = listener
        self._seconds = seconds
        self.number = under.number
        self.frame_max = under.connection.connection_tune.frame_max
        self.why_lost = ""
        self._consuming = ""
        # before anything is asked on it: a delivery may be in the same read as the answer
        tap.listen(self.number, listener, self._gone)
        under.closing.add_done_callback(self._on_closing)

    async def ready(self) -> None:
        """Waits until the broker takes publishes and the socket has room. Raises `Unavailable`."""
        await self._tap.flowing.wait()
        try:
            await self._writer.drain()
        except OSError as error:
            raise errors.Unavailable(errors.words(error)) from error

    def write(self, frames: bytes) -> None:
        """Puts whole frames on the wire, at once and in this order. Raises `Unavailable`."""
        if self.why_lost or self._writer.is_closing():  # which uvloop would call a fault of ours
            raise errors.Unavailable(self.why_lost or "connection lost")
        self._writer.write(frames)

    async def prefetch(self, count: int) -> None:
        """basic.qos. That it was answered proves that everything written before has arrived."""
        async with errors.asking("basic.qos", seconds=self._seconds):
            await self._under.basic_qos(prefetch_count=count)

    async def consume(self, queue: str) -> None:
        """Deliveries begin, perhaps before this returns; a deleted queue ends them (`lost`)."""
        if self._consuming:
            return
        self._under.on_consumer_cancel_callbacks.add(self._on_cancel)
        async with errors.asking("basic.consume", seconds=self._seconds):
            started = await self._under.basic_consume(queue, _beside_the_point)
        self._consuming = started.consumer_tag or ""

    async def leave(self) -> None:
        """Deliveries end, and those on their way still arrive; the channel stays as it is."""
        if not self._consuming:
            return
        tag, self._consuming = self._consuming, ""
        async with errors.asking("basic.cancel", seconds=self._seconds):
            await self._under.basic_cancel(tag)

    async def close(self) -> None:
        """Leaves; what was delivered and not acknowledged goes back to its queue. Never raises."""
        self._gone("closed")
        try:
            async with errors.asking("channel.close", seconds=self._seconds):
                await self._under.close()
        except errors.Unavailable:
            return  # then the connection is gone, and the channel with it

    def _on_closing(self, closing: asyncio.Future[None]) -> None:
        # only now: what the broker sent before it heard of our close is still the listener's
        self._tap.forget(self.number, self._listener)
        error = None if closing.cancelled() else closing.exception()
        self._gone(errors.words(error))

    def _on_cancel(self, _: object) -> None:
        self._gone("the broker ended the consumer: its queue is gone")

    def _gone(self, why: str) -> None:
        if self.why_lost:
            return
        self.why_lost = why
        self._listener.lost(why)


async def _beside_the_point(_: DeliveredMessage) -> None:
    """What aiormq would call with each delivery, if the tap let one through."""
