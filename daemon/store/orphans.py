"""What nobody alive holds, and what has outlived its job's time: found to be decided, then freed.

Finding takes nothing: what was under way is settled under the epoch it had, so that whoever decides
may die in the middle, and another one decides the same of what is left.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from daemon.mail import ids
from daemon.mail.attempt import Key
from daemon.mail.outcome import Outcome, Withheld
from daemon.mail.standing import Fact
from daemon.mail.state import State
from daemon.store import door

NEIGHBOUR_FIRST = 5.0
"""Seconds that the dead are left to whoever can read their journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Somebody who holds something and isn't alive."""

    id: UUID
    is_known: bool
    """Whether its lease is on record and over: then it writes no more dots, even if it runs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """A delivery whose holder is gone, or whose time is over."""

    delivery_id: int
    job_id: UUID
    customer_id: int
    message_id: int
    address: str
    attempt: int
    epoch: int
    retry_id: int | None
    letter: str
    path: dict[str, Any] | None

    @property
    def key(self) -> Key:
        """What its holder's journal knows its try by."""
        return Key(self.delivery_id, self.attempt, self.retry_id or 0, self.epoch)

    @property
    def is_tried(self) -> bool:
        """Whether an attempt may be under way."""
        return self.letter in (State.UNDER_WAY, State.RETRYING)

    def fact(self, outcome: Outcome | Withheld) -> Fact:
        """What became of it."""
        return Fact(
            delivery_id=self.delivery_id,
            job_id=self.job_id,
            customer_id=self.customer_id,
            message_id=self.message_id,
            address=self.address,
            attempt=self.attempt,
            epoch=self.epoch,
            retry_id=self.retry_id,
            outcome=outcome,
            path=self.path,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """A batch or a retry row that an owner holds, with what may be under way in it."""

    id: int
    owner: UUID
    epoch: int
    orphans: tuple[Orphan, ...]


async def owners(store: door.Store, me: UUID, *, host: str, state_dir: str) -> list[Owner]:
    """Who holds something and isn't alive, as far as it is for us to decide."""
    rows = await store.rows("rescue.owners", me, host, state_dir, NEIGHBOUR_FIRST)
    return [Owner(id=row["owner"], is_known=row["is_known"]) for row in rows]


async def batches(
    store: door.Store,
    dead: Sequence[UUID],
    me: UUID,
    *,
    known: Sequence[int],
    after: int,
    limit: int,
) -> list[Left]:
    """Batches of the dead, and our own that aren't `known`, by id from `after` on."""
    rows = await store.rows("rescue.batches", dead, me, known, after, limit)
    return [_left(row, tuple(_in_batch(row, letters="u"))) for row in rows]


async def retries(
    store: door.Store,
    dead: Sequence[UUID],
    me: UUID,
    *,
    known: Sequence[int],
    after: int,
    limit: int,
) -> list[Left]:
    """Retry rows of the dead, and our own that aren't `known`, by id from `after` on."""
    rows = await store.rows("rescue.retries", dead, me, known, after, limit)
    return [_left(row, (_in_retry(row),)) for row in rows]


async def free_batches(store: door.Store, left: Sequence[Left]) -> None:
    """Frees batches in which nothing is under way any more, unless somebody else has."""
    await store.run("rescue.free_batches", *_fenced(left))


async def free_retries(store: door.Store, left: Sequence[Left]) -> None:
    """The same for retry rows."""
    await store.run("rescue.free_retries", *_fenced(left))


async def holding(store: door.Store, dead: Sequence[UUID]) -> set[UUID]:
    """Which of these still hold something."""
    return {row["owner"] for row in await store.rows("rescue.held", dead)}


async def tried(store: door.Store, tries: Sequence[tuple[Key, UUID]]) -> list[Orphan]:
    """The deliveries of these tries and jobs, as they stand; what isn't there isn't answered."""
    rows = await store.rows(
        "rescue.tried", [key.delivery_id for key, _ in tries], [job for _, job in tries]
    )
    return [_of_key(row, tries[row["place"] - 1][0]) for row in rows]


async def expired(store: door.Store) -> list[UUID]:
    """Jobs whose time is over and that have something waiting that nobody holds."""
    return [row["id"] for row in await store.rows("expire.jobs")]


async def expired_of(store: door.Store, job: UUID, owner: UUID) -> list[Orphan]:
    """Takes what nobody holds of an expired job, to be settled."""
    found: list[Orphan] = []
    for row in await store.rows("expire.batches", job, owner):
        found += _in_batch(row, letters="w")
    found += [_in_retry(row) for row in await store.rows("expire.retries", job, owner)]
    return found


def _left(row: door.Row, orphans: tuple[Orphan, ...]) -> Left:
    return Left(id=row["id"], owner=row["owner"], epoch=row["epoch"], orphans=orphans)


def _fenced(left: Sequence[Left]) -> tuple[list[int], list[int]]:
    return [each.id for each in left], [each.epoch for each in left]


def _in_batch(row: door.Row, *, letters: str) -> list[Orphan]:
    return [
        Orphan(
            delivery_id=ids.delivery_id(row["id"], position),
            job_id=row["job_id"],
            customer_id=row["customer_id"],
            message_id=row["message_id"],
            address=row["addresses"][position],
            attempt=1,
            epoch=row["epoch"],
            retry_id=None,
            letter=letter,
            path=row["paths"][position],
        )
        for position, letter in enumerate(row["state"])
        if letter in letters
    ]


def _in_retry(row: door.Row) -> Orphan:
    return Orphan(
        delivery_id=ids.delivery_id(row["batch_id"], row["position"]),
        job_id=row["job_id"],
        customer_id=row["customer_id"],
        message_id=row["message_id"],
        address=row["address"],
        attempt=row["attempt"] + 1,
        epoch=row["epoch"],
        retry_id=row["id"],
        letter=row["letter"],
        path=row["path"],
    )


def _of_key(row: door.Row, key: Key) -> Orphan:
    return Orphan(
        delivery_id=key.delivery_id,
        job_id=row["job_id"],
        customer_id=row["customer_id"],
        message_id=row["message_id"],
        address=row["address"],
        attempt=key.number,
        epoch=key.epoch,
        retry_id=key.retry_id or None,
        letter=row["letter"],
        path=row["path"],
    )
