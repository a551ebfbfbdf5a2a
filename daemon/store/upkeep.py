"""What must be done or looked at now and then, by whoever gets to it first."""

from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from daemon.store import door, migrate

NOBODY = UUID(int=0)
"""Before every job."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Piled:
    """What the ceilings are for."""

    waiting: int
    untold: int


async def piled(store: door.Store) -> Piled:
    """Counts it, over the whole system and fast."""
    row = await store.row("upkeep.piled")
    assert row is not None  # noqa: S101  a SELECT of two values answers its row
    return Piled(**dict(row))


async def end_frozen(store: door.Store, seconds: float) -> int:
    """Ends sessions of instances that stand still within a statement for so long; how many."""
    ended: int = await store.value("upkeep.end_frozen", seconds)
    return ended


async def partitions(store: door.Store, today: date) -> None:
    """Makes the partitions of the next days, where they are missing."""
    for day in range(migrate.DAYS_AHEAD + 1):
        await store.rows("partition.make", today + timedelta(days=day))


async def days_ahead(store: door.Store) -> int:
    """For how many days from tomorrow on the partitions are there; it looks, whoever made them."""
    days: int = await store.value("partition.ahead", migrate.DAYS_AHEAD)
    return days


async def forget(store: door.Store) -> None:
    """Forgets keys whose time is over, streams that are told, instances long gone."""
    await store.rows("accept.forget_keys")
    await store.run("stream.retire")
    await store.run("instance.forget")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """Some jobs that were held to the law."""

    upto: UUID | None
    """The last of them; None = there were no more."""
    broken: frozenset[UUID]


async def look(store: door.Store, after: UUID, deliveries: int) -> Looked:
    """Holds the next jobs to the law, as many as have so many deliveries, but one at least."""
    rows = await store.rows("upkeep.law", after, deliveries)
    return Looked(
        upto=rows[-1]["id"] if rows else None,
        broken=frozenset(row["id"] for row in rows if row["wrong"]),
    )


async def law_breakers(store: door.Store, deliveries: int = 1_000_000) -> set[UUID]:
    """Jobs that break the law, of all there are: always a bug."""
    found, after = set[UUID](), NOBODY
    while (looked := await look(store, after, deliveries)).upto:
        found |= looked.broken
        after = looked.upto
    return found
