"""How things go at this moment, for whoever watches: rates, what waits, lanes, what went wrong.

Asked every second or two beside the work, so every statement here reads a bounded part of the
tables: what was appended since the last look, what is claimed, the first of what is ready.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from daemon.store import door

DEPTH = 1000
"""Batches and retry rows that are looked at of each class; beyond, there is more."""
_LANE_DEPTH = 200
"""The same of each lane."""
_BEFORE = 500
"""Events of each stream that are looked through for troubles of late."""
_CLOSED = 200
"""Streams of those that have stopped that are looked at for them."""
_OLDEST = timedelta(minutes=10)
"""How old such a trouble may be: older ones say nothing of now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """Where a stream stands."""

    number: int
    kind: str
    last_seq: int
    told_seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Parts of streams: what was appended between two looks."""

    numbers: list[int]
    since: list[int]
    until: list[int]
    after: datetime
    """A time before all of it, which saves a look at the partitions of other days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A try that didn't go well."""

    at: datetime
    type: str
    job_id: UUID
    delivery_id: int
    attempt: int | None
    code: int | None
    enhanced: str | None
    text: str | None
    relay: str | None
    data: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Class:
    """What is due of a class, and not claimed."""

    klass: int
    count: int
    oldest: datetime | None
    """Since when the oldest of it is due."""
    is_more: bool
    """Whether there is more than was looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A lane, and what is in it."""

    id: int
    transport: str
    host: str
    port: int
    active: bool
    site: str
    max_connections: int
    max_per_second: float
    granted: int
    """Connections that living instances hold of it."""
    claimed: int
    """Deliveries that instances have in hand, those under way among them."""
    flying: int
    """Deliveries under way."""
    ready: int
    """Deliveries that wait to be claimed; of a long line only its first."""
    paced: float
    """Seconds for which its rate is spent already."""


async def now(store: door.Store) -> datetime:
    """The database's clock."""
    at: datetime = await store.value("clock.now")
    return at


async def streams(store: door.Store) -> list[Stream]:
    """Every stream that is still written to."""
    return [Stream(**dict(row)) for row in await store.rows("live.streams")]


async def happened(store: door.Store, stretch: Stretch) -> dict[str, int]:
    """How many events of each type there are in a stretch."""
    rows = await store.rows("live.happened", *_places(stretch))
    return {row["type"]: row["count"] for row in rows}


async def troubles(store: door.Store, stretch: Stretch, *, limit: int) -> list[Trouble]:
    """The latest tries in a stretch that didn't go well, the last one first."""
    rows = await store.rows("live.troubles", *_places(stretch), limit)
    return [Trouble(**(dict(row) | {"data": row["data"] or {}})) for row in rows]


async def lately(store: door.Store, *, limit: int) -> list[Trouble]:
    """The same of the last minutes, as far as a bounded look back reaches.

    Those of instances that have stopped since are among them.
    """
    after = await now(store) - _OLDEST
    rows = await store.rows("live.written", after, _CLOSED)
    written = [Stream(**dict(row)) for row in rows]
    stretch = Stretch(
        numbers=[one.number for one in written],
        since=[max(0, one.last_seq - _BEFORE) for one in written],
        until=[one.last_seq for one in written],
        after=after,
    )
    return await troubles(store, stretch, limit=limit)


async def served(store: door.Store, relay: str, *, since: datetime) -> bool:
    """Whether a relay, `host:port`, has taken a mail since then; a time of late."""
    return bool(await store.value("live.served", relay, since))


async def classes(store: door.Store) -> list[Class]:
    """What is due and unclaimed, by class; a class with nothing of it isn't there."""
    rows = await store.rows("live.classes", DEPTH)
    return [Class(klass=row["class"], **_but(row, "class")) for row in rows if row["count"]]


async def doubts(store: door.Store) -> int:
    """How many deliveries in doubt wait for a decision; DEPTH stands for more."""
    return int(await store.value("live.doubts", DEPTH))


async def due_next(store: door.Store) -> datetime | None:
    """When something is due that isn't yet; None = nothing will be."""
    at: datetime | None = await store.value("live.next")
    return at


async def lanes(store: door.Store, *, limit: int) -> Sequence[Lane]:
    """The busiest lanes."""
    return [Lane(**dict(row)) for row in await store.rows("live.lanes", limit, _LANE_DEPTH)]


def _places(stretch: Stretch) -> tuple[object, ...]:
    return stretch.numbers, stretch.since, stretch.until, stretch.after


def _but(row: door.Row, name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}
