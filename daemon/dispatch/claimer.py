"""Promotes what is due and claims for the lanes that have room, woken by hints and by the clock.

The truth is in the tables and is looked at every `poll`; a wake is only a hint that now is a good
moment.
"""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from uuid import UUID

from daemon import logs, metrics
from daemon.crashpoints import reach
from daemon.dispatch import held
from daemon.dispatch.brake import Brake
from daemon.dispatch.held import Held, Holdings
from daemon.dispatch.lane import Lane
from daemon.dispatch.ready import URGENT
from daemon.mail.ceiling import Ceiling
from daemon.outage import Outage
from daemon.precedence import of_process as precedence
from daemon.store import claims, door, errors

CLAIM_LIMIT = 500
"""Deliveries in one claim."""
_SURELY_ALL = 200
"""Fewer than so many have left nothing: a claim takes so many batches, of one at least."""

_log = logs.get("dispatch.claimer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often we look, and how much we take."""

    poll: float
    """Seconds between two looks when nobody wakes us."""
    hold: int
    """Deliveries in memory at most."""
    max_untold: int
    """Untold events of the system from which on nothing new is claimed."""


class Claimer:
    """Keeps lanes supplied until it is cancelled."""

    def __init__(
        self,
        store: door.Store,
        lanes: Mapping[int, Lane],
        holdings: Holdings,
        *,
        brake: Brake,
        instance: UUID,
        pace: Pace,
    ) -> None:
        self._store = store
        self._lanes = lanes
        self._holdings = holdings
        self._brake = brake
        self._instance = instance
        self._pace = pace
        self._hint = asyncio.Event()
        self.unserved: set[int] = set()
        """Lanes that have something ready, and that we don't serve."""
        self._lines: set[tuple[int, int]] = set()
        """Lanes and classes of which something is left to be claimed, or was just now."""
        self._is_over = False
        self._untold = Ceiling(pace.max_untold)
        self._untold_urgent = Ceiling.urgent(pace.max_untold)
        self.why_resting = ""
        """Why nothing new is claimed, or empty."""

    def wake(self) -> None:
        """Hints that something has fallen due, or that there is room."""
        self._hint.set()

    def queues(self, lane: int, klass: int) -> None:
        """Somebody has to wait: until all that wait are claimed, nobody goes past them."""
        self._lines.add((lane, klass))

    def may_take(self, lane: int, klass: int) -> bool:
        """Whether nobody waits for being claimed, and we would claim."""
        return (lane, klass) not in self._lines and self._may_claim(klass)

    def stand_down(self) -> None:
        """Claims nothing more: it is time to stop, whatever others still have to end before us."""
        self._is_over = True

    def weigh(self, untold: int) -> None:
        """Claims nothing new while so much is untold already that nobody would hear of it."""
        was_full = self._untold.is_reached
        is_full = self._untold.weigh(untold)
        metrics.resting("dispatch").set(is_full)
        metrics.resting("dispatch.urgent").set(self._untold_urgent.weigh(untold))
        self.why_resting = (
            f"{untold} events are untold, from {self._untold.most} on" if is_full else ""
        )
        if is_full != was_full:
            _log.warning("claim.rests" if is_full else "claim.goes_on", untold=untold)
            self.wake()

    async def run(self) -> None:
        """Promotes and claims for ever."""
        while True:
            try:
                claimed = await self._round()
            except errors.Again:
                continue
            except errors.Unavailable as error:
                await self._trouble(error)
                continue
            if not claimed:
                await self._rest()

    async def _rest(self) -> None:
        """Until a hint, the next due time, or the next poll."""
        try:
            due = await claims.next_due(self._store)
        except (errors.Unavailable, errors.Again):
            due = None
        wait = self._pace.poll if due is None else min(self._pace.poll, max(due, 0.01))
        try:
            async with asyncio.timeout(wait):
                await self._hint.wait()
        except TimeoutError:
            pass
        self._hint.clear()

    async def _round(self) -> int:
        """One promotion, one claim for each lane and class that has both work and room.

        The most urgent first. Once something new has come, only whoever has nothing left is served.
        """
        self._hint.clear()
        await claims.promote(self._store)
        claimed, left = 0, set[tuple[int, int]]()
        found = [] if self._brake.is_on else await claims.ready(self._store)
        self.unserved = {ready.lane for ready in found} - self._lanes.keys()
        for ready in found:
            taken = await self._serve(ready)
            claimed += taken
            if not 0 < taken < _SURELY_ALL:
                left.add((ready.lane, ready.klass))
        self._lines = left
        metrics.held.set(self.holding)
        _show(self._lanes.values())
        return claimed

    async def _serve(self, ready: claims.Ready) -> int:
        lane = self._lanes.get(ready.lane)
        if lane is None or not lane.wants(ready.klass) or not self._may_claim(ready.klass):
            return 0
        if self._hint.is_set() and lane.has(ready.klass):
            return 0  # it can wait for a round: what has just come may be more urgent
        if ready.klass != URGENT:
            await precedence.stand_back()
        return await self._claim(lane, ready)

    def _may_claim(self, klass: int) -> bool:
        ceiling = self._untold if klass else self._untold_urgent
        # a claim is of so many at most; where they never fit, whoever holds nothing may have them
        has_room = self.holding + min(CLAIM_LIMIT, self._pace.hold) <= self._pace.hold
        return has_room and not self._is_over and not ceiling.is_reached

    @property
    def holding(self) -> int:
        """Deliveries that this instance holds in memory."""
        return sum(lane.holding for lane in self._lanes.values())

    async def _claim(self, lane: Lane, ready: claims.Ready) -> int:
        """Claims the lowest ranks: retry rows while they come first, else batches."""
        async with self._holdings.taking:
            found = await (self._retries(ready) if ready.retries_first else self._batches(ready))
            reach("C8")
            self._holdings.add(found)
        lane.add(found)
        return len(found)

    async def _retries(self, ready: claims.Ready) -> list[Held]:
        retries = await claims.retries(
            self._store, ready.lane, ready.klass, self._instance, CLAIM_LIMIT, ready.batch
        )
        metrics.claims("retry").inc(len(retries))
        return held.of_retries(retries, ready.klass)

    async def _batches(self, ready: claims.Ready) -> list[Held]:
        batches, deliveries = await claims.batches(
            self._store, ready.lane, ready.klass, self._instance, CLAIM_LIMIT
        )
        metrics.claims("batch").inc(len(batches))
        return held.of_batches(batches, deliveries, ready.klass)

    async def _trouble(self, error: Outage) -> None:
        logs.outage(_log, "claim.waits", error)
        await asyncio.sleep(self._pace.poll)


def _show(lanes: Iterable[Lane]) -> None:
    """How many connections are busy, and how many wait for something to carry."""
    open_now = idle = 0
    for lane in lanes:
        open_now += lane.workers
        idle += lane.idle
    metrics.connections("busy").set(open_now - idle)
    metrics.connections("idle").set(idle)
