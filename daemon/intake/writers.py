"""As many transactions at once as the configuration allows, each on a stream of its own."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from daemon import metrics
from daemon.ledger.writer import Append, Writer


class Writers:
    """Lends writers; whoever finds none free waits in line."""

    def __init__(self, writers: Sequence[Writer]) -> None:
        self._writers = writers
        # the last one back goes out first: its connection and its stream are warm
        self._free: asyncio.LifoQueue[Writer] = asyncio.LifoQueue()
        for writer in writers:
            self._free.put_nowait(writer)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Append]:
        """A transaction of a writer that is free; see there for what it raises."""
        writer = await self._free.get()
        try:
            with metrics.accept_seconds.time():
                async with writer.transaction() as append:
                    yield append
        finally:
            self._free.put_nowait(writer)

    async def close(self) -> None:
        """Ends their streams."""
        for writer in self._writers:
            await writer.close()
