"""The door: what goes wrong at the database comes out as one of our words, and in time."""

import asyncio
import time
from collections.abc import Callable
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from daemon.store import door, errors
from tests.integration import way
from tests.waiting import until

_KILL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name = 'deliveryd:victim'"
)


async def _killed(store: door.Store) -> None:
    """Ends all connections of the victim, from another one."""
    async with store.session() as session:
        await session._connection.execute(_KILL)


@pytest.mark.parametrize("pause", ["none", "short", "deaf"])
async def test_a_killed_transaction_is_an_outage(shared_dsn: str, pause: str) -> None:
    """A backend that is killed in mid-transaction is an outage, however soon that is noticed."""
    reach = door.Reach(dsn=shared_dsn, role="victim")
    async with (
        door.opened(door.Reach(dsn=shared_dsn, role="killer")) as killer,
        door.opened(reach) as store,
    ):
        for _ in range(8):
            with pytest.raises(errors.Unavailable):
                await _interrupted(store, killer, pause)
        assert await store.value("clock.now")


async def _interrupted(store: door.Store, killer: door.Store, pause: str) -> None:
    async with store.transaction() as session:
        await session.value("clock.now")
        await _killed(killer)
        if pause == "short":
            await asyncio.sleep(0.02)
        elif pause == "deaf":
            time.sleep(0.02)  # noqa: ASYNC251 the loop itself is held up


async def test_a_connection_in_its_last_moment_is_an_outage(shared_dsn: str) -> None:
    """Once its last words are read, and not yet its end, all it does fails: no law is broken."""
    async with way.to(shared_dsn) as road:
        reach = door.Reach(dsn=road.dsn, role="victim")
        async with (
            door.opened(door.Reach(dsn=shared_dsn, role="killer")) as killer,
            door.opened(reach) as store,
        ):
            road.hide_ends()
            with pytest.raises(errors.Unavailable):
                await _copied_too_late(store, killer, road)


async def _copied_too_late(store: door.Store, killer: door.Store, road: way.Way) -> None:
    async with store.transaction() as session:
        await session._connection.execute("CREATE TEMPORARY TABLE late (a int) ON COMMIT DROP")
        await session.copy("late", ["a"], [(1,)])  # what it must know of the table is known now
        await _killed(killer)
        await until(lambda: road.hidden)
        await session.copy("late", ["a"], [(2,)])


async def _copied(store: door.Store, road: way.Way, more: Callable[[], object]) -> None:
    """More than the network holds, while nobody takes it from there."""
    async with store.transaction() as session:
        await session._connection.execute("CREATE TEMPORARY TABLE large (a text) ON COMMIT DROP")
        await session.copy("large", ["a"], [("what it must know of the table is known now",)])
        road.freeze()
        more()
        await session.copy("large", ["a"], (("x" * 100_000,) for _ in range(400)))


async def test_a_copy_to_a_connection_that_is_cut_is_an_outage(shared_dsn: str) -> None:
    """Who waits for leave to write is told at once that there is nobody to write to any more."""
    async with way.to(shared_dsn) as road:
        reach = door.Reach(dsn=road.dsn, role="test")
        async with door.opened(reach) as store, asyncio.timeout(10):
            loop = asyncio.get_running_loop()
            with pytest.raises(errors.Unavailable):
                await _copied(store, road, lambda: loop.call_later(0.5, road.cut))


async def test_a_copy_that_nobody_takes_is_an_outage_in_time(shared_dsn: str) -> None:
    """Who waits for leave to write waits no longer than for any other statement."""
    async with way.to(shared_dsn) as road:
        reach = door.Reach(dsn=road.dsn, role="test", connect_timeout=0.5, statement_timeout=0.5)
        async with door.opened(reach) as store, asyncio.timeout(10):
            with pytest.raises(errors.Unavailable):
                await _copied(store, road, lambda: None)
            road.thaw()
            await _until_it_works(store)


async def test_connections_that_were_killed_are_replaced(shared_dsn: str) -> None:
    """After all connections were lost the next statement but one works."""
    reach = door.Reach(dsn=shared_dsn, role="victim", connections=3)
    async with (
        door.opened(door.Reach(dsn=shared_dsn, role="killer")) as killer,
        door.opened(reach) as store,
    ):
        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(store.value("clock.now"))
        await _killed(killer)
        for _ in range(4):
            try:
                await store.value("clock.now")
            except errors.Unavailable:
                continue
            break
        assert await store.value("clock.now")


