"""What the database refuses, whoever writes to the directory."""

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from tests.waiting import until

_OWNERS = "SELECT 1, n, 'owner' FROM generate_series(1, 2) n"
_TWICE = "SELECT 1, 'a', 'a', 'a', 'a' FROM generate_series(1, 2)"


@pytest.fixture
async def bare(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to a database with a chain of customers: 0 ← 1 ← 2 ← 3."""
    connection = await asyncpg.connect(dsn)
    await connection.execute(
        "INSERT INTO customer (id, parent_id, name)"
        " VALUES (1, NULL, 'one'), (2, 1, 'two'), (3, 2, 'three')"
    )
    yield connection
    await connection.close()


def law(error: pytest.ExceptionInfo[asyncpg.PostgresError]) -> str:
    """The name of the law that was broken."""
    return error.value.constraint_name


async def test_there_is_one_root(bare: asyncpg.Connection) -> None:
    """Whoever names no parent hangs under customer 0, and nobody else is without one."""
    assert await bare.fetchval("SELECT parent_id FROM customer WHERE id = 1") == 0
    roots = await bare.fetch("SELECT id FROM customer WHERE parent_id IS NULL")
    assert [root["id"] for root in roots] == [0]
    await bare.execute("UPDATE customer SET parent_id = NULL WHERE id = 3")
    assert await bare.fetchval("SELECT parent_id FROM customer WHERE id = 3") == 0


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE customer SET parent_id = 3 WHERE id = 1",
        "UPDATE customer SET parent_id = 3 WHERE id = 2",
        "INSERT INTO customer (id, parent_id, name) VALUES (8, 9, 'a'), (9, 8, 'b')",
        "UPDATE customer SET parent_id = 3 WHERE id = 0",
    ],
)
async def test_no_cycle(bare: asyncpg.Connection, statement: str) -> None:
    """Nobody is his own ancestor, be it at one remove or at several, or within one statement."""
    with pytest.raises(asyncpg.CheckViolationError) as error:
        await bare.execute(statement)
    assert law(error) == "customer_tree_has_no_cycle"


async def test_no_cycle_by_two_at_once(bare: asyncpg.Connection, dsn: str) -> None:
    """Two moves that are lawful one by one, and a cycle together: the second one is refused."""
    await bare.execute("INSERT INTO customer (id, name) VALUES (5, 'five')")
    broken = await _at_once(
        bare,
        dsn,
        "UPDATE customer SET parent_id = 5 WHERE id = 1",
        "UPDATE customer SET parent_id = 3 WHERE id = 5",
    )
    assert broken == "customer_tree_has_no_cycle"


async def test_nobody_alive_under_somebody_deleted(bare: asyncpg.Connection) -> None:
    """A customer with live children isn't deleted, and none is hung under one who is."""
    with pytest.raises(asyncpg.CheckViolationError) as error:
        await bare.execute("UPDATE customer SET status = 'deleted' WHERE id = 2")
    assert law(error) == "customer_deleted_has_no_children"
    await bare.execute("UPDATE customer SET status = 'deleted' WHERE id = 3")
    assert await bare.fetchval("SELECT deleted_at IS NOT NULL FROM customer WHERE id = 3")
    with pytest.raises(asyncpg.CheckViolationError) as error:
        await bare.execute("INSERT INTO customer (parent_id, name) VALUES (3, 'four')")
    assert law(error) == "customer_parent_is_alive"
    await bare.execute("UPDATE customer SET status = 'deleted' WHERE id = 2")
    with pytest.raises(asyncpg.CheckViolationError) as error:
        await bare.execute("UPDATE customer SET status = 'active' WHERE id = 3")
    assert law(error) == "customer_parent_is_alive"


async def test_a_child_that_comes_while_its_parent_goes(bare: asyncpg.Connection, dsn: str) -> None:
    """Of two transactions at once, one that deletes and one that hangs a child, one is refused."""
    broken = await _at_once(
        bare,
        dsn,
        "INSERT INTO customer (id, parent_id, name) VALUES (4, 3, 'four')",
        "UPDATE customer SET status = 'deleted' WHERE id = 3",
    )
    assert broken == "customer_deleted_has_no_children"


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        (
            "INSERT INTO billing_contact (customer_id) VALUES (1)",
            "billing_contact_is_a_person_or_an_address",
        ),
        (
            "INSERT INTO billing_contact (customer_id, address) VALUES (1, 'a@b.example')",
            "billing_contact_address_has_its_forms",
        ),
        ("INSERT INTO contact (customer_id) VALUES (1)", "contact_can_be_reached"),
        (
            "INSERT INTO contact (customer_id, address) VALUES (1, 'a@b.example')",
            "contact_address_has_its_forms",
        ),
        (
            "INSERT INTO contact (customer_id, phone_number, custom) VALUES (1, '1', '[]')",
            "contact_custom_is_an_object",
        ),
        (
            "INSERT INTO credit_account (customer_id, balance, reserved) VALUES (1, 1, 2)",
            "credit_never_below_its_floor",
        ),
        (
            "INSERT INTO rate_plan (customer_id, name, price_per_email) VALUES (1, 'p', -1)",
            "rate_plan_price_is_not_negative",
        ),
    ],
)
async def test_what_makes_no_sense(bare: asyncpg.Connection, statement: str, name: str) -> None:
    """Rows that could mean nothing are refused by the law they break."""
    with pytest.raises(asyncpg.CheckViolationError) as error:
        await bare.execute(statement)
    assert law(error) == name


@pytest.mark.parametrize(
    ("statement", "name"),
    [
        (
            f"INSERT INTO contact (customer_id, address, norm, supp, domain) {_TWICE}",
            "contact_one_per_address",
        ),
        (
            "INSERT INTO contact (customer_id, phone_number) VALUES (1, '1'), (1, '1')",
            "contact_one_per_phone",
        ),
        (
            "INSERT INTO list (customer_id, name, origin) VALUES (1, 'l', 'api'), (1, 'l', 'api')",
            "list_name_is_unique",
        ),
        (
            "INSERT INTO person (customer_id, username) VALUES (1, 'ann'), (2, 'ann')",
            "person_username_is_unique",
        ),
        (
            f"INSERT INTO agent (customer_id, person_id, kind) {_OWNERS}",
            "agent_one_owner_per_customer",
        ),
    ],
)
async def test_what_is_there_once(bare: asyncpg.Connection, statement: str, name: str) -> None:
    """What must be there only once is."""
    with pytest.raises(asyncpg.UniqueViolationError) as error:
        await bare.execute(statement)
    assert law(error) == name


async def _at_once(bare: asyncpg.Connection, dsn: str, first: str, second: str) -> str:
    """The law that the second of two open transactions breaks, once the first has committed."""
    other = await asyncpg.connect(dsn)
    try:
        opened = bare.transaction()
        await opened.start()
        await bare.execute(first)
        waiting = asyncio.ensure_future(other.execute(second))  # noqa: TID251  both are to be open
        await _blocked(bare)
        await opened.commit()
        with pytest.raises(asyncpg.CheckViolationError) as error:
            await waiting
        return law(error)
    finally:
        await other.close()


async def _blocked(bare: asyncpg.Connection) -> None:
    """Returns once somebody waits for a lock of ours."""
    waits = "FROM pg_stat_activity WHERE pg_backend_pid() = ANY (pg_blocking_pids(pid))"
    await until(lambda: bare.fetchval(f"SELECT EXISTS (SELECT {waits})"))
