"""The plans of the hot statements: each finds its rows by an index, however full the tables are.

`WHERE id IN (SELECT … FOR UPDATE SKIP LOCKED)` once turned into a scan of the whole table; what is
asserted here is that nothing of the kind comes back.
"""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import asyncpg
import pytest
import pytest_asyncio

from daemon.store import statements

pytestmark = pytest.mark.asyncio(loop_scope="module")

_TODAY = f"{datetime.now(UTC):%Y%m%d}"
_BIG = {"batch", "retry", f"delivery_{_TODAY}", f"ledger_{_TODAY}"}
"""The tables that were filled; an empty partition may be scanned."""
_ME, _JOB = uuid4(), uuid4()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def full(shared_dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """20,000 batches of ten deliveries, half of them done, a quarter ready; 60,000 retry rows."""
    connection = await asyncpg.connect(shared_dsn)
    await connection.execute(_FILL)
    yield connection
    await connection.close()


_FILL = """
INSERT INTO customer (id, name) VALUES (1, 'one');
INSERT INTO transport (id, customer_id, name, kind, is_default) VALUES (1, 1, 'a', 'smtp', true);
INSERT INTO lane (transport_id) VALUES (1);
INSERT INTO job (id, ticket, job_on, customer_id, dialect, name, purpose, class, doubt, lane_id,
                 state, accepted_at, not_before, expires_after, expires_at, requested, queued,
                 parts)
SELECT gen_random_uuid(), 't' || n, current_date, 1, 'native', 'n', 'transactional', n % 3,
       'resend', (SELECT id FROM lane), 'scheduled', now(), now(), '1 day',
       now() + interval '1 day', 1000, 1000, 100
FROM generate_series(1, 200) n;
INSERT INTO message (job_id, customer_id, position, spec) SELECT id, 1, 0, '{}' FROM job;
INSERT INTO batch (job_id, job_on, customer_id, message_id, part, lane_id, class, due_at, rank,
                   done, state)
SELECT j.id, j.job_on, 1, m.id, n, j.lane_id, j.class, now(),
       CASE WHEN n % 4 = 0 THEN m.id * 100 + n END, n % 2 = 1,
       repeat(CASE WHEN n % 2 = 1 THEN 's' ELSE 'w' END, 10)
FROM job j JOIN message m ON m.job_id = j.id, generate_series(0, 99) n;
INSERT INTO delivery (job_on, id, job_id, message_id, customer_id, address, norm, supp, domain)
SELECT b.job_on, b.id * 512 + p, b.job_id, b.message_id, 1, a, a, a, 'x.example'
FROM batch b, generate_series(0, 9) p,
     LATERAL (SELECT 'p' || p || 'b' || b.id || '@x.example') AS n (a);
INSERT INTO retry (batch_id, position, job_id, job_on, customer_id, lane_id, class, due_at, rank,
                   attempt)
SELECT b.id, p, b.job_id, b.job_on, 1, b.lane_id, b.class, now(),
       CASE WHEN p % 2 = 0 THEN p END, 1
FROM batch b, generate_series(0, 2) p;
INSERT INTO ledger (stream, seq, at, type, customer_id, job_id, delivery_id)
SELECT 1, row_number() OVER (), now(), 'delivery.sent', 1, d.job_id, d.id FROM delivery d;
ANALYZE;
"""

_IDS = list(range(1, 101))
_DAY = datetime.now(UTC).date()
HOT: dict[str, tuple[object, ...]] = {
    "promote.due": (1000,),
    "promote.next": (),
    "claim.ready": (),
    "claim.batches": (1, 1, _ME, 500),
    "claim.messages": (_IDS,),
    "claim.deliveries": ([4], [datetime.now(UTC).date()]),
    "claim.retries": (1, 1, _ME, 500, None),
    "permit.batches": ([4] * 100, [1] * 100, _IDS, ["a@x.example"] * 100, _ME, [None] * 100),
    "permit.retries": (
        _IDS,
        [1] * 100,
        [4] * 100,
        _IDS,
        ["a@x.example"] * 100,
        _ME,
        [None] * 100,
    ),
    "give_back.batches": (_IDS, [1] * 100, _ME),
    "give_back.retries": (_IDS, [1] * 100, _ME),
    "rescue.owners": (_ME, "h", "/", 5.0),
    "rescue.batches": ([_ME], _ME, [], 0, 50),
    "rescue.retries": ([_ME], _ME, [], 0, 500),
    "rescue.free_batches": (_IDS, [1] * 100),
    "rescue.free_retries": (_IDS, [1] * 100),
    "rescue.held": ([_ME],),
    "rescue.tried": (_IDS, [_ME] * 100),
    "settle.batches": (_IDS,),
    "settle.retries": (_IDS,),
    "settle.tries": (_IDS, _DAY),
    "ledger.of_deliveries": ([2048, 2049],),
    "live.happened": ([1], [190_000], [191_000], datetime.now(UTC) - timedelta(hours=1)),
    "live.troubles": ([1], [190_000], [191_000], datetime.now(UTC) - timedelta(hours=1), 5),
    "live.classes": (1000,),
    "live.next": (),
    "live.lanes": (15, 200),
    "operator.open": (_JOB, 20),
    "operator.instances": (),
}


@pytest.mark.parametrize("name", sorted(HOT))
async def test_hot_statements_never_scan(name: str, full: asyncpg.Connection) -> None:
    """No plan of a hot statement reads a big table from end to end."""
    rows = await full.fetchval(f"EXPLAIN (FORMAT JSON) {statements.text(name)}", *HOT[name])
    assert scanned(rows) == []


def scanned(plan: str) -> list[str]:
    """The big tables that a plan scans."""
    found = re.findall(r'"Node Type": "Seq Scan"[^{}]*?"Relation Name": "([a-z_0-9]+)"', plan)
    return [name for name in found if name in _BIG]


async def test_a_scan_would_be_seen(full: asyncpg.Connection) -> None:
    """The check itself notices a scan of a big table."""
    plan = await full.fetchval("EXPLAIN (FORMAT JSON) SELECT * FROM batch WHERE part = 7")
    assert scanned(plan) == ["batch"]
