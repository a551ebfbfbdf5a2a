"""Files with rows of the directory: CSV with a header, or JSON Lines; read a few rows at a time.

Columns of a JSON Lines file are the names in its first line. UTF-8, with or without a BOM; what
isn't UTF-8, or isn't a row, is a fault of its line. Nothing here holds more than a batch.
"""

import csv
import io
import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Protocol

import orjson

from daemon.mail.directory import cells, staging
from daemon.mail.directory.entities import BY_NAME, Column, Entity
from daemon.mail.directory.staging import Batch, Staging

FORMATS = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}
"""By the end of a file's name."""
REJECTS = ".rejects.csv"
"""Stands behind a file's name in the name of the file with its rejects."""
_ROWS = 1_000
_LONGEST = 16 * 2**20
"""Characters of a cell, octets of a line of JSON: beyond it a quote is missing."""


class Unfit(Exception):
    """A file of which no row can be read, with all that is wrong with it, a line each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A file, and what its rows are."""

    path: Path
    entity: Entity
    format: str


class Sheet(Protocol):
    """A file that is open."""

    staging: Staging
    """For the columns that it has."""

    def batches(self) -> Iterator[Batch]:
        """Its rows."""

    @property
    def done(self) -> int:
        """Octets that have been read."""


def source(path: Path, entity: str | None) -> Source:
    """What a file is: by its name, or as it is said. Raises `Unfit`."""
    format_ = FORMATS.get(path.suffix.lower())
    if format_ is None:
        raise Unfit(f"{path}: its name must end in {', '.join(FORMATS)}")
    found = BY_NAME.get(entity or path.stem)
    if found is None:
        what = (
            "isn't an entity" if entity else "isn't called after an entity: name it with --entity"
        )
        raise Unfit(f"{path}: {entity or path.stem} {what}; there are {', '.join(BY_NAME)}")
    return Source(path=path, entity=found, format=format_)


def folder(path: Path) -> list[Source]:
    """Every file of rows in a folder. Raises `Unfit`, also if there is none."""
    paths = [
        one
        for one in sorted(path.iterdir())
        if one.suffix.lower() in FORMATS and not one.name.endswith(REJECTS)
    ]
    if not paths:
        raise Unfit(f"{path}: no file in it is called after an entity, such as contact.csv")
    return [source(one, None) for one in paths]


@contextmanager
def opened(source: Source) -> Iterator[Sheet]:
    """The file, with its header read. Raises `Unfit`."""
    with source.path.open("rb") as file:
        if source.format == "csv":
            text = io.TextIOWrapper(
                file, encoding="utf-8-sig", errors="surrogateescape", newline=""
            )
            try:
                yield _Csv(source, file, text)
            finally:
                text.detach()
        else:
            yield _JsonLines(source, file)


def _staging(source: Source, names: list[str]) -> Staging:
    found = staging.header(source.entity, names)
    if isinstance(found, list):
        raise Unfit("\n".join(f"{source.path}: {fault}" for fault in found))
    return found


class _Csv:
    """Cells separated by commas; a quoted one may hold commas, quotes and line ends."""

    def __init__(self, source: Source, file: IO[bytes], text: io.TextIOWrapper) -> None:
        csv.field_size_limit(_LONGEST)
        self._file = file
        self._reader = csv.reader(text, strict=True)
        try:
            names = next(self._reader, None)
        except csv.Error as error:
            raise Unfit(f"{source.path}: line 1: {error}") from None
        if not names:
            raise Unfit(f"{source.path}: the first line must name the columns, such as id,name")
        self.staging = _staging(source, [name.strip() for name in names])

    @property
    def done(self) -> int:
        return _done(self._file)

    def batches(self) -> Iterator[Batch]:
        is_last = False
        while not is_last:
            batch, is_last = self._batch()
            if batch.rows or batch.broken:
                yield batch

    def _batch(self) -> tuple[Batch, bool]:
        """The next rows, and whether they are the last ones."""
        numbers: list[int] = []
        rows: list[list[str]] = []
        reader, start = self._reader, self._reader.line_num + 1
        try:
            for row in reader:
                if row:
                    numbers.append(start)
                    rows.append(row)
                start = reader.line_num + 1
                if len(rows) == _ROWS:
                    return Batch(numbers=numbers, rows=rows), False
        except csv.Error:
            # the reader begins anew with the next line
            return Batch(numbers=numbers, rows=rows, broken=[(start, _QUOTES)]), False
        return Batch(numbers=numbers, rows=rows), True


class _JsonLines:
    """A JSON object a line."""

    def __init__(self, source: Source, file: IO[bytes]) -> None:
        self._file = file
        self._number = 0
        self._first = self._line()
        if self._first is None:
            self.staging = Staging(entity=source.entity, columns=())
            return
        first = _object(self._first)
        if isinstance(first, str):
            raise Unfit(f"{source.path}: line {self._number}: {first}")
        self.staging = _staging(source, list(first))

    @property
    def done(self) -> int:
        return _done(self._file)

    def batches(self) -> Iterator[Batch]:
        lines = self._lines()
        while some := list(itertools.islice(lines, _ROWS)):
            rows, broken = [], []
            for number, line in some:
                row = self._row(line)
                if isinstance(row, str):
                    broken.append((number, row))
                else:
                    rows.append((number, row))
            yield Batch(
                numbers=[number for number, _ in rows], rows=[row for _, row in rows], broken=broken
            )

    def _lines(self) -> Iterator[tuple[int, bytes]]:
        line = self._first
        while line is not None:
            yield self._number, line
            line = self._line()

    def _line(self) -> bytes | None:
        """The next line that isn't blank."""
        while line := self._file.readline(_LONGEST + 1):
            self._number += 1
            if line.strip():
                return line.removeprefix(b"\xef\xbb\xbf") if self._number == 1 else line
        return None

    def _row(self, line: bytes) -> list[str] | str:
        """Its cells, or what is wrong with it."""
        found = _object(line)
        if isinstance(found, str):
            return f"\t{found}"
        columns = self.staging.columns
        faults = [] if found.keys() <= {column.name for column in columns} else [_STRANGE]
        row = []
        for column in columns:
            cell = _cell(column, found.get(column.name))
            if isinstance(cell, str):
                row.append(cell)
            else:
                faults.append(f"{column.name}\t{cell}")
        return "\n".join(faults) or row


_QUOTES = "\tisn't CSV: a quote within a cell is written twice, and a quoted cell ends in a quote"
_STRANGE = "\thas a name that the first line hasn't"


def _done(file: IO[bytes]) -> int:
    """How far a file is read; of a pipe nobody knows how much there is."""
    return file.tell() if file.seekable() else 0


def _object(line: bytes) -> dict[str, Any] | str:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return "isn't a JSON object, or isn't UTF-8"
    return found if isinstance(found, dict) else "isn't a JSON object"


def _cell(column: Column, value: object) -> str | ValueError:
    try:
        return cells.cell(column.kind, value)
    except ValueError as error:
        return error
