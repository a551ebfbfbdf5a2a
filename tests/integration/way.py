"""The way to a database, as a TCP relay that can break in every manner a network does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit


class Way:
    """A relay from a port of its own to the database of a DSN."""

    def __init__(self, dsn: str) -> None:
        self._there = urlsplit(dsn)
        self._server: asyncio.Server | None = None
        self._port = 0
        self._writers: list[asyncio.StreamWriter] = []
        """The ends of all connections, ours and the server's by turns."""
        self._moving = asyncio.Event()
        self._moving.set()
        self._deaf: set[asyncio.StreamWriter] = set()

    @property
    def dsn(self) -> str:
        """The same database, by this way."""
        user = self._there.netloc.rpartition("@")[0]
        return urlunsplit(self._there._replace(netloc=f"{user}@127.0.0.1:{self._port}"))

    async def open(self) -> None:
        """Takes connections, always at the same port."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Takes no more connections, and cuts those that are open."""
        if self._server is not None:
            self._server.close()
        self.cut()

    def cut(self) -> None:
        """Every connection is reset."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def deafen(self) -> None:
        """What the server says on the connections that are open is lost; it hears everything."""
        self._deaf.update(self._writers[::2])

    def freeze(self) -> None:
        """Nothing moves any more, and nobody is told."""
        self._moving.clear()

    def thaw(self) -> None:
        """Everything moves on."""
        self._moving.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        far_reader, far_writer = await asyncio.open_connection(
            self._there.hostname, self._there.port
        )
        self._writers.append(far_writer)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pump(reader, far_writer), name="there")
            group.create_task(self._pump(far_reader, writer), name="back")

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while octets := await reader.read(65536):
                await self._moving.wait()
                if writer not in self._deaf:
                    writer.write(octets)
                    await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()


@asynccontextmanager
async def to(dsn: str) -> AsyncIterator[Way]:
    """A way to this database, open."""
    way = Way(dsn)
    await way.open()
    try:
        yield way
    finally:
        way.thaw()
        way.close()
