"""The directory as files, in the form that an import reads; as of one moment, and streamed.

Importing what was exported changes nothing. Secrets, and hashes of them, are in no column.
"""

import csv
import io
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO

import orjson

from daemon.mail.directory.entities import BY_NAME, Entity
from daemon.store import door, exporting

FORMATS = ("csv", "jsonl")

Write = Callable[[bytes], object]


@asynccontextmanager
async def reading(store: door.Store) -> AsyncIterator[door.Session]:
    """A session in which everything is as of one moment."""
    async with store.transaction() as session:
        await exporting.begun(session)
        yield session


async def exported(session: door.Session, entity: str, format_: str, write: Write) -> int:
    """Writes every row of an entity; answers how many there were."""
    if format_ == "csv":
        return await exporting.rows(session, entity, write)
    as_json = _AsJson(BY_NAME[entity], write)
    return await exporting.rows(session, entity, as_json.take)


async def saved(
    session: door.Session, entities: Sequence[str], folder: Path, format_: str
) -> dict[str, int]:
    """Writes a file for each entity; under its name there is only a whole one. Raises `OSError`."""
    counts = {}
    for entity in entities:
        final = folder / f"{entity}.{format_}"
        draft = final.with_name(f"{final.name}.part")
        try:
            with draft.open("wb") as file:
                counts[entity] = await exported(session, entity, format_, _written(file))
            draft.replace(final)
        finally:
            draft.unlink(missing_ok=True)
    return counts


def _written(file: IO[bytes]) -> Write:
    return file.write


class _AsJson:
    """Turns pieces of CSV into JSON Lines."""

    def __init__(self, entity: Entity, write: Write) -> None:
        self._columns = entity.columns
        self._write = write
        self._rest = b""
        self._header = True

    def take(self, piece: bytes) -> None:
        """Writes the rows that are whole by now."""
        data = self._rest + piece
        end = len(data)
        while (end := data.rfind(b"\n", 0, end)) >= 0:
            # within a quoted cell an odd number of quotes came before
            if data.count(b'"', 0, end) % 2 == 0:
                break
        self._rest = data[end + 1 :]
        text = data[: end + 1].decode()
        rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        if self._header and text:
            self._header = next(rows, None) is None
        lines = [orjson.dumps(self._object(row), option=orjson.OPT_APPEND_NEWLINE) for row in rows]
        self._write(b"".join(lines))

    def _object(self, row: list[str]) -> dict[str, object]:
        return {
            column.name: column.kind.json(cell) if cell else None
            for column, cell in zip(self._columns, row, strict=True)
        }
