"""What must be done or looked at now and then, by whoever gets to it first."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from daemon.store import door, migrate


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """The whole system's open work. `oldest_due` in seconds."""

    waiting: int
    ready: int
    under_way: int
    deferred: int
    in_doubt: int
    instances: int
    oldest_due: float
    untold: int


async def backlog(store: door.Store) -> Backlog:
    """Counts the open work of the whole system."""
    row = await store.row("upkeep.backlog")
    told = await store.row("stream.untold")
    assert row is not None  # noqa: S101  aggregates always answer a row
    assert told is not None  # noqa: S101
    return Backlog(**dict(row), untold=told["events"])


async def partitions(store: door.Store, today: date) -> None:
    """Makes the partitions of the next days, where they are missing."""
    for day in range(migrate.DAYS_AHEAD + 1):
        await store.rows("partition.make", today + timedelta(days=day))


async def forget(store: door.Store) -> None:
    """Forgets keys whose time is over, streams that are told, instances long gone."""
    await store.rows("accept.forget_keys")
    await store.run("stream.retire")
    await store.run("instance.forget")


async def law_breakers(store: door.Store, limit: int) -> list[UUID]:
    """Jobs whose counters differ from what their batches say: always a bug."""
    return [row["id"] for row in await store.rows("upkeep.law", limit)]
