"""The places of a storm's instances: whoever sits there is killed, frozen, stopped, replaced."""

import asyncio
import signal
import time
from collections.abc import Callable

from tests.stories.house import House
from tests.stories.process import Daemon

STOPPING = 30.0
"""Seconds for a clean stop, whatever the servers do meanwhile: its own deadline is shorter."""
_GLANCE = 0.2


class Seat:
    """One place. What happens to it that nobody did to it is a flaw."""

    def __init__(self, house: House, name: str, say: Callable[[str], None]) -> None:
        self._house = house
        self._say = say
        self.name = name
        self.flaws: list[str] = []
        self.starts = 0
        self.stops: list[float] = []
        """How long each clean stop took."""
        self._sitting: Daemon | None = None
        self._is_held = False
        """Whether somebody is at it, so that an end is his doing."""

    @property
    def daemon(self) -> Daemon:
        """Who sits there."""
        assert self._sitting is not None, f"nobody sits at {self.name}"
        return self._sitting

    async def start(self) -> None:
        """Somebody sits down; whether he can get ready is another matter."""
        self._sitting = await self._house.start(is_ready=False)
        self.starts += 1

    async def kill(self, away: float) -> None:
        """Kill -9; after a while there is somebody new."""
        self._is_held = True
        self.daemon.kill()
        await self.daemon.ended()
        await asyncio.sleep(away)
        await self.start()
        self._is_held = False

    async def freeze(self, seconds: float) -> None:
        """Stands still for so long, and goes on as if nothing had been."""
        self.daemon.pause()
        try:
            await asyncio.sleep(seconds)
        finally:
            self.daemon.resume()

    async def stop(self, away: float) -> None:
        """SIGTERM: it leaves by itself, with 0; after a while there is somebody new."""
        self._is_held = True
        began = time.monotonic()
        self.daemon.is_doomed = True
        self.daemon.terminate()
        try:
            status = await self.daemon.ended(STOPPING)
        except TimeoutError:
            status = None
            self.daemon.kill()
            await self.daemon.ended()
        self.stops.append(time.monotonic() - began)
        # whoever hasn't said a word has not begun: the signal ends him, and nothing is lost
        if status != 0 and not (status == -signal.SIGTERM and not self.daemon.log):
            self._flaw(f"{self.daemon.name}: a clean stop ended with {status}")
        await asyncio.sleep(away)
        await self.start()
        self._is_held = False

    async def reload(self) -> None:
        """SIGHUP."""
        self.daemon.hangup()

    async def watch(self) -> None:
        """For ever: whoever ends by himself is replaced, as systemd would, and told."""
        while True:
            await asyncio.sleep(_GLANCE)
            if not self._is_held and not self.daemon.is_running:
                status = await self.daemon.ended()
                self._flaw(f"{self.daemon.name} ended by itself with {status}")
                await self.start()

    def _flaw(self, text: str) -> None:
        self.flaws.append(text)
        self._say(f"!! {text}")
