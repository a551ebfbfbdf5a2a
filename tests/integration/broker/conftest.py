"""A name of its own for every test, cleared away behind it, and a road to the broker to break."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from yarl import URL

from daemon.broker import connection, declare, topology
from daemon.broker.connection import Link
from daemon.broker.parcel import Outgoing
from daemon.broker.topology import Names
from tests import waiting

Until = Callable[[Callable[[], bool]], Awaitable[None]]


class Road:
    """A TCP relay to the broker that can be cut, frozen, closed, and spoken from."""

    def __init__(self, broker: URL) -> None:
        self._broker = broker
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._moving = asyncio.Event()
        self._moving.set()
        self._hearing = asyncio.Event()
        self._hearing.set()
        self._port = 0

    @property
    def url(self) -> str:
        """The broker, by this road."""
        return str(self._broker.with_host("127.0.0.1").with_port(self._port))

    async def open(self) -> None:
        """Takes connections, always on the same port."""
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Takes no more connections, and cuts those that are open."""
        self._server.close()
        self.cut()

    def cut(self) -> None:
        """Every open connection is reset."""
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    def freeze(self) -> None:
        """Nothing moves any more, and nobody is told."""
        self._moving.clear()

    def deafen(self) -> None:
        """Nothing that the broker says arrives any more; what is said to it does."""
        self._hearing.clear()

    def thaw(self) -> None:
        """Everything moves on."""
        self._moving.set()
        self._hearing.set()

    def say(self, octets: bytes) -> None:
        """As if the broker had said it; to every client, while the road is quiet."""
        for client in self._writers[::2]:
            client.write(octets)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        host, port = self._broker.host, self._broker.port
        far_reader, far_writer = await asyncio.open_connection(host, port)
        self._writers.append(far_writer)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._pump(reader, far_writer, self._moving), name="there")
            group.create_task(self._pump(far_reader, writer, self._hearing), name="back")

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, free: asyncio.Event
    ) -> None:
        try:
            while octets := await reader.read(65536):
                await self._moving.wait()
                await free.wait()
                writer.write(octets)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.transport.abort()


@pytest.fixture
async def road(url: str) -> AsyncIterator[Road]:
    """A breakable road to the broker."""
    road = Road(URL(url))
    await road.open()
    yield road
    road.thaw()
    road.close()


@pytest.fixture
async def broker(url: str) -> AsyncIterator[AbstractChannel]:
    """A channel of aio-pika's, for looking and preparing behind the daemon's back."""
    async with await aio_pika.connect(url, timeout=10) as plain, plain.channel() as channel:
        yield channel


@pytest.fixture
async def prefix(url: str) -> AsyncIterator[str]:
    """A name of this test's own; what the topology declares under it goes away with the test."""
    prefix = f"test_{uuid.uuid4().hex[:16]}"
    yield prefix
    async with await aio_pika.connect(url, timeout=10) as plain, plain.channel() as channel:
        for queue in topology.queues(prefix):
            await channel.queue_delete(queue.name)
        for exchange in topology.exchanges(prefix):
            await channel.exchange_delete(exchange.name)


@pytest.fixture
async def names(url: str, prefix: str) -> Names:
    """The names of a topology that exists."""
    await declare.apply(url, prefix)
    return topology.names(prefix)


@pytest.fixture
async def link(url: str) -> AsyncIterator[Link]:
    """A link straight to the broker."""
    async with connection.connect(url, instance="test", role="test") as link:
        yield link


@pytest.fixture
async def fragile(road: Road) -> AsyncIterator[Link]:
    """A link by the road that can be broken; it notices silence after six seconds."""
    async with connection.connect(
        road.url, instance="test", role="fragile", heartbeat=1, seconds=2
    ) as link:
        yield link


@pytest.fixture
def until() -> Until:
    """Waits for something to become true, ten seconds at most."""
    return waiting.until


@pytest.fixture
def requests() -> Callable[..., list[Outgoing]]:
    """Makes messages for the queue of normal requests, with ids that count."""

    def made(count: int, *, start: int = 0, routing_key: str = "request.normal") -> list[Outgoing]:
        return [
            Outgoing(
                routing_key=routing_key,
                body=b'{"number":%d}' % number,
                message_id=f"m{number}",
                type="send",
            )
            for number in range(start, start + count)
        ]

    return made
