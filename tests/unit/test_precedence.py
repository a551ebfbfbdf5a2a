"""Precedence: what is urgent is let go first, and never takes more than half of the time."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from daemon import precedence
from daemon.precedence import SPELL, Precedence


class Clock:
    """The time, as a test moves it."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def time(self) -> float:
        """Real time, and what was skipped."""
        return time.monotonic() + self.ahead


@pytest.fixture
async def clock(monkeypatch) -> Clock:
    """A clock that can be put forward."""
    clock = Clock()
    monkeypatch.setattr(precedence, "_now", clock.time)
    return clock


@pytest.fixture
async def group() -> AsyncIterator[asyncio.TaskGroup]:
    """Whoever stands back does so in it."""
    async with asyncio.TaskGroup() as group:
        yield group


async def stands(group: asyncio.TaskGroup, one: Precedence) -> "asyncio.Task[None]":
    """Somebody who stands back, or has gone on already."""
    task = group.create_task(one.stand_back())
    for _ in range(3):
        await asyncio.sleep(0)
    return task


async def test_nobody_waits_for_nothing(clock, group) -> None:
    """With nothing urgent in hand everybody goes on, without another turn of the loop."""
    one = Precedence()
    assert (await stands(group, one)).done()


async def test_others_wait_until_the_last_is_done(clock, group) -> None:
    """As long as any of it is in hand."""
    one = Precedence()
    one.begin()
    one.begin()
    waiting = await stands(group, one)
    one.end()
    assert not (await stands(group, one)).done()
    assert not waiting.done()
    one.end()
    await waiting


async def test_a_spell_ends(clock) -> None:
    """However long something urgent is in hand, the others go on after a while."""
    one = Precedence()
    one.begin()
    async with asyncio.timeout(SPELL * 50):
        await one.stand_back()


async def test_half_of_the_time_is_everybodys(clock, group) -> None:
    """After a spell nobody stands back for as long as it took; then they do again."""
    one = Precedence()
    one.begin()
    waiting = await stands(group, one)
    clock.ahead += SPELL / 2
    one.end()
    await waiting
    one.begin()
    assert (await stands(group, one)).done()
    clock.ahead += SPELL / 4
    assert (await stands(group, one)).done()
    clock.ahead += SPELL / 2
    last = await stands(group, one)
    assert not last.done()
    one.end()
    await last


async def test_what_takes_long_presses_no_more(clock, group) -> None:
    """An urgent mail at a relay that is slow holds the others up once, and only so long."""
    one = Precedence()
    one.begin()
    await one.stand_back()
    clock.ahead += 10 * SPELL
    assert (await stands(group, one)).done()
    one.begin()
    assert not (await stands(group, one)).done()
    one.end()
    one.end()


async def test_a_turn_that_fails_is_over(clock, group) -> None:
    """What is urgent and fails holds nobody up."""
    one = Precedence()
    with pytest.raises(ZeroDivisionError):
        async with one.turn(is_urgent=True):
            raise ZeroDivisionError
    assert (await stands(group, one)).done()


async def test_turns_of_others(clock, group) -> None:
    """What isn't urgent begins its turn when what is urgent has ended its own."""
    one, order = Precedence(), []

    async def other() -> None:
        async with one.turn(is_urgent=False):
            order.append("other")

    async with one.turn(is_urgent=True):
        task = group.create_task(other())
        await asyncio.sleep(0)
        order.append("urgent")
    await task
    assert order == ["urgent", "other"]


async def test_whoever_is_cancelled_leaves_the_rest_waiting(clock, group) -> None:
    """A stop ends one that stands back, and no other."""
    one = Precedence()
    one.begin()
    first, second = await stands(group, one), await stands(group, one)
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert not second.done()
    one.end()
    await second
