"""The tasks of one lane: permits, connections, and the grant of connections (promise 6)."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from daemon import logs, metrics
from daemon.delivery.courier import Courier
from daemon.dispatch import clock
from daemon.dispatch.berths import Berths
from daemon.dispatch.brake import Brake
from daemon.dispatch.ends import Endings
from daemon.dispatch.held import Held
from daemon.dispatch.lane import Lane
from daemon.dispatch.ready import URGENT
from daemon.mail.outcome import Verdict
from daemon.outage import Outage
from daemon.precedence import of_process as precedence
from daemon.store import claims, door, errors, lanes
from daemon.tasks import Group

_GRANT_EVERY = 1.0
"""Seconds between two asks for connections, so that a limit is shared anew within seconds."""
_SLICE = 0.1
"""Seconds of a lane's rate that one permit uses up."""
_MEASURE_EVERY = 0.05
"""Seconds of starts that a rate is taken from at least."""
_TROUBLE = 0.5
"""Seconds until a statement is tried again when the database can't."""

_log = logs.get("dispatch.crew")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """What all crews of an instance work with."""

    store: door.Store
    instance: UUID
    endings: Endings
    berths: Berths
    brake: Brake


class Crew:
    """Runs a lane until it is told to stop."""

    def __init__(self, lane: Lane, courier: Courier, shared: Shared) -> None:
        self.lane = lane
        self.courier = courier
        """Serves the connections that are opened from now on."""
        self._store = shared.store
        self._instance = shared.instance
        self._endings = shared.endings
        self._berths = shared.berths
        self._brake = shared.brake
        self._serving: list[Courier] = []
        self._group = Group(over=self.close)
        self._over = asyncio.Event()
        self._starts_per_second = 0.0
        self._measured = 0
        self._measured_at = time.monotonic()

    async def run(self) -> None:
        """The lane's life; ends when the lane was closed and its last connection is gone."""
        name = f"lane.{self.lane.lane.id}"
        async with self._group:
            permits = self._group.forever(self._permits(), name=f"{name}.permits")
            grants = self._group.forever(self._grants(), name=f"{name}.grants")
            await self._over.wait()
            permits.cancel()
            grants.cancel()
        self.lane.give_back()  # what was being asked for when the lane was closed

    def close(self) -> None:
        """Lets nothing more start; what is under way ends, and with it the lane's life."""
        self.lane.close()
        self._berths.stand_back(self.lane)
        self._look_whether_over()

    def _look_whether_over(self) -> None:
        if self.lane.closing and not self.lane.workers:
            self._over.set()

    def abandon(self) -> None:
        """Breaks off what is still under way here."""
        for courier in set(self._serving):
            courier.abandon()

    # --- permits ---

    async def _permits(self) -> None:
        while True:
            await self.lane.more.wait()
            self.lane.more.clear()
            while not self.lane.closing:
                await self.lane.rested()
                if self._brake.is_on:
                    self._berths.stand_back(self.lane)
                    self.lane.give_back()
                    break
                # a lane without a connection would wait for ever for those that it permitted once
                self.lane.recall()
                self._open_connections()
                number = self._room()
                if not number:
                    break
                if not self.lane.has(URGENT):
                    await precedence.stand_back()
                await self._permit(min(number, await self._paced(number)))

    def _room(self) -> int:
        """How many deliveries could start within a window beyond those that are ready already.

        None until half of those have been taken: each permit waits for whoever settles its batches.
        """
        self._measure()
        lane = self.lane
        if not lane.waiting or not lane.granted:
            return 0
        if lane.ease.is_probing:
            return 0 if lane.ready or lane.flying else 1
        wanted = self._wanted()
        if 2 * lane.ready > wanted:
            return 0
        return min(wanted - lane.ready, lane.settings.permit_size)

    def _wanted(self) -> int:
        """How many deliveries could start within half a window."""
        free = self.lane.granted - len(self.lane.flying)
        return max(free, int(self._starts_per_second * self.lane.settings.permit_window / 2))

    def room(self, klass: int) -> int:
        """How many of a class could start soon that never waited here; none while any does."""
        lane = self.lane
        if lane.closing or lane.is_denied or lane.ease.is_resting or lane.ease.is_probing:
            return 0
        if lane.lane.max_per_second > 0 or lane.has(klass) or self._brake.is_on:
            return 0
        self._measure()
        return max(self._wanted(), 1) - lane.before(klass)

    def admit(self, held: Sequence[Held]) -> None:
        """Takes what was permitted elsewhere."""
        self.lane.admit(held)
        self._open_connections()
        if self.lane.holding > self.lane.granted:
            self.lane.work.set()

    async def _paced(self, number: int) -> int:
        """Waits for a slice of the lane's rate; answers how many it is good for."""
        rate = self.lane.lane.max_per_second
        if rate <= 0:
            return number
        number = min(number, max(1, int(rate * _SLICE)))
        try:
            portion = await lanes.paced(self._store, self.lane.lane.id, number)
        except (errors.Unavailable, errors.Again) as error:
            await _trouble("pace", error)
            return 0
        if portion is not None and portion.wait > 0:
            await asyncio.sleep(portion.wait)
        return number

    async def _permit(self, number: int) -> None:
        is_free = not self.lane.ease.is_probing and self.lane.lane.max_per_second <= 0
        asked = self.lane.next_asks(number, to_end=is_free)
        if not asked:
            return
        # counted from before the query is sent: whoever cancels answers one window after its commit
        until = clock.now() + self.lane.settings.permit_window
        try:
            with metrics.permit_seconds.time():
                judged = await claims.permit(
                    self._store, self._instance, [held.ask() for held in asked]
                )
        except (errors.Unavailable, errors.Again) as error:
            self.lane.refuse(asked)
            await _trouble("permit", error)
        except asyncio.CancelledError:
            self.lane.refuse(asked)
            raise
        else:
            self._hear(asked, judged, until)

    def _hear(self, asked: list[Held], judged: dict[int, claims.Judged], until: float) -> None:
        going = []
        for said, number in Counter(one.verdict for one in judged.values()).items():
            metrics.permits(said.value).inc(number)
        metrics.permits("lost").inc(len(asked) - len(judged))
        for held in asked:
            verdict = judged.get(held.id)
            if verdict is None:
                self._endings.lost(held)
            elif verdict.verdict is Verdict.GO:
                held.until, held.date = until, verdict.at
                going.append(held)
            else:
                self._endings.withheld(held, verdict.verdict)
        self.lane.permit(going)
        self._open_connections()

    def _measure(self) -> None:
        """How many deliveries a second are started here, smoothed: counted where they start."""
        now = time.monotonic()
        passed = now - self._measured_at
        if passed < _MEASURE_EVERY:
            return
        rate = (self.lane.started - self._measured) / passed
        self._starts_per_second += (rate - self._starts_per_second) / 2
        self._measured, self._measured_at = self.lane.started, now

    # --- connections ---

    def _open_connections(self) -> None:
        lane = self.lane
        if lane.closing or lane.ease.is_resting:
            return
        missing = lane.ready - lane.idle
        if missing <= 0:
            self._berths.stand_back(lane)
        for _ in range(min(missing, lane.granted - lane.workers)):
            if not self._berths.take(lane):
                break
            lane.workers += 1
            self._group.create_task(
                self._connection(), name=f"lane.{lane.lane.id}.connection.{lane.workers}"
            )

    async def _connection(self) -> None:
        courier = self.courier  # a reload may bring another one
        self._serving.append(courier)
        try:
            await courier.run(self.lane)
        finally:
            self._serving.remove(courier)
            self.lane.lost()
            self._berths.leave()
            self._look_whether_over()

    # --- the limit over all instances ---

    async def _grants(self) -> None:
        lane, asked = self.lane, 0
        while True:
            wanted = asked if lane.is_denied else min(lane.holding, lane.lane.max_connections)
            if wanted or lane.workers or lane.granted or asked:
                asked = wanted
                await self._ask(wanted)
                lane.more.set()
            await self._until_next_grant(rest=bool(asked or lane.granted))
            lane.work.clear()

    async def _until_next_grant(self, *, rest: bool) -> None:
        """Until something new was claimed; at rest until the limit is to be shared anew as well."""
        try:
            async with asyncio.timeout(_GRANT_EVERY if rest else None):
                await self.lane.work.wait()
        except TimeoutError:
            return
        if self.lane.granted:
            await asyncio.sleep(_GRANT_EVERY / 20)  # a burst asks once, not once per claim

    async def _ask(self, wanted: int) -> None:
        lane, held = self.lane, self.lane.workers
        # until the answer nothing is opened beyond what we say: it may be granted to another
        lane.granted = min(lane.granted, held)
        try:
            granted = await lanes.granted(
                self._store, lane.lane.id, self._instance, wanted=wanted, held=held
            )
        except (errors.Unavailable, errors.Again) as error:
            await _trouble("grant", error)
            return
        lane.grant(granted)
        metrics.lane_connections.set(granted)
        if wanted and not granted and not lane.workers:
            lane.deny()


async def _trouble(what: str, error: Outage) -> None:
    logs.outage(_log, "lane.waits", error, what=what)
    await asyncio.sleep(_TROUBLE)
