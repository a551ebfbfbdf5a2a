"""The way to a database, as a TCP relay that can break in every manner a network does."""

import asyncio
import ctypes
import socket
import struct
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlsplit, urlunsplit

_SO_ATTACH_FILTER, _SO_DETACH_FILTER = 26, 27
_DROP_ALL = struct.pack("HBBI", 0x06, 0, 0, 0)
"""A socket filter of one instruction: of every packet keep nothing (Linux, socket(7))."""


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
        self._gone: list[socket.socket] = []
        self._hides_ends = False
        self.hidden = 0
        """How many connections the server has closed since `hide_ends`."""

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

    def hide_ends(self) -> None:
        """What the server says last arrives, that it has closed the connection does not."""
        self._hides_ends = True

    def freeze(self) -> None:
        """Nothing moves any more, and nobody is told."""
        self._moving.clear()

    def thaw(self) -> None:
        """Everything moves on."""
        self._moving.set()

    def vanish(self) -> None:
        """The network swallows whatever is sent here: not even an acknowledgement comes back."""
        program = ctypes.create_string_buffer(_DROP_ALL)
        attached = struct.pack("HxxxxxxQ", 1, ctypes.addressof(program))
        for sock in self._near_sockets():
            sock.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, attached)
            self._gone.append(sock)

    def appear(self) -> None:
        """What is sent from now on arrives again, on the connections that are still open."""
        for sock in self._gone:
            if sock.fileno() >= 0:
                sock.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)
        self._gone.clear()

    def _near_sockets(self) -> Iterable[socket.socket]:
        """Those that clients are connected to, and the one that takes new connections."""
        near = [writer.get_extra_info("socket") for writer in self._writers[::2]]
        listening = self._server.sockets if self._server is not None else ()
        return [sock for sock in (*near, *listening) if sock is not None and sock.fileno() >= 0]

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(
            self._there.hostname, self._there.port
        )
        self._writers += [writer, far_writer]
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
            if self._hides_ends and writer in self._writers[::2]:
                self.hidden += 1
            else:
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
