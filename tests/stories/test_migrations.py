"""The schema is migrated, and killed at it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from daemon.store import migrate, schema
from tests.stories import config, process, servers
from tests.stories.servers import Servers
from tests.waiting import until

STEPS = [step.name for step in schema.steps()]
KILLED = pytest.mark.parametrize("nth", [1, 4, 2 * len(STEPS)], ids=["within", "between", "after"])
_WAITING = """
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


@dataclass(frozen=True, slots=True)
class Empty:
    """An empty database, and a configuration that names it."""

    file: Path
    dsn: str

    async def migrate(self) -> list[str]:
        """What `deliveryd migrate` says that it applied."""
        code, document = await process.typed(self.file, "migrate")
        assert code == 0
        applied: list[str] = document["applied"]
        return applied

    async def ended(self, *words: str, **environ: str) -> tuple[int, str]:
        """The exit status of a command, negative for a signal, and what it complained of."""
        command = (sys.executable, "-m", "daemon", *words, "--config", str(self.file))
        ran = await asyncio.create_subprocess_exec(
            *command,
            cwd=servers.TOP,
            env=servers.environment(environ),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(process.PATIENCE):
            _, complained = await ran.communicate()
        return ran.returncode or 0, complained.decode()


@pytest.fixture
async def empty(shared_servers: Servers, tmp_path: Path) -> AsyncIterator[Empty]:
    """A database that no step was applied to."""
    async with shared_servers.database(template="template0") as dsn:
        sections = config.sections(
            dsn=dsn, url=shared_servers.url, prefix=servers.named(), state=tmp_path
        )
        file = tmp_path / "story.toml"
        file.write_text(config.text(sections, [("customer", {"id": 1, "name": "Story"})]))
        yield Empty(file, dsn)


@KILLED
async def test_killed_at_a_step(empty: Empty, nth: int) -> None:
    """C28: killed within a step, between two, or after the last, it goes on where it was.

    Meanwhile nobody works on half a schema: the daemon refuses it, and says what to do.
    """
    status, _ = await empty.ended("migrate", DELIVERYD_CRASH=f"C28:{nth}")
    assert status == -9
    done = nth // 2
    if done < len(STEPS):
        status, said = await empty.ended("serve", "--no-wait")
        assert status == 69
        assert said.splitlines()[-1].endswith("run `deliveryd migrate`"), said
    assert await empty.migrate() == STEPS[done:]
    assert await empty.migrate() == []


@KILLED
async def test_killed_with_a_second(empty: Empty, nth: int) -> None:
    """C28: whoever waits for the one that is killed goes on at once where that one was."""
    connection = await asyncpg.connect(empty.dsn, timeout=10)
    async with asyncio.TaskGroup() as group:
        await connection.execute("SELECT pg_advisory_lock($1)", migrate._LOCK)
        doomed = group.create_task(empty.ended("migrate", DELIVERYD_CRASH=f"C28:{nth}"))
        await until(lambda: _waits(connection, 1), seconds=30)
        second = group.create_task(empty.migrate())
        await until(lambda: _waits(connection, 2), seconds=30)
        await connection.close()
    assert doomed.result()[0] == -9
    assert second.result() == STEPS[nth // 2 :]
    assert await empty.migrate() == []


async def _waits(connection: asyncpg.Connection, number: int) -> bool:
    """Whether so many wait for their turn to migrate."""
    waiting: int = await connection.fetchval(_WAITING)
    return waiting == number


async def test_five_at_once(empty: Empty) -> None:
    """H9: of five that migrate an empty database at once one applies the steps, the others wait."""
    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(empty.migrate()) for _ in range(5)]
    assert sorted(run.result() for run in runs) == [[], [], [], [], STEPS]


async def test_a_newer_schema(empty: Empty) -> None:
    """H12: a schema that took away what we need ends the start with 69 and one clear line."""
    await empty.migrate()
    newer = "INSERT INTO schema_migration VALUES (99, '0099_less.sql', '', now(), 'contract')"
    await servers._run(empty.dsn, newer)
    status, said = await empty.ended("serve")
    assert status == 69
    assert "this program is older" in said.splitlines()[-1]
    assert "Traceback" not in said
