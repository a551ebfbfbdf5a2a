"""Streams: numbers without gaps, in commit order, and a writer that loses its stream (promise 8)."""

import asyncio
from collections import defaultdict
from uuid import uuid4

import asyncpg
import pytest

from daemon.ledger.writer import Writer
from daemon.mail import ids
from daemon.store import door, errors, streams
from tests.integration import way
from tests.integration.ledger.audience import events, until
from tests.integration.ledger.conftest import living


async def _ledger(bare) -> dict[int, list[int]]:
    found = defaultdict(list)
    for row in await bare.fetch("SELECT stream, seq FROM ledger ORDER BY stream, seq"):
        found[row["stream"]].append(row["seq"])
    return dict(found)


async def _texts(bare) -> list[str]:
    return [row["text"] for row in await bare.fetch("SELECT text FROM ledger ORDER BY text")]


async def test_numbers_have_no_gaps(store, instance, listener, bare) -> None:
    """However many write at once, each stream counts from one, and is offered in that order."""
    writers = [Writer(store, listener, instance=instance, kind="t") for _ in range(3)]

    async def write(writer: Writer, times: int) -> None:
        for number in range(times):
            async with writer.transaction() as append:
                await append.events(events(*"abc"[: number % 3 + 1]))
                await append.events(events("d"))

    async with asyncio.TaskGroup() as group:
        for writer in writers * 2:
            group.create_task(write(writer, 12))
    found = await _ledger(bare)
    assert len(found) == 3
    for number, seqs in found.items():
        assert seqs == list(range(1, 73))
        assert [told.seq for told in listener.told if told.stream == number] == seqs
    assert await bare.fetchval("SELECT bool_and(last_seq = 72 AND told_seq = 0) FROM stream")


async def test_time_never_goes_back_in_a_stream(store, instance, listener, bare) -> None:
    """A later event never carries an earlier moment, so that reading may begin at the last told."""
    writer = Writer(store, listener, instance=instance, kind="t")
    async with writer.transaction() as append:
        await append.events(events("a"))
    await bare.execute("UPDATE stream SET last_at = now() + interval '1 hour'")
    async with writer.transaction() as append:
        await append.events(events("b"))
        assert append.at == await bare.fetchval("SELECT last_at FROM stream")
    assert listener.told[0].at < listener.told[1].at


async def test_a_rollback_gives_its_numbers_back(store, instance, listener, bare) -> None:
    """What was undone was never numbered, told or kept."""
    writer = Writer(store, listener, instance=instance, kind="t")
    for text in "ab":
        with pytest.raises(ZeroDivisionError):
            async with writer.transaction() as append:
                await append.events(events("x", "y"))
                raise ZeroDivisionError
        async with writer.transaction() as append:
            await append.events(events(text))
    assert [(told.seq, told.event.text) for told in listener.told] == [(1, "a"), (2, "b")]
    assert await _texts(bare) == ["a", "b"]
    assert not listener.streams_ended


async def test_a_stream_that_was_taken_is_lost(store, instance, listener, bare) -> None:
    """A writer whose stream was closed appends nothing to it, and goes on with a new one."""
    writer = Writer(store, listener, instance=instance, kind="t")
    async with writer.transaction() as append:
        await append.events(events("a"))
    await bare.execute("UPDATE stream SET closed = true, epoch = epoch + 1")
    with pytest.raises(streams.StreamLost):
        async with writer.transaction() as append:
            await append.events(events("never"))
    async with writer.transaction() as append:
        await append.events(events("b"))
    assert await _texts(bare) == ["a", "b"]
    assert [stream.number for stream in listener.streams_ended] == [listener.told[0].stream]
    assert len({told.stream for told in listener.told}) == 2


async def test_a_lost_connection_ends_the_stream(store, instance, listener, bare) -> None:
    """Killed in mid-transaction: nothing is kept, the stream ends, and the repeat is kept once."""
    writer = Writer(store, listener, instance=instance, kind="t")
    with pytest.raises(errors.Unavailable):
        async with writer.transaction() as append:
            await append.events(events("a"))
            await bare.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
                " AND state = 'idle in transaction'"
            )
    assert len(listener.streams_ended) == 1
    async with writer.transaction() as append:
        await append.events(events("a"))
    assert await _texts(bare) == ["a"]
    assert [told.event.text for told in listener.told] == ["a"]


async def test_a_commit_whose_answer_is_lost(dsn, store, instance, listener, bare) -> None:
    """It committed and nobody heard: it isn't offered, the stream ends, and the ledger has it."""
    async with way.to(dsn) as road, door.opened(door.Reach(dsn=road.dsn, role="test")) as fragile:
        writer = Writer(fragile, listener, instance=instance, kind="t")
        async with asyncio.TaskGroup() as group:
            with pytest.raises(errors.Unavailable):
                async with writer.transaction() as append:
                    await append.events(events("a"))
                    road.deafen()
                    group.create_task(_cut_when_committed(road, bare))
    (ended,) = listener.streams_ended
    assert not listener.told
    (told,) = await streams.untold(store, ended.number, after=0, since=append.at, limit=10)
    assert (told.seq, told.event.text) == (1, "a")
    assert told.id == ids.event_id(ended.prefix, 1)


