"""Whole batches onto an exchange: one write, confirms counted by range, many batches under way.

The result says of every item what became of it, and never guesses: what the broker didn't answer in
time is unknown and may have arrived, so it is published again under the same `message_id`. Nothing
is raised for a broker that is away, blocked, frozen or full.

A batch is written synchronously, so a cancelled caller leaves whole messages behind or none. While
the broker blocks us (memory, disk) nothing is written: it would be delivered when the alarm is
over, beside its own repeats.
"""

import asyncio
from collections.abc import Sequence
from typing import Self

from daemon.broker import decode, encode, errors
from daemon.broker.channel import Channel
from daemon.broker.confirms import Batch, Confirms, Fate, Published
from daemon.broker.connection import Link
from daemon.broker.parcel import Outgoing
from daemon.broker.wire import Wire
from daemon.crashpoints import reach


class BatchPublisher:
    """Publishes over a link or a wire, on one channel at a time. For any number of tasks."""

    def __init__(self, link: Link | Wire) -> None:
        self._link = link
        self._opening = asyncio.Lock()
        self._outlet: _Outlet | None = None

    @property
    def is_there(self) -> bool:
        """Whether the broker can be reached and takes publishes, as far as we know."""
        return self._link.is_up and not self.is_blocked

    @property
    def is_blocked(self) -> bool:
        """Whether the broker takes no publishes at the moment (an alarm of its own)."""
        return bool(self._link.blocked)

    async def publish(
        self, exchange: str, items: Sequence[Outgoing], *, seconds: float
    ) -> Published:
        """Publishes in this order and waits for the confirms, so many seconds for everything.

        ValueError for a text that AMQP has no room for (255 octets); nothing is published then.
        """
        if not items:
            return Published(fates=())
        batch: Batch | None = None
        try:
            async with asyncio.timeout(seconds):
                outlet = await self._ready()
                # no await between the two: what is written is numbered, in the same order
                batch, over = outlet.send(exchange, items)
                reach("C20")
                why = await over
        except TimeoutError:
            why = f"no answer within {seconds:g} s"
        except errors.Unavailable as error:
            why = str(error)
        return Published(fates=batch.fates() if batch else (Fate.UNKNOWN,) * len(items), why=why)

    async def publish_one(self, exchange: str, item: Outgoing, *, seconds: float) -> Fate:
        """One message, such as an answer to `reply_to` over the default exchange "".

        `RETURNED` there means that whoever asked is gone.
        """
        return (await self.publish(exchange, [item], seconds=seconds)).fates[0]

    async def _ready(self) -> "_Outlet":
        """A channel on which the broker takes publishes right now."""
        async with self._opening:
            if self._outlet is None or self._outlet.is_lost:
                self._outlet = await _Outlet.open(self._link)
            outlet = self._outlet
        await outlet.ready()
        return outlet


class _Outlet:
    """One channel with confirms, from its opening to its loss: the tap's listener."""

    limit = 0
    """What comes back is known by its header."""

    def __init__(self) -> None:
        self._channel: Channel | None = None
        self._confirms = Confirms()
        self._waiting: set[asyncio.Future[str]] = set()
        self.is_lost = False

    @classmethod
    async def open(cls, link: Link | Wire) -> Self:
        """As soon as the link is up. Raises `Unavailable`."""
        outlet = cls()
        outlet._channel = await link.channel(outlet, confirms=True)
        return outlet

    async def ready(self) -> None:
        """Waits until the broker takes publishes and the socket has room. Raises `Unavailable`."""
        await self._open_channel().ready()

    def send(self, exchange: str, items: Sequence[Outgoing]) -> tuple[Batch, asyncio.Future[str]]:
        """Writes and numbers them; the future tells when all are answered, or why some never will.

        Raises `Unavailable` when the channel is lost, ValueError; nothing is written then.
        """
        channel = self._open_channel()
        frames = encode.publishes(
            items, exchange=exchange, channel=channel.number, frame_max=channel.frame_max
        )
        channel.write(frames)
        over: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.add(over)
        over.add_done_callback(self._waiting.discard)
        ids = [item.message_id for item in items]
        return self._confirms.add(ids, lambda: _tell(over, "")), over

    def content(self, method: bytes, header: bytes, body: bytes) -> None:  # noqa: ARG002 - see tap
        """A message that no queue wanted came back; its confirm follows."""
        self._confirms.returned(decode.message_id(header))

    def confirm(self, method: bytes) -> None:
        """The broker answers what was written."""
        answer = decode.confirm(method)
        self._confirms.confirm(answer.tag, multiple=answer.multiple, taken=answer.taken)

    def lost(self, why: str) -> None:
        """What is unanswered stays unknown."""
        self.is_lost = True
        for over in tuple(self._waiting):
            _tell(over, why)

    def _open_channel(self) -> Channel:
        assert self._channel  # noqa: S101 - `open` is the only way to one
        return self._channel


def _tell(over: asyncio.Future[str], why: str) -> None:
    if not over.done():  # its caller may have given up
        over.set_result(why)
