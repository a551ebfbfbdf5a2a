"""Claims on their way back to everyone: collected, and given back in one statement at a time."""

import asyncio
from uuid import UUID

from daemon import logs
from daemon.dispatch.held import Claim, Holdings
from daemon.store import claims, door, errors

_PAUSE = 0.5

_log = logs.get("dispatch.returns")


class Returns:
    """Gives claims back as soon as the database can."""

    def __init__(self, store: door.Store, holdings: Holdings, *, instance: UUID) -> None:
        self._store = store
        self._holdings = holdings
        self._instance = instance
        self._waiting: list[Claim] = []
        self._work = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()

    def put(self, claim: Claim) -> None:
        """Takes a claim nothing of which is held any more."""
        self._waiting.append(claim)
        self._empty.clear()
        self._work.set()

    async def drained(self) -> None:
        """Returns when everything that was put is given back."""
        await self._empty.wait()

    async def run(self) -> None:
        """Gives back for ever."""
        while True:
            await self._work.wait()
            self._work.clear()
            returning, self._waiting = self._waiting, []
            if not await self._given_back(returning):
                self._waiting = returning + self._waiting
                self._work.set()
                await asyncio.sleep(_PAUSE)
            if not self._waiting:
                self._empty.set()

    async def _given_back(self, returning: list[Claim]) -> bool:
        try:
            await claims.give_back(
                self._store,
                self._instance,
                batches=[
                    (one.batch_id, one.epoch) for one in returning if one.batch_id is not None
                ],
                retries=[
                    (one.retry_id, one.epoch) for one in returning if one.retry_id is not None
                ],
            )
        except (errors.Unavailable, errors.Again) as error:
            logs.outage(_log, "give_back.waits", error)
            return False
        for claim in returning:
            self._holdings.leave(claim)
        return True
