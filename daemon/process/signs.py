"""What systemd, and with it a person, sees of us: ready, alive, stopping, and how things stand.

One loop, on the event loop that does all the work: if that hangs, the signs of life stop, and
systemd restarts us (H14). How the servers are is no part of it: a daemon whose database is away is
alive.
"""

import asyncio
import time

from daemon.engine import House
from daemon.process.notify import Notify

_BEAT = 0.5
"""Seconds between two looks at how things stand."""
_PATIENCE = 30.0
"""Seconds that a start or a stop which goes on asks for, again and again."""


class Signs:
    """The signs of one process; `run` is a task for ever."""

    def __init__(self, notify: Notify, house: House, stop: asyncio.Event) -> None:
        self._notify = notify
        self._house = house
        self._stop = stop
        self._is_ready = False
        self._is_stopping = False
        self._said = ""
        self._due = 0.0

    async def run(self) -> None:
        """Gives signs for ever."""
        watchdog = self._notify.watchdog
        while True:
            self.give()
            await asyncio.sleep(min(_BEAT, watchdog / 4) if watchdog else _BEAT)

    def give(self) -> None:
        """Gives the signs that are due."""
        if self._house.begun.is_set() and not self._is_ready:
            self._is_ready = True
            self._notify.ready()
        if self._stop.is_set() and not self._is_stopping:
            self._is_stopping = True
            self._notify.stopping()
        if self._stop.is_set() or not self._is_ready:
            self._notify.extend(_PATIENCE)
        self._tell()
        self._live()

    def _tell(self) -> None:
        said = status(self._house)
        if said != self._said:
            self._said = said
            self._notify.status(said)

    def _live(self) -> None:
        now = time.monotonic()
        if self._notify.watchdog and now >= self._due:
            self._due = now + self._notify.watchdog / 2
            self._notify.alive()


def status(house: House) -> str:
    """How things stand, in one line: what is down and why, and this instance's numbers."""
    numbers = house.numbers()
    state = "; ".join(house.health.reasons) or "delivering"
    told = (
        f"{state}; {numbers.flying} in flight, {numbers.waiting} waiting, {numbers.untold} untold"
    )
    return f"{told}; {house.remark}" if house.remark else told
