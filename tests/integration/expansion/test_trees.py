"""Trees that are deep, wide or no trees at all: one statement, and it ends."""

from collections.abc import AsyncIterator

import pytest
from hypothesis import HealthCheck, given, settings

from daemon.mail.request.audience import People
from daemon.store import door
from tests.integration.expansion.ground import Ground
from tests.integration.expansion.model import World
from tests.integration.expansion.people import Directory
from tests.integration.expansion.worlds import worlds

_UNGUARDED = "ALTER TABLE customer DISABLE TRIGGER customer_tree_is_kept"
_OWN_PARENT = "ALTER TABLE customer DROP CONSTRAINT customer_is_not_its_own_parent"
_PEOPLE = """
INSERT INTO person (id, customer_id) SELECT id, id FROM customer WHERE id >= 7;
INSERT INTO person_email (person_id, address, norm, supp, domain)
SELECT id, a, a, a, 'x.example' FROM customer, LATERAL (SELECT 'p' || id || '@x.example') AS n (a)
WHERE id >= 7;
"""
"""One person for every customer."""


@pytest.fixture
async def bare(store: door.Store) -> AsyncIterator[Ground]:
    """Customer 7 with a relay, and nobody else."""
    async with store.transaction() as session:
        directory = Directory(session._connection)
        await directory.customer(7)
        await directory.relay(7)
        yield Ground(session=session, directory=directory)


@pytest.fixture
async def lawless(bare: Ground) -> Ground:
    """The same where any parent may be entered: for all worlds, as plans are made anew by it."""
    await _run(bare, _UNGUARDED, _OWN_PARENT)
    return bare


async def _run(ground: Ground, *statements: str) -> None:
    for statement in statements:
        await ground.session._connection.execute(statement)


@pytest.mark.parametrize(
    ("parent", "number"),
    [("6 + n", 2_000), ("7", 50_000)],
    ids=["a chain 2,000 deep", "50,000 below one"],
)
async def test_however_deep_or_wide(bare: Ground, parent: str, number: int) -> None:
    """T009: complete, by no more queries than nobody takes, and without a program's recursion."""
    nobody, everyone = list[object](), list[object]()
    with bare.session._connection.query_logger(nobody.append):
        assert await bare.counts(People(scope="descendants")) == {}
    await _run(
        bare,
        _UNGUARDED,
        "INSERT INTO customer (id, parent_id, name)"
        f" SELECT 7 + n, {parent}, 'c' FROM generate_series(1, {number}) n",
        _PEOPLE,
    )
    with bare.session._connection.query_logger(everyone.append):
        found = await bare.counts(People(scope="descendants"))
    assert found == {"requested": number, "queued": number}
    assert len(everyone) <= len(nobody)


async def test_a_ring(bare: Ground) -> None:
    """Cycles and self-parents that got in behind the guard are gone through once, and end."""
    await _run(
        bare,
        _UNGUARDED,
        _OWN_PARENT,
        "INSERT INTO customer (id, parent_id, name)"
        " VALUES (10, 7, 'a'), (11, 10, 'b'), (12, 12, 'c')",
        "UPDATE customer SET parent_id = 11 WHERE id = 7",
        _PEOPLE,
    )
    assert await bare.reached(People(scope="descendants")) == ["p10@x.example", "p11@x.example"]
    assert await bare.reached(People(scope="children"), acting=11) == ["p7@x.example"]
    assert await bare.reached(People(scope="descendants"), acting=12) == []
    everyone = await bare.reached(People(scope="descendants"), acting=10)
    assert everyone == ["p11@x.example", "p7@x.example"]


@pytest.mark.timeout(360)
@settings(
    max_examples=2000, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(world=worlds())
async def test_the_statement_keeps_the_law(lawless: Ground, world: World) -> None:
    """Random trees, lists, suppressions and terms: counts and addresses as one by one in Python."""
    outer = lawless.session._connection.transaction()
    await outer.start()
    try:
        await world.enter(lawless.directory)
        found, job = await lawless.expand(
            *world.audience, exclude=world.exclude, person=world.person,
            marketing=world.marketing, is_many=world.is_many,
        )  # fmt: skip
        reached = await lawless.addresses(job)
    finally:
        await outer.rollback()
    expected = world.expanded()
    assert {name: number for name, number in found.counts.items() if number} == expected.counts
    assert sorted(reached) == sorted(expected.addresses)
