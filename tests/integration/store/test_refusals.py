"""What the server refuses: sorted by its SQLSTATE, told of for a while, and acted upon."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from daemon.store import door, errors

_RAISE = "DO $$ BEGIN RAISE EXCEPTION 'as asked for' USING ERRCODE = '{}'; END $$"
STATES = {
    errors.Again: "40000 40001 40002 40P01",
    errors.Refused: "08P01 25006 28000 28P01 3D000 42501 53000 53100 53200 53300 53400 55000 55006"
    " 55P03 58000 58030 XX000 XX001",
    errors.Unavailable: "08000 08003 08006 25P03 40003 57000 57014 57P01 57P02 57P03 57P05",
    asyncpg.PostgresError: "22012 23505 23514 42P01 P0001",
}


@pytest.mark.parametrize(
    ("kind", "state"),
    [(kind, state) for kind, states in STATES.items() for state in states.split()],
)
async def test_what_the_server_says_is_sorted(store: door.Store, kind: type, state: str) -> None:
    """B6: what passes by itself or by a person is waited for or repeated; laws and bugs are not."""
    with pytest.raises((errors.Again, errors.Unavailable, asyncpg.PostgresError)) as caught:
        await _raised(store, state)
    assert getattr(caught.value, "sqlstate", state) == state
    assert isinstance(caught.value, kind)
    assert isinstance(caught.value, errors.Refused) is (kind is errors.Refused)
    assert (state in store.refusal) is (kind is errors.Refused)
    assert await store.value("clock.now")


async def _raised(store: door.Store, state: str) -> None:
    async with store.transaction() as session:
        await session._connection.execute(_RAISE.format(state))


@pytest.fixture
async def store(shared_dsn: str) -> AsyncIterator[door.Store]:
    """One of its own, so that what it was refused is not another's."""
    async with door.opened(door.Reach(dsn=shared_dsn, role="test", connections=2)) as store:
        yield store


async def test_a_refusal_is_told_until_it_is_old(
    store: door.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who was refused a write tells of it for some seconds: that is what health hears."""
    assert store.refusal == ""
    await _refused(store)
    assert store.refusal == "cannot execute DELETE in a read-only transaction (25006)"
    monkeypatch.setattr(door, "_REFUSAL_HOLDS", 0.0)
    assert store.refusal == ""


async def test_who_finds_a_standby_looks_for_the_primary(store: door.Store) -> None:
    """After a write was refused every connection is opened anew: another server may have it now."""
    async with store.session() as session:
        before = session._connection.get_server_pid()
    await _refused(store)
    async with asyncio.TaskGroup() as group:
        pids = [group.create_task(_pid(store)) for _ in range(4)]
    assert before not in [task.result() for task in pids]
    assert await store.run("instance.leave", uuid4()) == 0


async def _refused(store: door.Store) -> None:
    with pytest.raises(errors.Refused):
        await _write_where_one_may_not(store)


async def _write_where_one_may_not(store: door.Store) -> None:
    async with store.session() as session:
        await session._connection.execute("SET default_transaction_read_only = on")
        await session.run("instance.leave", uuid4())


async def _pid(store: door.Store) -> int:
    async with store.session() as session:
        await asyncio.sleep(0.05)
        return session._connection.get_server_pid()
