"""Days of the ledger come and go: what is old enough and told leaves nothing behind."""

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest

from daemon.store import door, retention
from tests.forms import form

FIRST = datetime.now(UTC).date() - timedelta(days=60)
KEPT, DAYS, EVENTS = 3, form(10, 13), form(20_000, 80_000)
LATER = f"ledger_{FIRST + timedelta(days=30):%Y%m%d}"
"""Partitions from here on are not ours."""
_EVENTS = """
INSERT INTO ledger (stream, seq, at, type, customer_id, delivery_id, attempt, step, code, text)
SELECT $1, $2 + n, $3::timestamptz + n * interval '1 second', 'delivery.sent', 1, n, 1, 3, 250, 'Ok'
FROM generate_series(1, $4::integer) n
"""
_SIZE = """
SELECT sum(pg_total_relation_size(inhrelid))::bigint + pg_total_relation_size('ledger')
    + pg_total_relation_size('stream')
FROM pg_inherits WHERE inhparent = 'ledger'::regclass AND inhrelid::regclass::text < $1
"""


@pytest.fixture
async def bare(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection beside the store."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()


async def _lived(bare: asyncpg.Connection, day: date, *, told: bool = True) -> int:
    """A day on which some stream was written, and told if so; the stream."""
    await bare.fetch("SELECT partition_made('ledger', $1)", day)
    number = await bare.fetchval(
        """
        INSERT INTO stream (prefix, instance, kind, last_seq, last_at, told_seq, told_at, closed)
        VALUES ($1, $1, 't', $2, $3::date + 1, $4, $3::date, true) RETURNING number
        """,
        uuid4(), EVENTS, day, EVENTS if told else EVENTS - 1,
    )  # fmt: skip
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    await bare.execute(_EVENTS, number, 0, at, EVENTS)
    return int(number)


async def _days(bare: asyncpg.Connection) -> list[str]:
    rows = await bare.fetch(
        "SELECT inhrelid::regclass::text AS name FROM pg_inherits"
        " WHERE inhparent = 'ledger'::regclass AND inhrelid::regclass::text < $1 ORDER BY 1",
        LATER,
    )
    return [row["name"] for row in rows]


async def test_the_ledger_grows_no_more(store: door.Store, bare: asyncpg.Connection) -> None:
    """E11: with days that come and go its size stays what it is, whatever was told on them."""
    sizes = []
    for number in range(DAYS):
        day = FIRST + timedelta(days=number)
        await _lived(bare, day)
        gone = await retention.ledger(store, day - timedelta(days=KEPT - 1))
        assert gone == ([day - timedelta(days=KEPT)] if number >= KEPT else [])
        sizes.append(await bare.fetchval(_SIZE, LATER))
    assert len(await _days(bare)) == KEPT
    assert max(sizes[KEPT:]) < 1.05 * min(sizes[KEPT:])
    # streams of which nothing is left are forgotten, as far as whole days behind it
    assert await bare.fetchval("SELECT count(*) FROM stream WHERE kind = 't'") <= KEPT + 2


async def test_what_is_untold_stays(store: door.Store, bare: asyncpg.Connection) -> None:
    """A day goes only when all of it is told, and no later one before it."""
    first = await _lived(bare, FIRST, told=False)
    await _lived(bare, FIRST + timedelta(days=1))
    keep = FIRST + timedelta(days=30)
    assert await retention.ledger(store, keep) == []
    await bare.execute("UPDATE stream SET told_seq = last_seq WHERE number = $1", first)
    assert await retention.ledger(store, keep) == [FIRST, FIRST + timedelta(days=1)]


async def test_nobody_waits_for_it(store: door.Store, bare: asyncpg.Connection) -> None:
    """While somebody reads the ledger it is left alone, and goes at a later look."""
    await _lived(bare, FIRST)
    keep = FIRST + timedelta(days=30)
    async with bare.transaction():
        await bare.fetch("SELECT FROM ledger LIMIT 1")
        assert await retention.ledger(store, keep) == []
    assert await retention.ledger(store, keep) == [FIRST]
