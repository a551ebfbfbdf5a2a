"""An audience is found in the end, whatever made the database undo the search: by its SQLSTATE."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal

import asyncpg
import pytest
import structlog

from daemon.store import door
from tests.integration.intake import office as offices
from tests.integration.intake.counter import Counter
from tests.integration.intake.office import WAITS_FOR_A_LOCK, Office
from tests.waiting import until

Trouble = Callable[[asyncpg.Connection], Awaitable[object]]
_PLAN = """
INSERT INTO rate_plan (id, customer_id, name, bill_type, price_per_email)
VALUES (1, 1, 'p', 'prepaid', 2)
"""
_PAYS = "UPDATE customer SET plan_id = 1 WHERE id = 1"
_ACCOUNT = "INSERT INTO credit_account (customer_id, currency, balance) VALUES (1, 'EUR', 100)"


async def _wants_what_the_search_has(other: asyncpg.Connection) -> None:
    """Each has what the other wants; the search has waited longer, finds out first, gives way."""
    await other.execute("SELECT FROM expansion FOR UPDATE")


async def _was_there_first(other: asyncpg.Connection) -> None:
    """The row that the search waits for isn't any more what it saw."""
    await other.execute("COMMIT; BEGIN")


async def _takes_long(_other: asyncpg.Connection) -> None:
    """It keeps the row for as long as the search is allowed to wait, and longer."""


@pytest.fixture
async def office(counter: Counter, dsn: str, setting: str) -> AsyncIterator[Office]:
    """Ann pays for her mail; her expander's sessions have a setting that an operator may make."""
    for statement in (_PLAN, _PAYS, _ACCOUNT):
        await counter.sql(statement)
    reach = door.Reach(dsn=f"{dsn}?{setting}", role="expand", connections=4)
    async with door.opened(reach) as store, offices.opened(counter, store) as opened:
        yield opened


@pytest.mark.parametrize(
    ("setting", "trouble", "state"),
    [
        ("statement_timeout=300", _takes_long, "57014"),
        ("", _wants_what_the_search_has, "40P01"),
        ("default_transaction_isolation=repeatable%20read", _was_there_first, "40001"),
    ],
    ids=["a statement timeout", "a deadlock", "a serialization failure"],
)
async def test_it_is_searched_again(office: Office, dsn: str, trouble: Trouble, state: str) -> None:
    """Undone whole, and said so; then it is found, paid for, told and answered once."""
    await office.put()
    async with asyncio.TaskGroup() as tasks:
        other = await asyncpg.connect(dsn)
        await other.execute("BEGIN; UPDATE credit_account SET low_threshold = 1")
        with structlog.testing.capture_logs() as lines:
            searching = tasks.create_task(office.expander.run(), name="searching")
            await until(lambda: office.counter.value(WAITS_FOR_A_LOCK))
            await trouble(other)
            await until(lambda: [one for one in lines if f"({state})" in one.get("why", "")])
        assert await office.job() == ("expanding", None, 0)
        assert await office.counter.value("SELECT count(*) FROM delivery") == 0
        assert office.said() == []
        await other.execute("COMMIT")
        await until(office.said)
        searching.cancel()
    await other.close()
    assert await office.job() == ("scheduled", 5, 4)
    assert await office.counter.value("SELECT count(*) FROM delivery") == 4
    assert await office.counter.value("SELECT reserved FROM credit_account") == Decimal(8)
    assert len(office.said()) == len(office.counter.heard.of("job.expanded")) == 1
