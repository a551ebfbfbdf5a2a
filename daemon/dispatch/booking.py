"""What became of deliveries is booked: charged once handed over, released once ended without that.

Settling never touches an account. Here each job is booked by how far its two counters have grown,
under a key that names how far: whatever is killed or repeated, no growth is booked twice. One
instance books at a time; any may.
"""

import asyncio
import time
from uuid import UUID

from daemon import logs
from daemon.mail import money
from daemon.store import credit, door, errors

AT_ONCE = 500
"""Jobs in one transaction: whoever settles or accepts for them meanwhile waits."""
EVERY = 1.0
"""Seconds between two looks, as long as a look is short."""
_SHARE = 5
"""A look that takes longer is followed by so many times its length of rest …"""
_LONGEST = 10.0
"""… but no job grows for longer than so many seconds unbooked."""

_log = logs.get("dispatch.booking")
_seldom = logs.Seldom()


class Booking:
    """Books for ever."""

    def __init__(self, store: door.Store) -> None:
        self._store = store
        self._limit = AT_ONCE
        self._at = list[UUID]()
        self._refused = set[UUID]()

    async def run(self) -> None:
        """Looks for what has grown; what can't be booked now is booked at a later look."""
        while True:
            begun = time.monotonic()
            try:
                await self.look()
            except (errors.Unavailable, errors.Again) as error:
                logs.outage(_log, "booking.waits", error)
            took = time.monotonic() - begun
            await asyncio.sleep(min(max(EVERY, _SHARE * took), _LONGEST))

    async def look(self) -> None:
        """Books all that has grown; a job that breaks a law is left out and named."""
        self._limit, self._refused = AT_ONCE, set[UUID]()
        while True:
            try:
                if await self.book() < self._limit:
                    return
            except (errors.Unavailable, errors.Again):
                raise
            except Exception as error:  # noqa: BLE001  a law of the database, or a fault of ours
                self._part(error)

    def _part(self, error: Exception) -> None:
        """What can't be booked together is booked one by one; who fails alone is left out."""
        self._limit = 1
        if len(self._at) != 1:
            return
        self._refused.update(self._at)
        swallowed = _seldom.ask(type(error))
        if swallowed is not None:
            _log.error(
                "booking.refused", job_id=str(self._at[0]), why=str(error), swallowed=swallowed
            )

    async def book(self) -> int:
        """Books the next jobs; answers how many."""
        async with self._store.transaction() as session:
            if not await credit.our_turn(session):
                return 0
            jobs = await credit.to_book(session, self._limit, without=self._refused)
            self._at = [job.id for job in jobs]
            if not jobs:
                return 0
            await credit.booked(session, jobs)
            accounts = await credit.accounts(session, {job.payer for job in jobs})
            entries = [
                entry
                for job in jobs
                if (account := accounts.get(job.payer))
                for entry in money.book(account, job.id, job.price, job.was, job.now)
            ]
            await credit.enter(session, accounts, entries)
            return len(jobs)
