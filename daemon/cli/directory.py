"""`deliveryd directory`: customers, people, contacts, lists and the like, from files and to files.

Both go straight to the database, as what streams past is no request.
"""

import asyncio
import contextlib
import dataclasses
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from daemon.cli import configured, doors, progress, typist, words
from daemon.cli.blocks import Block, Table
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.directory import exporting, importing, sheets
from daemon.directory.importing import Imported
from daemon.directory.sheets import Source
from daemon.mail.directory.entities import BY_NAME
from daemon.store.importing import Overtaken

_LONG = 86_400.0
"""Seconds that one statement over everything may take."""
_HEAD = ("file", "rows", "inserted", "updated", "unchanged", "rejected")

File = Annotated[
    Path, Parameter(help="Files such as contact.csv or list.jsonl, or folders of them.")
]


def load(
    *files: File,
    entity: Annotated[
        str | None, Parameter(help="What the rows of the one file are, if its name doesn't say.")
    ] = None,
    options: Options = DEFAULT,
) -> int:
    """Bring customers, people, contacts, lists and the like in, from CSV or JSON Lines.

    All files in one transaction. Who is there already is brought up to date; what a file has no
    column for stays as it is, and nobody is taken away. A row that can't be is told of, with its
    line, in FILE.rejects.csv, and the others go in; exit 1 then.
    """
    return asyncio.run(_loaded(_chosen(files, entity), options))


async def save(
    *entities: Annotated[str, Parameter(help=f"Of {', '.join(BY_NAME)}; else all of them.")],
    to: Annotated[
        Path | None, Parameter(help="A folder for a file each; else one to standard output.")
    ] = None,
    format_: Annotated[
        Literal["csv", "jsonl"], Parameter(name="--format", help="CSV, or JSON Lines.")
    ] = "csv",
    options: Options = DEFAULT,
) -> int:
    """Write customers, people, contacts, lists and the like, as an import reads them.

    As of one moment. Secrets, and hashes of them, aren't among it.
    """
    chosen = _entities(entities)
    if to is None and (len(chosen) != 1 or options.json):
        raise Ended("without --to there is one entity, and no --json: --format jsonl", Exit.USAGE)
    settings = configured.settings(options)
    with _told_in_a_line():
        if to is not None:
            to.mkdir(parents=True, exist_ok=True)
        async with (
            doors.postgres(settings, seconds=_LONG) as store,
            exporting.reading(store) as session,
        ):
            if to is None:
                write = (lambda _: None) if options.quiet else sys.stdout.buffer.write
                await exporting.exported(session, chosen[0], format_, write)
                sys.stdout.flush()
                return Exit.OK
            counts = await exporting.saved(session, chosen, to, format_)
    rows = [(f"{to / entity}.{format_}", f"{count:,}") for entity, count in counts.items()]
    document = {"folder": str(to), "format": format_, "rows": counts}
    Screen(options).show(document, [Table(head=("file", "rows"), rows=rows)])
    return Exit.OK


def _entities(names: Sequence[str]) -> list[str]:
    for name in names:
        if name not in BY_NAME:
            raise Ended(f"{name} is no entity; there are {', '.join(BY_NAME)}", Exit.USAGE)
    return [name for name in BY_NAME if name in names or not names]


def _chosen(paths: Sequence[Path], entity: str | None) -> list[Source]:
    if not paths:
        raise Ended("which file, or folder?", Exit.USAGE)
    if entity is not None and len(paths) > 1:
        raise Ended("--entity is said of one file", Exit.USAGE)
    with _told_in_a_line():
        return [
            source
            for path in paths
            for source in (sheets.folder(path) if path.is_dir() else [sheets.source(path, entity)])
        ]


async def _loaded(sources: Sequence[Source], options: Options) -> int:
    screen = Screen(options)
    with _told_in_a_line():
        size = sum(source.path.stat().st_size for source in sources)
        with progress.bar("reading octets", size, screen) as step:
            async with doors.postgres(configured.settings(options), seconds=_LONG) as store:
                done = await importing.imported(store, sources, by=typist.name(), step=step)
    screen.show({"files": [dataclasses.asdict(one) for one in done]}, _view(done))
    return Exit.FAILED if any(one.rejected for one in done) else Exit.OK


@contextlib.contextmanager
def _told_in_a_line() -> Iterator[None]:
    """What a file, or somebody else at the directory, is to blame for."""
    try:
        yield
    except sheets.Unfit as error:
        raise Ended(str(error), Exit.DATA) from None
    except Overtaken as error:
        raise Ended(f"nothing was stored: {error}; try again", Exit.TEMPORARY) from None
    except OSError as error:
        if error.filename is None:
            raise
        raise Ended(f"{error.filename}: {error.strerror}", Exit.USAGE) from None


def _view(done: Sequence[Imported]) -> list[Block]:
    rows = [
        (one.file, *(f"{number:,}" for number in (
            one.rows, one.inserted, one.updated, one.unchanged, one.rejected)))
        for one in done
    ]  # fmt: skip
    view: list[Block] = [Table(head=_HEAD, rows=rows)]
    view += [f"why rows were rejected: {one.rejects}" for one in done if one.rejects]
    view += [
        f"{one.file}: {words.number(one.unfit, 'address', 'addresses')} kept that no mail can go to"
        for one in done
        if one.unfit
    ]
    return view
