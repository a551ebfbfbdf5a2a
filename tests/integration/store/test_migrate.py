"""Migrations: once each, one runner at a time, and never over what somebody else has made."""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from daemon.store import door, errors, migrate, schema, upkeep
from daemon.store.schema import Step
from tests.integration.conftest import DSN, dropped

TODAY = datetime.now(UTC).date()
FIRST_RELEASE = 4
"""The last step that was written before steps said what they are."""
MORE = Step(number=99, name="0099_more.sql", text="-- expand: more\nCREATE TABLE more ()")
LESS = Step(number=98, name="0098_less.sql", text="-- contract: less\nDROP TABLE turn")


@pytest.fixture
async def empty() -> AsyncIterator[door.Reach]:
    """A database with nothing in it."""
    given, name = os.environ[DSN], f"test_{uuid.uuid4().hex[:16]}"
    bare = await asyncpg.connect(given)
    await bare.execute(f"CREATE DATABASE {name}")
    yield door.Reach(dsn=urlunsplit(urlsplit(given)._replace(path=f"/{name}")), role="test")
    await bare.close()
    await dropped(given, name)


async def _tables(reach: door.Reach) -> list[str]:
    connection = await asyncpg.connect(reach.dsn)
    try:
        rows = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        )
    finally:
        await connection.close()
    return [row["relname"] for row in rows]


async def _checked(reach: door.Reach) -> None:
    async with door.opened(reach) as store:
        await schema.check(store)


def _with(monkeypatch, *extra: Step, without: int = 0) -> None:
    """This program has these steps more, or some of its last ones less."""
    ours = schema.steps()
    monkeypatch.setattr(schema, "steps", lambda: [*ours[: len(ours) - without], *extra])


async def test_each_step_is_applied_once(empty) -> None:
    """An empty database gets all steps in order, and a second run finds nothing to do."""
    applied = await migrate.migrated(empty, today=TODAY)
    assert [step.number for step in applied] == list(range(1, len(applied) + 1))
    assert await migrate.migrated(empty, today=TODAY) == []
    assert await migrate.pending(empty) == []
    await _checked(empty)
    assert f"ledger_{TODAY:%Y%m%d}" in await _tables(empty)


async def test_five_runners_at_once(empty) -> None:
    """H9: of five runners one applies the steps, and the others wait and find them applied."""
    async with asyncio.TaskGroup() as group:
        runs = [group.create_task(migrate.migrated(empty, today=TODAY)) for _ in range(5)]
    assert sorted(len(run.result()) for run in runs) == [0] * 4 + [len(schema.steps())]


async def test_a_dry_run_changes_nothing(empty) -> None:
    """What would be applied is told, and the database stays as empty as it was."""
    assert await migrate.pending(empty) == schema.steps()
    assert await _tables(empty) == []
    with pytest.raises(errors.SchemaMismatch, match="empty"):
        await _checked(empty)


async def test_what_is_missing_is_named(empty, monkeypatch) -> None:
    """A program whose last step isn't applied doesn't start, and says which; then it is applied."""
    await migrate.migrated(empty, today=TODAY)
    _with(monkeypatch, Step(number=99, name="0099_more.sql", text="CREATE TABLE more ()"))
    with pytest.raises(errors.SchemaMismatch, match="0099_more"):
        await _checked(empty)
    assert [step.number for step in await migrate.pending(empty)] == [99]
    await migrate.migrated(empty, today=TODAY)
    assert "more" in await _tables(empty)


async def test_a_step_that_fails_leaves_nothing(empty, monkeypatch) -> None:
    """A step is applied as a whole or not at all; the ones before it stay."""
    with monkeypatch.context() as patch:
        broken = "CREATE TABLE more (); SELECT 1/0"
        _with(patch, Step(number=99, name="0099_more.sql", text=broken))
        with pytest.raises(asyncpg.DivisionByZeroError):
            await migrate.migrated(empty, today=TODAY)
    assert "more" not in await _tables(empty)
    await _checked(empty)


async def test_an_edited_step_is_refused(empty, monkeypatch) -> None:
    """A step that was changed after it was applied is named, and nothing is done."""
    await migrate.migrated(empty, today=TODAY)
    first, *others = schema.steps()
    edited = Step(number=first.number, name=first.name, text=first.text + "\n-- oh")
    monkeypatch.setattr(schema, "steps", lambda: [edited, *others])
    for run in (_checked(empty), migrate.pending(empty), migrate.migrated(empty, today=TODAY)):
        with pytest.raises(errors.SchemaMismatch, match=r"0001_directory\.sql was changed"):
            await run


async def test_a_newer_database_that_only_has_more(empty, monkeypatch) -> None:
    """H11: the release before starts, and finds nothing to do, where steps were added after it."""
    _with(monkeypatch, MORE)
    await migrate.migrated(empty, today=TODAY)
    _with(monkeypatch, without=1)
    await _checked(empty)
    assert await migrate.migrated(empty, today=TODAY) == []


async def test_a_newer_database_that_has_less_is_refused(empty, monkeypatch) -> None:
    """H12: a program that doesn't know the step which took something away touches nothing."""
    _with(monkeypatch, LESS)
    await migrate.migrated(empty, today=TODAY, contract=True)
    _with(monkeypatch, without=1)
    for run in (_checked(empty), migrate.pending(empty), migrate.migrated(empty, today=TODAY)):
        with pytest.raises(errors.SchemaMismatch, match=r"at step 98.*this program is older"):
            await run


