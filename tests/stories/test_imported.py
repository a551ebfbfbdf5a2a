"""The directory is imported by a process, and the process is killed at it."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from tests.stories import config, process, servers
from tests.stories.servers import Servers

MANY = 2_500
"""Contacts: more than two batches."""


@dataclass(frozen=True, slots=True)
class Desk:
    """A folder of files, and a database to bring them into."""

    folder: Path
    file: Path
    dsn: str

    async def imported(self) -> tuple[int, list[tuple[str, int, int, int]]]:
        """The exit code, and what was inserted, unchanged and rejected of each entity."""
        code, document = await process.typed(self.file, "directory", "import", str(self.folder))
        keys = ("entity", "inserted", "unchanged", "rejected")
        return code, [tuple(one[key] for key in keys) for one in document["files"]]

    async def counted(self) -> tuple[int, int, int]:
        """Customers beside the root, contacts, and imports that somebody noted."""
        connection = await asyncpg.connect(self.dsn)
        try:
            tables = ("customer WHERE id > 0", "contact", "change")
            counts = [await connection.fetchval(f"SELECT count(*) FROM {one}") for one in tables]
            return tuple(counts)
        finally:
            await connection.close()


@pytest.fixture
async def desk(shared_servers: Servers, tmp_path: Path) -> AsyncIterator[Desk]:
    """Two customers, one of whom can't be, and many contacts of the other."""
    folder = tmp_path / "files"
    folder.mkdir()
    (folder / "customer.csv").write_text("id,name,timezone\n7,Acme,UTC\n8,Lost,Nowhere/Land\n")
    rows = "".join(f"7,somebody.{number}@x.example\n" for number in range(MANY))
    (folder / "contact.csv").write_text(f"customer_id,address\n{rows}8,last@x.example\n")
    async with shared_servers.database() as dsn:
        sections = config.sections(
            dsn=dsn, url=shared_servers.url, prefix=servers.named(), state=tmp_path
        )
        file = tmp_path / "story.toml"
        file.write_text(config.text(sections, [("customer", {"id": 1, "name": "Story"})]))
        yield Desk(folder, file, dsn)


@pytest.mark.parametrize(
    ("point", "is_stored"),
    [
        ("import.staged:1", False),
        ("import.staged:3", False),
        ("import.merged:1", False),
        ("import.merged:2", False),
        ("import.committed", True),
    ],
)
async def test_killed(desk: Desk, point: str, is_stored: bool) -> None:
    """Wherever it dies, all of it was stored or nothing; the same again ends as if it hadn't."""
    status = await process.killed(desk.file, "directory", "import", str(desk.folder), at=point)
    assert status == -9
    assert await desk.counted() == ((1, MANY, 2) if is_stored else (0, 0, 0))
    code, done = await desk.imported()
    inserted, unchanged = ((0, 0), (1, MANY)) if is_stored else ((1, MANY), (0, 0))
    assert code == 1
    assert done == [
        ("customer", inserted[0], unchanged[0], 1),
        ("contact", inserted[1], unchanged[1], 1),
    ]
    assert await desk.counted() == (1, MANY, 2)
    rejects = sorted(one.name for one in desk.folder.iterdir() if "rejects" in one.name)
    assert rejects == ["contact.csv.rejects.csv", "customer.csv.rejects.csv"]
