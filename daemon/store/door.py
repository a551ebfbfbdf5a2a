"""The door to Postgres: a pool of connections, sessions and transactions on them.

Connections speak UTC and hand jsonb over as Python values. A statement is asked for by its name in
`sql/`. Every await here is bounded by the statement timeout or the connect timeout; so is the wait
for a connection while all of them are lent, and what it takes to give a broken one up. A network
that has swallowed the database shows sooner: after `silence` without a sign of its machine.
"""

import asyncio
import functools
import os
import time
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Callable,
    Coroutine,
    Iterable,
    Iterator,
    Sequence,
)
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import asyncpg
import orjson
from asyncpg.connect_utils import SessionAttribute

from daemon.store import errors, sockets, statements

Row = asyncpg.Record

_PARTING = 1.0
"""Seconds that a transaction which was cancelled may take to be undone."""
_REFUSAL_HOLDS = 6.0
"""Seconds for which a refusal is told of: who writes at all does so, or tries, more often."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """How to reach the database. Times in seconds."""

    dsn: str
    """Empty means libpq's own `PG*` environment."""
    role: str
    """What `pg_stat_activity` calls us: `deliveryd:<role>`."""
    connections: int = 10
    connect_timeout: float = 10.0
    statement_timeout: float = 60.0
    silence: float = 10.0
    """How long the other machine may acknowledge nothing before a connection counts as lost."""

    @property
    def place(self) -> str:
        """Servers and database, for people; who we are there is no part of it."""
        url = urlsplit(self.dsn)
        asked = {name: values[-1] for name, values in parse_qs(url.query).items()}
        host = url.netloc.rpartition("@")[2] or asked.get("host", os.environ.get("PGHOST", ""))
        port = "" if url.netloc else asked.get("port", os.environ.get("PGPORT", ""))
        base = url.path.strip("/") or asked.get("dbname", os.environ.get("PGDATABASE", ""))
        server = f"{host or 'the local socket'}:{port}".rstrip(":")
        return f"{server}/{base}".rstrip("/")


class Session:
    """One connection, for as long as it is lent."""

    __slots__ = ("_connection", "_limit")

    def __init__(
        self, connection: "asyncpg.pool.PoolConnectionProxy[Row]", statement_timeout: float
    ) -> None:
        self._connection = connection
        self._limit = statement_timeout

    @contextmanager
    def cut_short(self) -> Iterator[None]:
        """Whoever is cancelled within waits no longer: a frozen database answers no ROLLBACK.

        A moment is left to asyncpg, which asks the server to drop what is under way.
        """
        try:
            yield
        except asyncio.CancelledError:
            asyncio.get_running_loop().call_later(_PARTING, self._terminate)
            raise

    def _terminate(self) -> None:
        # given back meanwhile, it is no way to the connection any more
        with suppress(asyncpg.InterfaceError):
            self._connection.terminate()

    async def rows(self, name: str, *args: object) -> list[Row]:
        """All rows that a statement answers."""
        with errors.sorted_out():
            return await self._connection.fetch(statements.text(name), *args)

    async def row(self, name: str, *args: object, within: float | None = None) -> Row | None:
        """The first row that a statement answers, `within` so many seconds instead of the usual."""
        with errors.sorted_out():
            return await self._connection.fetchrow(statements.text(name), *args, timeout=within)

    async def value(self, name: str, *args: object) -> Any:
        """The first column of the first row."""
        with errors.sorted_out():
            return await self._connection.fetchval(statements.text(name), *args)

    async def run(self, name: str, *args: object) -> int:
        """Executes a statement and answers how many rows it touched."""
        with errors.sorted_out():
            tag = await self._connection.execute(statements.text(name), *args)
        count = tag.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def copy(
        self, table: str, columns: Sequence[str], records: Iterable[Sequence[object]]
    ) -> None:
        """Appends records to a table by COPY."""
        async with self._copying() as never:
            await self._connection.copy_records_to_table(
                table, columns=columns, records=records, timeout=never
            )

    async def copy_text(
        self, table: str, columns: Sequence[str], lines: AsyncIterable[bytes]
    ) -> None:
        """Appends lines in COPY's text format, in which an empty value is NULL."""
        async with self._copying() as never:
            await self._connection.copy_to_table(
                table, columns=columns, source=lines, format="text", null="", timeout=never
            )

    @asynccontextmanager
    async def _copying(self) -> AsyncIterator[float]:
        """A limit that holds for leave to write too, which asyncpg's own, later one leaves out."""
        with errors.sorted_out():
            async with asyncio.timeout(self._limit):
                yield 2 * self._limit

    async def copy_out(self, name: str, take: Callable[[bytes], Coroutine[Any, Any, None]]) -> int:
        """Hands over what a statement answers, as CSV with a header, a piece at a time.

        Answers how many rows there were.
        """
        with errors.sorted_out():
            tag = await self._connection.copy_from_query(
                statements.text(name).rstrip(";"), output=take, format="csv", header=True
            )
        return int(tag.rpartition(" ")[2])

    async def each(self, name: str, *args: object) -> AsyncIterator[Row]:
        """The rows that a statement answers, a few at a time; within a transaction."""
        with errors.sorted_out():
            async for row in self._connection.cursor(statements.text(name), *args, prefetch=500):
                yield row

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Session"]:
        """A transaction (a savepoint inside another one): committed at the end, else undone."""
        with errors.sorted_out():
            async with self._connection.transaction():
                with self.cut_short():
                    yield self


