"""Listening: up, down on the same port, and the end."""

import asyncio

from daemon.sink.session import Session
from daemon.sink.sink import Sink

_BACKLOG = 1024
_FAREWELL = 3.0
"""Seconds for all connections to end; a little more than one takes by itself."""


def split(address: str) -> tuple[str, int]:
    """Host and port of `host:port` or `[host]:port`; ValueError for anything else."""
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal():
        raise ValueError(f"not host:port: {address}")
    return host.removeprefix("[").removesuffix("]"), int(port)


def joined(listening: asyncio.Server) -> str:
    """The address where a server listens, as `host:port` or `[host]:port`."""
    host, port = listening.sockets[0].getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class Server:
    """The SMTP listener of one sink.

    `tasks` must outlive it: TLS handshakes run there.
    """

    def __init__(self, sink: Sink, tasks: asyncio.TaskGroup) -> None:
        self._sink = sink
        self._tasks = tasks
        self._roster: set[Session] = set()
        self._listening: asyncio.Server | None = None
        self.address = ""
        """Where it listens or, while it is down, will listen again; known after `listen`."""

    async def listen(self, address: str) -> None:
        """Listen at `host:port`, port 0 for a free one; OSError when that can't be."""
        host, port = split(address)
        loop = asyncio.get_running_loop()
        self._listening = await loop.create_server(self._session, host, port, backlog=_BACKLOG)
        self.address = joined(self._listening)

    async def up(self) -> None:
        """Listen again on the same port; nothing when it does."""
        if self._listening is None:
            await self.listen(self.address)

    def down(self) -> None:
        """Stop listening and reset all connections."""
        self._deafen()
        self.drop()

    def drop(self) -> None:
        """Reset all connections and go on listening."""
        for session in list(self._roster):
            session.reset()

    async def close(self) -> None:
        """Stop listening and end all connections with a 421, those that don't go with a RST."""
        self._deafen()
        leaving = list(self._roster)
        for session in leaving:
            session.dismiss()
        try:
            async with asyncio.timeout(_FAREWELL):
                for session in leaving:
                    await session.gone.wait()
        except TimeoutError:
            self.drop()

    def _deafen(self) -> None:
        if self._listening is not None:
            self._listening.close()
            self._listening = None

    def _session(self) -> Session:
        return Session(self._sink, self._roster, self._tasks)
