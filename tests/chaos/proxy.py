"""A TCP proxy that misbehaves on demand: late, cut, silent or reset, in either direction.

What it does to a direction holds for the connections that stand and for those that come. A silent
direction swallows what is sent, so a connection that was silent is reset when that ends: nobody
ever gets a stream with a hole in it.
"""

import asyncio
import random
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from socket import SO_LINGER, SOL_SOCKET

_RST = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds: closing sends a RST."""
_PARTING = 5.0
_CHUNK = 64 * 1024
_KEPT = 64
"""Chunks that are late at once; then reading stops, and the sender feels it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toxic:
    """What is done to one direction."""

    latency: float = 0.0
    jitter: float = 0.0
    """Up to so many seconds more, differently for every chunk; order is kept."""
    cut_after: int | None = None
    """Octets of each connection from now on; then it is reset, in the middle of whatever it was."""
    is_silent: bool = False


class Direction:
    """One way through a proxy."""

    def __init__(self) -> None:
        self.toxic = Toxic()
        self.changes = 0
        """How often it has changed: octets are counted anew then."""

    def be(self, toxic: Toxic) -> None:
        """Behaves so from now on."""
        self.toxic = toxic
        self.changes += 1


class Proxy:
    """Listens on a port of its own, and leads to another."""

    def __init__(self, name: str, host: str, port: int) -> None:
        self.name = name
        self._target = host, port
        self._links: set[_Link] = set()
        self.up = Direction()
        """From the daemon to the server."""
        self.down = Direction()
        self.host = "127.0.0.1"
        self.port = 0

    @classmethod
    @asynccontextmanager
    async def opened(cls, name: str, host: str, port: int) -> AsyncIterator["Proxy"]:
        """One that listens as long as this lasts."""
        proxy = cls(name, host, port)
        server = await asyncio.start_server(proxy._meet, proxy.host, 0)
        proxy.port = server.sockets[0].getsockname()[1]
        try:
            yield proxy
        finally:
            server.close()
            proxy.reset()
            async with asyncio.timeout(_PARTING):
                while proxy._links:  # noqa: ASYNC110 - each leaves when its sockets have closed
                    await asyncio.sleep(0.01)

    @property
    def connections(self) -> int:
        """How many stand."""
        return len(self._links)

    def behave(self) -> None:
        """Both directions behave again; what was silent is reset."""
        self.up.be(Toxic())
        self.down.be(Toxic())
        for link in [link for link in self._links if link.has_swallowed]:
            link.reset()

    def reset(self) -> None:
        """RST to everybody on both sides."""
        for link in [*self._links]:
            link.reset()

    async def _meet(self, near: asyncio.StreamReader, to_near: asyncio.StreamWriter) -> None:
        link = _Link(to_near)
        self._links.add(link)
        try:
            far, to_far = await asyncio.open_connection(*self._target)
            link.writers.append(to_far)
            async with asyncio.TaskGroup() as group:
                group.create_task(link.carry(near, to_far, self.up), name=f"{self.name} up")
                group.create_task(link.carry(far, to_near, self.down), name=f"{self.name} down")
        except (OSError, ExceptionGroup):
            pass  # whichever side ended it: both are reset
        finally:
            link.end()
            await asyncio.sleep(0)  # the sockets close when the loop turns
            self._links.discard(link)


class _Link:
    """One connection, with its two sides."""

    def __init__(self, near: asyncio.StreamWriter) -> None:
        self.writers = [near]
        self.has_swallowed = False

    def end(self) -> None:
        """Ends both sides; what has been passed on arrives."""
        for writer in self.writers:
            writer.transport.abort()

    def reset(self) -> None:
        """RST to both sides, at once."""
        for writer in self.writers:
            socket = writer.get_extra_info("socket")
            if socket.fileno() >= 0:
                socket.setsockopt(SOL_SOCKET, SO_LINGER, _RST)
            writer.transport.abort()

    async def carry(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Direction
    ) -> None:
        """Carries one direction to its end, which the other side is told of."""
        late: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue(_KEPT)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._deliver(late, writer), name="late")
            await self._collect(reader, late, way)

    async def _collect(
        self, reader: asyncio.StreamReader, late: asyncio.Queue[tuple[float, bytes]], way: Direction
    ) -> None:
        loop = asyncio.get_running_loop()
        due, seen, passed = 0.0, way.changes, 0
        while chunk := await reader.read(_CHUNK):
            toxic = way.toxic
            if seen != way.changes:
                seen, passed = way.changes, 0
            if toxic.is_silent or self.has_swallowed:
                self.has_swallowed = True
                continue
            if toxic.cut_after is not None:
                chunk = chunk[: toxic.cut_after - passed]
                passed += len(chunk)
            wait = toxic.latency + random.random() * toxic.jitter
            due = max(due, loop.time() + wait)
            await late.put((due, chunk))
            if toxic.cut_after is not None and passed >= toxic.cut_after:
                break
        await late.put((due, b""))

    async def _deliver(
        self, late: asyncio.Queue[tuple[float, bytes]], writer: asyncio.StreamWriter
    ) -> None:
        loop = asyncio.get_running_loop()
        while True:
            due, chunk = await late.get()
            await asyncio.sleep(due - loop.time())
            if not chunk:
                # whoever closes one way is done with the other too: none of our three half-close
                raise ConnectionResetError("ended")
            writer.write(chunk)
            await writer.drain()
