"""The dead letters at the broker, for a person: looked at, put back, dropped.

One consumer holds all of them while it looks, so that each is seen once and in order; closing it
gives back in the same order whatever wasn't dropped. A lost connection does the same and is told;
it isn't opened again. Nobody else sees a letter that is held.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from daemon.broker import dead, errors, topology
from daemon.broker.confirms import Published
from daemon.broker.consumer import Session
from daemon.broker.dead import DeadLetter
from daemon.broker.publisher import BatchPublisher
from daemon.broker.wire import Wire

MOST = 65_535
"""Letters that can be held, and so be looked at (AMQP's prefetch has two octets)."""
_SILENCE = 5.0
"""Seconds without a letter after which somebody else must have taken the rest."""
_GROUP = 100
_GLANCE, _GLANCES = 0.02, 50
"""Seconds between looks at the queue's depth, of which no signal tells; how many there are."""


class Morgue:
    """Made by `opened`. For one task."""

    def __init__(self, session: Session, publisher: BatchPublisher, *, requests: str) -> None:
        self._session = session
        self._publisher = publisher
        self._requests = requests
        self.count = 0
        """Letters that waited when it was opened."""
        self.gone = 0
        """Letters that were dropped."""
        self.others = 0
        """Who else holds letters, which we don't see."""

    async def letters(self) -> AsyncIterator[list[DeadLetter]]:
        """Those that waited, the oldest first, a group at a time. Raises `Unavailable`."""
        left = min(self.count, MOST)
        while left > 0 and (group := await self._next(min(left, _GROUP))):
            left -= len(group)
            yield group

    async def put_back(self, letters: Sequence[DeadLetter], *, seconds: float) -> Published:
        """Publishes them where they had been published, which is one exchange for all of them.

        Mandatory and confirmed. They lie here still: drop those that were confirmed.
        """
        parcels = [letter.parcel for letter in letters]
        return await self._publisher.publish(letters[0].exchange, parcels, seconds=seconds)

    def drop(self, letters: Sequence[DeadLetter]) -> None:
        """Takes them away for good."""
        self.gone += self._session.ack([letter.tag for letter in letters])

    async def dropped(self) -> None:
        """Returns once the broker has heard of all that was dropped. Raises `Unavailable`."""
        if not await self._session.is_answered(MOST):
            raise errors.Unavailable(self._session.why_over or "no answer to the acknowledgements")

    async def _next(self, limit: int) -> list[DeadLetter]:
        """Empty when no more come."""
        try:
            async with asyncio.timeout(_SILENCE):
                parcels = await self._session.take(limit)
        except TimeoutError:
            return []
        if not parcels:
            raise errors.Unavailable(self._session.why_over)
        return [dead.read(parcel, self._requests) for parcel in parcels]


@asynccontextmanager
async def opened(url: str, prefix: str, *, seconds: float) -> AsyncIterator[Morgue]:
    """Holds the dead letters for as long as the block lasts. Raises `Unavailable`, `Refused`.

    `seconds` bounds every question to the broker. The way back has a connection of its own: where
    the broker takes no publishes, acknowledgements must still arrive.
    """
    name = topology.names(prefix)
    async with _wire(url, "dead", seconds) as wire, _wire(url, "back", seconds) as back:
        session, publisher = Session(name.dead), BatchPublisher(back)
        morgue = Morgue(session, publisher, requests=name.requests)
        morgue.count, morgue.others = await _asked(wire, name.dead)
        try:
            await session.open(wire, MOST)
            yield morgue
        finally:
            await session.close()
            await _returned(wire, name.dead, morgue.count - morgue.gone)


async def _returned(wire: Wire, queue: str, number: int) -> None:
    """Waits until what was held lies there again: it returns after the close was answered.

    Whoever looks next, in the same script, would otherwise find the queue empty. Never raises.
    """
    for _ in range(_GLANCES):
        try:
            if (await _asked(wire, queue))[0] >= number:
                return
        except errors.Unavailable:
            return
        await asyncio.sleep(_GLANCE)


async def _asked(wire: Wire, queue: str) -> tuple[int, int]:
    """How many letters wait, and how many others take some."""
    async with wire.question() as channel:
        said = (await channel.declare_queue(queue, passive=True)).declaration_result
    return said.message_count or 0, said.consumer_count or 0


@asynccontextmanager
async def _wire(url: str, role: str, seconds: float) -> AsyncIterator[Wire]:
    wire = await Wire.open(url, name=f"deliveryd:cli:{role}", heartbeat=10, seconds=seconds)
    try:
        yield wire
    finally:
        await wire.close()
