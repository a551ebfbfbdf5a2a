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
        self._moving = asyncio.Event()
        self._moving.set()
        self._is_deaf = False

    @property
    def dsn(self) -> str:
        """The same database, by this way."""
        user = self._there.netloc.rpartition("@")[0]
        return urlunsplit(self._there._replace(netloc=f"{user}@127.0.0.1:{self._port}"))

    async def open(self) -> None:
        """Takes connections, always at the same port."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        self._is_deaf = False

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
        """What the server says is lost from now on; it still hears everything."""
        self._is_deaf = True

    def hear(self) -> None:
        """New connections, and those that were not cut, hear the server again."""
        self._is_deaf = False

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
            group.create_task(self._pump(far_reader, writer, back=True), name="back")

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, back: bool = False
    ) -> None:
        try:
            while octets := await reader.read(65536):
                await self._moving.wait()
                if not (back and self._is_deaf):
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
