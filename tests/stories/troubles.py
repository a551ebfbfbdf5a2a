"""What can befall a Postgres of our own, each as a block at whose end it is over."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tests.stories.servers import PATIENCE, Pair

_GLANCE = 0.02
_ROOM = 96
"""MiB of the disk that fills up: a database takes 10 of them."""


@asynccontextmanager
async def frozen(pair: Pair) -> AsyncIterator[None]:
    """Every process of it stands still; connections stay open, and the kernel acknowledges."""
    postmaster = await pair.pid("postgres")
    processes = [postmaster, *_children(postmaster)]
    _tell(processes, signal.SIGSTOP)
    try:
        yield
    finally:
        _tell(processes, signal.SIGCONT)


@asynccontextmanager
async def gone(pair: Pair) -> AsyncIterator[None]:
    """It is stopped, and started again."""
    postmaster = await pair.pid("postgres")
    os.kill(postmaster, signal.SIGINT)
    async with asyncio.timeout(PATIENCE):
        while _children(postmaster):  # noqa: ASYNC110 - a server that isn't ours to wait for
            await asyncio.sleep(_GLANCE)
    try:
        yield
    finally:
        await pair.start()


@asynccontextmanager
async def read_only(dsn: str) -> AsyncIterator[None]:
    """It answers every question and takes no write, as a standby does."""
    await _say(dsn, "ALTER SYSTEM SET default_transaction_read_only = on")
    try:
        yield
    finally:
        await _say(dsn, "ALTER SYSTEM RESET default_transaction_read_only")


async def backends_killed(dsn: str) -> None:
    """Each connection of a daemon is cut by the server, one after the other."""
    theirs = "application_name LIKE 'deliveryd:%' AND datname = current_database()"
    connection = await asyncpg.connect(dsn, timeout=PATIENCE)
    try:
        for row in await connection.fetch(f"SELECT pid FROM pg_stat_activity WHERE {theirs}"):
            await connection.execute("SELECT pg_terminate_backend($1)", row["pid"])
            await asyncio.sleep(_GLANCE)
    finally:
        await connection.close()


@asynccontextmanager
async def disk(dsn: str, pair: Pair) -> AsyncIterator["Disk"]:
    """A small disk for databases, which can be filled up."""
    # among the server's own files, where it may go whoever it is
    made = Disk(dsn, await pair.home("postgres") / "disk")
    try:
        await made.prepare()
        yield made
    finally:
        await made.clear_away()


class Disk:
    """A file system in memory where we may mount one; else the server is told to say it is full.

    Then a trigger raises SQLSTATE 53100 wherever something would have to be stored: the daemon is
    told the same by the same server.
    """

    tablespace = ""
    """What `CREATE DATABASE` needs to be told; empty where it couldn't be mounted."""

    def __init__(self, dsn: str, folder: Path) -> None:
        self._dsn = dsn
        self._folder = folder

    async def prepare(self) -> None:
        """Mounts it and has the server know it."""
        self._folder.mkdir()
        mounting = ("mount", "-t", "tmpfs", "-o", f"size={_ROOM}m", "tmpfs", str(self._folder))
        if os.geteuid() != 0 or not await _done(*mounting):
            return
        space = self._folder / "space"
        space.mkdir()
        assert await _done("chown", "-R", "postgres", str(self._folder))
        await _say(self._dsn, f"CREATE TABLESPACE small LOCATION '{space}'")
        await _say(self._dsn, "GRANT CREATE ON TABLESPACE small TO deliveryd")
        self.tablespace = "TABLESPACE small"

    async def fill(self, dsn: str) -> None:
        """Not a page more can be stored in a database."""
        if self.tablespace:
            with (self._folder / "ballast").open("wb") as ballast, suppress(OSError):
                while True:
                    ballast.write(b"x" * 65536)
                    ballast.flush()
            return
        raising = "BEGIN RAISE EXCEPTION 'the disk is full' USING ERRCODE = '53100'; END"
        full = f"CREATE FUNCTION is_full() RETURNS trigger LANGUAGE plpgsql AS $$ {raising} $$"
        await _run(dsn, full)
        for table in ("ledger", "job", "retry"):
            once = f"CREATE TRIGGER is_full BEFORE INSERT ON {table} EXECUTE FUNCTION is_full()"
            await _run(dsn, once)

    async def clear(self, dsn: str) -> None:
        """There is room again."""
        if self.tablespace:
            (self._folder / "ballast").unlink()
        else:
            await _run(dsn, "DROP FUNCTION is_full() CASCADE")

    async def clear_away(self) -> None:
        """Nothing of it is left, once the databases on it are gone."""
        try:
            if self.tablespace:
                (self._folder / "ballast").unlink(missing_ok=True)
                await _say(self._dsn, "DROP TABLESPACE small")
        finally:
            await _done("umount", "--lazy", str(self._folder))
            self._folder.rmdir()


async def _say(dsn: str, statement: str) -> None:
    """Something that only the superuser may, from another database; it holds from now on."""
    split = urlsplit(dsn)
    secret = split.netloc.partition(":")[2]
    superuser = urlunsplit(split._replace(netloc=f"postgres:{secret}", path="/postgres"))
    await _run(superuser, statement)
    await _run(superuser, "SELECT pg_reload_conf()")


async def _run(dsn: str, statement: str) -> None:
    writable = {"default_transaction_read_only": "off"}
    connection = await asyncpg.connect(dsn, timeout=PATIENCE, server_settings=writable)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _children(parent: int) -> list[int]:
    return [pid for pid in _living() if _parent(pid) == parent]


def _living() -> Iterator[int]:
    return (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())


def _parent(pid: int) -> int | None:
    try:
        told = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(told.rpartition(")")[2].split()[1])


def _tell(processes: list[int], number: signal.Signals) -> None:
    for process in processes:
        with suppress(ProcessLookupError):
            os.kill(process, number)


async def _done(*command: str) -> bool:
    process = await asyncio.create_subprocess_exec(*command, stderr=asyncio.subprocess.DEVNULL)
    async with asyncio.timeout(PATIENCE):
        return await process.wait() == 0
