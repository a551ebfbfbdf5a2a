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
