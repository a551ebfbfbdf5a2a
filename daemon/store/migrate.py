"""The schema, brought up to date: each step in one transaction, under one advisory lock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date, timedelta

import asyncpg

from daemon.crashpoints import reach as crashpoint
from daemon.store import door, errors, schema, statements
from daemon.store.schema import Step

_LOCK = 0x64656C6976657279
"""The advisory lock that lets one migration run at a time: `delivery` in ASCII."""

_TRIES = 30
_PAUSE = 1.0
"""Seconds between tries of a step that finds a table in use: traffic goes on meanwhile."""
_IN_USE = (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError)
"""A step of several tables meets traffic that takes them in another order."""

DAYS_AHEAD = 3
"""Partitions stand ready this many days before they are needed."""


async def pending(reach: door.Reach) -> list[Step]:
    """The steps that are missing; changes nothing. `SchemaMismatch` as `migrated`."""
    async with _locked(reach) as connection:
        return schema.missing(await _known(connection))


async def migrated(reach: door.Reach, *, today: date, contract: bool = False) -> list[Step]:
    """Applies what is missing, makes the partitions of the next days, answers what was applied.

    Steps that contract only when told so. `SchemaMismatch` when an applied file changed or the
    database is newer than this program; `Again` when a table stays in use for too long.
    """
    async with _locked(reach) as connection:
        await connection.execute(statements.text("schema.table"))
        await connection.execute(statements.text("schema.kind"))
        missing = schema.missing(await _known(connection))
        chosen = [step for step in missing if contract or step.kind == "expand"]
        for step in chosen:
            await _apply(connection, step)
            crashpoint("C28")
        for day in range(-1, DAYS_AHEAD + 1):
            await connection.execute(statements.text("partition.make"), today + timedelta(days=day))
        return chosen


async def _apply(connection: "asyncpg.Connection[asyncpg.Record]", step: Step) -> None:
    """One step in one transaction: all of it or nothing, and no queue of traffic behind it."""
    for _ in range(_TRIES):
        try:
            async with connection.transaction():
                await connection.execute(statements.text("schema.patience"))
                await connection.execute(step.text)
                crashpoint("C28")
                await connection.execute(
                    statements.text("schema.applied"),
                    step.number,
                    step.name,
                    step.digest,
                    step.kind,
                )
        except _IN_USE:
            await asyncio.sleep(_PAUSE)
        else:
            return
    raise errors.Again(f"{step.name}: a table that it changes stayed in use")


@asynccontextmanager
async def _locked(reach: door.Reach) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    with errors.located(reach.place), errors.sorted_out():
        connection = await asyncpg.connect(
            reach.dsn or None,
            timeout=reach.connect_timeout,
            server_settings={"application_name": "deliveryd:migrate", "timezone": "UTC"},
        )
        try:
            await connection.execute(statements.text("schema.lock"), _LOCK)
            yield connection
        finally:
            await connection.close(timeout=reach.connect_timeout)


async def _known(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[int, schema.Applied]:
    try:
        return schema.applied(await connection.fetch(statements.text("schema.known")))
    except asyncpg.UndefinedTableError:  # nothing was ever applied
        return {}
