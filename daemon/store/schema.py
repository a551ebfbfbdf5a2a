"""The schema, step by step: numbered files, and which of them a database knows.

A file that was applied may never change: its SHA-256 is kept and compared. What a step does to the
programs around it stands in its first line. An `expand` step only adds, so the release before runs
on, and may start, while the next one takes over. A `contract` step takes away what no running
release uses any more; it is applied when asked for, and shuts older programs out.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

import asyncpg

from daemon.store import door, errors

_MARK = re.compile(r"-- (expand|contract): ")


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
class Applied:
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


async def check(store: door.Store) -> list[int]:
    """`SchemaMismatch` unless this program can work with the schema; else what is newer in it."""
    try:
        known = applied(await store.rows("schema.known"))
    except asyncpg.UndefinedTableError:
        known = {}
    if not known:
        raise errors.SchemaMismatch("the database is empty: run `deliveryd migrate`")
    lacking = [step for step in missing(known) if step.kind == "expand"]
    if lacking:
        many = f"{len(lacking)} migrations are missing, first" if lacking[1:] else "missing is"
        raise errors.SchemaMismatch(f"{many} {lacking[0].name}: run `deliveryd migrate`")
    return sorted(known.keys() - {step.number for step in steps()})


def applied(rows: Sequence[door.Row]) -> dict[int, Applied]:
    """What the database knows, by number."""
    return {row["number"]: Applied(digest=row["sha256"], kind=row["kind"]) for row in rows}


def missing(known: Mapping[int, Applied]) -> list[Step]:
    """Our steps that the database doesn't know. `SchemaMismatch` if it isn't for us any more."""
    ours = {step.number: step for step in steps()}
    for number, step in sorted(known.items()):
        if number not in ours and step.kind == "contract":
            raise errors.SchemaMismatch(
                f"the database is at step {number}, which takes away what this program needs:"
                " this program is older"
            )
        if number in ours and ours[number].digest != step.digest:
            raise errors.SchemaMismatch(f"{ours[number].name} was changed after it was applied")
    return [step for number, step in sorted(ours.items()) if number not in known]
