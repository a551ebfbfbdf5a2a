"""What whoever runs the system may ask: jobs and deliveries of any customer, and why they wait.

Reading only. What changes something goes through the queue, like everybody's requests.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from daemon.mail import ids
from daemon.mail.state import State
from daemon.store import door


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A job that goes by the name that was given."""

    job: UUID
    customer: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A job with its customer, and the way that its mail takes."""

    id: UUID
    ticket: str
    request_id: str | None
    dialect: str
    customer_id: int
    customer: str
    state: str
    open: bool
    paused: bool
    customer_paused: bool
    klass: int
    doubt: str
    accepted_at: datetime
    not_before: datetime
    expires_at: datetime
    closes_at: datetime | None
    started_at: datetime | None
    finished_at: datetime | None
    frames: int
    frames_expected: int | None
    lane_id: int
    transport_id: int
    transport: str
    host: str
    port: int
    active: bool
    """Whether the transport may be used."""
    queued: int
    remaining: int
    in_doubt: int
    now: datetime
    """By the database's clock, the one that decides what is due."""
    settings: Mapping[str, Any] = field(default_factory=dict)
    """What is kept of how it was asked for."""
    opens_at: datetime | None = None
    """When its window opens again, where it is closed now; its expiry, where it doesn't."""
    shuts_at: datetime | None = None
    """When its window closes, where it is open now."""
    search_at: datetime | None = None
    """When its audience is looked for; None = that is over, or it was found at its accept."""
    searches: int = 0
    """How often it was looked for so far."""
    trouble: str = ""
    """Why it wasn't found."""
    campaign_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """How busy a lane is."""

    max_connections: int
    max_per_second: float
    granted: int
    """Connections that living instances hold of it."""
    paced: float
    """Seconds for which its rate is spent already."""
    alive: int
    """Living instances, whatever they do."""
    starting: int = 0
    """Those of them that start anything: not about to leave, no brake on."""
    braked: Sequence[str] = ()
    """Those that have their brake on, and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One delivery where it stands; times and rank are those of whatever holds it."""

    id: int
    job_id: UUID
    message_id: int
    customer_id: int
    address: str
    lane_id: int
    klass: int
    state: State
    has_retry_row: bool
    due_at: datetime
    rank: float | None
    tries: int
    permitted_at: datetime | None
    owner: str | None
    """Name of the instance that claimed it; None when nobody did, or it is forgotten."""
    owner_is_alive: bool
    is_claimed: bool
    brake: str = ""
    """Why its owner starts nothing now; empty = it does."""
    path: Any = None
    """By which terms of its audience it was included; None = the request named it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One event on record."""

    id: UUID
    at: datetime
    type: str
    attempt: int | None
    code: int | None
    enhanced: str | None
    text: str | None
    relay: str | None
    next_at: datetime | None
    data: dict[str, Any]
    is_told: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Some of a job's open deliveries that stand alike."""

    retries: bool
    """Deferred ones; else they wait in their batches or are under way."""
    ready: bool
    claimed: bool
    due_at: datetime
    """When the first of them is due."""
    count: int
    last_at: datetime | None = None
    """When the last of them is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressed:
    """A delivery to an address that was asked for."""

    id: int
    job_id: UUID
    customer_id: int
    ticket: str
    name: str
    accepted_at: datetime
    state: State


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A job that asked for an address and doesn't deliver to it."""

    job_id: UUID
    customer_id: int
    ticket: str
    accepted_at: datetime
    reason: str
    detail: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppression:
    """A customer doesn't write to an address any more."""

    customer_id: int
    scope: str
    list_id: int | None
    kind: str
    reason: str | None
    source: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A doubt that waits for a decision."""

    id: int
    delivery_id: int
    job_id: UUID
    customer_id: int
    attempt: int
    reason: str
    relay: str | None
    since: datetime
    address: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """An instance, and what it has in hand."""

    id: UUID
    name: str
    host: str
    version: str
    started_at: datetime
    alive: bool
    draining: bool
    brake: str
    """Why it starts nothing new; empty = it does."""
    lease_left: float
    """Seconds; negative once it has ended."""
    batches: int
    retries: int
    connections: int
    untold: int
    """Events that it has still to tell."""


async def find(store: door.Store, *, job: UUID | None, name: str) -> list[Found]:
    """Jobs by id, ticket or request id, the newest first, ten at most."""
    rows = await store.rows("operator.find", job, name)
    return [Found(job=row["id"], customer=row["customer_id"]) for row in rows]


async def find_by_delivery(store: door.Store, delivery: int) -> Found | None:
    """The job of a delivery."""
    row = await store.row("operator.find_by_delivery", delivery)
    return Found(job=row["id"], customer=row["customer_id"]) if row else None


async def job(store: door.Store, number: UUID) -> Job | None:
    """A job, whoever's it is."""
    row = await store.row("operator.job", number)
    return Job(**dict(row)) if row else None


