"""How soon it is seen that a relay is back."""

import asyncio
import socket

import pytest

from daemon.delivery import connect

KERNEL = 1.0
"""Seconds after which Linux asks again for a connection that nobody has answered."""


async def _reached(address: object) -> socket.socket:
    kind = (socket.AF_INET, socket.SOCK_STREAM, 0)
    return await connect._reached(kind, address, 0.9 * KERNEL)


def _accept(full: socket.socket) -> None:
    full.accept()[0].close()


async def test_who_is_silent_is_asked_anew(monkeypatch) -> None:
    """W13: a relay that answers again is found though the kernel waits longer from time to time."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full:
        address = full.getsockname()
        with socket.create_connection(address):  # no room for another one: it isn't answered
            with pytest.raises(TimeoutError):
                await _reached(address)
            monkeypatch.setattr(connect, "ANEW", KERNEL / 10)
            asyncio.get_running_loop().call_later(KERNEL / 4, _accept, full)
            (await _reached(address)).close()
