"""Telling: committed events go out in their stream's order, and `told_seq` follows the confirms.

A teller has a queue per stream. Events that a writer of this process has just committed come
straight from memory; what came from elsewhere (a stream that ended in doubt, an adopted one, more
than memory should hold) is read from the ledger. Either way the same bytes with the same ids are
published, each at least once (promise 8).
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID

from daemon import logs, metrics
from daemon.broker.confirms import Fate
from daemon.broker.parcel import Outgoing
from daemon.broker.publisher import BatchPublisher
from daemon.config import sections
from daemon.crashpoints import reach
from daemon.mail.event import MEDIA_TYPE, Told, Type, cloud_event
from daemon.store import door, errors, streams

_LIMIT = 20_000
"""Events of one stream that wait in memory; beyond it they are read from the ledger again."""
_PAUSE = 1.0
"""Seconds before a stream that couldn't be told is tried again."""

_log = logs.get("ledger.teller")
_seldom = logs.Seldom()
_OLD = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(slots=True, kw_only=True)
class _Queue:
    """What is left to tell of one stream."""

    number: int
    told_seq: int = 0
    told_at: datetime = _OLD
    waiting: deque[Told] = field(default_factory=deque)
    last_seq: int = 0
    """The last event we know of; what of it isn't in `waiting` stands only in the ledger."""
    ended: bool = False
    """Whether nothing more is appended; what we don't know of may stand in the ledger."""

    @property
    def next_seq(self) -> int:
        return (self.waiting[-1].seq if self.waiting else self.told_seq) + 1

    @property
    def has_work(self) -> bool:
        return bool(self.waiting) or self.ended or self.last_seq > self.told_seq

    def offer(self, told: Sequence[Told]) -> None:
        """Takes events up to the limit; beyond it, and after a gap, the ledger keeps them."""
        if told[0].seq == self.next_seq and len(self.waiting) < _LIMIT:
            self.waiting.extend(told)
        self.last_seq = max(self.last_seq, told[-1].seq)

    def fill(self, found: Sequence[Told], *, known: int) -> None:
        """Takes what was read from the ledger; `known` was the last event when that began."""
        if self.waiting:  # something was offered meanwhile
            found = [told for told in found if told.seq < self.waiting[0].seq]
        self.waiting.extendleft(reversed(found))
        if not self.waiting and self.last_seq == known:
            self.last_seq = self.told_seq  # a database that lost its last commits has no more


class Teller:
    """Tells the streams of one instance, and those it adopts. An `Audience` of its writers."""

    def __init__(
        self,
        store: door.Store,
        publisher: BatchPublisher,
        *,
        instance: UUID,
        exchange: str,
        pace: sections.Events,
    ) -> None:
        self._store = store
        self._publisher = publisher
        self._instance = instance
        self._exchange = exchange
        self._pace = pace
        self._queues: dict[int, _Queue] = {}
        self._work = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def offer(self, told: Sequence[Told]) -> None:
        """Takes events that have just been committed, in order."""
        if not told:
            return
        self._queue(told[0].stream).offer(told)
        self._wake()

    def ended(self, stream: streams.Stream) -> None:
        """Learns that a stream gets no more events, and may have some nobody here knows of."""
        self._queue(stream.number).ended = True
        self._wake()

    async def run(self) -> None:
        """Tells for ever."""
        while True:
            await self._work.wait()
            self._work.clear()
            while any(queue.has_work for queue in self._queues.values()):
                await self._round()
            self._idle.set()

    async def adopt(self) -> int:
        """Takes over what dead instances left untold; answers how many streams."""
        # also what we adopted once without hearing of it, for the connection was lost
        orphans = await streams.adopted(self._store, self._instance, known=list(self._queues))
        for orphan in orphans:
            queue = self._queue(orphan.number)
            queue.told_seq, queue.told_at = orphan.told_seq, orphan.told_at
            queue.ended = True
            self._wake()
        return len(orphans)

    async def drained(self) -> None:
        """Returns when everything that was offered so far is told."""
        await self._idle.wait()

    @property
    def untold(self) -> int:
        """Events in memory that are not told yet."""
        return sum(len(queue.waiting) for queue in self._queues.values())

    def _queue(self, number: int) -> _Queue:
        return self._queues.setdefault(number, _Queue(number=number))

    def _wake(self) -> None:
        self._idle.clear()
        self._work.set()

    async def _round(self) -> None:
        """One batch of every stream that has something; a trouble ends the round with a pause."""
        try:
            for queue in [queue for queue in self._queues.values() if queue.has_work]:
                await self._advance(queue)
        except (errors.Unavailable, errors.Again) as error:
            await self._trouble(str(error))

    async def _advance(self, queue: _Queue) -> None:
        if not queue.waiting:
            await self._read(queue)
        batch = [queue.waiting[place] for place in range(min(len(queue.waiting), self._pace.batch))]
        if not batch:
            return
        reach("C19")
        done = await self._publish(batch)
        reach("C21")
        if done:
            last = batch[done - 1]
            # told_at before told_seq would skip nothing, the other way round would: one statement
            await self._store.run("stream.told", queue.number, last.seq, last.at, self._instance)
            queue.told_seq, queue.told_at = last.seq, last.at
            for _ in range(done):
                queue.waiting.popleft()
            reach("C22")

    async def _read(self, queue: _Queue) -> None:
        """Fills the queue from the ledger; forgets a stream that has ended and is told."""
        if queue.ended:
            await self._store.run("stream.close", queue.number)
        known = queue.last_seq
        found = await streams.untold(
            self._store, queue.number, after=queue.told_seq, since=queue.told_at, limit=_LIMIT
        )
        queue.fill(found, known=known)
        if queue.ended and not queue.waiting:
            del self._queues[queue.number]

    async def _publish(self, batch: Sequence[Told]) -> int:
        """Publishes a batch; answers how many from its start are confirmed."""
        speaking = [told for told in batch if told.event.type is not Type.DELIVERY_REPEATED]
        outgoing = [self._outgoing(told) for told in speaking]
        with metrics.tell_seconds.time():
            published = await self._publisher.publish(
                self._exchange, outgoing, seconds=self._pace.confirm_timeout
            )
        fates = dict(zip((told.seq for told in speaking), published.fates, strict=True))
        done = _confirmed(batch, fates)
        _count(speaking, fates)
        if done < len(batch):
            await self._trouble(published.why or "the broker refused an event")
        return done

    def _outgoing(self, told: Told) -> Outgoing:
        return Outgoing(
            routing_key=told.routing_key,
            body=cloud_event(told, source=self._pace.source),
            message_id=str(told.id),
            type=told.event.type,
            content_type=MEDIA_TYPE,
        )

    async def _trouble(self, why: str) -> None:
        swallowed = _seldom.ask(why)
        if swallowed is not None:
            _log.warning("tell.waits", why=why, untold=self.untold, swallowed=swallowed)
        await asyncio.sleep(_PAUSE)


def _confirmed(batch: Sequence[Told], fates: Mapping[int, Fate]) -> int:
    """How many events from the start of a batch the broker has taken, or knows nobody for."""
    for place, told in enumerate(batch):
        if fates.get(told.seq, Fate.CONFIRMED) not in (Fate.CONFIRMED, Fate.RETURNED):
            return place
    return len(batch)


def _count(speaking: Sequence[Told], fates: Mapping[int, Fate]) -> None:
    for told in speaking:
        metrics.told(fates[told.seq].name.lower()).inc()
