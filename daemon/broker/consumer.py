"""Parcels off one queue, in groups, with acknowledgements in ranges.

No parcel costs a task, and none is waited for: a group is what is there when somebody asks. What
was taken on a channel can be acknowledged only there; when it is lost, what waits is forgotten,
late acknowledgements are dropped, and the broker hands the parcels out again. A lost channel and a
deleted queue are waited out within `take`; no error of the broker reaches the part that calls it.

At most `prefetch` parcels are here unacknowledged, waiting ones included, and of heavy ones only so
many as weigh `ROOM` together. It begins with a few, and asks for more while they turn out light;
the broker then counts anew, so that for a moment those that were here before come on top. Each has
`limit` octets at most: a longer one comes without its body, which never was in memory, and can only
be rejected.
"""

import asyncio
import itertools
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from daemon import logs
from daemon.broker import decode, encode, errors
from daemon.broker.channel import Channel
from daemon.broker.connection import Link
from daemon.broker.parcel import Parcel
from daemon.broker.wire import Wire

ANY = 2**63
"""A limit that no body reaches."""
ROOM = 2 * 2**20
"""Octets that the parcels of one queue may weigh here, as far as the last ones tell."""
FEWEST, FIRST = 2, 32
"""Parcels that may be here however heavy they are, and before anybody knows."""
_MEMORY = 16
"""Parcels that the weight of the next one is told from."""
PAUSE = 1.0
"""Seconds between tries to consume from a queue that is missing or refused."""

_log = logs.get("broker.consumer")
_numbers = itertools.count(1)
"""Of sessions, over all consumers: a parcel acked at the wrong one finds no session there."""


class Consumer:
    """One consumer of one queue. `take` is for one task; what it took may be acked by any."""

    def __init__(self, link: Link, queue: str, *, prefetch: int, limit: int = ANY) -> None:
        self._link = link
        self._queue = queue
        self._most = prefetch
        self._prefetch = min(prefetch, FIRST)
        self.limit = limit
        """Octets of the longest body that is wanted; from the next parcel on."""
        self._session: Session | None = None
        self._closed = False
        self._wanted = asyncio.Event()
        self._wanted.set()
        self._changing = asyncio.Lock()
        self._why_down = "not consuming yet"

    @property
    def is_up(self) -> bool:
        """Whether parcels can come."""
        return self._session is not None and self._session.is_open

    @property
    def session(self) -> int:
        """The session that parcels come by now; 0 if there is none."""
        return self._session.number if self._session and self._session.is_open else 0

    @property
    def why_down(self) -> str:
        """The last cause, or empty while parcels can come; known though nobody takes just now."""
        return self._session.why_over if self._session else self._why_down

    async def take(self, limit: int) -> list[Parcel]:
        """Waits for a parcel, then returns what is there, in the queue's order, `limit` at most.

        Empty only after `aclose`.
        """
        while not self._closed:
            session = self._session or await self._begin()
            await self._fit(session)
            if parcels := await session.take(limit):
                return parcels
            await self._end(session)
        return []

    async def rest(self) -> None:
        """Asks for no more parcels until `wake`; what is here may still be taken and acked."""
        self._wanted.clear()
        async with self._changing:
            if self._session:
                await self._session.rest()

    async def wake(self) -> None:
        """Asks for parcels again."""
        self._wanted.set()
        async with self._changing:
            if self._session:
                await self._session.wake()

    def ack(self, parcels: Sequence[Parcel]) -> int:
        """Done with these. Returns how many were still ours to acknowledge; nothing is waited for.

        A group as it was taken costs one frame; so does any run that leaves none out before it.
        """
        session = self._session
        tags = [parcel.tag for parcel in parcels if session and parcel.session == session.number]
        return session.ack(tags) if session and tags else 0

    def reject(self, parcel: Parcel) -> bool:
        """Tried and failed: to the queue's dead letters. Returns whether it was still ours."""
        session = self._session_of(parcel)
        return session is not None and session.reject(parcel.tag)

    def nack(self, parcel: Parcel) -> bool:
        """Not tried: back to its queue. Returns whether it was still ours.

        RabbitMQ before 4.3 counts it against the delivery limit all the same.
        """
        session = self._session_of(parcel)
        return session is not None and session.nack(parcel.tag)

    async def confirm_acks(self) -> int:
        """Asks the broker a question behind the acks: its answer proves that they have arrived.

        Returns the session whose acks, as far as given before this call, are known to have arrived;
        0 if there is none.
        """
        session = self._session
        return session.number if session and await session.is_answered(self._prefetch) else 0

    async def aclose(self) -> None:
        """Leaves the queue; what was not acknowledged goes back to it, waiting parcels included."""
        self._closed = True
        session, self._session = self._session, None
        self._why_down = "closed"
        if session:
            await session.close()

    async def _begin(self) -> "Session":
        """Consumes on a new channel, as soon as it is wanted, and link and queue are there."""
        while True:
            await self._wanted.wait()
            session = Session(self._queue, lambda: self.limit)
            try:
                await session.open(self._link, self._prefetch)
            except errors.Unavailable as error:
                self._down(str(error))
                await asyncio.sleep(PAUSE)
                continue
            self._session = session
            if not self._wanted.is_set():  # told to rest while it was being opened
                await session.rest()
            self._why_down = ""
            _log.info("consumer.up", queue=self._queue, prefetch=self._prefetch)
            return session

    async def _fit(self, session: "Session") -> None:
        """Has as many parcels here as their weight allows, once that is far from what we have."""
        fitting = max(int(ROOM / max(session.weight, 1)), FEWEST)
        fitting = min(fitting, self._most, 2 * self._prefetch)
        is_short = fitting > self._prefetch and session.peak >= self._prefetch
        if not is_short and fitting > self._prefetch // 2:
            return
        async with self._changing:
            if self._wanted.is_set():  # whoever rests is asked once he is awake
                self._prefetch = fitting
                await session.refit(fitting)

    async def _end(self, session: "Session") -> None:
        if not self._closed:
            self._session = None
            self._down(session.why_over)
            await session.close()

    def _down(self, why: str) -> None:
        self._why_down = why
        logs.outage(_log, "consumer.down", errors.Unavailable(why), queue=self._queue)

    def _session_of(self, parcel: Parcel) -> "Session | None":
        session = self._session
        return session if session and session.number == parcel.session else None


