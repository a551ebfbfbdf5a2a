"""Streams: numbers without gaps, in commit order, and writers that lose them (promise 8)."""

import asyncio
from collections import defaultdict
from uuid import uuid4

import asyncpg
import pytest

from daemon.ledger.writer import Append, Writer
from daemon.mail import ids
from daemon.store import door, errors, streams
from tests.integration import way
from tests.integration.ledger.audience import events, written
from tests.integration.ledger.conftest import living
from tests.waiting import until


async def _ledger(bare) -> dict[int, list[int]]:
    found = defaultdict(list)
    for row in await bare.fetch("SELECT stream, seq FROM ledger ORDER BY stream, seq"):
        found[row["stream"]].append(row["seq"])
    return dict(found)


async def _texts(bare) -> list[str]:
    return [row["text"] for row in await bare.fetch("SELECT text FROM ledger ORDER BY text")]


@pytest.fixture
def writer(store, instance, listener) -> Writer:
    """A writer that the listener listens to."""
    return Writer(store, listener, instance=instance, kind="t")


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


async def test_time_never_goes_back_in_a_stream(writer, listener, bare) -> None:
    """A later event never carries an earlier moment, so that reading may begin at the last told."""
    await written(writer, "a")
    await bare.execute("UPDATE stream SET last_at = now() + interval '1 hour'")
    async with writer.transaction() as append:
        await append.events(events("b"))
        assert append.at == await bare.fetchval("SELECT last_at FROM stream")
    assert listener.told[0].at < listener.told[1].at


async def test_a_rollback_gives_its_numbers_back(writer, listener, bare) -> None:
    """What was undone was never numbered, told or kept."""

    async def fail(_append: Append) -> None:
        raise ZeroDivisionError

    for text in "ab":
        with pytest.raises(ZeroDivisionError):
            await written(writer, "x", "y", then=fail)
        await written(writer, text)
    assert [(told.seq, told.event.text) for told in listener.told] == [(1, "a"), (2, "b")]
    assert await _texts(bare) == ["a", "b"]
    assert not listener.streams_ended


async def test_a_broken_law_keeps_the_stream(writer, instance, listener) -> None:
    """A transaction that breaks a law of the database is undone, and its writer goes on."""

    async def break_it(append: Append) -> None:
        await append.session.run("stream.advance", append.told[0].stream, -1, append.at)

    with pytest.raises(asyncpg.CheckViolationError):
        await written(writer, "a", then=break_it)
    await written(writer, "b")
    assert [(told.seq, told.event.text) for told in listener.told] == [(1, "b")]
    assert not listener.streams_ended


async def test_a_stream_that_was_taken_is_lost(writer, listener, bare) -> None:
    """A writer whose stream was closed appends nothing to it, and goes on with a new one."""
    await written(writer, "a")
    await bare.execute("UPDATE stream SET closed = true, epoch = epoch + 1")
    with pytest.raises(streams.StreamLost):
        await written(writer, "never")
    await written(writer, "b")
    assert await _texts(bare) == ["a", "b"]
    assert [stream.number for stream in listener.streams_ended] == [listener.told[0].stream]
    assert len({told.stream for told in listener.told}) == 2


async def test_a_lost_connection_ends_the_stream(writer, listener, bare) -> None:
    """Killed in mid-transaction: nothing is kept, the stream ends, and the repeat is kept once."""

    async def kill(_append: Append) -> None:
        await bare.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND state = 'idle in transaction'"
        )

    with pytest.raises(errors.Unavailable):
        await written(writer, "a", then=kill)
    assert len(listener.streams_ended) == 1
    await written(writer, "a")
    assert await _texts(bare) == ["a"]
    assert [told.event.text for told in listener.told] == ["a"]


