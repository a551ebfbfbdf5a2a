"""One lane at work: what it holds, who may start, and the connections that take from it.

A delivery passes three places here: it waits (claimed, by class), it is ready (it has a permit
whose window is open), it is flying (a courier has it). Connections take from `ready` only; a permit
whose window has closed sends its delivery back to the front of those that wait. A lane that can't
start anything for long stands down: what waits goes back to everyone.
"""

import asyncio
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from daemon import metrics
from daemon.crashpoints import reach
from daemon.delivery import courier as couriers
from daemon.dispatch import clock
from daemon.dispatch.ease import Ease, complain
from daemon.dispatch.held import Held
from daemon.dispatch.line import Line
from daemon.dispatch.ready import URGENT, Ready
from daemon.mail.attempt import Attempt
from daemon.mail.outcome import Deferred, Failed, Outcome, Sent
from daemon.precedence import of_process as precedence
from daemon.store import lanes

LOW_WATER = 250
"""Deliveries of one class that wait in a lane before more are claimed."""
_LONG_REST = 2.5
"""Seconds of rest from which on others had better have what waits."""


class Ends(Protocol):
    """What a lane tells of a delivery that came to an end here."""

    def ended(self, held: Held, outcome: Outcome) -> None:
        """An attempt has an outcome."""

    def returned(self, held: Held) -> None:
        """It never started, and others may have it."""


class Composer(Protocol):
    """Turns what is held into an attempt."""

    def attempt(self, held: Held, lane: lanes.Lane) -> Attempt | Failed | Deferred:
        """The bytes and the envelope, or why there can't be any, or not now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What lanes need of the configuration. Times in seconds."""

    idle: float
    permit_size: int
    permit_window: float
    shares: Mapping[int, float]
    """Class → weight."""


