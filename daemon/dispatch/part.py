"""Dispatch as one part: its tasks, and how it stops without forgetting or repeating anything.

Stop order: nothing more is claimed or permitted; what waits is given back; what is flying may end
until the deadline, and what has sent its final dot may end in any case; all outcomes are committed;
then the part is over (promise 9).
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from daemon import logs
from daemon.delivery.courier import Courier
from daemon.dispatch.berths import Berths
from daemon.dispatch.brake import Brake
from daemon.dispatch.claimer import Claimer, Pace
from daemon.dispatch.crew import Crew, Shared
from daemon.dispatch.ends import Endings
from daemon.dispatch.held import Holdings
from daemon.dispatch.journal import Journal
from daemon.dispatch.lane import Lane, Settings
from daemon.dispatch.lease import Lease
from daemon.dispatch.legacy import Legacy
from daemon.dispatch.press import Press
from daemon.dispatch.rescue import Rescue
from daemon.dispatch.returns import Returns
from daemon.dispatch.settler import Settler
from daemon.ledger.teller import Teller
from daemon.store import door, errors, lanes

_LAST_CHANCE = 1.0
"""Seconds that a reply still has after the stop's deadline."""
_REFRESH_EVERY = 5.0
"""Seconds between two looks at the lanes and their limits."""

_log = logs.get("dispatch.part")
_seldom = logs.Seldom()


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What dispatch works with. Times in seconds."""

    store: door.Store
    lease: Lease
    journal: Journal
    settler: Settler
    teller: Teller
    press: Press
    courier: Callable[[lanes.Lane], Courier | None]
    """None: our configuration doesn't know this lane's transport."""
    settings: Settings
    pace: Pace
    connections: int
    """SMTP connections of this instance at most."""
    rescue_every: float
    stop_deadline: float


class Dispatch:
    """The part. `run` ends after `stop` is set and everything is put in order."""

    def __init__(self, equipment: Equipment) -> None:
        self._with = equipment
        self._lanes: dict[int, Lane] = {}
        self._crews: dict[int, Crew] = {}
        self._working: list[asyncio.Task[None]] = []
        self._instance = equipment.lease.instance
        journal = equipment.journal
        self.brake = Brake({"journal": lambda: journal.trouble})
        self._legacy = Legacy(journal)
        holdings = Holdings()
        self._returns = Returns(equipment.store, holdings, instance=self._instance)
        self._shared = Shared(
            store=equipment.store,
            instance=self._instance,
            endings=Endings(equipment.settler, holdings, journal, self._returns.put),
            berths=Berths(equipment.connections, make_room=self._make_room),
            brake=self.brake,
        )
        self.claimer = Claimer(
            equipment.store,
            self._lanes,
            holdings,
            brake=self.brake,
            instance=self._instance,
            pace=equipment.pace,
        )
        self._rescue = Rescue(
            equipment.store,
            equipment.settler,
            equipment.teller,
            holdings,
            legacy=self._legacy,
            instance=equipment.lease.about,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop`, then puts everything in order."""
        async with asyncio.TaskGroup() as group:
            settling = group.create_task(self._with.settler.run(), name="dispatch.settler")
            returning = group.create_task(self._returns.run(), name="dispatch.returns")
            supply = [
                group.create_task(self._refreshes(group), name="dispatch.lanes"),
                group.create_task(self._claims(), name="dispatch.claimer"),
                group.create_task(
                    self._rescue.run(self._with.rescue_every), name="dispatch.rescue"
                ),
            ]
            await stop.wait()
            for task in supply:
                task.cancel()
            await self._drain()
            self._legacy.close()
            settling.cancel()
            returning.cancel()

    async def _claims(self) -> None:
        """Nothing is claimed before the journals that the dead left here are read (promise 2)."""
        await self._rescue.adopted.wait()
        await self.claimer.run()

    async def refresh(self, group: asyncio.TaskGroup) -> None:
        """Takes up lanes that are new, and what was changed of those that are there."""
        for found in await lanes.everything(self._with.store):
            known = self._crews.get(found.id)
            if known and known.lane.lane == found:
                continue
            courier = self._with.courier(found)
            if courier is None:
                continue
            if known:
                self._change(known, found, courier)
            else:
                self._take_up(found, courier, group)

    def _take_up(self, found: lanes.Lane, courier: Courier, group: asyncio.TaskGroup) -> None:
        lane = self._lanes[found.id] = Lane(
            found,
            self._with.settings,
            composer=self._with.press,
            ends=self._shared.endings,
            hungry=self.claimer.wake,
        )
        crew = self._crews[found.id] = Crew(lane, courier, self._shared)
        self._working.append(group.create_task(crew.run(), name=f"dispatch.lane.{found.id}"))
        self.claimer.wake()

    def _change(self, crew: Crew, found: lanes.Lane, courier: Courier) -> None:
        """A lane whose transport was changed: its next connections go the new way."""
        crew.lane.lane = found
        crew.courier = courier
        _log.info("lane.changed", lane=found.id, transport=found.name)

    async def _refreshes(self, group: asyncio.TaskGroup) -> None:
        while True:
            try:
                await self.refresh(group)
            except (errors.Unavailable, errors.Again) as error:
                swallowed = _seldom.ask("lanes")
                if swallowed is not None:  # the next look will see it
                    _log.warning("lanes.wait", why=str(error), swallowed=swallowed)
            await asyncio.sleep(_REFRESH_EVERY)

    def _make_room(self) -> None:
        """Asks the lane with the most idle connections to close one."""
        idlest = max(self._lanes.values(), key=lambda lane: lane.idle, default=None)
        if idlest is not None:
            idlest.dismiss()

    @property
    def flying(self) -> int:
        """Attempts under way."""
        return sum(len(lane.flying) for lane in self._lanes.values())

    async def _drain(self) -> None:
        for crew in self._crews.values():
            crew.close()
            crew.lane.give_back()
        if self._working:
            await asyncio.wait(self._working, timeout=self._with.stop_deadline)
        late = [task for task in self._working if not task.done()]
        if late:
            _log.warning("stop.deadline", flying=self.flying)
        for task in late:
            task.cancel()  # a courier lets an attempt whose dot has left wait for its reply …
        if late:
            await asyncio.wait(late, timeout=_LAST_CHANCE)
            for crew in self._crews.values():
                crew.abandon()  # … but not for longer than we stay: it is a doubt, and told as one
            await asyncio.wait(late)
        for lane in self._lanes.values():
            lane.give_back()  # what was being asked for when the lane was closed
        await self._with.settler.drained()
        await self._returns.drained()
