"""The proxy that chaos puts in front of broker, database and relay."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator

import pytest

from tests import waiting
from tests.chaos.proxy import Proxy, Toxic


@pytest.fixture
async def proxy() -> AsyncIterator[Proxy]:
    """One in front of a server that says everything again."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionResetError):
            while octets := await reader.read(65536):
                writer.write(octets)
        writer.transport.abort()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Proxy.opened("echo", *server.sockets[0].getsockname()) as proxy:
        yield proxy


async def _said(proxy: Proxy, octets: bytes) -> bytes | None:
    """What comes back for some octets until there are as many or the end; None for a reset."""
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    writer.write(octets)
    try:
        return await reader.readexactly(len(octets))
    except asyncio.IncompleteReadError as short:
        return short.partial
    except ConnectionResetError:
        return None
    finally:
        writer.transport.abort()


async def test_it_leads_through(proxy: Proxy) -> None:
    """Unasked it changes nothing, and keeps no connection that has ended."""
    octets = bytes(range(256)) * 4000
    assert await _said(proxy, octets) == octets
    await waiting.until(lambda: proxy.connections == 0)


async def test_it_is_late(proxy: Proxy) -> None:
    """Each direction is late by its own latency, and nothing changes places."""
    proxy.up.be(Toxic(latency=0.1, jitter=0.05))
    proxy.down.be(Toxic(latency=0.2))
    began = time.monotonic()
    assert await _said(proxy, b"some" * 100_000) == b"some" * 100_000
    assert time.monotonic() - began >= 0.3


async def test_it_cuts(proxy: Proxy) -> None:
    """So many octets pass, and not one more."""
    proxy.down.be(Toxic(cut_after=1000))
    assert await _said(proxy, b"x" * 5000) == b"x" * 1000
    proxy.behave()
    assert await _said(proxy, b"x" * 5000) == b"x" * 5000


async def test_it_is_silent(proxy: Proxy) -> None:
    """Nothing comes through; and what was silent is reset when it ends, for it has a hole."""
    proxy.up.be(Toxic(is_silent=True))
    async with asyncio.TaskGroup() as group:
        asked = group.create_task(_said(proxy, b"anybody?"))
        await waiting.until(lambda: proxy.connections == 1)
        _, pending = await asyncio.wait([asked], timeout=0.2)
        assert pending
        proxy.behave()
    assert asked.result() is None


async def test_it_resets(proxy: Proxy) -> None:
    """Everybody who is connected is reset."""
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    await waiting.until(lambda: proxy.connections == 1)
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        await reader.read()
    writer.transport.abort()
