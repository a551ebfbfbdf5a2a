"""The octets of one connection: asyncio's protocol under a dialogue, on plain TCP and on TLS.

Replies are judged where they arrive, inside `data_received`: no turn of the event loop lies between
the parsing of a final reply and its witness. One waiter serves all waiting, however many replies a
group owes. Nothing here raises for the world's faults: a wait ends, and the dialogue says why.
"""

import asyncio
import math
from typing import cast

from daemon.delivery.courier import Reason
from daemon.delivery.dialogue import Dialogue

_LAST_LOOK = 0.01
"""Seconds that the sockets are looked at once more before a wait is given up. With none at all,
uvloop gives up without a look."""


class Wire(asyncio.Protocol):
    """One open connection, from the end of its TLS and AUTH to its close."""

    def __init__(self, dialogue: Dialogue, transport: asyncio.Transport) -> None:
        self.dialogue = dialogue
        self.unsent = 0
        """Octets that had not left this process when the connection was given up."""
        self._loop = asyncio.get_running_loop()
        self._transport = transport
        self._waiter: asyncio.Future[None] | None = None
        self._deadline = self._watch_at = math.inf
        self._watching: asyncio.TimerHandle | None = None
        self._is_last_look = False
        self._paused = False
        self._lost = False
        # pause as soon as anything stays behind, resume when all of it has left
        transport.set_write_buffer_limits(high=1, low=0)
        transport.set_protocol(self)

    @property
    def is_open(self) -> bool:
        """Whether a write can still get anywhere."""
        return self.dialogue.broken is None and not self._transport.is_closing()

    def write(self, data: bytes) -> None:
        """Hands the octets to the kernel, now or as soon as it takes them."""
        self._transport.write(data)

    async def drained(self, deadline: float) -> None:
        """Waits until all that was written has left this process, or the dialogue has ended."""
        # even if nothing is left behind: others get their turn, and a loss gets noticed
        await asyncio.sleep(0)
        while self._paused and self.dialogue.broken is None:
            await self.news(deadline)

    async def heard(self, deadline: float) -> None:
        """Waits until all that is owed was heard, or the dialogue has ended."""
        while not self.dialogue.is_quiet:
            await self.news(deadline)

    async def news(self, deadline: float) -> None:
        """Waits for anything to happen. At the deadline, by the loop's clock, that is a timeout."""
        self._deadline = deadline
        # who sends a little again and again gets no second last look
        self._is_last_look = self._is_last_look and deadline <= self._loop.time()
        if deadline < self._watch_at:
            self._watch(deadline)
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    async def close(self) -> None:
        """Closes at once; what was not sent never will be. Waits until the socket is closed."""
        self.dialogue.end(Reason.STOPPED)
        self._transport.abort()
        if not self._lost:
            await self.news(self._loop.time() + 1.0)

    def abandon(self) -> None:
        """Breaks off: whoever waits hears that the connection is no more."""
        self.dialogue.end(Reason.STOPPED)
        self._transport.abort()
        self._wake()

    def data_received(self, data: bytes) -> None:
        """Octets from the server: the dialogue judges them before anyone else runs."""
        self.dialogue.feed(data)
        self._wake()

    def eof_received(self) -> None:
        """The server says no more. What we still hold must not leave: nobody would answer it."""
        self._give_up(Reason.DROPPED)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 the loop's contract
        """The connection is gone."""
        self._lost = True
        if self._watching is not None:
            self._watching.cancel()
        self.dialogue.end(Reason.DROPPED)
        self._wake()

    def pause_writing(self) -> None:
        """The kernel takes no more for now."""
        self._paused = True

    def resume_writing(self) -> None:
        """All that was written has left."""
        self._paused = False
        self._wake()

    def _watch(self, at: float) -> None:
        """One timer for all waits: it is set anew only if a wait may end before it."""
        if self._watching is not None:
            self._watching.cancel()
        self._watch_at = at
        self._watching = self._loop.call_at(at, self._look)

    def _look(self) -> None:
        self._watch_at = math.inf
        if self._waiter is None:
            return
        now = self._loop.time()
        if self._deadline > now:
            self._watch(self._deadline)
        elif self._is_last_look:
            self._give_up(Reason.TIMEOUT)
        else:
            # whoever was frozen may have the reply in his socket, and timers may go before sockets
            self._is_last_look = True
            self._watch(now + _LAST_LOOK)

    def _give_up(self, reason: Reason) -> None:
        if self.dialogue.broken is None:
            self.unsent = self._transport.get_write_buffer_size()
            self.dialogue.end(reason)
        self._transport.abort()
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def adopt(dialogue: Dialogue, transport: asyncio.BaseTransport) -> Wire:
    """Takes over a connection that someone else has opened."""
    return Wire(dialogue, cast("asyncio.Transport", transport))