async def test_after_a_restart_nobody_waits_for_the_dead(shared_dsn: str) -> None:
    """Connections that were lost while nobody used them are replaced without a word, at once."""
    async with way.to(shared_dsn) as road:
        reach = door.Reach(dsn=road.dsn, role="test", connections=5, connect_timeout=30.0)
        async with door.opened(reach) as store:
            for _ in range(3):
                async with asyncio.timeout(5), asyncio.TaskGroup() as group:
                    for _ in range(5):
                        group.create_task(_held(store))
                road.close()
                with pytest.raises(errors.Unavailable):  # refused, and that at once too
                    async with asyncio.timeout(5):
                        await store.value("clock.now")
                await road.open()


async def _held(store: door.Store) -> None:
    """As long as several are asked for at once each has a connection of its own."""
    async with store.session() as session:
        await session.value("clock.now")
        await asyncio.sleep(0.02)


@pytest.mark.parametrize("is_deaf", [False, True])
async def test_a_transaction_left_idle_is_an_outage(shared_dsn: str, is_deaf: bool) -> None:
    """A process that slept until the server had enough finds an outage, not a bug."""
    async with door.opened(door.Reach(dsn=shared_dsn, role="test")) as store:
        with pytest.raises(errors.Unavailable):
            await _overslept(store, is_deaf=is_deaf)


async def _overslept(store: door.Store, *, is_deaf: bool) -> None:
    async with store.transaction() as session:
        await session._connection.execute("SET idle_in_transaction_session_timeout = '20ms'")
        if is_deaf:
            time.sleep(0.2)  # noqa: ASYNC251 the loop itself is held up
        else:
            await asyncio.sleep(0.2)
        await session.value("clock.now")


async def test_a_deadlock_is_to_be_repeated(shared_dsn: str) -> None:
    """Of two transactions that wait for each other one is told to come again."""
    both = asyncio.Barrier(2)

    async def lock(first: int, second: int) -> None:
        async with store.transaction() as session:
            await session._connection.execute(f"SELECT pg_advisory_xact_lock({first})")
            await both.wait()
            # asked through the door, so that its errors are sorted
            await session.value("schema.lock", second)

    async def lost(first: int, second: int) -> bool:
        try:
            await lock(first, second)
        except errors.Again:
            return True
        return False

    async with (
        door.opened(door.Reach(dsn=shared_dsn, role="test")) as store,
        asyncio.TaskGroup() as group,
    ):
        tasks = [group.create_task(lost(1, 2)), group.create_task(lost(2, 1))]
    assert sum(task.result() for task in tasks) == 1


async def test_a_database_that_is_not_there_is_an_outage(shared_dsn: str) -> None:
    """Nobody at the port is an outage, at the start and later."""
    async with way.to(shared_dsn) as road:
        reach = door.Reach(dsn=road.dsn, role="test", connect_timeout=1.0)
        async with door.opened(reach) as store:
            road.close()
            with pytest.raises(errors.Unavailable):
                await store.value("clock.now")
            await road.open()
            assert await store.value("clock.now")
        road.close()
        with pytest.raises(errors.Unavailable):
            await _open(reach)


async def _open(reach: door.Reach) -> None:
    async with door.opened(reach):
        pass


async def test_a_frozen_database_is_an_outage_in_time(shared_dsn: str) -> None:
    """A database that says nothing more is an outage after the statement timeout."""
    async with way.to(shared_dsn) as road:
        reach = door.Reach(dsn=road.dsn, role="test", connect_timeout=0.3, statement_timeout=0.3)
        async with door.opened(reach) as store:
            await store.value("clock.now")
            road.freeze()
            async with asyncio.timeout(5):
                with pytest.raises(errors.Unavailable):
                    await store.value("clock.now")
            road.thaw()
            road.cut()
            assert await store.value("clock.now")


