"""The schema is migrated, and killed at it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from daemon.store import schema
from tests.stories import config, process, servers
from tests.stories.servers import Servers

STEPS = [step.name for step in schema.steps()]


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


@pytest.mark.parametrize("nth", [1, 4, 2 * len(STEPS)], ids=["within", "between", "after"])
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
