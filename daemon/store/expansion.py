"""An audience into deliveries, by one statement: those a parcel names, or whoever is meant."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from daemon.mail import counts
from daemon.store import door, errors
from daemon.store.claims import Delivery


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where recipients go: a job that is stored, and the message they get."""

    job_id: UUID
    message_id: int
    taker: UUID | None = None
    """The instance that takes its one delivery at once, if that is due and it is alive."""


class Asked(NamedTuple):
    """One addressee as asked for, looked at by the address law. A tuple, for there are many."""

    place: int
    """Which of the places, from 1."""
    position: int
    """His number in the request."""
    address: str | None
    """In its wire form; as received, cut short, when it is refused."""
    norm: str
    supp: str
    domain: str
    name: str | None
    variables: dict[str, str | None] | None
    override: dict[str, str] | None
    refused: str | None
    """`no_address` or `invalid`; None = may be delivered to."""
    override_hash: bytes
    detail: str | None
    """Which rule of addresses is broken."""


class Term(NamedTuple):
    """One row of a term that the directory answers; one of contacts has a row for each id."""

    term: int
    """Its number in the request, from 0; terms that exclude go on counting."""
    excludes: bool
    type: str
    scope: str | None = None
    id: int | None = None
    """The list, the contact, or the person who asks."""
    position: int = 0
    """Of a contact: its place among the ids."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expanded:
    """What an expansion came to, for one job."""

    counts: dict[str, int]
    """`requested`, `queued` and each reason why others weren't."""
    first_delivery: int | None
    """The lowest id among the new deliveries."""
    taken: Delivery | None = None
    """The one that its taker has claimed and permitted; None = all wait."""


async def expanded(
    session: door.Session, places: Sequence[Place], asked: Sequence[Asked]
) -> dict[UUID, Expanded]:
    """Stores deliveries and batches, lists who is dropped, books the counts on the jobs.

    Raises `Again` when one of the jobs isn't any more what it was while this went on.
    """
    columns = zip(*asked, strict=True) if asked else ((),) * len(Asked._fields)
    rows = await session.rows(
        "expansion.literal",
        [place.job_id for place in places],
        [place.message_id for place in places],
        *columns,
        [place.taker for place in places],
    )
    if len(rows) < len({place.job_id for place in places}):
        raise errors.Again("a job was closed, paused, put off or canceled meanwhile")
    alone = {places[one.place - 1].job_id: one for one in asked if places[one.place - 1].taker}
    return {row["job_id"]: _expanded(row, _taken(row, alone)) for row in rows}


async def meant(
    session: door.Session,
    place: Place,
    acting: int,
    terms: Sequence[Term],
    asked: Sequence[Asked],
    *,
    within: float | None = None,
) -> Expanded:
    """The same for one job whose terms the directory answers, in the name of customer `acting`.

    The `place` of those the parcel names is the number of their term. `within` is given where so
    many may be found that all suppressions are gone through at once. Raises `Again` as well.
    """
    columns = zip(*asked, strict=True) if asked else ((),) * len(Asked._fields)
    row = await session.row(
        "audience.expand",
        place.job_id,
        place.message_id,
        acting,
        *zip(*terms, strict=True),
        *columns,
        within is not None,
        within=within,
    )
    if row is None:
        raise errors.Again("a job was closed, paused, put off or canceled meanwhile")
    if row["is_local"]:
        await session.row("audience.local", place.job_id, within=within)
    return _expanded(row)


async def lists(
    session: door.Session, customer: int, wanted: Sequence[tuple[int | None, str | None]]
) -> dict[int, int]:
    """Which lists a customer has, of those named by id or name: their ids by place in `wanted`."""
    rows = await session.rows(
        "audience.lists",
        customer,
        [*range(len(wanted))],
        [number for number, _ in wanted],
        [name for _, name in wanted],
    )
    return {row["place"]: row["id"] for row in rows}


def _taken(row: door.Row, alone: Mapping[UUID, Asked]) -> Delivery | None:
    number, asked = row["first_delivery"], alone.get(row["job_id"])
    if number is None or asked is None or asked.address is None or not row["is_taken"]:
        return None
    return Delivery(
        id=number,
        address=asked.address,
        supp=asked.supp,
        name=asked.name,
        variables=asked.variables or {},
        override=asked.override,
    )


def _expanded(row: door.Row, taken: Delivery | None = None) -> Expanded:
    names = ("requested", "queued", *counts.DROPPED)
    return Expanded(
        counts={name: row[name] for name in names},
        first_delivery=row["first_delivery"],
        taken=taken,
    )
