"""Telling: committed events go out in their stream's order, and `told_seq` follows the confirms.

A teller has a queue per stream. Events that a writer of this process has just committed come
straight from memory; what came from elsewhere (a stream that ended in doubt, an adopted one, more
than memory should hold) is read from the ledger. Either way the same bytes with the same ids are
published, each at least once (promise 8). One write carries the next events of all streams.

The marks follow beside the telling, a statement for each stream: its writer holds the row as long
as its transaction lasts, and nobody else should wait for that, neither the broker nor another
writer whose row the same statement would hold.
"""

import asyncio
from collections import Counter
from collections.abc import Iterable, Sequence
from uuid import UUID

from daemon import logs, metrics
from daemon.broker import errors as broker
from daemon.broker.confirms import Fate
from daemon.broker.parcel import Outgoing
from daemon.broker.publisher import BatchPublisher
from daemon.config import sections
from daemon.crashpoints import reach
from daemon.ledger.queue import Queue
from daemon.mail.event import MEDIA_TYPE, Told, cloud_event
from daemon.outage import Outage
from daemon.precedence import of_process as precedence
from daemon.store import door, errors, streams
from daemon.tasks import Group

_LIMIT = 20_000
"""Events that wait in memory, of all streams; beyond it they are read from the ledger again."""
_PAGE = 2_000
"""Events of one stream that are read at once."""
_PAUSE = 1.0
"""Seconds before what couldn't be told is tried again."""
_TAKEN = frozenset({Fate.CONFIRMED, Fate.RETURNED})
"""The broker is done with it: it has it, or knows nobody who wants it."""