class Store:
    """The pool. Open it with `opened`."""

    __slots__ = ("_connect_timeout", "_pool", "_refused_at", "_statement_timeout", "_why")

    def __init__(self, pool: "asyncpg.Pool[Row]", reach: Reach) -> None:
        self._pool = pool
        self._connect_timeout = reach.connect_timeout
        self._statement_timeout = reach.statement_timeout
        self._refused_at, self._why = -_REFUSAL_HOLDS, ""

    @property
    def refusal(self) -> str:
        """What the database has refused somebody lately, and why; empty when it refuses nothing."""
        return self._why if time.monotonic() - self._refused_at < _REFUSAL_HOLDS else ""

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Session]:
        """A connection of the pool, lent."""
        try:
            with errors.sorted_out():
                async with self._pool.acquire(timeout=self._connect_timeout) as connection:
                    session = Session(connection, self._statement_timeout)
                    with session.cut_short():
                        yield session
        except errors.Unavailable as error:
            if isinstance(error, errors.Refused):
                self._refused_at, self._why = time.monotonic(), str(error)
                # another server may have taken over: every connection is opened anew
                await self._pool.expire_connections()
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                # a broken connection took too long to be given up: that must not hide why it was
                raise asyncio.CancelledError from error
            raise

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Session]:
        """A connection of the pool with a transaction on it."""
        async with self.session() as session, session.transaction():
            yield session

    async def rows(self, name: str, *args: object) -> list[Row]:
        """All rows of one statement, committed by itself."""
        async with self.session() as session:
            return await session.rows(name, *args)

    async def row(self, name: str, *args: object) -> Row | None:
        """The first row of one statement, committed by itself."""
        async with self.session() as session:
            return await session.row(name, *args)

    async def value(self, name: str, *args: object) -> Any:
        """The first column of the first row of one statement, committed by itself."""
        async with self.session() as session:
            return await session.value(name, *args)

    async def run(self, name: str, *args: object) -> int:
        """How many rows one statement touched, committed by itself."""
        async with self.session() as session:
            return await session.run(name, *args)


@asynccontextmanager
async def opened(reach: Reach, *, at_once: bool = True) -> AsyncIterator[Store]:
    """A store that is closed at the end. `Unavailable` when the database can't be reached.

    Not at once: when it is first asked something.
    """
    with errors.sorted_out():
        pool = await asyncpg.create_pool(
            reach.dsn or None,
            min_size=0,
            init_size=1 if at_once else 0,
            max_size=reach.connections,
            timeout=reach.connect_timeout,
            command_timeout=reach.statement_timeout,
            statement_cache_size=500,
            max_inactive_connection_lifetime=0,
            init=functools.partial(_ready, silence=reach.silence),
            reset=_as_it_was,
            server_settings=_settings(reach),
            target_session_attrs=_which(reach.dsn),
        )
    try:
        yield Store(pool, reach)
    finally:
        # whoever still holds a connection here has been cancelled: nothing is worth waiting for
        pool.terminate()


def _settings(reach: Reach) -> dict[str, str]:
    return {
        "application_name": f"deliveryd:{reach.role}",
        "timezone": "UTC",
        # whoever freezes within a transaction must not keep its locks from the living for long
        "idle_in_transaction_session_timeout": "5s",
        # plans of set-based statements over small arrays: a hash of the whole table is never right
        "jit": "off",
    }


def _which(dsn: str) -> SessionAttribute | None:
    """Of several servers the one that takes writes, unless the DSN wants another."""
    several = "," in urlsplit(dsn).netloc and "target_session_attrs" not in dsn
    return SessionAttribute.read_write if several else None


async def _ready(connection: "asyncpg.Connection[Row]", *, silence: float) -> None:
    sockets.watch(connection, silence)
    await connection.set_type_codec(
        "jsonb", schema="pg_catalog", format="binary", encoder=_packed, decoder=_unpacked
    )
    # asyncpg's own subclass of UUID is one that orjson doesn't know
    await connection.set_type_codec(
        "uuid",
        schema="pg_catalog",
        format="binary",
        encoder=lambda value: value.bytes,
        decoder=lambda data: UUID(bytes=bytes(data)),
    )


async def _as_it_was(connection: "asyncpg.Connection[Row]") -> None:
    """Nothing of ours stays behind in a session; what broke off asyncpg has undone already.

    Its own reset would cost another round trip for each statement.
    """


def _packed(value: object) -> bytes:
    return b"\x01" + (value if isinstance(value, bytes) else orjson.dumps(value))


def _unpacked(data: bytes) -> Any:
    return orjson.loads(data[1:])