async def _cut_when_committed(road: way.Way, bare: asyncpg.Connection) -> None:
    while not await _texts(bare):
        await asyncio.sleep(0.01)
    road.cut()


async def test_a_cancelled_transaction_ends_the_stream(store, instance, listener, bare) -> None:
    """Nobody knows whether a cancelled transaction has committed, so its stream ends."""
    writer = Writer(store, listener, instance=instance, kind="t")
    inside = asyncio.Event()

    async def write() -> None:
        async with writer.transaction() as append:
            await append.events(events("a"))
            inside.set()
            await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(write())
        await inside.wait()
        task.cancel()
    assert len(listener.streams_ended) == 1
    assert await _texts(bare) == []


async def test_closing_waits_for_a_commit_in_flight(store, instance, listener, bare) -> None:
    """A stream is closed after the transaction that holds it, so that nothing comes later."""
    writer = Writer(store, listener, instance=instance, kind="t")
    async with asyncio.TaskGroup() as group:
        async with writer.transaction() as append:
            await append.events(events("a"))
            number = await bare.fetchval("SELECT number FROM stream")
            closing = group.create_task(store.run("stream.close", number))
            blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            while not await bare.fetchval(blocked):
                await asyncio.sleep(0.01)
            assert not closing.done()
    assert await _texts(bare) == ["a"]
    with pytest.raises(streams.StreamLost):
        async with writer.transaction():
            pytest.fail("it was entered")


async def test_told_only_moves_forward_and_by_its_teller(store, instance, listener, bare) -> None:
    """`told_seq` is the current teller's to move, only forward, and never beyond what is written."""
    writer = Writer(store, listener, instance=instance, kind="t")
    async with writer.transaction() as append:
        await append.events(events("a", "b"))
    number, at = listener.told[0].stream, listener.told[0].at
    await store.run("stream.told", number, 2, at, instance)
    await store.run("stream.told", number, 1, at, instance)
    await store.run("stream.told", number, 2, at, uuid4())
    assert await bare.fetchval("SELECT told_seq FROM stream") == 2
    with pytest.raises(asyncpg.CheckViolationError, match="stream_tells_what_was_written"):
        await store.run("stream.told", number, 3, at, instance)


async def test_the_streams_of_the_dead_are_adopted(store, listener, bare) -> None:
    """What a dead instance left untold is taken by one other, with the same ids, and only that."""
    dead, first, second = [await living(store) for _ in range(3)]
    writers = [Writer(store, listener, instance=dead, kind="t") for _ in range(2)]
    for writer in writers:
        async with writer.transaction() as append:
            await append.events(events("a", "b"))
    told = listener.told
    await store.run("stream.told", told[0].stream, 1, told[0].at, dead)
    assert await streams.adopted(store, first) == []
    await bare.execute("DELETE FROM instance WHERE id = $1", dead)
    adopted = {one.number: one for one in await streams.adopted(store, first)}
    assert {number: one.told_seq for number, one in adopted.items()} == {
        told[0].stream: 1,
        told[2].stream: 0,
    }
    assert await streams.adopted(store, second) == []
    left = adopted[told[0].stream]
    found = await streams.untold(
        store, left.number, after=left.told_seq, since=left.told_at, limit=9
    )
    assert [one.id for one in found] == [told[1].id]
    with pytest.raises(streams.StreamLost):
        async with writers[0].transaction():
            pytest.fail("the dead have no streams")


async def test_an_adoption_that_nobody_heard_of_is_repeated(store, listener, bare) -> None:
    """An adopted stream that its teller doesn't know of is found again; a known or open one isn't."""
    dead, alive = await living(store), await living(store)
    for instance in (dead, alive):
        async with Writer(store, listener, instance=instance, kind="t").transaction() as append:
            await append.events(events("a"))
    await bare.execute("DELETE FROM instance WHERE id = $1", dead)
    (unheard,) = await streams.adopted(store, alive)
    assert await streams.adopted(store, alive, known=[unheard.number]) == []
    (again,) = await streams.adopted(store, alive)
    assert again == unheard


async def test_what_is_told_and_dead_is_retired(store, listener, bare) -> None:
    """A dead instance's stream with nothing left to tell is closed, so that it can't be written."""
    dead = await living(store)
    writer = Writer(store, listener, instance=dead, kind="t")
    async with writer.transaction() as append:
        await append.events(events("a"))
    await store.run("stream.retire")
    assert not await bare.fetchval("SELECT closed FROM stream")
    await bare.execute("DELETE FROM instance")
    await store.run("stream.told", listener.told[0].stream, 1, listener.told[0].at, dead)
    await store.run("stream.retire")
    with pytest.raises(streams.StreamLost):
        async with writer.transaction():
            pytest.fail("it was entered")


async def test_a_broken_law_keeps_the_stream(store, instance, listener, bare) -> None:
    """A transaction that breaks a law of the database is undone, and its writer goes on as before."""
    writer = Writer(store, listener, instance=instance, kind="t")
    with pytest.raises(asyncpg.PostgresError):
        async with writer.transaction() as append:
            await append.events(events("a"))
            await append.session.run("stream.told", append.told[0].stream, 9, append.at, instance)
    async with writer.transaction() as append:
        await append.events(events("b"))
    assert [(told.seq, told.event.text) for told in listener.told] == [(1, "b")]
    await until(lambda: not listener.streams_ended)
