"""Senders: addresses that mail may be from, as requests keep them and sends name them."""

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from daemon.store import door
from daemon.store.keeping import Held


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """One as it stands."""

    id: int
    customer: int
    name: str
    address: str
    reply_to: str | None
    transport: int | None
    """By which its mail goes out; None = by the customer's default."""
    active: bool
    verified_at: datetime | None
    """Since when somebody vouches for the address; None = nobody does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Somebody who writes for a customer."""

    name: str | None
    address: str | None
    """Where answers reach him."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """What is said of a sender; what is None stays as it is."""

    name: str | None = None
    address: str | None = None
    reply_to: str | None = None
    """Empty = none any more."""
    transport: int | None = None
    """0 = none any more."""
    active: bool | None = None


async def all_of(
    session: door.Session, customer: int | None, *, after: int, limit: int
) -> list[Sender]:
    """A page of a customer's senders; of everybody's without one."""
    rows = await session.rows("sender.all", customer, after, limit)
    return [Sender(**dict(row)) for row in rows]


async def one(session: door.Session, number: int) -> Sender | None:
    """A sender, whoever's it is; None if there is none."""
    row = await session.row("sender.one", number)
    return Sender(**dict(row)) if row else None


async def author(
    session: door.Session, customer: int, *, person: int | None, address: str | None
) -> Author | None:
    """The owner or an agent of a customer, by number or address; None for anybody else."""
    row = await session.row("sender.author", customer, person, address)
    return Author(**dict(row)) if row else None


async def hold(session: door.Session, number: int) -> int | None:
    """Whose a sender is; nobody else changes it until the transaction ends."""
    customer: int | None = await session.value("sender.hold", number)
    return customer


async def has_transport(session: door.Session, customer: int, transport: int) -> bool:
    """Whether a transport is this customer's."""
    found: bool = await session.value("sender.has_transport", customer, transport)
    return found


async def enter(session: door.Session, customer: int, said: Said) -> int:
    """The id of a new sender."""
    number: int = await session.value("sender.enter", customer, *_columns(said))
    return number


async def change(session: door.Session, number: int, said: Said) -> bool:
    """Makes a sender what is said; answers whether it wasn't that already."""
    return bool(await session.run("sender.change", number, *_columns(said)))


async def delete(session: door.Session, number: int) -> None:
    """Takes a sender away. Raises `Held` while something names it."""
    try:
        async with session.transaction():
            await session.run("sender.delete", number)
    except asyncpg.ForeignKeyViolationError as error:
        raise Held(error.constraint_name or "a law") from error


def _columns(said: Said) -> tuple[object, ...]:
    return said.name, said.address, said.reply_to, said.transport, said.active
