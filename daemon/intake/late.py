"""Answers that nobody confirmed: kept until the broker is there, and takes publishes.

So no acknowledgement waits for an alarm's end, which may be hours away. One whose confirm was lost
may arrive more than once. One that the broker refuses with the channel, again and again while it is
there, is given up, so that it holds up no other. They outlive the life of an instance, as its lease
may be lost meanwhile, and the process by their record (see `owing`). What finds no room here is
asked for again with the same key.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice

from daemon import logs, metrics
from daemon.broker import errors
from daemon.broker.confirms import Fate, Published
from daemon.broker.parcel import Outgoing
from daemon.broker.publisher import BatchPublisher
from daemon.intake.owing import Owing

ROOM = 32 * 2**20
"""Octets of all that is kept."""
_BATCH = 500
_PAUSE = 1.0
"""Seconds before what didn't leave is tried again."""
_TRIES = 5
"""Times that an answer may be lost alone, while the broker is there."""

_log = logs.get("intake.late")


class Late:
    """Keeps answers, and sends them in their order. `seconds` bounds the wait for a confirm."""

    def __init__(
        self, publisher: BatchPublisher, kept: deque[Outgoing], owing: Owing, *, seconds: float
    ) -> None:
        """`kept` may hold some already, of the life before."""
        self._publisher = publisher
        self._owing = owing
        self._seconds = seconds
        self._kept = kept
        self._room = ROOM - sum(len(one.body) for one in kept)
        self._some = asyncio.Event()
        if kept:
            self._some.set()

    def keep(self, letters: Iterable[Outgoing]) -> list[Outgoing]:
        """Keeps as many as there is room for; answers those that there was none for."""
        lost = []
        for one in letters:
            if len(one.body) > self._room:
                lost.append(one)
                continue
            self._room -= len(one.body)
            self._kept.append(one)
            self._some.set()
        return lost

    async def adopt(self) -> None:
        """Takes over what nobody alive owes, when it can be given."""
        if self._publisher.is_there:
            known = {one.message_id for one in self._kept}
            self.keep(one for one in await self._owing.adopt() if one.message_id not in known)

    async def run(self) -> None:
        """Sends for ever; after a loss one by one, until it shows whether one of them is why."""
        number, losses = _BATCH, 0
        while True:
            await self._some.wait()
            some = list(islice(self._kept, number))
            published = await self._publisher.publish("", some, seconds=self._seconds)
            await self._owing.forget(self._drop(some, published))
            if Fate.UNKNOWN not in published.fates:
                number, losses = min(2 * number, _BATCH), 0
                continue
            losses = losses + 1 if number == 1 and self._publisher.is_there else 0
            if losses == _TRIES:
                await self._owing.forget([self._give_up(published.why)])
                losses = 0
            number = 1
            await asyncio.sleep(_PAUSE)

    def _give_up(self, why: str) -> Outgoing:
        """Lets go of the first, whose sender may ask for it again."""
        first = self._kept.popleft()
        self._room += len(first.body)
        metrics.replies("lost").inc()
        logs.outage(_log, "answer.lost", errors.Unavailable(why), number=1)
        if not self._kept:
            self._some.clear()
        return first

    def _drop(self, some: Sequence[Outgoing], published: Published) -> list[Outgoing]:
        """Lets go of those of which the broker has said something: taken, unwanted, or refused."""
        unknown, gone = [], []
        for one, fate in zip(some, published.fates, strict=True):
            self._kept.popleft()
            if fate is Fate.UNKNOWN:
                unknown.append(one)
            else:
                gone.append(one)
                self._room += len(one.body)
                metrics.replies(fate.name.lower()).inc()
        self._kept.extendleft(reversed(unknown))
        if not self._kept:
            self._some.clear()
        return gone