async def test_a_stop_is_not_taken_for_an_outage(shared_dsn: str) -> None:
    """Who is cancelled while the database is frozen is cancelled, and in time."""
    async with way.to(shared_dsn) as road:
        reach = door.Reach(dsn=road.dsn, role="test", connect_timeout=0.3)
        async with door.opened(reach) as store:
            await store.value("clock.now")
            road.freeze()
            async with asyncio.timeout(5), asyncio.TaskGroup() as group:
                task = group.create_task(store.value("clock.now"))
                await asyncio.sleep(0.05)
                task.cancel()
            assert task.cancelled()


async def test_all_connections_lent_is_an_outage_in_time(shared_dsn: str) -> None:
    """Nobody waits for ever for a connection that isn't given back."""
    reach = door.Reach(dsn=shared_dsn, role="test", connections=1, connect_timeout=0.2)
    async with door.opened(reach) as store, store.session():
        with pytest.raises(errors.Unavailable):
            await store.value("clock.now")


async def test_a_law_passes_through(shared_dsn: str) -> None:
    """What the database refuses by a law or a type is no outage: its name comes through."""
    async with door.opened(door.Reach(dsn=shared_dsn, role="test")) as store:
        with pytest.raises(asyncpg.DataError, match="as an integer"):
            await store.value("schema.lock", "a word")
        with pytest.raises(asyncpg.UniqueViolationError, match="schema_migration_pkey"):
            await store.run("schema.applied", 1, "again", b"", "expand")


async def test_values_come_back_as_they_were(shared_dsn: str) -> None:
    """Times are UTC, jsonb is a value, a UUID is the standard library's."""
    async with door.opened(door.Reach(dsn=shared_dsn, role="test")) as store:
        assert (await store.value("clock.now")).utcoffset().total_seconds() == 0
        async with store.session() as session:
            row = await session._connection.fetchrow(
                "SELECT $1::jsonb AS value, gen_random_uuid() AS id", {"a": [1, None, "ü"]}
            )
    assert row["value"] == {"a": [1, None, "ü"]}
    assert type(row["id"]).__module__ == "uuid"


async def test_of_several_servers_the_one_that_takes_writes(dsn: str) -> None:
    """A server that is gone is passed over, and one that is read-only is none of those wanted."""
    async with way.to(dsn) as gone, way.to(dsn) as there:
        gone.close()
        hosts = ",".join(urlsplit(one.dsn).netloc.rpartition("@")[2] for one in (gone, there))
        user = urlsplit(dsn).netloc.rpartition("@")[0]
        several = urlunsplit(urlsplit(dsn)._replace(netloc=f"{user}@{hosts}"))
        reach = door.Reach(dsn=several, role="test")
        async with door.opened(reach) as store:
            name = urlsplit(dsn).path[1:]
            async with store.session() as session:
                await session._connection.execute(
                    f"ALTER DATABASE {name} SET default_transaction_read_only = on"
                )
        await gone.open()
        with pytest.raises(errors.Refused, match="takes writes"):
            await _open(reach)


async def test_a_network_that_swallows_everything_is_an_outage_in_time(shared_dsn: str) -> None:
    """When nobody acknowledges any more a connection is lost in seconds, whatever it waits for."""
    async with way.to(shared_dsn) as road:
        reach = door.Reach(
            dsn=road.dsn, role="test", connect_timeout=1.0, statement_timeout=60.0, silence=1.0
        )
        async with door.opened(reach) as store:
            await store.value("clock.now")
            road.vanish()
            async with asyncio.timeout(10):
                with pytest.raises(errors.Unavailable):
                    await store.value("clock.now")
                with pytest.raises(errors.Unavailable):  # nor does anybody answer a new one
                    await store.value("clock.now")
            road.appear()
            async with asyncio.timeout(5):
                await _until_it_works(store)


async def test_a_busy_server_is_not_taken_for_a_lost_one(shared_dsn: str) -> None:
    """A statement may take longer than the network may be silent."""
    reach = door.Reach(dsn=shared_dsn, role="test", silence=1.0)
    async with door.opened(reach) as store, store.session() as session:
        assert await session._connection.fetchval("SELECT pg_sleep(2.5) IS NULL") is False


async def _until_it_works(store: door.Store) -> None:
    while True:
        try:
            await store.value("clock.now")
        except errors.Unavailable:
            continue
        return