async def test_a_commit_whose_answer_is_lost(dsn, store, instance, listener, bare) -> None:
    """It committed and nobody heard: it isn't offered, the stream ends, and the ledger has it."""
    async with way.to(dsn) as road, door.opened(door.Reach(dsn=road.dsn, role="test")) as fragile:
        writer = Writer(fragile, listener, instance=instance, kind="t")

        async def cut_when_committed() -> None:
            await until(lambda: _texts(bare))
            road.cut()

        async def deafen(_append: Append) -> None:
            road.deafen()
            group.create_task(cut_when_committed())

        async with asyncio.TaskGroup() as group:
            with pytest.raises(errors.Unavailable):
                await written(writer, "a", then=deafen)
    (ended,) = listener.streams_ended
    assert not listener.told
    at = await bare.fetchval("SELECT last_at FROM stream")
    (told,) = await streams.untold(store, ended.number, after=0, since=at, limit=10)
    assert (told.seq, told.event.text) == (1, "a")
    assert told.id == ids.event_id(ended.prefix, 1)


async def test_a_cancelled_transaction_ends_the_stream(writer, listener, bare) -> None:
    """Nobody knows whether a cancelled transaction has committed, so its stream ends."""
    inside = asyncio.Event()

    async def stay(_append: Append) -> None:
        inside.set()
        await asyncio.Event().wait()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(written(writer, "a", then=stay))
        await inside.wait()
        task.cancel()
    assert len(listener.streams_ended) == 1
    assert await _texts(bare) == []


async def test_closing_waits_for_a_commit_in_flight(writer, store, bare) -> None:
    """A stream is closed after the transaction that holds it, so that nothing comes later."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
    async with asyncio.TaskGroup() as group:

        async def close(append: Append) -> None:
            closing = group.create_task(store.run("stream.close", append.told[0].stream))
            await until(lambda: bare.fetchval(waiting))
            assert not closing.done()

        await written(writer, "a", then=close)
    assert await _texts(bare) == ["a"]
    with pytest.raises(streams.StreamLost):
        await written(writer, "never")


async def test_told_only_moves_forward_and_by_its_teller(
    writer, store, instance, listener, bare
) -> None:
    """`told_seq` is the current teller's to move: only forward, never beyond what is written."""
    await written(writer, "a", "b")
    number, at = listener.told[0].stream, listener.told[0].at
    await store.run("stream.told", number, 2, at, instance)
    await store.run("stream.told", number, 1, at, instance)
    await store.run("stream.told", number, 2, at, uuid4())
    assert await bare.fetchval("SELECT told_seq FROM stream") == 2
    # a database that lost its last commits is told of more than it knows
    await store.run("stream.told", number, 3, at, instance)
    assert await bare.fetchval("SELECT told_seq FROM stream") == 2
    with pytest.raises(asyncpg.CheckViolationError, match="stream_tells_what_was_written"):
        await bare.execute("UPDATE stream SET told_seq = 3")


async def test_the_streams_of_the_dead_are_adopted(store, listener, bare) -> None:
    """What a dead instance left untold is taken by one other, with the same ids, and only that."""
    dead, first, second = [await living(store) for _ in range(3)]
    writers = [Writer(store, listener, instance=dead, kind="t") for _ in range(2)]
    for writer in writers:
        await written(writer, "a", "b")
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
        await written(writers[0], "never")


async def test_an_adoption_that_nobody_heard_of_is_repeated(store, listener, bare) -> None:
    """An adopted stream that its teller doesn't know of is found again; no other of its own is."""
    dead, alive = await living(store), await living(store)
    for instance in (dead, alive):
        await written(Writer(store, listener, instance=instance, kind="t"), "a")
    await bare.execute("DELETE FROM instance WHERE id = $1", dead)
    (unheard,) = await streams.adopted(store, alive)
    assert await streams.adopted(store, alive, known=[unheard.number]) == []
    (again,) = await streams.adopted(store, alive)
    assert again == unheard


async def test_what_is_told_and_dead_is_retired(store, listener, bare) -> None:
    """A dead instance's stream with nothing left to tell is closed, so that it can't be written."""
    dead = await living(store)
    writer = Writer(store, listener, instance=dead, kind="t")
    await written(writer, "a")
    await store.run("stream.retire")
    assert not await bare.fetchval("SELECT closed FROM stream")
    await bare.execute("DELETE FROM instance")
    await store.run("stream.told", listener.told[0].stream, 1, listener.told[0].at, dead)
    await store.run("stream.retire")
    with pytest.raises(streams.StreamLost):
        await written(writer, "never")
