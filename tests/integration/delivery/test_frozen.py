"""A process that stood still while the relay answered."""

import asyncio
import socket
import time
from collections.abc import Callable

import pytest
import uvloop

from daemon.delivery.courier import Unwitnessed
from daemon.delivery.dialogue import Dialogue
from daemon.delivery.wire import Wire, adopt

PATIENCE = 0.05
Loop = Callable[[], asyncio.AbstractEventLoop]
LOOPS = pytest.mark.parametrize(
    "loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
FREEZE = 4 * PATIENCE


async def _wire(ours: socket.socket) -> Wire:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
    return adopt(Dialogue(Unwitnessed()), transport)


async def _heard(answer: bytes, *, within_timers: bool = False) -> bool:
    """Whether a reply that came while everything stood still is heard, its deadline long gone."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    wire = await _wire(ours)
    wire.dialogue.expect(None)
    deadline = loop.time() + PATIENCE

    def freeze() -> None:
        theirs.send(answer)
        time.sleep(FREEZE)

    async with asyncio.TaskGroup() as group:
        if within_timers:
            loop.call_at(deadline, freeze)  # set before the deadline's own timer: it goes first
        group.create_task(wire.heard(deadline))
        await asyncio.sleep(0)
        if not within_timers:
            freeze()
    is_well = wire.dialogue.broken is None
    await wire.close()
    theirs.close()
    return is_well


@LOOPS
def test_what_came_meanwhile_is_heard(loop: Loop) -> None:
    """W2, D15: what the relay said in time is known, however late we come to read it."""
    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(_heard(b"250 2.0.0 taken\r\n"))
        assert not runner.run(_heard(b""))


@LOOPS
def test_what_came_after_the_last_look_at_sockets_is_heard(loop: Loop) -> None:
    """W2: nor is it given up by timers that all go before the next look at the sockets."""
    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(_heard(b"250 2.0.0 taken\r\n", within_timers=True))
        assert not runner.run(_heard(b"", within_timers=True))


async def _trickled() -> float:
    """How long a wait goes on beyond its deadline while a little of a reply comes all the time."""
    loop = asyncio.get_running_loop()
    ours, theirs = socket.socketpair()
    wire = await _wire(ours)
    wire.dialogue.expect(None)
    deadline = loop.time() + PATIENCE

    async def drips() -> None:
        while wire.is_open:
            theirs.send(b"250-more\r\n")
            await asyncio.sleep(PATIENCE / 20)

    async with asyncio.TaskGroup() as group, asyncio.timeout(5):
        group.create_task(drips())
        await wire.heard(deadline)
    await wire.close()
    theirs.close()
    return loop.time() - deadline


@LOOPS
def test_who_sends_a_little_again_and_again_gets_no_more_time(loop: Loop) -> None:
    """D15: the last look is one; a relay that never ends its reply ends with the deadline."""
    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(_trickled()) < 10 * PATIENCE
