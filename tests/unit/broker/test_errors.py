"""What the client raises, sorted: its cancellations are no cancellations of ours."""

import asyncio

import pytest
from aiormq import exceptions as aiormq

from daemon.broker import errors


@pytest.mark.parametrize(
    "raised",
    [
        aiormq.AMQPConnectionError("gone"),
        aiormq.ChannelInvalidStateError("closed"),
        aiormq.ChannelNotFoundEntity("NOT_FOUND - no queue"),
        ConnectionResetError("reset"),
        EOFError(),
        StopAsyncIteration(),
    ],
)
async def test_losses(raised: Exception) -> None:
    """Every way in which aiormq tells a loss is `Unavailable`, in words, naming what was asked."""
    with pytest.raises(errors.Unavailable, match=r"ask: \w+"):
        async with errors.asking("ask", seconds=1):
            raise raised


@pytest.mark.parametrize(
    "raised",
    [
        aiormq.ProbableAuthenticationError("ACCESS_REFUSED"),
        aiormq.ConnectionNotAllowed("NOT_ALLOWED"),
        aiormq.ChannelAccessRefused("ACCESS_REFUSED"),
    ],
)
async def test_refusals(raised: Exception) -> None:
    """Credentials, virtual host and permissions are told apart from a broker that is away."""
    with pytest.raises(errors.Refused):
        async with errors.asking("ask", seconds=1):
            raise raised


async def test_a_foreign_cancellation() -> None:
    """A future that the client cancels under us is a loss, and our task goes on."""
    foreign = asyncio.get_running_loop().create_future()
    foreign.cancel()
    with pytest.raises(errors.Unavailable, match="connection lost"):
        async with errors.asking("ask", seconds=1):
            await foreign
    await asyncio.sleep(0)


async def test_our_own_cancellation() -> None:
    """Whoever cancels the task that waits gets a cancelled task."""
    waiting = asyncio.Event()

    async def wait() -> None:
        async with errors.asking("ask", seconds=60):
            waiting.set()
            await asyncio.get_running_loop().create_future()

    async with asyncio.TaskGroup() as group:
        task = group.create_task(wait(), name="waiting")
        await waiting.wait()
        task.cancel()
    assert task.cancelled()


async def test_no_answer() -> None:
    """A silent broker is given up after the time that was set."""
    with pytest.raises(errors.Unavailable, match=r"no answer within 0\.01 s"):
        async with errors.asking("ask", seconds=0.01):
            await asyncio.get_running_loop().create_future()


async def test_a_bug_stays_a_bug() -> None:
    """What has nothing to do with the broker passes through."""
    with pytest.raises(ZeroDivisionError):
        async with errors.asking("ask", seconds=1):
            raise ZeroDivisionError


@pytest.mark.parametrize("told", [None, aiormq.ChannelInvalidStateError("closed")])
async def test_a_cancellation_that_the_client_keeps(told: Exception | None) -> None:
    """H13: whoever is asked to end does, though the client's wait was over at that very moment.

    `asyncio.wait_for` then returns as if nothing had been, and a task for ever would stay for ever.
    """
    answer = asyncio.get_running_loop().create_future()

    async def asks() -> None:
        async with errors.asking("qos", seconds=5):
            await asyncio.wait_for(answer, 4)
            if told is not None:
                raise told
        await asyncio.Event().wait()

    async with asyncio.timeout(5), asyncio.TaskGroup() as group:
        asking = group.create_task(asks())
        await asyncio.sleep(0.01)
        answer.set_result(None)
        asking.cancel()
    assert asking.cancelled()
