"""The case `import`: contacts from a file, beside a bare COPY of the same rows in the same run.

The reference goes into a table with the same indexes, constraints and foreign keys, from a file
that holds the rows as they are stored, by one connection; just after the import, and once more. Two
that differ by more than a fifth make the run void.
"""

import argparse
import asyncio
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from tests.bench.bars import Bars
from tests.stories import config, process
from tests.stories.servers import DSN, URL, Servers, named

ROWS = 1_000_000
LEAST = 0.3
"""Of the reference's rate, at this size."""
VOID = 3
TEXT = "contacts from a file into the database, beside a bare COPY of the same rows"

_APART = 1.2
_HOURS = 4 * 3600.0
_BARE = """
CREATE TABLE bare (LIKE contact INCLUDING ALL);
ALTER TABLE bare ADD FOREIGN KEY (customer_id) REFERENCES customer (id),
                 ADD FOREIGN KEY (person_id) REFERENCES person (id);
"""
_COLUMNS = """
SELECT array_agg(column_name::text) FROM information_schema.columns
WHERE table_name = 'contact' AND is_generated = 'NEVER'
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brought:
    """How long both took. Times in seconds."""

    rows: int
    seconds: float
    """Of the whole command, from its start to its end."""
    bare: tuple[float, float]
    """Of the reference, twice."""

    @property
    def document(self) -> dict[str, Any]:
        """The result."""
        mean = sum(self.bare) / 2
        return {
            "case": "import",
            "rows": self.rows,
            "rate": round(self.rows / self.seconds),
            "bare_rate": round(self.rows / mean),
            "of_bare": round(mean / self.seconds, 3),
            "void": max(self.bare) > _APART * min(self.bare),
        }


def measure(options: argparse.Namespace, folder: Path) -> int:
    """Measures it, tells, and answers the exit status."""
    result = asyncio.run(_measured(options.rows, folder, Bars())).document
    print(f"import       {result['rate']:>9,} rows/s, {result['of_bare']:.3f} of a bare COPY's")
    if options.json:
        print(json.dumps(result))
    if result["void"]:
        return VOID
    return int(options.rows >= ROWS and result["of_bare"] < LEAST)


async def _measured(rows: int, folder: Path, bars: Bars) -> Brought:
    servers = await Servers.at(os.environ[DSN], os.environ[URL])
    try:
        async with servers.database() as dsn:
            sections = config.sections(dsn=dsn, url=servers.url, prefix=named(), state=folder)
            file = folder / "bench.toml"
            customer = {"id": 1, "name": "Bench"}
            file.write_text(config.text(sections, [("customer", customer)]))
            connection = await asyncpg.connect(dsn)
            try:
                await connection.execute("INSERT INTO customer (id, name) VALUES (7, 'seven')")
                seconds = await _imported(file, _written(folder / "contact.csv", rows), bars)
                assert await connection.fetchval("SELECT count(*) FROM contact") == rows
                bare = await _bare(connection, folder / "bare.copy", rows, bars)
            finally:
                await connection.close()
    finally:
        await servers.gone()
    return Brought(rows=rows, seconds=seconds, bare=bare)


def _written(path: Path, rows: int) -> Path:
    """Contacts with a name and a parameter; every tenth domain isn't in lower case."""
    with path.open("w", encoding="utf-8") as file:
        file.write("customer_id,address,first_name,last_name,param1,no_mailing\n")
        for number in range(rows):
            domain = f"{'example' if number % 10 else 'Example'}{number % 997}.example"
            names = f"First{number % 500},Last{number % 3000},city {number % 100}"
            flag = "" if number % 50 else "true"
            file.write(f"7,somebody.{number}@{domain},{names},{flag}\n")
    return path


async def _imported(file: Path, contacts: Path, bars: Bars) -> float:
    began = time.monotonic()
    with bars.stage("import", 1):
        words = ("directory", "import", str(contacts))
        code, document = await process.typed(file, *words, seconds=_HOURS)
    assert code == 0, document
    return time.monotonic() - began


async def _bare(
    connection: "asyncpg.Connection[asyncpg.Record]", file: Path, rows: int, bars: Bars
) -> tuple[float, float]:
    columns = await connection.fetchval(_COLUMNS)
    await connection.copy_from_table("contact", columns=columns, output=file)
    seconds = []
    for _ in range(2):
        await connection.execute(_BARE)
        began = time.monotonic()
        with bars.stage("bare COPY", rows):
            await connection.copy_to_table("bare", columns=columns, source=file)
        seconds.append(time.monotonic() - began)
        await connection.execute("DROP TABLE bare")
    return seconds[0], seconds[1]