async def lane(store: door.Store, number: int) -> Lane:
    """A lane as it is used now."""
    row = await store.row("operator.lane", number)
    assert row is not None  # noqa: S101 - jobs refer to it, so it is there
    return Lane(**dict(row))


async def delivery(store: door.Store, number: int) -> Delivery | None:
    """A delivery, whoever's it is."""
    row = await store.row("operator.delivery", *ids.place_of(number))
    if row is None:
        return None
    fields = dict(row)
    fields["klass"] = fields.pop("class")
    fields["state"] = State(fields.pop("letter"))
    fields["is_claimed"] = fields.pop("owner_id") is not None
    fields["owner_is_alive"] = bool(fields["owner_is_alive"])
    return Delivery(**fields)


async def ahead(store: door.Store, *, lane: int, klass: int, rank: float) -> int:
    """Deliveries that are ready in a lane and class and ranked lower."""
    return int(await store.value("operator.ahead", lane, klass, rank))


async def story(store: door.Store, delivery: int) -> list[Fact]:
    """Everything on record of one delivery, oldest first."""
    return [_fact(row) for row in await store.rows("operator.story", delivery)]


async def job_story(store: door.Store, job: UUID) -> list[Fact]:
    """Everything on record of one job itself, oldest first."""
    return [_fact(row) for row in await store.rows("operator.job_story", job)]


async def still_open(store: door.Store, job: UUID, *, limit: int) -> list[Open]:
    """What is open of a job, by where and for when it waits."""
    return [Open(**dict(row)) for row in await store.rows("operator.open", job, limit)]


async def addressed(
    store: door.Store, norm: str, *, since: date, limit: int
) -> Sequence[Addressed]:
    """The latest deliveries to an address, the newest first."""
    rows = await store.rows("operator.addressed", norm, since, limit)
    return [_addressed(dict(row)) for row in rows]


async def left_out(store: door.Store, address: str, *, since: date, limit: int) -> list[LeftOut]:
    """Where an address was left out, the newest first; it is compared in lower case."""
    rows = await store.rows("operator.left_out", address.lower(), since, limit)
    return [LeftOut(**dict(row)) for row in rows]


async def suppressions(store: door.Store, supp: str, *, limit: int) -> list[Suppression]:
    """Who doesn't write to an address any more; `supp` is its suppression form."""
    rows = await store.rows("operator.suppressions", supp, limit)
    return [Suppression(**dict(row)) for row in rows]


async def doubts(store: door.Store, job: UUID | None, *, after: int, limit: int) -> list[Doubt]:
    """Open doubts of a job or of all, with an id after `after`, in order."""
    return [Doubt(**dict(row)) for row in await store.rows("operator.doubts", job, after, limit)]


async def doubt_since(store: door.Store, delivery: int) -> datetime | None:
    """Since when a delivery is in doubt; None when it isn't, or that was decided."""
    since: datetime | None = await store.value("operator.doubt_since", delivery)
    return since


async def instances(store: door.Store) -> list[Instance]:
    """Everyone who is there, or was lately."""
    return [Instance(**dict(row)) for row in await store.rows("operator.instances")]


def _fact(row: door.Row) -> Fact:
    fields = dict(row)
    prefix, seq = fields.pop("prefix"), fields.pop("seq")
    fields.pop("step")
    data = fields.pop("data") or {}
    return Fact(id=ids.event_id(prefix, seq), data=data, is_told=fields.pop("told"), **fields)


def _addressed(fields: dict[str, Any]) -> Addressed:
    return Addressed(state=State(fields.pop("letter")), **fields)
