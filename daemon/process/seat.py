"""The seat of one of several instances: a process, and after its end the next one in its place.

Whoever ends by himself is followed at once the first time, and after growing pauses when that goes
on: a fault that comes back at each start must not cost more than the start.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from daemon import logs, metrics, tasks
from daemon.engine import Numbers
from daemon.process import ends, leash
from daemon.process.hearing import Hearing

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before the next start; each is twice the one before."""
_FIRST_SIGN = 60.0
"""Seconds that a process may take, from its start, until it first says something."""
_STEADY = 60.0
"""Seconds at work after which an end is no repetition of the last one."""

_log = logs.get("process.seat")


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """How an instance is started."""

    command: Sequence[str]
    folder: Path
    """Where the supervisor hears it, and asks it."""
    leash: int
    """The end of a pipe that ends with the supervisor."""
    patience: float
    """Seconds within which it has to give a sign of life."""


class Seat:
    """The place of one instance, from the first start to the last end."""

    def __init__(self, number: int, start: Start, news: Callable[["Seat"], None]) -> None:
        self.number = number
        self.run = 0
        """Which process this is, counted from 1."""
        self.code: int | None = None
        """How the last one ended; None as long as it works, or before the first."""
        self.left = 0
        """The exit code of the one that ended because it was time to stop."""
        self._start = start
        self._news = news
        self._process: asyncio.subprocess.Process | None = None
        self._hearing: Hearing | None = None
        self._is_asked = False
        self._seldom = logs.Seldom()
        self._pause = 0.0
        self._began = 0.0

    @property
    def name(self) -> str:
        """For people, and as a label."""
        return str(self.number)

    @property
    def socket(self) -> str:
        """Where it answers what `ops.listen` is for."""
        return str(self._start.folder / f"{self.number}.ops")

    @property
    def is_running(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    @property
    def is_ready(self) -> bool:
        """Whether new work may come to it."""
        return self._hearing is not None and self._hearing.is_ready

    @property
    def readies(self) -> int:
        """How often this one said that it is ready, or done with reloading."""
        return self._hearing.readies if self._hearing else 0

    @property
    def numbers(self) -> Numbers:
        """What it has in hand."""
        return self._hearing.numbers if self._hearing else Numbers()

    @property
    def unwell(self) -> str:
        """What isn't well with it; empty = nothing."""
        if self._hearing is not None:
            return self._hearing.unwell
        if self.code is None:
            return "not started yet"
        return f"{_ended(self.code)}; after {self._pause:g} s it is started again"

    async def keep(self, stop: asyncio.Event) -> None:
        """Has an instance at work until it is time to stop, and that one has ended."""
        loop = asyncio.get_running_loop()
        while not stop.is_set():
            began = loop.time()
            if self.run:
                metrics.process_restarts.inc()
            self.code = await self._one(stop)
            if stop.is_set():
                # a signal that met it before it could listen ended nothing that had begun
                self.left = max(self.code, 0) if self.code == -signal.SIGTERM else self.code
                break
            if loop.time() - began > _STEADY:
                self._pause = 0.0
            self._tell()
            await tasks.comes(stop, self._pause)
            self._pause = min(max(self._pause * 2, FIRST_PAUSE), LONGEST_PAUSE)

    def terminate(self) -> None:
        """It shall stop in order."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """It shall be gone."""
        self._send(signal.SIGKILL)

    def hangup(self) -> None:
        """It shall read its configuration again; as soon as it can hear that."""
        self._is_asked = True
        if self._hearing is not None and self._hearing.heard_at is not None:
            self._is_asked = False
            self._send(signal.SIGHUP)

    def silence(self, now: float) -> float:
        """Seconds without a sign of life, beyond what it may take for one; 0: it lives."""
        if self._hearing is None:
            return 0.0
        heard_at, patience = self._hearing.heard_at, self._start.patience
        if heard_at is None:  # it has yet to load itself
            heard_at, patience = self._began, max(patience, _FIRST_SIGN)
        return max(0.0, now - heard_at - patience)

    def forgive(self, now: float) -> None:
        """We have slept ourselves: whatever it said meanwhile, nobody heard it."""
        self._began = now
        if self._hearing is not None and self._hearing.heard_at is not None:
            self._hearing.heard_at = now

    async def _one(self, stop: asyncio.Event) -> int:
        """One process, from its start to its end; its exit code, or minus the signal."""
        self.run += 1
        self._began = asyncio.get_running_loop().time()
        address = self._start.folder / f"{self.number}.notify"
        try:
            with Hearing(address, self._heard) as self._hearing:
                self._process = process = await self._started(address)
                _log.info("process.started", number=self.number, pid=process.pid)
                if stop.is_set():
                    self.terminate()
                return await process.wait()
        except OSError as error:  # no memory, no more processes, no room for a socket
            _log.error("process.impossible", number=self.number, why=error.strerror)
            return ends.FAULT
        finally:
            self.kill()
            self._process = self._hearing = None
            self._is_asked = False

    async def _started(self, address: Path) -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(
            *self._start.command,
            *("--set", f"ops.listen=unix:{self.socket}"),
            stdin=self._start.leash,
            env=self._environment(os.environ, address),
            start_new_session=True,  # Ctrl-C reaches it through us, and once
        )

    def _environment(self, ours: Mapping[str, str], address: Path) -> dict[str, str]:
        """We are to it what systemd is to us."""
        theirs = {name: value for name, value in ours.items() if name != "WATCHDOG_PID"}
        return theirs | {
            leash.NUMBER: self.name,
            "NOTIFY_SOCKET": str(address),
            "WATCHDOG_USEC": str(int(self._start.patience * 1_000_000)),
        }

    def _heard(self) -> None:
        if self._is_asked:
            self.hangup()
        self._news(self)

    def _send(self, number: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(number)

    def _tell(self) -> None:
        self._news(self)
        swallowed = self._seldom.ask(self.code)
        if swallowed is not None and self.code is not None:
            _log.error(
                "process.ended",
                number=self.number,
                why=_ended(self.code),
                again_in=self._pause,
                swallowed=swallowed,
            )


def _ended(code: int) -> str:
    if code >= 0:
        return f"ended with {code}"
    return f"killed by {signal.Signals(-code).name}"
