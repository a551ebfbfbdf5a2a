"""The schema, step by step: numbered files, each in one transaction, under one advisory lock.

A file that was applied may never change: its SHA-256 is kept and compared. What a step does to the
programs around it stands in its first line. An `expand` step only adds, so the release before runs
on, and may start, while the next one takes over. A `contract` step takes away what no running
release uses any more; it is applied when asked for, and shuts older programs out.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from importlib import resources

import asyncpg

from daemon import logs
from daemon.crashpoints import reach as crashpoint
from daemon.store import door, errors, statements

_LOCK = 0x64656C6976657279
"""The advisory lock that lets one migration run at a time: `delivery` in ASCII."""

_TRIES = 30
_PAUSE = 1.0
"""Seconds between tries of a step that finds a table in use: traffic goes on meanwhile."""
_MARK = re.compile(r"-- (expand|contract): ")

_log = logs.get("store.migrate")

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

    @property
    def kind(self) -> str:
        """`expand` or `contract`, as its first line says; the first steps of all say nothing."""
        mark = _MARK.match(self.text)
        return mark[1] if mark else "expand"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Applied:
    """A step that the database knows."""

    digest: bytes
    kind: str


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
    """The steps that are missing; changes nothing. `SchemaMismatch` as `migrated`."""
    async with _locked(reach) as connection:
        return _missing(await _known(connection))


async def migrated(reach: door.Reach, *, today: date, contract: bool = False) -> list[Step]:
    """Applies what is missing, makes the partitions of the next days, answers what was applied.

    Steps that contract only when told so. `SchemaMismatch` when an applied file changed or the
    database is newer than this program; `Again` when a table stays in use for too long.
    """
    async with _locked(reach) as connection:
        await connection.execute(statements.text("schema.table"))
        await connection.execute(statements.text("schema.kind"))
        missing = _missing(await _known(connection))
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
        except asyncpg.LockNotAvailableError:
            await asyncio.sleep(_PAUSE)
        else:
            return
    raise errors.Again(f"{step.name}: a table that it changes stayed in use")


async def check(store: door.Store) -> None:
    """`SchemaMismatch` unless this program can work with the schema as it is."""
    try:
        known = _applied(await store.rows("schema.known"))
    except asyncpg.UndefinedTableError:
        known = {}
    if not known:
        raise errors.SchemaMismatch("the database is empty: run `deliveryd migrate`")
    missing = [step for step in _missing(known) if step.kind == "expand"]
    if missing:
        raise errors.SchemaMismatch(
            f"{len(missing)} migrations are missing, first {missing[0].name}:"
            " run `deliveryd migrate`"
        )
    if newer := known.keys() - {step.number for step in steps()}:
        _log.info("schema.newer", steps=sorted(newer))


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


async def _known(connection: "asyncpg.Connection[asyncpg.Record]") -> dict[int, _Applied]:
    try:
        return _applied(await connection.fetch(statements.text("schema.known")))
    except asyncpg.UndefinedTableError:  # nothing was ever applied
        return {}


def _applied(rows: Sequence[door.Row]) -> dict[int, _Applied]:
    return {row["number"]: _Applied(digest=row["sha256"], kind=row["kind"]) for row in rows}


def _missing(known: Mapping[int, _Applied]) -> list[Step]:
    ours = {step.number: step for step in steps()}
    for number, applied in sorted(known.items()):
        if number not in ours and applied.kind == "contract":
            raise errors.SchemaMismatch(
                f"the database is at step {number}, which takes away what this program needs:"
                " this program is older"
            )
        if number in ours and ours[number].digest != applied.digest:
            raise errors.SchemaMismatch(f"{ours[number].name} was changed after it was applied")
    return [step for number, step in sorted(ours.items()) if number not in known]
