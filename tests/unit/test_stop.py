"""A stop has one deadline for all it waits for; one that hangs is named and ended."""

import asyncio
import math
import os

import pytest
import structlog

from daemon.process import ends
from daemon.stop import Stop


async def test_one_deadline_for_all():
    """Whoever comes later in the order of a stop has what the others left, and his least."""
    loop, over = asyncio.get_running_loop(), Stop(10.0)
    assert over.deadline == math.inf
    before = loop.time()
    over.set()
    assert 10 <= over.deadline - before < 11
    assert 9 < over.left() <= 10
    assert over.left(least=20.0) == 20.0


async def test_the_first_counts():
    """A second reason to stop gives no more time; a stop that follows another has its deadline."""
    over, accepted = Stop(10.0), Stop(10.0)
    over.set(why="SIGTERM")
    deadline = over.deadline
    await asyncio.sleep(0)
    over.set()
    assert over.why == "SIGTERM"
    accepted.set(deadline - 3)
    assert (over.deadline, accepted.deadline) == (deadline, deadline - 3)


async def _clings(asked: asyncio.Event) -> None:
    await _waits(asked)


async def _waits(asked: asyncio.Event) -> None:
    await asked.wait()


async def test_what_hangs_is_named(monkeypatch: pytest.MonkeyPatch):
    """Each task with the file, line and function of its innermost wait; then the process ends."""
    left: list[int] = []
    monkeypatch.setattr(os, "_exit", left.append)
    asked = asyncio.Event()
    with structlog.testing.capture_logs() as lines:
        async with asyncio.TaskGroup() as group:
            group.create_task(_clings(asked), name="lane.7.connection.1")
            await asyncio.sleep(0)
            ends.hung()
            asked.set()
    (named,) = (task for task in lines[0]["tasks"] if task.startswith("lane.7.connection.1: "))
    assert "_clings > _waits > Event.wait (" in named
    assert left == [ends.FAULT]