_log = logs.get("ledger.teller")


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
        self._queues: dict[int, Queue] = {}
        self._work = asyncio.Event()
        self._confirmed = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()

    def offer(self, told: Sequence[Told]) -> None:
        """Takes events that have just been committed, in order."""
        if not told:
            return
        self._queue(told[0].stream).offer(told, room=_LIMIT - self.untold)
        self._wake()

    def ended(self, stream: streams.Stream) -> None:
        """Learns that a stream gets no more events, and may have some nobody here knows of."""
        self._queue(stream.number).end()
        self._wake()

    async def run(self) -> None:
        """Tells for ever."""
        async with Group() as group:
            group.forever(self._tells(), name="ledger.teller.tells")
            group.forever(self._marks(), name="ledger.teller.marks")

    async def adopt(self) -> int:
        """Takes over what dead instances left untold; answers how many streams."""
        # also what we adopted once without hearing of it, for the connection was lost
        orphans = await streams.adopted(self._store, self._instance, known=list(self._queues))
        for orphan in orphans:
            queue = self._queue(orphan.number)
            queue.told_seq = queue.marked_seq = orphan.told_seq
            queue.told_at = orphan.told_at
            queue.end()
            self._wake()
        return len(orphans)

    async def drained(self) -> None:
        """Returns when everything that was offered so far is told, and marked as told."""
        await self._idle.wait()

    @property
    def untold(self) -> int:
        """Events in memory that are not told yet."""
        return sum(len(queue.waiting) for queue in self._queues.values())

    @property
    def why_waiting(self) -> str:
        """What holds events up, or empty."""
        return next((queue.why for queue in self._queues.values() if queue.why), "")

    def _queue(self, number: int) -> Queue:
        return self._queues.setdefault(number, Queue(number=number))

    def _wake(self) -> None:
        self._idle.clear()
        self._work.set()

    def _look_whether_idle(self) -> None:
        open_ones = (one.has_work or one.is_unmarked or one.over for one in self._queues.values())
        if not any(open_ones):
            self._idle.set()

    # --- telling ---

    async def _tells(self) -> None:
        while True:
            await self._work.wait()
            self._work.clear()
            while working := [queue for queue in self._queues.values() if queue.has_work]:
                await self._round(working)
            self._look_whether_idle()

    async def _round(self, working: Sequence[Queue]) -> None:
        """One write with the next events of every stream that isn't held up."""
        now = asyncio.get_running_loop().time()
        ready = [queue for queue in working if queue.rests_until <= now]
        if not ready:
            await self._until_more_work(min(queue.rests_until for queue in working) - now)
            return
        for queue in ready:
            if not queue.waiting:
                await self._read(queue)
                if self.untold >= self._pace.batch:
                    break  # enough for this write; the others are read at the next ones
        await precedence.stand_back()
        if pages := _shared(ready, self._pace.batch):
            await self._publish(pages)

    async def _until_more_work(self, seconds: float) -> None:
        self._work.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._work.wait()
        except TimeoutError:
            return

    async def _read(self, queue: Queue) -> None:
        """Fills a queue from the ledger, as far as memory has room."""
        room = min(_PAGE, _LIMIT - self.untold)
        if room <= 0:
            self._rest(queue, Outage("memory is full of untold events"))
            return
        try:
            if queue.ended:
                await self._store.run("stream.close", queue.number)
            known = queue.last_seq
            found = await streams.untold(
                self._store, queue.number, after=queue.told_seq, since=queue.told_at, limit=room
            )
        except (errors.Unavailable, errors.Again) as error:
            self._rest(queue, error)
            return
        queue.fill(found, known=known)
        if queue.over:
            self._confirmed.set()

    async def _publish(self, pages: Sequence[tuple[Queue, list[Told]]]) -> None:
        wanted = [[told for told in page if queue.wants(told)] for queue, page in pages]
        outgoing = [self._outgoing(told) for some in wanted for told in some]
        reach("C19")
        with metrics.tell_seconds.time():
            published = await self._publisher.publish(
                self._exchange, outgoing, seconds=self._pace.confirm_timeout
            )
        reach("C21")
        fates = iter(published.fates)
        for (queue, page), some in zip(pages, wanted, strict=True):
            queue.advance(told for told, fate in zip(some, fates, strict=False) if fate in _TAKEN)
            queue.why = ""
            if queue.told_seq < page[-1].seq:
                self._rest(queue, _unpublished(published.why))
        self._confirmed.set()
        _count(published.fates)
        if published.why:
            await asyncio.sleep(_PAUSE)

    def _outgoing(self, told: Told) -> Outgoing:
        return Outgoing(
            routing_key=told.routing_key,
            body=cloud_event(told, source=self._pace.source),
            message_id=told.id_text,
            type=told.event.type,
            content_type=MEDIA_TYPE,
        )

    def _rest(self, queue: Queue, why: Outage) -> None:
        """A stream that can't be told goes on later; the others don't wait for it."""
        queue.why = str(why)
        queue.rests_until = asyncio.get_running_loop().time() + _PAUSE
        self._complain(why)

    def _complain(self, why: Outage) -> None:
        logs.outage(_log, "tell.waits", why, untold=self.untold)

    # --- marking ---

    async def _marks(self) -> None:
        while True:
            await self._confirmed.wait()
            self._confirmed.clear()
            for queue in [one for one in self._queues.values() if one.is_unmarked or one.over]:
                await self._mark(queue)
            self._look_whether_idle()

    async def _mark(self, queue: Queue) -> None:
        """Notes how much is told; forgets a stream that is over."""
        if queue.is_unmarked:
            seq, at = queue.told_seq, queue.told_at
            try:
                await self._store.run("stream.told", queue.number, seq, at, self._instance)
            except (errors.Unavailable, errors.Again) as error:
                self._complain(error)
                await asyncio.sleep(_PAUSE)
                self._confirmed.set()
                return
            queue.marked_seq = seq
            reach("C22")
        if queue.over and not queue.is_unmarked:
            del self._queues[queue.number]


def _shared(queues: Iterable[Queue], room: int) -> list[tuple[Queue, list[Told]]]:
    """A page of each, equal shares: the short ones first, as what they leave is for the others."""
    waiting = sorted((one for one in queues if one.waiting), key=lambda one: len(one.waiting))
    pages = []
    for place, queue in enumerate(waiting):
        page = queue.page(-(-room // (len(waiting) - place)))
        room -= len(page)
        pages.append((queue, page))
    return [(queue, page) for queue, page in pages if page]


def _unpublished(why: str) -> Outage:
    return (
        broker.Unavailable(why) if why else Outage("the broker refused an event: a queue is full")
    )


def _count(fates: Iterable[Fate]) -> None:
    for fate, number in Counter(fates).items():
        metrics.told(fate.name.lower()).inc(number)
