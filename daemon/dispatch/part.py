"""Dispatch as one part: its tasks, and how it stops without forgetting or repeating anything.

Stop order: nothing more is claimed or permitted; what waits is given back; what is flying may end
until the deadline, and what has sent its final dot may end in any case; all outcomes are committed;
then the part is over (promise 9).
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from daemon import logs
from daemon.config import Config
from daemon.delivery.courier import Courier
from daemon.dispatch.berths import Berths
from daemon.dispatch.booking import Booking
from daemon.dispatch.brake import Brake
from daemon.dispatch.claimer import Claimer, Pace
from daemon.dispatch.crew import Crew, Shared
from daemon.dispatch.ends import Endings
from daemon.dispatch.express import Express
from daemon.dispatch.held import Holdings
from daemon.dispatch.journal import Journal
from daemon.dispatch.lane import Lane, Settings
from daemon.dispatch.lease import Lease
from daemon.dispatch.legacy import Legacy
from daemon.dispatch.overdue import Overdue
from daemon.dispatch.press import Press
from daemon.dispatch.rescue import Rescue
from daemon.dispatch.returns import Returns
from daemon.dispatch.settler import Settler
from daemon.dispatch.strays import Strays
from daemon.ledger.teller import Teller
from daemon.stop import Stop
from daemon.store import door, errors, lanes
from daemon.tasks import Group

_LAST_CHANCE = 1.0
"""Seconds that a reply still has after the stop's deadline."""
_LAST_COMMIT = 5.0
"""Seconds that outcomes have at least, once there are no more of them, to be committed."""
_LAST_CLAIM = 1.0
"""Seconds that a claim has to end which is under way at a stop."""
_REFRESH_EVERY = 1.0
"""Seconds between two looks at the lanes: a limit that was changed holds within two."""

