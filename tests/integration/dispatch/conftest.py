"""A database with two customers, a lane each, and a way to put jobs into it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from secrets import randbits
from uuid import UUID, uuid4

import asyncpg
import pytest

from daemon.broker import connection
from daemon.broker.connection import Link
from daemon.mail import ids
from daemon.store import door, instances, upkeep
from tests.integration.dispatch.works import Relay

NOW = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """A store, a bare connection beside it, and the lane of each customer."""

    store: door.Store
    bare: asyncpg.Connection
    dsn: str
    lanes: dict[int, int]

    async def job(
        self,
        size: int,
        *,
        customer: int = 1,
        klass: int = 1,
        due: timedelta = NOW,
        lasts: float = 3600.0,
        purpose: str = "transactional",
        doubt: str = "resend",
        windows: str | None = None,
        spread: str | None = None,
    ) -> UUID:
        """Stores a job of so many recipients."""
        made = ids.job_id(datetime.now(UTC), randbits(80))
        async with self.store.transaction() as session:
            rows = await session.rows(
                "accept.jobs", [made], [ids.ticket(randbits(60))], [customer], ["native"], [None],
                [b""], ["n"], [purpose], [klass], [doubt], [None], [False],
                [datetime.now(UTC) + due], [None], [lasts], [60.0], [{}], [b"[]"],
                [{"subject": "s", "text": "t", "from": {"address": "a@b.example"},
                  "message_domain": "m.example"}], [None], [None], [windows],
                [spread], [None], [None], [None], [None], [False],
            )  # fmt: skip
            names = [f"p{place}@x.example" for place in range(size)]
            await session.rows(
                "expansion.literal", [made], [rows[0]["message_id"]], [1] * size,
                list(range(size)), names, names, names, ["x.example"] * size, [None] * size,
                [None] * size, [None] * size, [None] * size, [b""] * size, [None] * size, [None],
            )  # fmt: skip
        return made

    @asynccontextmanager
    async def locked(self, statement: str) -> AsyncIterator[None]:
        """Holds what a statement locks."""
        holder = await asyncpg.connect(self.dsn)
        try:
            async with holder.transaction():
                await holder.execute(statement)
                yield
        finally:
            await holder.close()

    async def is_held_up(self) -> bool:
        """Whether somebody waits for a lock."""
        return await self.bare.fetchval(
            "SELECT count(*) > 0 FROM pg_stat_activity"
            " WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )

    async def goes_on(self) -> bool:
        """Whether nobody does."""
        return not await self.is_held_up()

    async def letters(self) -> str:
        """Where all deliveries stand, in the order of their ids."""
        return await self.bare.fetchval("SELECT string_agg(state, '' ORDER BY id) FROM batch") or ""

    async def finished(self, number: int) -> bool:
        """Whether so many jobs have ended."""
        return number == await self.bare.fetchval("SELECT count(finished_at) FROM job")

    async def owned(self) -> int:
        """Batches and retry rows that somebody holds."""
        return await self.bare.fetchval(
            "SELECT (SELECT count(owner) FROM batch) + (SELECT count(owner) FROM retry)"
        )

    async def told(self, kind: str) -> int:
        """Events of a type that are on record."""
        return await self.bare.fetchval("SELECT count(*) FROM ledger WHERE type = $1", kind)

    async def keeps_the_law(self) -> bool:
        """Whether counters and letters agree, and exactly what is deferred has a retry row."""
        rows = await self.bare.fetchval(
            "SELECT (SELECT coalesce(sum(state_count(state, 'rd')), 0) FROM batch)"
            " = (SELECT count(*) FROM retry r JOIN batch b ON b.id = r.batch_id"
            "    WHERE substr(b.state, r.position + 1, 1) IN ('r', 'd'))"
            " AND (SELECT count(*) FROM retry) = (SELECT sum(state_count(state, 'rd')) FROM batch)"
        )
        return rows and not await upkeep.law_breakers(self.store)

    async def deadlocks(self) -> int:
        """So far. The store's connections are ended first, so that all have told of theirs."""
        await self.bare.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name LIKE 'deliveryd:%'"
        )
        return await self.bare.fetchval(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )

    async def instance(self, lease: float = 60.0) -> UUID:
        """Registers somebody who is alive."""
        one = instances.Instance(id=uuid4(), name="t", host="h", state_dir="/", version="0")
        await instances.register(self.store, one, lease)
        return one.id


@pytest.fixture
async def ground(dsn: str) -> AsyncIterator[Ground]:
    """Customers 1 and 2, each with a default transport and its lane."""
    bare = await asyncpg.connect(dsn)
    await bare.execute("INSERT INTO customer (id, name) VALUES (1, 'one'), (2, 'two')")
    await bare.execute(
        "INSERT INTO transport (id, customer_id, name, kind, host, port, tls, is_default)"
        " VALUES (1, 1, 'a', 'smtp', 'h', 25, 'none', true),"
        " (2, 2, 'b', 'smtp', 'h', 25, 'none', true)"
    )
    rows = await bare.fetch(
        "INSERT INTO lane (transport_id, max_connections) VALUES (1, 10), (2, 10)"
        " RETURNING id, transport_id"
    )
    async with door.opened(door.Reach(dsn=dsn, role="test")) as store:
        yield Ground(
            store=store,
            bare=bare,
            dsn=dsn,
            lanes={row["transport_id"]: row["id"] for row in rows},
        )
    await bare.close()


@pytest.fixture
async def link(url: str) -> AsyncIterator[Link]:
    """A link to the broker."""
    async with connection.connect(url, instance="test", role="test") as link:
        yield link


@pytest.fixture
def relay() -> Relay:
    """A relay whose gate is open."""
    relay = Relay()
    relay.gate.set()
    return relay
