"""Lists of contacts, as requests change them and ask for them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple
from uuid import UUID

import orjson

from daemon.store import door

Source = Literal["api", "send", "import"]
"""By what somebody came into a list."""


class Gathered(NamedTuple):
    """A list that a send asked for."""

    id: int
    is_new: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A list, or a contact of one, for whoever asks."""

    id: int
    fields: Mapping[str, Any]
    """What else there is to say, by name."""


async def create(session: door.Session, customer: int, name: str) -> int | None:
    """The id of a new list; None if the customer has one of this name."""
    number: int | None = await session.value("lists.create", customer, name)
    return number


async def owner(session: door.Session, number: int) -> int | None:
    """Whose a list is; None if it is nobody's."""
    customer: int | None = await session.value("lists.owner", number)
    return customer


async def hold(session: door.Session, number: int) -> bool:
    """Whether a list is there; it isn't taken away until the transaction ends."""
    return bool(await session.value("lists.hold", number))


async def enter(
    session: door.Session,
    customer: int,
    number: int,
    contacts: Sequence[Mapping[str, Any]],
    *,
    source: Source = "api",
) -> int:
    """Enters contacts, brings those who are there up to date, and puts all into a held list.

    Answers how many are new.
    """
    given = orjson.dumps(list(contacts))
    inserted: int = await session.value("lists.enter_addresses", customer, given)
    inserted += await session.value("lists.enter_phones", customer, given)
    await session.run("lists.join", customer, given, number, source)
    return inserted


async def gather(session: door.Session, customer: int, name: str) -> Gathered:
    """The customer's list of a name, made if there is none; held until the transaction ends."""
    row = await session.row("lists.gather", customer, name)
    assert row is not None  # noqa: S101 - it is entered or there
    return Gathered(**dict(row))


async def excluded(session: door.Session, job: UUID, norms: Sequence[str]) -> set[str]:
    """Which of some addresses a job has left out because its sender asked for that."""
    return {row["address"] for row in await session.rows("lists.excluded", job, norms)}


async def enter_meant(
    session: door.Session, customer: int, number: int, job: UUID, *, within: float | None
) -> None:
    """Puts whoever the directory found for a job into a held list; contacts are made of people.

    `within`: seconds that each of the two statements may take; None = as long as any.
    """
    await session.row("lists.join_meant", job, number, within=within)
    await session.row("lists.join_people", job, number, customer, within=within)


async def delete(session: door.Session, number: int) -> int | None:
    """Takes a list away; answers how many members it had, None if it isn't there any more."""
    if not await session.value("lists.lock", number):
        return None
    members = await session.run("lists.empty", number)
    await session.run("lists.delete", number)
    return members


async def all_of(
    session: door.Session, customer: int | None, *, after: int, limit: int
) -> list[Row]:
    """A page of a customer's lists; of everybody's without one."""
    return [_row(row) for row in await session.rows("lists.all", customer, after, limit)]


async def members(session: door.Session, number: int, *, after: int, limit: int) -> list[Row]:
    """A page of the contacts of a list."""
    return [_row(row) for row in await session.rows("lists.members", number, after, limit)]


def _row(row: door.Row) -> Row:
    fields = dict(row)
    return Row(id=fields.pop("id"), fields=fields)