_log = logs.get("dispatch.part")


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What dispatch works with. Times in seconds."""

    store: door.Store
    lease: Lease
    journal: Journal
    settler: Settler
    overdue: Overdue
    teller: Teller
    press: Press
    courier: Callable[[lanes.Lane], Courier | None]
    """None: our configuration doesn't know this lane's transport."""
    settings: Settings
    pace: Pace
    connections: int
    """SMTP connections of this instance at most."""
    rescue_every: float


class Dispatch:
    """The part. `run` ends after `stop` is set and everything is put in order."""

    def __init__(self, equipment: Equipment) -> None:
        self._with = equipment
        self._lanes: dict[int, Lane] = {}
        self._crews: dict[int, Crew] = {}
        self._working: dict[int, asyncio.Task[None]] = {}
        self._leaving: dict[int, Crew] = {}
        self._is_stale = False
        self._instance = equipment.lease.instance
        journal, window = equipment.journal, equipment.settings.permit_window
        self.brake = Brake({"journal": lambda: journal.brake})
        equipment.lease.brake = lambda: self.brake.told
        self._legacy = Legacy(journal)
        self._holdings = holdings = Holdings()
        self._returns = Returns(equipment.store, holdings, instance=self._instance)
        self._shared = Shared(
            store=equipment.store,
            instance=self._instance,
            endings=Endings(equipment.settler, holdings, journal, self._returns.put),
            berths=Berths(equipment.connections, self._lanes.values),
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
        self.express = Express(
            self._crews,
            self.claimer,
            holdings,
            self._shared.endings,
            instance=self._instance,
            permit_window=window,
        )
        self._rescue = Rescue(
            equipment.store,
            equipment.settler,
            equipment.teller,
            Strays(holdings, self._instance, window),
            legacy=self._legacy,
            instance=equipment.lease.about,
        )

    async def run(self, stop: Stop) -> None:
        """Works until `stop`, then puts everything in order."""
        async with Group(over=stop.set) as group:
            settling = group.forever(self._with.settler.run(), name="dispatch.settler")
            returning = group.forever(self._returns.run(), name="dispatch.returns")
            supply = [
                group.forever(self._refreshes(group), name="dispatch.lanes"),
                group.forever(self._with.overdue.run(), name="dispatch.overdue"),
                group.forever(Booking(self._with.store).run(), name="dispatch.booking"),
                group.forever(self._claims(), name="dispatch.claimer"),
                group.forever(self._rescue.run(self._with.rescue_every), name="dispatch.rescue"),
            ]
            await stop.wait()
            self.claimer.stand_down()
            self._close()
            await self._claimed(stop)
            for task in supply:
                task.cancel()
            await self._drain(stop, settling, returning)
            self._legacy.close()
            settling.cancel()
            returning.cancel()

    async def _claims(self) -> None:
        """Nothing is claimed before the journals that the dead left here are read (promise 2)."""
        await self._rescue.adopted.wait()
        await self.claimer.run()

    def _close(self) -> None:
        for crew in self._crews.values():
            crew.close()
            crew.lane.give_back()

    async def _claimed(self, stop: Stop) -> None:
        """Lets a claim that is under way end: what it brings is given back at once, too."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(_LAST_CLAIM, stop.left())), self._holdings.taking:
                return

    def reload(self, _: Config) -> None:
        """Has every lane served as the configuration now says, from the next look at them on."""
        self._is_stale = True

    async def refresh(self, group: Group) -> None:
        """Takes up lanes that are new, changes those that changed, lets go of those that left."""
        everything = {found.id: found for found in await lanes.everything(self._with.store)}
        was_stale, self._is_stale = self._is_stale, False
        for found in everything.values():
            known = self._crews.get(found.id)
            if known and known.lane.lane == found and not was_stale:
                continue
            self._see(found, known, self._with.courier(found), group)
        for number in self._crews.keys() - everything.keys():
            self._let_go(number)

    def _see(
        self, found: lanes.Lane, known: Crew | None, courier: Courier | None, group: Group
    ) -> None:
        if known is None and courier is not None and not self._is_ending(found.id):
            self._take_up(found, courier, group)
        elif known is not None and courier is not None:
            self._change(known, found, courier)
        elif known is not None:
            self._let_go(found.id)

    def _is_ending(self, number: int) -> bool:
        """Whether a lane that was let go still has something under way."""
        return number in self._working and not self._working[number].done()

    def _let_go(self, number: int) -> None:
        """A lane whose transport is no longer in use: what waits goes back, and stays there."""
        crew, lane = self._crews.pop(number), self._lanes.pop(number)
        self._leaving[number] = crew
        crew.close()
        lane.give_back()
        _log.warning("lane.let_go", lane=number, transport=lane.lane.name)

    def _take_up(self, found: lanes.Lane, courier: Courier, group: Group) -> None:
        lane = self._lanes[found.id] = Lane(
            found,
            self._with.settings,
            composer=self._with.press,
            ends=self._shared.endings,
            hungry=self.claimer.wake,
        )
        crew = self._crews[found.id] = Crew(lane, courier, self._shared)
        self._working[found.id] = group.create_task(crew.run(), name=f"dispatch.lane.{found.id}")
        self.claimer.wake()

    def _change(self, crew: Crew, found: lanes.Lane, courier: Courier) -> None:
        """A lane whose transport was changed: its next connections go the new way."""
        if crew.lane.lane != found:
            _log.info("lane.changed", lane=found.id, transport=found.name)
        crew.courier = courier
        crew.lane.change(found)

    async def _refreshes(self, group: Group) -> None:
        while True:
            try:
                await self.refresh(group)
            except (errors.Unavailable, errors.Again) as error:
                logs.outage(_log, "lanes.wait", error)  # the next look will see it
            await asyncio.sleep(_REFRESH_EVERY)

    @property
    def flying(self) -> int:
        """Attempts under way."""
        return sum(len(lane.flying) for lane in self._lanes.values())

    def unserved(self) -> str:
        """Why some mail that is due isn't sent from here: its transport isn't in use; or nothing.

        A lane that is new is taken up within a second, so one that we never had doesn't count.
        """
        gone = self.claimer.unserved & self._leaving.keys() - self._crews.keys()
        names = sorted(self._leaving[number].lane.lane.name for number in gone)
        return f"not in use, and mail waits for it: {', '.join(names)}" if names else ""

    def ailing(self) -> str:
        """Which relays took nothing at the last try, each with the reason; or nothing."""
        lanes = [lane for lane in self._lanes.values() if lane.ease.ailment]
        return "; ".join(f"{lane.lane.name}: {lane.ease.ailment}" for lane in lanes)

    @property
    def holding(self) -> int:
        """Claimed deliveries, those under way among them."""
        return self.claimer.holding

    @property
    def unsettled(self) -> int:
        """Outcomes that aren't committed."""
        return self._with.settler.backlog

    async def _drain(
        self, stop: Stop, settling: asyncio.Task[None], returning: asyncio.Task[None]
    ) -> None:
        self._close()  # also a lane that was taken up meanwhile
        working = self._working.values()
        if working:
            await asyncio.wait(working, timeout=stop.left())
        late = [task for task in working if not task.done()]
        if late:
            _log.warning("stop.deadline", flying=self.flying)
        for task in late:
            task.cancel()  # a courier lets an attempt whose dot has left wait for its reply …
        if late:
            await asyncio.wait(late, timeout=_LAST_CHANCE)
            for crew in (*self._crews.values(), *self._leaving.values()):
                crew.abandon()  # … but not for longer than we stay: it is a doubt, and told as one
            await asyncio.wait(late)
        for lane in self._lanes.values():
            lane.give_back()  # what was being asked for when the lane was closed
        await self._put_away(stop, settling, returning)

    async def _put_away(
        self, stop: Stop, settling: asyncio.Task[None], returning: asyncio.Task[None]
    ) -> None:
        """Waits until all is committed, but for the database no longer than until the deadline."""
        try:
            async with asyncio.timeout(stop.left(least=_LAST_COMMIT)):
                if not settling.done():
                    await self._with.settler.drained()
                if not returning.done():
                    await self._returns.drained()
        except TimeoutError:
            _log.error("stop.unsettled", outcomes=self.unsettled)
