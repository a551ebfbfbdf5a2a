"""The servers that stories run against: the pair everybody shares, or one of their own to break."""

import asyncio
import json
import os
import sys
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from daemon.store import door, migrate

DSN = "DELIVERYD_POSTGRES__DSN"
URL = "DELIVERYD_RABBITMQ__URL"
TOP = Path(__file__).parents[2]
CHEAPLY = "STRATEGY file_copy"
"""How to copy a database of 400 files without logging each page of it (0.06 s, not 0.25)."""
PATIENCE = 60.0
"""Seconds for a server to start or to come back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Servers:
    """A Postgres and a RabbitMQ, and a migrated database to make copies of."""

    dsn: str
    url: str
    template: str
    where: str = ""
    """What `CREATE DATABASE` is told of the place of stories' databases."""

    @classmethod
    async def at(cls, dsn: str, url: str) -> "Servers":
        """Those at these addresses, with a fresh template."""
        template = named()
        await _run(dsn, f"CREATE DATABASE {template}")
        reach = door.Reach(dsn=_of(dsn, template), role="stories")
        await migrate.migrated(reach, today=datetime.now(UTC).date())
        return cls(dsn=dsn, url=url, template=template)

    async def gone(self) -> None:
        """Takes the template away."""
        await _drop(self.dsn, self.template)

    @asynccontextmanager
    async def database(self, *, template: str = "") -> AsyncIterator[str]:
        """The address of a migrated database, or one like another template, that is ours alone."""
        name = named()
        like = f"TEMPLATE {template or self.template} {CHEAPLY} {self.where}"
        await _run(self.dsn, f"CREATE DATABASE {name} {like}")
        try:
            yield _of(self.dsn, name)
        finally:
            await _drop(self.dsn, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Servers of our own, in a state folder of their own."""

    folder: Path

    async def start(self) -> tuple[str, str]:
        """Starts both; answers their addresses."""
        await self._typed("start", "--scratch")
        lines = (await self._typed("env")).splitlines()
        said = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        return said[DSN].strip("'"), said[URL].strip("'")

    async def restart(self, server: str, *, kill: bool) -> None:
        """Ends one of them, by SIGKILL or as it likes to, and starts it at the same place."""
        await self._typed("restart", server, *(["--kill"] if kill else []))

    async def evaluated(self, expression: str) -> str:
        """What the broker's node makes of some Erlang."""
        return await self._typed("rabbitmqctl", "eval", expression)

    async def pid(self, server: str) -> int:
        """The process that is the server's first."""
        return int(await self._told(server, "pid"))

    async def home(self, server: str) -> Path:
        """The folder of its own that the server has its files in."""
        return Path(await self._told(server, "folder"))

    async def _told(self, server: str, what: str) -> str:
        return str(json.loads(await self._typed("status", "--json"))[server][what])

    async def rabbitmqctl(self, *words: str) -> None:
        """Has the broker's own tool do something."""
        await self._typed("rabbitmqctl", *words)

    async def psql(self, *words: str) -> None:
        """Has the database's own tool do something, as superuser."""
        await self._typed("psql", "-v", "ON_ERROR_STOP=1", "-q", *words)

    async def stop(self) -> None:
        """Ends both and removes their data."""
        await self._typed("stop", "--wipe")

    async def _typed(self, *words: str) -> str:
        verb, *rest = words
        command = (str(TOP / "deploy" / "servers"), verb, "--dir", str(self.folder), *rest)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command,
            env=environment(),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(PATIENCE):
            said, complained = await process.communicate()
        assert process.returncode == 0, f"{words}: {complained.decode()}"
        return said.decode()


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours without any setting of deliveryd, which would count more than a story's file."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("DELIVERYD_")}
    return own | dict(more or {})


def as_user(written: str, user: str, password: str, path: str | None = None) -> str:
    """The same server, as somebody else."""
    parts = urlsplit(written)
    where = f"{user}:{password}@{parts.hostname}:{parts.port}"
    return urlunsplit(parts._replace(netloc=where, path=parts.path if path is None else path))


def named() -> str:
    """A name that nobody else has."""
    return f"story_{uuid.uuid4().hex[:16]}"


def _of(dsn: str, database: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


async def _run(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn, timeout=PATIENCE)
    try:
        await connection.execute(statement, timeout=PATIENCE)
    finally:
        await connection.close(timeout=PATIENCE)


async def _drop(dsn: str, name: str) -> None:
    """Drops a database, whoever is left on it."""
    try:
        await _run(dsn, f"DROP DATABASE {name} WITH (FORCE)")
    except asyncpg.InsufficientPrivilegeError:
        # an autovacuum worker, which isn't ours to end; without the force it is made to leave
        await _run(dsn, f"DROP DATABASE {name}")
