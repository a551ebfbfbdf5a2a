"""The schema, step by step: numbered files, each in one transaction, under one advisory lock.

A file that was applied may never change: its SHA-256 is kept and compared. A database that knows a
step this program doesn't is newer, and is refused. Migrations only expand: the release before must
be able to run on the schema after.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources

import asyncpg

from daemon.store import door, errors, statements

_LOCK = 0x64656C6976657279
"""The advisory lock that lets one migration run at a time: `delivery` in ASCII."""

DAYS_AHEAD = 3
"""Partitions stand ready this many days before they are needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One numbered file."""

    number: int
    name: str
    text: str

    @property
    def digest(self) -> bytes:
        """SHA-256 of the content."""
        return hashlib.sha256(self.text.encode()).digest()


def steps() -> list[Step]:
    """The files of `migrations/`, in order."""
    folder = resources.files("daemon.store") / "migrations"
    files = sorted(
        (file for file in folder.iterdir() if file.name.endswith(".sql")),
        key=lambda file: file.name,
    )
    return [
        Step(number=int(file.name[:4]), name=file.name, text=file.read_text(encoding="utf-8"))
        for file in files
    ]


async def pending(reach: door.Reach) -> list[Step]:
    """The steps that a migration would apply; changes nothing. `SchemaMismatch` as `migrated`."""
    async with _locked(reach) as connection:
        try:
            return await _missing(connection)
        except asyncpg.UndefinedTableError:  # nothing was ever applied
            return steps()


async def migrated(reach: door.Reach, *, today: date) -> list[Step]:
    """Applies what is missing, makes the partitions of the next days, answers what was applied.

    `SchemaMismatch` when an applied file changed or the database is newer than this program.
    """
    async with _locked(reach) as connection:
        await connection.execute(statements.text("schema.table"))
        missing = await _missing(connection)
        for step in missing:
            async with connection.transaction():
                await connection.execute(step.text)
                await connection.execute(
                    statements.text("schema.applied"), step.number, step.name, step.digest
                )
        for day in range(-1, DAYS_AHEAD + 1):
            await connection.execute(statements.text("partition.make"), today + timedelta(days=day))
        return missing


async def check(store: door.Store) -> None:
    """`SchemaMismatch` unless the schema is exactly at this program's last step."""
    try:
        known = {row["number"]: row["sha256"] for row in await store.rows("schema.known")}
    except asyncpg.UndefinedTableError as error:
        raise errors.SchemaMismatch("the database is empty: run `deliveryd migrate`") from error
    missing = _compare(known)
    if missing:
        raise errors.SchemaMismatch(
            f"{len(missing)} migrations are missing, first {missing[0].name}:"
            " run `deliveryd migrate`"
        )


@asynccontextmanager
async def _locked(reach: door.Reach) -> AsyncIterator["asyncpg.Connection[asyncpg.Record]"]:
    with errors.sorted_out():
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


async def _missing(connection: "asyncpg.Connection[asyncpg.Record]") -> list[Step]:
    rows = await connection.fetch(statements.text("schema.known"))
    return _compare({row["number"]: row["sha256"] for row in rows})


def _compare(known: dict[int, bytes]) -> list[Step]:
    ours = {step.number: step for step in steps()}
    newer = sorted(set(known) - set(ours))
    if newer:
        raise errors.SchemaMismatch(f"the database is at step {newer[-1]}: this program is older")
    for number, digest in known.items():
        if ours[number].digest != digest:
            raise errors.SchemaMismatch(f"{ours[number].name} was changed after it was applied")
    return [step for number, step in sorted(ours.items()) if number not in known]
