"""Lanes: their limits, and what of them each instance holds (promise 6)."""

from dataclasses import dataclass
from uuid import UUID

from daemon.store import door


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """A transport towards one site. Rates in messages per second; 0 = no limit."""

    id: int
    transport_id: int
    site: str
    max_connections: int
    max_per_second: float
    customer_id: int
    name: str
    kind: str
    host: str
    port: int
    tls: str
    username: str | None
    sender: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """Leave to send some messages: from `wait` seconds from now, one every 1/rate seconds."""

    wait: float
    rate: float


async def everything(store: door.Store) -> list[Lane]:
    """Every lane of an active transport."""
    return [Lane(**dict(row)) for row in await store.rows("lane.list")]


async def granted(store: door.Store, lane: int, instance: UUID, *, wanted: int, held: int) -> int:
    """How many connections this instance may have open on a lane; `held` are open now.

    It can be fewer than that: then the rest is to be closed.
    """
    async with store.transaction() as session:
        await session.run("lane.lock", lane)
        number: int = await session.value("lane.grant", lane, instance, wanted, held)
    return number


async def paced(store: door.Store, lane: int, messages: int) -> Slice | None:
    """A slice of the lane's rate; None when it has no limit (any more)."""
    row = await store.row("lane.pace", lane, messages)
    return Slice(wait=row["wait"], rate=row["max_per_second"]) if row else None


async def forget_dead(store: door.Store) -> None:
    """Removes what the dead held of lanes; grants count only the living anyway."""
    await store.run("lane.forget")
