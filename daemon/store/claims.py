"""Promoting, claiming, permitting and giving back: what dispatch asks of the store, as values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from daemon.mail import ids
from daemon.mail.outcome import Verdict
from daemon.store import door

Specs = Mapping[int, dict[str, Any]]
"""Messages in canonical form, by id."""
PROMOTED_AT_ONCE = 1000
"""Batches, and retry rows, that one promotion ranks at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A lane's class with something ready: the lowest rank of its batches and retry rows."""

    lane: int
    klass: int
    batch: float | None
    retry: float | None

    @property
    def retries_first(self) -> bool:
        """Whether retry rows are ranked before the next batch."""
        return self.retry is not None and (self.batch is None or self.retry <= self.batch)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """A claimed batch."""

    id: int
    job_id: UUID
    job_on: date
    customer_id: int
    message_id: int
    epoch: int
    state: str
    spec: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """What a try needs to know of its recipient."""

    id: int
    address: str
    supp: str
    name: str | None
    variables: dict[str, str | None]
    override: dict[str, str] | None
    path: dict[str, Any] | None = None
    """By which term and whose entry he came in; None = the parcel named him."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """A claimed retry row with its delivery."""

    id: int
    job_id: UUID
    customer_id: int
    message_id: int
    attempt: int
    """Tries made."""
    epoch: int
    spec: dict[str, Any]
    delivery: Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A delivery that the accept of its job has claimed, under epoch 1, and permitted."""

    lane: int
    klass: int
    job_id: UUID
    customer_id: int
    message_id: int
    spec: dict[str, Any]
    delivery: Delivery
    at: datetime
    """When it was permitted: the Date of its mail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One delivery that wants a permit."""

    delivery_id: int
    epoch: int
    supp: str
    retry_id: int | None
    path: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """What a permit says of one delivery, and the Date of its mail (its batch's first permit)."""

    verdict: Verdict
    at: datetime


async def promote(store: door.Store) -> list[int]:
    """Makes what is due ready; answers the lanes that have something new."""
    return [row["lane_id"] for row in await store.rows("promote.due", PROMOTED_AT_ONCE)]


async def next_due(store: door.Store) -> float | None:
    """Seconds until the next thing falls due (negative: it is overdue); None = nothing waits."""
    due: float | None = await store.value("promote.next")
    return due


async def ready(store: door.Store) -> list[Ready]:
    """Everything that is ready, the more urgent classes first."""
    return [
        Ready(lane=row["lane_id"], klass=row["class"], batch=row["batch"], retry=row["retry"])
        for row in await store.rows("claim.ready")
    ]


async def batches(
    store: door.Store, lane: int, klass: int, owner: UUID, limit: int
) -> tuple[list[Batch], list[Delivery]]:
    """Claims batches of at most `limit` deliveries (or one larger), and reads their deliveries."""
    async with store.session() as session:
        rows = await session.rows("claim.batches", lane, klass, owner, limit)
        if not rows:
            return [], []
        specs = await _specs(session, rows)
        claimed = [_batch(row, specs) for row in rows]
        found = await session.rows(
            "claim.deliveries", [batch.id for batch in claimed], [batch.job_on for batch in claimed]
        )
    return claimed, [_delivery(row, row["id"]) for row in found]


async def retries(
    store: door.Store, lane: int, klass: int, owner: UUID, limit: int, before: float | None
) -> list[Retry]:
    """Claims up to `limit` retry rows that are ranked not after `before`."""
    async with store.session() as session:
        rows = await session.rows("claim.retries", lane, klass, owner, limit, before)
        specs = await _specs(session, rows) if rows else {}
    return [_retry(row, specs) for row in rows]


async def _specs(session: door.Session, rows: Sequence[door.Row]) -> Specs:
    """The messages of claimed rows, each held in memory once."""
    found = await session.rows("claim.messages", list({row["message_id"] for row in rows}))
    return {row["id"]: row["spec"] for row in found}


async def permit(store: door.Store, owner: UUID, asks: Sequence[Ask]) -> dict[int, Judged]:
    """One permit: the verdict for each delivery that is still ours."""
    judged = await _permit_batches(store, owner, [ask for ask in asks if ask.retry_id is None])
    return judged | await _permit_retries(store, owner, [ask for ask in asks if ask.retry_id])


async def _permit_batches(store: door.Store, owner: UUID, asks: Sequence[Ask]) -> dict[int, Judged]:
    if not asks:
        return {}
    places = [ids.place_of(ask.delivery_id) for ask in asks]
    rows = await store.rows(
        "permit.batches",
        [batch for batch, _ in places],
        [ask.epoch for ask in asks],
        [position for _, position in places],
        [ask.supp for ask in asks],
        owner,
        [ask.path for ask in asks],
    )
    return {
        ids.delivery_id(row["batch_id"], row["position"]): Judged(
            verdict=Verdict(row["verdict"]), at=row["at"]
        )
        for row in rows
    }


async def _permit_retries(store: door.Store, owner: UUID, asks: Sequence[Ask]) -> dict[int, Judged]:
    if not asks:
        return {}
    places = [ids.place_of(ask.delivery_id) for ask in asks]
    rows = await store.rows(
        "permit.retries",
        [ask.retry_id for ask in asks],
        [ask.epoch for ask in asks],
        [batch for batch, _ in places],
        [position for _, position in places],
        [ask.supp for ask in asks],
        owner,
        [ask.path for ask in asks],
    )
    ours = {ask.retry_id: ask.delivery_id for ask in asks}
    return {
        ours[row["retry_id"]]: Judged(verdict=Verdict(row["verdict"]), at=row["at"]) for row in rows
    }


async def give_back(
    store: door.Store,
    owner: UUID,
    *,
    batches: Sequence[tuple[int, int]],
    retries: Sequence[tuple[int, int]],
) -> None:
    """Gives claims back, each by id and epoch: what waits in them waits for anyone again."""
    for name, given in (("give_back.batches", batches), ("give_back.retries", retries)):
        if given:
            await store.run(name, [id_ for id_, _ in given], [epoch for _, epoch in given], owner)


def _batch(row: door.Row, specs: Specs) -> Batch:
    return Batch(
        id=row["id"],
        job_id=row["job_id"],
        job_on=row["job_on"],
        customer_id=row["customer_id"],
        message_id=row["message_id"],
        epoch=row["epoch"],
        state=row["state"],
        spec=specs[row["message_id"]],
    )


def _delivery(row: door.Row, number: int) -> Delivery:
    return Delivery(
        id=number,
        address=row["address"],
        supp=row["supp"],
        name=row["name"],
        variables=row["vars"] or {},
        override=row["override"],
        path=row["path"],
    )


def _retry(row: door.Row, specs: Specs) -> Retry:
    return Retry(
        id=row["id"],
        job_id=row["job_id"],
        customer_id=row["customer_id"],
        message_id=row["message_id"],
        attempt=row["attempt"],
        epoch=row["epoch"],
        spec=specs[row["message_id"]],
        delivery=_delivery(row, ids.delivery_id(row["batch_id"], row["position"])),
    )
