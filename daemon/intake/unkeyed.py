"""Parcels without a key, remembered until their acknowledgement is known to have arrived.

Until then the broker may hand one out again, and the memory is all that tells it from a new one
(design 2.2). What was acknowledged before a question that the broker has answered has arrived.
"""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from daemon import logs
from daemon.broker.consumer import Consumer
from daemon.store import door, errors, memories

Settle = Callable[[door.Store, Sequence[int]], Awaitable[None]]

PAUSE = 1.0
"""Seconds between questions, while there is something to ask about."""

_log = logs.get("intake.unkeyed")


class Unkeyed:
    """The memories of one consumer's parcels, by the session that they came on."""

    def __init__(self, store: door.Store, consumer: Consumer) -> None:
        self._store = store
        self._consumer = consumer
        self._open: dict[int, list[int]] = defaultdict(list)
        self._some = asyncio.Event()

    def acknowledged(self, session: int, memory: int) -> None:
        """A parcel with this memory was just acknowledged on its session."""
        self._open[session].append(memory)
        self._some.set()

    async def run(self) -> None:
        """Forgets for ever."""
        while True:
            await self._some.wait()
            await asyncio.sleep(PAUSE)
            await self.ask()

    async def ask(self) -> None:
        """Asks once, and forgets what is known to have arrived.

        The memories of a session that is lost stay, and are nobody's: their parcels may come again.
        """
        asked = {session: len(some) for session, some in self._open.items()}
        answered = await self._consumer.confirm_acks()
        for session, number in asked.items():
            if session == answered:
                await self._settle(session, number, memories.arrived)
            elif session != self._consumer.session:
                await self._settle(session, number, memories.lost)
        if not self._open:
            self._some.clear()

    async def _settle(self, session: int, number: int, settle: Settle) -> None:
        some = self._open[session]
        try:
            await settle(self._store, some[:number])
        except (errors.Unavailable, errors.Again) as error:
            logs.outage(_log, "unkeyed.waits", error)
            return
        # others may have been acknowledged meanwhile
        del some[:number]
        if not some:
            del self._open[session]
