"""What a connection's socket must notice by itself: that the machine at its other end is gone.

A statement timeout is for a database that is busy or frozen; its kernel still acknowledges what we
send. When the machine or the way to it is gone nobody does, and the socket may say so in seconds.
Whoever waits for leave to write to a socket hears of its end too, which asyncpg leaves to chance.
"""

import socket
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncpg

_PROBES = 3
"""Probes of a silent peer within the time that it is given."""


def watch(connection: "asyncpg.Connection[asyncpg.Record]", silence: float) -> None:
    """From now on the connection is lost after so many seconds without an acknowledgement."""
    transport = connection._transport  # type: ignore[attr-defined] # noqa: SLF001 no public way
    protocol = transport.get_protocol()
    connection.add_termination_listener(lambda _: protocol.resume_writing())
    sock = transport.get_extra_info("socket")
    if sock is None or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    every = max(1, int(silence / _PROBES))
    for name, value in (
        ("TCP_KEEPIDLE", every),
        ("TCP_KEEPINTVL", every),
        ("TCP_KEEPCNT", _PROBES),
        ("TCP_USER_TIMEOUT", int(silence * 1000)),
    ):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)
