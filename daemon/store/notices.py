"""Hints by NOTIFY: they wake who would otherwise look at the next poll; losing one is fine."""

import asyncio
from collections.abc import Callable

import asyncpg

from daemon.store import door, errors, sockets

DUE = "deliveryd_due"
"""Something was stored or made due."""

_AGAIN = 5.0
"""Seconds before a lost listener is opened again; polling finds everything meanwhile."""


async def listen(reach: door.Reach, channel: str, heard: Callable[[], None]) -> None:
    """Calls `heard` at each notice, for ever, over a connection of its own."""
    while True:
        try:
            await _listened(reach, channel, heard)
        except (errors.Unavailable, errors.Again):
            await asyncio.sleep(_AGAIN)


async def _listened(reach: door.Reach, channel: str, heard: Callable[[], None]) -> None:
    lost = asyncio.Event()
    with errors.sorted_out():
        connection = await asyncpg.connect(
            reach.dsn or None,
            timeout=reach.connect_timeout,
            command_timeout=reach.statement_timeout,
            server_settings={"application_name": f"deliveryd:{reach.role}"},
        )
        sockets.watch(connection, reach.silence)
        try:
            connection.add_termination_listener(lambda _: lost.set())
            await connection.add_listener(channel, lambda *_: heard())
            heard()  # whatever was said before we listened
            await lost.wait()
        finally:
            connection.terminate()
    raise errors.Unavailable("the listener's connection was lost")
