"""No task ends unnoticed."""

import asyncio

import pytest

from daemon import tasks
from daemon.tasks import Died, Group


async def _fails() -> None:
    raise ValueError("broken")


async def _ends() -> None:
    return


async def _is_canceled_from_within() -> None:
    """As aio-pika does it: the wait ends with a cancellation that nobody has asked for."""
    waiting = asyncio.get_running_loop().create_future()
    waiting.cancel()
    await waiting


async def _works(done: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        done.set()


async def _faults(work) -> list[BaseException]:
    """What a block that ends with a group of faults raises."""
    with pytest.raises(ExceptionGroup) as raised:
        await work
    return list(tasks.leaves(raised.value))


@pytest.mark.parametrize(
    ("coro", "kind"),
    [(_fails, ValueError), (_ends, Died), (_is_canceled_from_within, Died)],
)
async def test_a_fault_ends_the_group(coro, kind) -> None:
    """H13: an exception, a return, a foreign cancellation: each is a fault with its task's name."""
    done = asyncio.Event()

    async def work() -> None:
        async with Group() as group:
            group.forever(_works(done), name="other")
            await asyncio.sleep(0)
            group.forever(coro(), name="broken.one")

    (fault,) = await _faults(work())
    assert done.is_set()
    assert isinstance(fault, kind)
    assert tasks.whose(fault) == "broken.one"


@pytest.mark.parametrize("coro", [_fails, _ends, _is_canceled_from_within])
async def test_a_fault_ends_the_block_in_order(coro) -> None:
    """A group that knows how to end things cuts nothing off: its block goes on to its own end."""
    over, done = asyncio.Event(), asyncio.Event()
    steps = []

    async def work() -> None:
        async with Group(over=over.set) as group:
            other = group.forever(_works(done), name="other")
            group.forever(coro(), name="broken.one")
            await over.wait()
            steps.append(done.is_set())
            other.cancel()

    assert [tasks.whose(fault) for fault in await _faults(work())] == ["broken.one"]
    assert steps == [False]


async def test_the_innermost_name_counts() -> None:
    """What failed within a part has the name of its own task, whatever the part is called."""
    over = asyncio.Event()

    async def part() -> None:
        async with Group() as inner:
            inner.create_task(_fails(), name="part.desk")

    async def work() -> None:
        async with Group(over=over.set) as group:
            group.create_task(part(), name="part")
            await over.wait()

    assert [tasks.whose(fault) for fault in await _faults(work())] == ["part.desk"]


async def test_several_faults_are_all_raised() -> None:
    """A fault of the block doesn't hide one of a task that ended in order."""
    over = asyncio.Event()

    async def work() -> None:
        async with Group(over=over.set) as group:
            group.forever(_fails(), name="one")
            await over.wait()
            raise KeyError("two")

    assert {type(fault) for fault in await _faults(work())} == {ValueError, KeyError}


async def test_our_own_cancellation_is_no_fault() -> None:
    """What we cancel ends quietly, and a task that may end may."""
    async with Group() as group:
        cancelled = group.forever(_works(asyncio.Event()), name="one")
        ended = group.create_task(_ends(), name="two")
        await asyncio.sleep(0)
        cancelled.cancel()
    assert cancelled.cancelled()
    assert ended.result() is None


async def test_nothing_is_begun_in_a_group_that_ends() -> None:
    """A task that comes too late is refused, and leaves no coroutine that nobody awaits."""
    late = []

    async def begins(group: Group) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            with pytest.raises(RuntimeError):
                group.forever(_ends(), name="late")
            late.append(True)

    async def work() -> None:
        async with Group() as group:
            group.forever(begins(group), name="one")
            await asyncio.sleep(0)
            group.forever(_fails(), name="two")

    await _faults(work())
    assert late == [True]