class Session:
    """The consumer on one channel, from its opening to its loss: the tap's listener."""

    _channel: Channel | None

    def __init__(self, queue: str, limit: Callable[[], int] = lambda: ANY) -> None:
        self.number = next(_numbers)
        self.why_over = ""
        self._queue = queue
        self._limit = limit
        self._channel = None
        self._waiting: deque[Parcel] = deque()
        self._unacked: dict[int, None] = {}
        """Tags in the order of delivery, waiting and taken ones."""
        self.weight = 0.0
        """Octets of a parcel, as the last ones were; 0 = none has come."""
        self.peak = 0
        """The most parcels that were here at once since their number was last fitted."""
        self._wake = asyncio.Event()

    @property
    def limit(self) -> int:
        """Octets of the longest body that is wanted."""
        return self._limit()

    @property
    def is_open(self) -> bool:
        """Whether parcels can come and be acknowledged."""
        return self._channel is not None and not self.why_over

    async def open(self, link: Link | Wire, prefetch: int) -> None:
        """Raises `Unavailable`, also while the queue is missing; then nothing is left open."""
        channel = await link.channel(self)
        try:
            await channel.prefetch(prefetch)
            await channel.consume(self._queue)
        except BaseException:
            await channel.close()
            raise
        self._channel = channel

    async def close(self) -> None:
        """Gives the channel up."""
        channel, self._channel = self._channel, None
        if channel:
            await channel.close()

    async def rest(self) -> None:
        """Leaves the queue and keeps the channel: what came on it is acknowledged there."""
        if self._channel:
            await self._or_over(self._channel.leave())

    async def wake(self) -> None:
        """Consumes again."""
        if self._channel:
            await self._or_over(self._channel.consume(self._queue))

    async def refit(self, prefetch: int) -> None:
        """Consumes anew, with so many unacknowledged at most; what is here stays so."""
        self.peak = 0
        if self._channel:
            await self._or_over(self._refitted(self._channel, prefetch))

    async def _refitted(self, channel: Channel, prefetch: int) -> None:
        # the broker reads a consumer's prefetch when it begins, and never again
        await channel.leave()
        await channel.prefetch(prefetch)
        await channel.consume(self._queue)

    async def _or_over(self, asking: Awaitable[None]) -> None:
        """A channel on which that is refused, or not answered, is given up for another."""
        try:
            await asking
        except errors.Unavailable as error:
            self.lost(str(error))

    async def take(self, limit: int) -> list[Parcel]:
        """Waits for a parcel; empty when the session is over."""
        while not self._waiting and not self.why_over:
            self._wake.clear()
            await self._wake.wait()
        count = min(limit, len(self._waiting))
        return [self._waiting.popleft() for _ in range(count)]

    def ack(self, tags: Sequence[int]) -> int:
        """One frame for those that form the oldest run, one each for the rest."""
        wanted = {tag for tag in tags if tag in self._unacked}
        run = list(itertools.takewhile(wanted.__contains__, self._unacked))
        frames = [encode.ack(tag, multiple=True) for tag in run[-1:]]
        frames += [encode.ack(tag) for tag in sorted(wanted.difference(run))]
        return len(wanted) if wanted and self._answer(wanted, frames) else 0

    def reject(self, tag: int) -> bool:
        """Whether it was still open."""
        return self._answer({tag}, [encode.reject(tag)])

    def nack(self, tag: int) -> bool:
        """Whether it was still open."""
        return self._answer({tag}, [encode.nack(tag)])

    async def is_answered(self, prefetch: int) -> bool:
        """Whether the broker answers a question that stands behind every ack written so far."""
        if not self._channel:
            return False
        try:
            await self._channel.prefetch(prefetch)
        except errors.Unavailable:
            return False
        return True

    def _answer(self, tags: set[int], answers: Sequence[bytes]) -> bool:
        """Writes the answers if all these tags are open; they are closed by it, and by a loss."""
        if not self._channel or not tags <= self._unacked.keys():
            return False
        try:
            self._channel.write(encode.methods(self._channel.number, answers))
        except errors.Unavailable:
            return False
        for tag in tags:
            del self._unacked[tag]
        return True

    def content(self, method: bytes, header: bytes, body: bytes) -> None:
        """A delivery, perhaps one that was on its way when we left."""
        if self.why_over:
            return
        parcel = decode.parcel(method, header, body, queue=self._queue, session=self.number)
        self._unacked[parcel.tag] = None
        share = 1 / _MEMORY if self.weight else 1.0
        self.weight += (len(body) - self.weight) * share
        self.peak = max(self.peak, len(self._unacked))
        self._waiting.append(parcel)
        self._wake.set()

    def confirm(self, method: bytes) -> None:
        """Nothing is published here."""

    def lost(self, why: str) -> None:
        """The broker will hand out again what waits here."""
        self.why_over = why
        self._waiting.clear()
        self._unacked.clear()
        self._wake.set()
