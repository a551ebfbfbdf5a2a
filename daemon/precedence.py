"""Who goes first in a process that does everything on one processor: what people wait for.

While something urgent is in hand all other work stands back between two of its pieces: the next
group of requests, commit, permit or page of events. A way of a dozen short steps is over in no time
then, and each step would else wait for whatever is long. Half of the time is everybody's: after a
spell of standing back nobody stands back for as long. Nothing presses for longer than a spell: what
takes more time than that waits for others than us.

One for the whole process, as its event loop is.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

SPELL = 0.1
"""Seconds that others stand back at a stretch, at most."""


_now = time.monotonic


class Precedence:
    """Counts what is urgent, and holds up the rest meanwhile."""

    def __init__(self) -> None:
        self._pressing = 0
        self._over = asyncio.Event()
        """Set at the end of a spell; each has one of its own."""
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
        now = _now()
        if not self._pressing or not self._free_until <= now < self._until:
            return
        if self._began is None:
            self._began = now
            self._over = asyncio.Event()
        try:
            async with asyncio.timeout(min(self._began + SPELL, self._until) - now):
                await self._over.wait()
        except TimeoutError:
            self._go_on()

    def _go_on(self) -> None:
        """Ends a spell; the next one comes when as much time has passed again."""
        if self._began is not None:
            now = _now()
            self._free_until = now + (now - self._began)
            self._began = None
            self._over.set()


of_process = Precedence()
