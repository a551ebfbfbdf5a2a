"""One timed run: the clock, the first mail, the last event, and what everybody used meanwhile.

While the clock runs, nothing is done but to look at two numbers: how many mails the sink has
counted, and how many events lie in our queue. What the events say is read when it has stopped.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.bench.count import Told
from tests.bench.figures import Run
from tests.bench.stand import Stand

Tell = Callable[[int], None]
"""Told how far it has come."""
STALLED = 60.0
"""Seconds without any news after which a run is given up."""
_GLANCE = 0.05
_CLOSER = 0.002
"""Seconds between looks as long as there is no first mail."""


@dataclass(slots=True, kw_only=True)
class Goal:
    """What must have come by the end; it may move while the race is run."""

    recipients: int
    events: int
    """At least so many."""

    def more(self, *, recipients: int, events: int) -> None:
        """Something was added, before it is published."""
        self.recipients += recipients
        self.events += events


class Race:
    """A run from its start to its end."""

    def __init__(self, stand: Stand, goal: Goal, tell: Tell) -> None:
        self._stand = stand
        self._goal = goal
        self._tell = tell
        self._before = stand.sink.stored
        self._used = stand.cpu()
        self._began = time.perf_counter()
        self._depth = 0
        self._last = self._began

    async def over(self) -> Run:
        """Waits for the end, then counts; the daemons have stopped by then."""
        first = await self._first()
        await self._end()
        now = self._stand.cpu()
        used = {who: now[who] - before for who, before in self._used.items()}
        rss = self._stand.rss()
        delivered = self._stand.sink.stored - self._before
        await self._stand.daemon.ready()  # a very short race is over before
        await self._stand.daemon.stop()
        told = await counted(self._stand)
        return Run(
            recipients=self._goal.recipients,
            seconds=self._last - self._began,
            first=None if first is None else first - self._began,
            delivered=delivered,
            events=told.events,
            lost=self._goal.recipients - min(delivered, told.sent),
            duplicates=max(0, delivered - self._goal.recipients) + told.repeats,
            cpu=used,
            rss=rss,
        )

    async def _first(self) -> float | None:
        while not self._stored():
            if time.perf_counter() - self._began > STALLED:
                return None
            await asyncio.sleep(_CLOSER)
        return time.perf_counter()

    async def _end(self) -> None:
        """Returns when all is there, or when nothing comes any more."""
        while await self._looks_open():
            if time.perf_counter() - self._last > STALLED:
                return
            await asyncio.sleep(_GLANCE)

    async def _looks_open(self) -> bool:
        depth = await self._stand.post.depth(self._stand.post.events)
        if depth != self._depth:
            self._depth, self._last = depth, time.perf_counter()
            self._tell(self._stored())
        if depth < self._goal.events or self._stored() < self._goal.recipients:
            return True
        return await self._stand.is_open()

    def _stored(self) -> int:
        return self._stand.sink.stored - self._before


async def counted(stand: Stand) -> Told:
    """Every event that came, read."""
    told = Told()
    await stand.post.drain(await stand.post.depth(stand.post.events), told.hear)
    return told
