"""What is kept long enough goes: whole days of the ledger and of deliveries, and finished jobs.

Nothing unfinished is ever removed, and nothing untold. Whatever goes does so a little at a time, so
that nobody waits for it; and in an order in which no audit finds half of something.
"""

from collections.abc import AsyncIterator
from datetime import date, datetime
from uuid import UUID

from daemon.store import door

_JOBS = 500
"""Jobs of which something is removed by one statement."""
_NOBODY = UUID(int=0)


async def ledger(store: door.Store, keep: date) -> list[date]:
    """Drops days of the ledger before `keep`, oldest first, as far as they may go; which."""
    gone: list[date] = []
    while day := await store.value("partition.drop_ledger", keep):
        gone.append(day)
    if gone:
        await store.run("stream.forget", gone[-1])
    return gone


async def days(store: door.Store, keep: date) -> list[date]:
    """Days of deliveries before `keep` that may go: all their jobs are finished."""
    return [row["day"] for row in await store.rows("retention.days", keep)]


async def stripped(store: door.Store, day: date) -> AsyncIterator[None]:
    """Removes what a day's jobs have beside their deliveries; yields after every few jobs."""
    last = _NOBODY
    while found := await store.value("retention.strip", day, last, _JOBS):
        last = found
        yield


async def drop(store: door.Store, day: date) -> bool:
    """Drops a day of deliveries; whether it could."""
    is_gone: bool = await store.value("retention.drop", day)
    return is_gone


async def jobs(store: door.Store, before: datetime) -> int:
    """Forgets some jobs that ended before a moment; how many, none when there are no more."""
    return await store.run("retention.jobs", before, _JOBS)
