"""Answers that can't be given now, on record: whoever owes them may die meanwhile."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from daemon.store import door


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """An answer, and where it goes."""

    id: UUID
    reply_to: str
    correlation_id: str | None
    headers: dict[str, Any] | None
    body: bytes


async def keep(store: door.Store, owner: UUID, answers: Sequence[Owed]) -> None:
    """Puts answers on record."""
    await store.run(
        "owed.keep",
        [one.id for one in answers],
        owner,
        [one.reply_to for one in answers],
        [one.correlation_id for one in answers],
        [one.headers for one in answers],
        [one.body for one in answers],
    )


async def forget(store: door.Store, ids: Sequence[UUID]) -> None:
    """They were given, or given up."""
    await store.run("owed.forget", ids)


async def adopted(store: door.Store, owner: UUID, *, limit: int) -> list[Owed]:
    """What nobody alive owes, which is the owner's from now on."""
    return [Owed(**dict(row)) for row in await store.rows("owed.adopt", owner, limit)]
