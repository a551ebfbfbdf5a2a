"""Single rows of the directory: looked at, put as an import of one row puts it, deleted."""

from collections.abc import AsyncIterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import asyncpg

from daemon.store import changes, door, importing
from daemon.store.changes import Change

_LOOK: Mapping[str, str] = MappingProxyType(
    {
        "customer": "keeping.customer",
        "person": "keeping.person",
        "billing_contact": "keeping.billing_contact",
        "agent": "keeping.agent",
        "plan": "keeping.plan",
        "role": "keeping.role",
    }
)
_DELETE: Mapping[str, str] = MappingProxyType(
    {
        "customer": "keeping.delete_customer",
        "person": "keeping.delete_person",
        "billing_contact": "keeping.delete_billing_contact",
        "agent": "keeping.delete_agent",
        "plan": "keeping.delete_plan",
        "role": "keeping.delete_role",
    }
)


class Held(Exception):
    """The row can't go: others hang on it, or a law would be broken."""


async def rows(
    session: door.Session,
    entity: str,
    *,
    customer: int | None,
    number: int | None,
    after: int,
    limit: int,
) -> list[dict[str, Any]]:
    """One row by its number, or those of a customer or of all, with a number after `after`."""
    found = await session.rows(_LOOK[entity], customer, number, after, limit)
    return [dict(row) for row in found]


async def begun(session: door.Session, entities: Sequence[str]) -> bool:
    """Makes room for a row of the first; False while somebody imports."""
    if not await session.value("keeping.try"):
        return False
    await session.run("import.create")
    for entity in entities:
        await session.run(importing.STEPS[entity].create)
    return True


async def staged(session: door.Session, entity: str, columns: Sequence[str], line: bytes) -> None:
    """Takes the line of a COPY for the one row."""

    async def lines() -> AsyncIterator[bytes]:
        yield line

    await importing.stage(session, entity, columns, lines())


async def number_put(session: door.Session) -> int | None:
    """Of the row that was put, where its entity has numbers."""
    number: int | None = await session.value("keeping.put")
    return number


async def next_customer(session: door.Session) -> int:
    """The number of a customer who is to come."""
    return int(await session.value("keeping.number"))


async def delete(session: door.Session, entity: str, customer: int, number: int) -> bool:
    """Takes a row away, or marks it as gone; False when it was already. Raises `Held`."""
    try:
        async with session.transaction():
            return bool(await session.run(_DELETE[entity], customer, number))
    except (asyncpg.ForeignKeyViolationError, asyncpg.CheckViolationError) as error:
        raise Held(error.constraint_name or "a law") from error


async def give_password(store: door.Store, person: int, kept: str | None, *, by: str) -> bool:
    """Stores the hash of somebody's password, or takes it away; False when he isn't there."""
    async with store.transaction() as session:
        customer = await session.value("keeping.password", person, kept)
        if customer is None:
            return False
        change = Change(
            by=by,
            customer=customer,
            entity="person",
            number=person,
            deed="changed",
            detail={"fields": ["password"], "removed": kept is None},
        )
        await changes.note(session, change)
    return True
