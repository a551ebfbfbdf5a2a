"""Who goes first in a process that does everything on one processor: what people wait for.

While something urgent is in hand all other work stands back between two of its pieces: the next
group of requests, commit, permit, mail or page of events. A way of a dozen short steps is over in
no time then, and each step would else wait for whatever is long. Half of the time is everybody's:
after a spell of standing back nobody stands back for as long. Nothing presses for longer than a
spell: what takes more time than that waits for others than us.

One for the whole process, as its event loop is.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

SPELL = 0.1
"""Seconds that others stand back at a stretch, at most."""


_now = time.monotonic


class Precedence:
    """Counts what is urgent, and holds up the rest meanwhile."""

    def __init__(self) -> None:
        self._pressing = 0
        self._waiting: dict[Callable[[], None], None] = {}
        """Whom to tell of the end of a spell, each once, in their order."""
        self._timer: asyncio.TimerHandle | None = None
        self._began: float | None = None
        self._free_until = 0.0
        self._until = 0.0
        """Till when the last that became urgent may press."""

    @asynccontextmanager
    async def turn(self, *, is_urgent: bool) -> AsyncIterator[None]:
        """One piece of work: before which others stand back if it is urgent, or which does so."""
        if not is_urgent:
            await self.stand_back()
            yield
            return
        self.begin()
        try:
            yield
        finally:
            self.end()

    def begin(self) -> None:
        """Something urgent is in hand, until `end`; it presses for a spell."""
        self._pressing += 1
        self._until = _now() + SPELL

    def end(self) -> None:
        """As many are done with as were begun: the others go on when none is left."""
        self._pressing -= 1
        if not self._pressing and self._began is not None:
            self._go_on()

    async def stand_back(self) -> None:
        """Waits while something urgent is in hand, if it is the others' turn to wait."""
        over = asyncio.Event()
        if self.holds_up(over.set):
            await over.wait()

    def holds_up(self, go_on: Callable[[], None]) -> bool:
        """Whether others have to wait; if so they hear once when they may go on."""
        now = _now()
        if not self._pressing or not self._free_until <= now < self._until:
            return False
        if self._began is None:
            self._began = now
            self._look()
        self._waiting[go_on] = None
        return True

    def _look(self) -> None:
        """Ends a spell at its time, which is put off by what becomes urgent meanwhile."""
        if self._began is None:
            return
        left = min(self._began + SPELL, self._until) - _now()
        if left > 0:
            self._timer = asyncio.get_running_loop().call_later(left, self._look)
        else:
            self._go_on()

    def _go_on(self) -> None:
        """Ends a spell; the next one comes when as much time has passed again."""
        if self._began is None:
            return
        now = _now()
        self._free_until = now + (now - self._began)
        self._began = None
        if self._timer is not None:
            self._timer.cancel()
        waiting, self._waiting = self._waiting, {}
        for go_on in waiting:
            go_on()


of_process = Precedence()
