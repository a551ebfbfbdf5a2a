"""Doubts that nobody has decided in time: given up, so that their jobs can end (promise 2)."""

import asyncio
from collections.abc import Callable

from daemon import logs
from daemon.ledger import deciding
from daemon.ledger.writer import Writer
from daemon.store import control, errors, streams

AT_ONCE = 500
"""Doubts given up in one transaction."""
EVERY = 60.0
"""Seconds between two looks."""

_log = logs.get("dispatch.overdue")


class Overdue:
    """Gives up what has been in doubt for longer than `after` says, in seconds."""

    def __init__(self, writer: Writer, *, after: Callable[[], float]) -> None:
        self._writer = writer
        self._after = after

    async def run(self, every: float = EVERY) -> None:
        """Looks for ever."""
        while True:
            try:
                while await self.give_up() == AT_ONCE:
                    pass
            except (errors.Unavailable, errors.Again, streams.StreamLost) as error:
                logs.outage(_log, "overdue.waits", error)
            await asyncio.sleep(every)

    async def give_up(self) -> int:
        """Gives up the oldest of them; answers how many."""
        async with self._writer.transaction() as append:
            found = await control.overdue(append.session, self._after(), AT_ONCE)
            number = await deciding.decided(append, found, "give_up") if found else 0
        if number:
            _log.warning("doubt.given_up", number=number)
        return number
