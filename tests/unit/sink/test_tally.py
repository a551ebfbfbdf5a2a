"""What is counted."""

import asyncio

from daemon.sink.tally import Tally


def test_distinct_messages():
    """The same key counts once, a message without key always."""
    tally = Tally(clock=lambda: 0.0)
    for key in ("a", "b", "a", None, None):
        tally.stored(copies=2, key=key)
    assert tally.count() == {"messages": 5, "distinct": 4, "copies": 10}


def test_the_busiest_second():
    """The peak is the most within one second of the clock."""
    now = 0.0
    tally = Tally(clock=lambda: now)
    for now in (0.1, 0.9, 1.0, 1.1, 1.9, 3.0):  # noqa: B007 (read by the clock)
        tally.stored(copies=1)
    tally.opened()
    peaks = tally.stats()["peak_per_second"]
    assert peaks == {"messages": 3, "connections": 1}


def test_connections_now_peak_and_total():
    """Connections are numbered from 1 and counted in and out."""
    tally = Tally(clock=lambda: 0.0)
    assert [tally.opened(), tally.opened()] == [1, 2]
    tally.closed()
    assert tally.opened() == 3
    assert tally.stats()["connections"] == {"now": 2, "peak": 2, "total": 3}


async def test_who_waits_is_woken_by_the_last_distinct_message():
    """A repeated message doesn't wake who waits for distinct ones."""
    tally = Tally(clock=lambda: 0.0)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(tally.reach(2), name="waiting")
        await asyncio.sleep(0)
        tally.stored(copies=1, key="a")
        tally.stored(copies=1, key="a")
        await asyncio.sleep(0)
        assert not waiting.done()
        tally.stored(copies=1, key="b")
    await tally.reach(2)
