"""A process that stood still while the relay answered."""

import asyncio
import socket
import time

import pytest
import uvloop

from daemon.delivery.courier import Unwitnessed
from daemon.delivery.dialogue import Dialogue
from daemon.delivery.wire import Wire, adopt

PATIENCE = 0.05
FREEZE = 4 * PATIENCE


async def _wire(ours: socket.socket) -> Wire:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_connection(asyncio.Protocol, sock=ours)
    return adopt(Dialogue(Unwitnessed()), transport)


async def _heard(answer: bytes) -> bool:
    """Whether a reply that came while everything stood still is heard, its deadline long gone."""
    ours, theirs = socket.socketpair()
    wire = await _wire(ours)
    wire.dialogue.expect(None)
    async with asyncio.TaskGroup() as group:
        group.create_task(wire.heard(asyncio.get_running_loop().time() + PATIENCE))
        await asyncio.sleep(0)
        theirs.send(answer)
        time.sleep(FREEZE)  # noqa: ASYNC251 - this is the freeze
    is_well = wire.dialogue.broken is None
    await wire.close()
    theirs.close()
    return is_well


@pytest.mark.parametrize(
    "loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)
def test_what_came_meanwhile_is_heard(loop) -> None:
    """W2, D15: what the relay said in time is known, however late we come to read it."""
    with asyncio.Runner(loop_factory=loop) as runner:
        assert runner.run(_heard(b"250 2.0.0 taken\r\n"))
        assert not runner.run(_heard(b""))
