"""Parcels without a key, remembered by their body and by who has them in hand.

As long as somebody may have a parcel in hand, the broker hands it to nobody else: what comes
meanwhile, and says the same, is another parcel, or can't be told from it yet.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from daemon.store import door


class Holder(NamedTuple):
    """Who has a parcel in hand: an instance, by a channel, under the number it came with there."""

    instance: UUID
    session: int
    tag: int


class Undecided(Exception):
    """A redelivered parcel may be one that somebody else has in hand, or not: ask again later."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """A request as it is remembered."""

    customer_id: int
    body_hash: bytes
    job_id: UUID
    answer: bytes
    holder: Holder | None


class Found(NamedTuple):
    """A parcel in hand that has been accepted before."""

    memory: int
    answer: bytes


async def remember(
    session: door.Session, memories: Sequence[Memory], *, lifetime: float
) -> list[int]:
    """Remembers requests for `lifetime` seconds; answers the numbers of the memories."""
    if not memories:
        return []
    columns = zip(*(_row(memory) for memory in memories), strict=True)
    rows = await session.rows("accept.unkeyed", *columns, lifetime)
    return [row["id"] for row in rows]


async def own(session: door.Session, parcels: Mapping[Holder, bytes]) -> dict[Holder, Found]:
    """Which of the parcels that we have in hand (with their hashes) have been accepted before."""
    rows = await session.rows(
        "accept.unkeyed_own",
        [*parcels.values()],
        [holder.instance for holder in parcels],
        [holder.session for holder in parcels],
        [holder.tag for holder in parcels],
    )
    return {
        Holder(row["instance"], row["session"], row["tag"]): Found(row["id"], row["answer"])
        for row in rows
    }


async def matched(
    session: door.Session, customer: int, body_hash: bytes, holder: Holder | None
) -> bytes | None:
    """The first answer to a redelivered request, used up by asking; None if there was none.

    `Undecided` as long as a living instance may have all those in hand that say the same.
    """
    instance, number = (holder.instance, holder.session) if holder else (None, None)
    rows = await session.rows("accept.unkeyed_match", customer, body_hash, instance, number)
    if not rows:
        return None
    answer: bytes | None = rows[0]["answer"]
    if answer is None:
        raise Undecided
    return answer


async def arrived(store: door.Store, memories: Sequence[int]) -> None:
    """Forgets requests whose acknowledgement has arrived: they can't come back."""
    await store.run("accept.unkeyed_arrived", memories)


async def lost(store: door.Store, memories: Sequence[int]) -> None:
    """Nobody has these in hand any more: they may come again."""
    await store.run("accept.unkeyed_lost", memories)


def _row(memory: Memory) -> tuple[object, ...]:
    given = (memory.customer_id, memory.body_hash, memory.job_id, memory.answer)
    return given + (memory.holder or (None, None, None))
