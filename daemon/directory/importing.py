"""Files become rows of the directory: all the good ones of all files in one transaction, or none.

A row that can't be is written to a file beside its own, with its line and the reasons; the others
go in. Who is there already is brought up to date, and what a file has no column for stays as it
was; nobody is taken away.
"""

import csv
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from daemon import crashpoints
from daemon.directory import sheets
from daemon.directory.sheets import REJECTS, Sheet, Source, Unfit
from daemon.mail.directory.staging import Staging
from daemon.store import changes, door, importing
from daemon.store.changes import Change

_HEAD = ("line", "column", "reason")
_TOGETHER = {"customer": "plan", "plan": "customer"}
"""Customers have plans, and plans belong to customers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What came of one file."""

    file: str
    entity: str
    rows: int
    inserted: int
    updated: int
    unchanged: int
    rejected: int
    unfit: int
    """Addresses that can't be written to, as they break a rule; they are kept all the same."""
    rejects: str | None
    """Where the rejected rows are told of."""


async def imported(
    store: door.Store, sources: Sequence[Source], *, by: str, step: Callable[[int], None]
) -> list[Imported]:
    """Imports all of them; `step` hears of octets read. Raises `Unfit`, `Overtaken`, `OSError`."""
    files = _each_once(sources)
    with _rejects(files) as drafts:
        async with store.transaction() as session:
            await importing.begun(session)
            stagings = {
                entity: await _staged(session, files[entity], step)
                for entity in importing.in_order(files)
            }
            done = [one async for one in _merged(session, files, stagings)]
            for one in done:
                await _noted(session, by, one)
                await _told(session, one, drafts[one.entity])
        crashpoints.reach("import.committed")
    return done


def _each_once(sources: Sequence[Source]) -> dict[str, Source]:
    files: dict[str, Source] = {}
    for source in sources:
        other = files.setdefault(source.entity.name, source)
        if other is not source:
            raise Unfit(f"{source.path}: {source.entity.name} comes from {other.path} already")
    return files


async def _staged(session: door.Session, source: Source, step: Callable[[int], None]) -> Staging:
    with sheets.opened(source) as sheet:
        lines = _lines(sheet, step)
        await importing.stage(session, source.entity.name, sheet.staging.targets, lines)
        return sheet.staging


async def _lines(sheet: Sheet, step: Callable[[int], None]) -> AsyncIterator[bytes]:
    before = 0
    for batch in sheet.batches():
        yield sheet.staging.lines(batch)
        crashpoints.reach("import.staged")
        step(sheet.done - before)
        before = sheet.done


async def _merged(
    session: door.Session, files: Mapping[str, Source], stagings: Mapping[str, Staging]
) -> AsyncIterator[Imported]:
    """Judges and stores entity by entity: who is named later finds who came before."""
    columns = {
        entity: [column.name for column in staging.columns] for entity, staging in stagings.items()
    }
    judged: set[str] = set()
    for entity, staging in stagings.items():
        if entity not in judged:
            group = {entity, _TOGETHER.get(entity, entity)}
            await importing.judged(session, {one: columns.get(one, []) for one in group})
            judged |= group
        found = await importing.merged(session, entity, has_ids="id" in columns[entity])
        crashpoints.reach("import.merged")
        yield _imported(files[entity].path, staging, found)


def _imported(path: Path, staging: Staging, found: importing.Merged) -> Imported:
    return Imported(
        file=str(path),
        entity=staging.entity.name,
        rows=staging.rows,
        inserted=found.inserted,
        updated=found.updated,
        unchanged=staging.rows - found.inserted - found.updated - found.rejected,
        rejected=found.rejected,
        unfit=staging.unfit,
        rejects=f"{path}{REJECTS}" if found.rejected else None,
    )


async def _noted(session: door.Session, by: str, one: Imported) -> None:
    if one.inserted or one.updated:
        detail = {"file": one.file, "inserted": one.inserted, "updated": one.updated}
        made = Change(
            by=by, customer=0, entity=one.entity, number=None, deed="imported", detail=detail
        )
        await changes.note(session, made)


async def _told(session: door.Session, one: Imported, draft: Path) -> None:
    """Writes which rows were rejected; a line a fault."""
    if not one.rejected:
        return
    with draft.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(_HEAD)
        async for line, faults in importing.faults(session, one.entity):
            for fault in faults.split("\n"):
                column, _, reason = fault.partition("\t")
                rows.writerow((line, column, reason))


@contextmanager
def _rejects(files: Mapping[str, Source]) -> Iterator[dict[str, Path]]:
    """Where rejects are written; only what was committed is left under its name.

    A file of rejects of an earlier import goes when there are none any more.
    """
    drafts = {
        entity: source.path.with_name(f"{source.path.name}{REJECTS}.part")
        for entity, source in files.items()
    }
    try:
        yield drafts
        for draft in drafts.values():
            final = draft.with_suffix("")
            if draft.exists():
                draft.replace(final)
            else:
                final.unlink(missing_ok=True)
    finally:
        for draft in drafts.values():
            draft.unlink(missing_ok=True)
