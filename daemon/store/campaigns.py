"""Campaigns: content and settings that mailings share, and that their jobs are booked under."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from daemon.mail import counts
from daemon.store import door


@dataclass(frozen=True, slots=True, kw_only=True)
class Campaign:
    """One as it stands."""

    id: int
    customer: int
    name: str
    type: str
    """Jobs are booked under `simple` ones only."""
    active: bool
    subject: str | None
    """None in a page, like `html`."""
    html: str | None
    sender: int | None
    transport: int | None
    template: int | None
    created_by: int | None
    """Somebody of a customer's."""
    source: str
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class New:
    """A campaign that is to be."""

    customer: int
    name: str
    type: str
    active: bool
    subject: str | None
    html: str | None
    sender: int | None
    transport: int | None
    created_by: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Booked:
    """The jobs under a campaign."""

    jobs: Mapping[str, int]
    """How many, by state; a state without any isn't there."""
    numbers: Mapping[str, int | None]
    """Every number of the accounting law, of all of them; `requested` None = not known yet."""


async def all_of(
    session: door.Session, customer: int | None, *, active: bool | None, after: int, limit: int
) -> list[Campaign]:
    """A page of a customer's campaigns, of everybody's without one; without their content."""
    rows = await session.rows("campaign.all", customer, after, limit, active)
    return [Campaign(**dict(row)) for row in rows]


async def one(session: door.Session, number: int) -> Campaign | None:
    """A campaign, whoever's it is; None if there is none."""
    row = await session.row("campaign.one", number)
    return Campaign(**dict(row)) if row else None


async def hold(session: door.Session, number: int) -> Campaign | None:
    """The same; nobody switches it on or off until the transaction ends."""
    row = await session.row("campaign.hold", number)
    return Campaign(**dict(row)) if row else None


async def owner(session: door.Session, number: int) -> int | None:
    """Whose a campaign is; None if it is nobody's."""
    customer: int | None = await session.value("campaign.owner", number)
    return customer


async def missing(session: door.Session, new: New) -> tuple[str, ...]:
    """Which of `sender` and `transport` isn't the customer's."""
    row = await session.row("campaign.has", new.customer, new.sender, new.transport)
    assert row is not None  # noqa: S101 - it has no table to be empty
    return tuple(name for name, is_there in row.items() if not is_there)


async def enter(session: door.Session, new: New) -> int:
    """The id of a new campaign."""
    number: int = await session.value(
        "campaign.enter",
        new.customer,
        new.name,
        new.type,
        new.active,
        new.subject,
        new.html,
        new.sender,
        new.transport,
        new.created_by,
    )
    return number


async def switch(session: door.Session, number: int, *, on: bool) -> bool:
    """Switches a campaign on or off; False when it is so already."""
    return bool(await session.run("campaign.switch", number, on))


async def booked(session: door.Session, customer: int | None, number: int) -> Booked:
    """A customer's jobs under a campaign; everybody's without one."""
    rows = await session.rows("campaign.jobs", customer, number)
    numbers: dict[str, int | None] = {}
    for name in counts.ALL:
        values = [row[name] for row in rows]
        numbers[name] = None if None in values else sum(map(int, values))
    return Booked(jobs={row["state"]: row["jobs"] for row in rows}, numbers=numbers)