async def test_nothing_is_taken_away_unasked(empty, monkeypatch) -> None:
    """A step that contracts is held back, and started without, until it is asked for."""
    _with(monkeypatch, LESS, MORE)
    applied = await migrate.migrated(empty, today=TODAY)
    assert [step.number for step in applied][-2:] == [len(applied) - 1, 99]
    await _checked(empty)
    assert "turn" in await _tables(empty)
    assert await migrate.migrated(empty, today=TODAY, contract=True) == [LESS]
    assert "turn" not in await _tables(empty)


async def test_a_table_of_steps_without_kinds(empty) -> None:
    """What the first release applied is read as it was meant, and then kept with its kind."""
    await migrate.migrated(empty, today=TODAY)
    await _run(empty, "ALTER TABLE schema_migration DROP COLUMN kind")
    await _checked(empty)
    assert await migrate.migrated(empty, today=TODAY) == []
    await _checked(empty)


async def test_traffic_is_not_held_up(empty, monkeypatch) -> None:
    """H9: a step that finds a table in use lets the traffic behind it pass, and tries again."""
    await migrate.migrated(empty, today=TODAY)
    _with(
        monkeypatch,
        Step(number=99, name="0099_more.sql", text="-- expand: x\nALTER TABLE turn ADD x int"),
    )
    monkeypatch.setattr(migrate, "_PAUSE", 0.05)
    reader = await asyncpg.connect(empty.dsn)
    async with asyncio.TaskGroup() as group, reader.transaction():
        await reader.execute("SELECT FROM turn")  # as any reader holds it
        stepping = group.create_task(migrate.migrated(empty, today=TODAY))
        await _waits_for_a_lock(empty)
        async with asyncio.timeout(10):
            await _run(empty, "SELECT FROM turn")
        assert not stepping.done()
    await reader.close()
    assert [step.number for step in stepping.result()] == [99]


async def test_a_step_that_meets_traffic_head_on(empty, monkeypatch) -> None:
    """H9: a step that finds itself in a deadlock with traffic gives way, and tries again."""
    await migrate.migrated(empty, today=TODAY)
    text = "-- expand: x\nALTER TABLE lane ADD x int; ALTER TABLE turn ADD x int"
    _with(monkeypatch, Step(number=99, name="0099_more.sql", text=text))
    monkeypatch.setattr(migrate, "_PAUSE", 0.05)
    other = await asyncpg.connect(empty.dsn)
    async with asyncio.TaskGroup() as group, other.transaction():
        await other.execute("SELECT FROM turn")
        stepping = group.create_task(migrate.migrated(empty, today=TODAY))
        await _waits_for_a_lock(empty)  # before we do, so it is the first to find out
        async with asyncio.timeout(10):
            await other.execute("SELECT FROM lane")
    await other.close()
    assert [step.number for step in stepping.result()] == [99]


async def _waits_for_a_lock(reach: door.Reach) -> None:
    query = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'turn'::regclass"
    async with asyncio.timeout(10):
        while not (await _run(reach, query))[0]["count"]:  # noqa: ASYNC110 - it gives no signal
            await asyncio.sleep(0.02)


async def _run(reach: door.Reach, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(reach.dsn)
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()


def test_every_step_has_a_number_of_its_own() -> None:
    """From one on, without a gap: of two that had the same only one would be applied."""
    numbers = [step.number for step in schema.steps()]
    assert numbers == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("step", schema.steps(), ids=lambda step: step.name)
def test_every_step_says_what_it_is(step: Step) -> None:
    """A step's first line says whether it expands or contracts; only the first release's don't."""
    assert step.number <= FIRST_RELEASE or step.text.startswith(f"-- {step.kind}: ")
    assert "CONCURRENTLY" not in step.text.upper()  # it can't be part of a transaction


async def test_days_ahead_are_counted_where_they_are(empty) -> None:
    """It is the tables that count, not that somebody meant to make them."""
    await migrate.migrated(empty, today=TODAY)
    async with door.opened(empty) as store:
        assert await upkeep.days_ahead(store) == migrate.DAYS_AHEAD
        gone = f"delivery_{TODAY + timedelta(days=2):%Y%m%d}"
        connection = await asyncpg.connect(empty.dsn)
        await connection.execute(f"DROP TABLE {gone}")
        await connection.close()
        assert await upkeep.days_ahead(store) == migrate.DAYS_AHEAD - 1


async def test_partitions_are_made_ahead_by_whoever_comes_first(empty) -> None:
    """The days ahead have their partitions, however many make them at the same time."""
    await migrate.migrated(empty, today=TODAY)
    async with door.opened(empty) as store, asyncio.TaskGroup() as group:
        for day in [TODAY.replace(year=TODAY.year + 1)] * 4:
            group.create_task(store.rows("partition.make", day))
    made = [name for name in await _tables(empty) if name.startswith(f"ledger_{TODAY.year + 1}")]
    assert f"ledger_{TODAY.year + 1}{TODAY:%m%d}" in made
