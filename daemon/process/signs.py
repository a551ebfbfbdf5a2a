"""What systemd, and with it a person, sees of us: ready, alive, stopping, and how things stand.

One loop, on the event loop that does all the work: if that hangs, the signs of life stop, and
systemd restarts us (H14). How the servers are is no part of it: a daemon whose database is away is
alive.
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

import orjson

from daemon.engine import House, Numbers
from daemon.process.notify import Notify

FIELD = "X_DELIVERYD"
"""What a supervisor of ours hears besides; systemd passes over it."""
_BEAT = 0.5
"""Seconds between two looks at how things stand."""
_PATIENCE = 30.0
"""Seconds that a start or a stop which goes on asks for, again and again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How things stand."""

    is_ready: bool
    """Whether new work may come."""
    unwell: str
    """What is down and why; empty = nothing."""
    numbers: Numbers
    remark: str = ""
    """What a person should know besides."""

    @property
    def status(self) -> str:
        """All of it in one line, for people."""
        flying, waiting, untold = self.numbers.flying, self.numbers.waiting, self.numbers.untold
        told = f"{flying} in flight, {waiting} waiting, {untold} untold"
        return "; ".join(filter(None, (self.unwell or "delivering", told, self.remark)))


class Signs:
    """The signs of one process; `run` is a task for ever."""

    def __init__(
        self,
        notify: Notify,
        stop: asyncio.Event,
        *,
        is_begun: Callable[[], bool],
        standing: Callable[[], Standing],
        is_alive: Callable[[], bool] = lambda: True,
    ) -> None:
        """`is_alive`: whether what else has to turn does so, besides the loop that asks."""
        self._notify = notify
        self._stop = stop
        self._is_begun = is_begun
        self._standing = standing
        self._is_alive = is_alive
        self._is_ready = False
        self._is_stopping = False
        self._said: Standing | None = None
        self._due = 0.0

    async def run(self) -> None:
        """Gives signs for ever."""
        watchdog = self._notify.watchdog
        while True:
            self.give()
            await asyncio.sleep(min(_BEAT, watchdog / 4) if watchdog else _BEAT)

    def give(self) -> None:
        """Gives the signs that are due."""
        if self._is_begun() and not self._is_ready:
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
        stands = self._standing()
        if stands != self._said:
            self._said = stands
            self._notify.status(stands.status, **{FIELD: _field(stands)})

    def _live(self) -> None:
        now = time.monotonic()
        if self._notify.watchdog and now >= self._due and self._is_alive():
            self._due = now + self._notify.watchdog / 2
            self._notify.alive()


def of_house(house: House) -> Standing:
    """How one instance stands."""
    return Standing(
        is_ready=house.health.is_ready,
        unwell="; ".join(house.health.reasons),
        numbers=house.numbers(),
        remark=house.remark,
    )


def _field(stands: Standing) -> str:
    told = {"ready": stands.is_ready, "unwell": stands.unwell, "numbers": asdict(stands.numbers)}
    return orjson.dumps(told).decode()