class Lane:
    """A lane of this instance: a `Source` for its connections."""

    def __init__(
        self,
        lane: lanes.Lane,
        settings: Settings,
        *,
        composer: Composer,
        ends: Ends,
        hungry: Callable[[], None],
    ) -> None:
        self.lane = lane
        self.settings = settings
        self.ease = Ease()
        self.granted = 0
        """Connections that this instance may have open here."""
        self.workers = 0
        """Connections that are open, or being opened."""
        self.flying: dict[int, Held] = {}
        self.more = asyncio.Event()
        """Set when there may be reason for another permit."""
        self.work = asyncio.Event()
        """Set when something was claimed."""
        self.asking = 0
        """Deliveries that are out for a permit: held, though they stand nowhere."""
        self.started = 0
        """Deliveries that a courier has taken so far."""
        self.closing = False
        self.is_denied = False
        """Whether others have all the connections: they may have all the work, too."""
        self._down_until = 0.0
        self._changed = asyncio.Event()
        self._dismissed = 0
        self._line = Line(settings.shares)
        self._ready = Ready()
        self._takers: deque[asyncio.Future[None]] = deque()
        self._composer = composer
        self._ends = ends
        self._hungry = hungry

    # --- what it holds ---

    @property
    def holding(self) -> int:
        """Deliveries in memory."""
        return self.waiting + self.asking + self.ready + len(self.flying)

    @property
    def waiting(self) -> int:
        """Deliveries without a permit."""
        return len(self._line)

    @property
    def ready(self) -> int:
        """Deliveries with a permit that nobody has taken."""
        return len(self._ready)

    @property
    def idle(self) -> int:
        """Connections that wait for something to take."""
        return len(self._takers)

    def has(self, klass: int) -> bool:
        """Whether something of a class waits here, so that it can go on for a while."""
        return self._line.of(klass) > 0

    def wants(self, klass: int) -> bool:
        """Whether more of a class should be claimed."""
        if self.closing or self.is_denied or time.monotonic() < self._down_until:
            return False
        if self.holding and (self.ease.is_resting or not self.granted):
            return False  # what is held already can't start now
        return self._line.of(klass) < LOW_WATER

    def add(self, held: Iterable[Held]) -> None:
        """Takes what was claimed."""
        self._line.add(held)
        if self.closing:  # it was let go while we claimed for it
            self.give_back()
        self.more.set()
        self.work.set()

    def next_asks(self, limit: int, *, to_end: bool = False) -> list[Held]:
        """Takes out up to `limit` deliveries to ask a permit for, by their classes' shares.

        As many more may come, if that takes it `to_end` of the last one's batch.
        """
        chosen = self._line.next(limit, to_end=to_end)
        for held in chosen:
            held.asked = True
        self.asking = len(chosen)
        if self.waiting < LOW_WATER:
            self._hungry()
        return chosen

    def refuse(self, asked: Iterable[Held]) -> None:
        """Takes back what was out for a permit and heard nothing."""
        self.asking = 0
        self._line.put_back(asked)

    def permit(self, held: Iterable[Held]) -> None:
        """Makes those ready that have their permit, and wakes the connections that wait for them.

        With it all that were out for one are back.
        """
        self.asking = 0
        self.admit(held)

    def admit(self, held: Iterable[Held]) -> None:
        """The same for what never waited here."""
        self._ready.add(held)
        self._wake(self.ready)

    def before(self, klass: int) -> int:
        """Deliveries that are to start before another one of a class."""
        return self._ready.before(klass) + (self.asking if klass else 0)

    def recall(self) -> None:
        """Puts back what is ready and void: nobody came for it in time."""
        if void := self._ready.void():
            metrics.permits_void.inc(len(void))
            self._line.put_back(void)

    def give_back(self) -> None:
        """Gives everything that isn't flying back to everyone."""
        for held in [*self._ready.emptied(), *self._line.emptied()]:
            self._ends.returned(held)

    def stand_down(self, seconds: float) -> None:
        """Gives everything back, and wants nothing for so long."""
        self._down_until = time.monotonic() + seconds
        self.give_back()

    async def rested(self) -> None:
        """Returns when the relay's rest is over, be it ended by a change."""
        if not self.ease.is_resting:
            return
        self._changed.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.ease.left):
                await self._changed.wait()

    def change(self, lane: lanes.Lane) -> None:
        """What is known of the relay may be other than before: whatever ailed it is no reason."""
        self.lane = lane
        self.ease.end_rest()
        self._down_until = 0.0
        self._changed.set()
        self.more.set()
        self._hungry()

    def grant(self, connections: int) -> None:
        """Sets how many connections may be open; of those beyond it the idle ones close now."""
        self.granted = connections
        self._wake(self.workers - connections)
        if self.is_denied and connections:
            self.is_denied = False
            self._hungry()

    def deny(self) -> None:
        """Gives everything back, and wants nothing until something is granted."""
        self.is_denied = True
        self.give_back()

    def close(self) -> None:
        """No connection takes anything from here on."""
        self.closing = True
        self.more.set()
        self._wake(self.idle)

    def dismiss(self) -> None:
        """Asks a connection to close, an idle one if there is: another lane needs its place."""
        if self._dismissed < self.workers:
            self._dismissed += 1
            self._wake(self._dismissed)

    def lost(self) -> None:
        """A connection is closed."""
        self.workers -= 1
        self._dismissed = min(self._dismissed, self.workers)
        # what is ready, and was meant for this connection, needs another one
        self.more.set()

    def _wake(self, number: int) -> None:
        """Wakes idle connections, as many as have not been woken among the first so many."""
        for taker in itertools.islice(self._takers, max(number, 0)):
            if not taker.done():
                taker.set_result(None)

    # --- what a connection sees ---

    def take_nowait(self) -> Attempt | None:
        """The next delivery whose permit is open, composed."""
        if self.workers > self.granted or self._dismissed:
            return None  # the limit shrank, or another lane is next: one connection is too many
        self.recall()
        if self._stands_back():
            return None
        while self.ready and not self.closing:
            held = self._ready.next()
            made = self._composer.attempt(held, self.lane)
            reach("C9")
            held.taken = time.monotonic()
            self._take_off(held)
            if isinstance(made, Attempt):
                return made
            self._end(held, made)
            self.recall()
        self.more.set()
        return None

    def _stands_back(self) -> bool:
        """Whether what is ready waits for something urgent, which is in hand elsewhere."""
        if not self.ready or self._ready.before(URGENT):
            return False
        return precedence.holds_up(self._go_on)

    def _go_on(self) -> None:
        self._wake(self.ready)

    async def take(self) -> Attempt | None:
        """The same, waited for; None when the connection has been idle long enough."""
        deadline = time.monotonic() + self.settings.idle
        while not self.closing and self.workers <= self.granted:
            if self._dismissed:
                self._dismissed -= 1
                return None
            attempt = self.take_nowait()
            if attempt is not None:
                return attempt
            if not await self._woken(deadline):
                return None
        return None

    async def _woken(self, deadline: float) -> bool:
        """Waits for something to become ready; False at the deadline."""
        taker = asyncio.get_running_loop().create_future()
        self._takers.append(taker)
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                await taker
        except TimeoutError:
            return bool(self.ready)
        finally:
            self._takers.remove(taker)
        return True

    async def renew(self, attempt: Attempt) -> bool:
        """Whether a taken attempt may still start, after a connection had to be opened."""
        held = self.flying[attempt.delivery_id]
        if clock.now() < held.until:
            return True
        self._land(held)
        self._line.put_back([held])
        self.more.set()
        return False

    def settle(self, attempt: Attempt, outcome: Outcome) -> None:
        """Passes an outcome on; the relay's own trouble makes the whole lane rest."""
        if ailment := couriers.ailment(outcome):
            complain(self.lane.name, ailment)
        self.ease.learn(ailment, wants_person=couriers.wants_person(outcome))
        if isinstance(outcome, Sent):
            metrics.sent_bytes.inc(len(attempt.content.data))
        self._end(self.flying[attempt.delivery_id], outcome)
        if self.ease.left > _LONG_REST:
            self.stand_down(self.ease.left)
        self.more.set()

    def _take_off(self, held: Held) -> None:
        self.flying[held.id] = held
        self.started += 1
        if held.klass == URGENT:
            precedence.begin()

    def _land(self, held: Held) -> None:
        del self.flying[held.id]
        if held.klass == URGENT:
            precedence.end()

    def _end(self, held: Held, outcome: Outcome) -> None:
        self._land(held)
        self._ends.ended(held, outcome)
