"""One connection to the broker, open until it is lost; `connection` opens the next one.

aio-pika connects, speaks TLS, authenticates, sends heartbeats and says good-bye. Its robust variant
isn't used: it redeclares what an operator deleted or changed, hangs for good on a drifted queue,
and reconnects every five seconds sharp, all instances alike.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import aio_pika
import aio_pika.connection
import aiormq.abc
from aio_pika.abc import AbstractChannel
from aiormq.connection import TransportFactory
from yarl import URL

from daemon.broker import errors
from daemon.broker.channel import Channel
from daemon.broker.tap import Listener, Tap

# whoever holds a wire tells what happens to it; theirs would tell it again, at every try
for _library in ("aio_pika", "aiormq"):
    logging.getLogger(_library).setLevel(logging.CRITICAL)


_DEAF = 0.5
"""Seconds for a good-bye to a broker that takes nothing from us."""


class _Transports(TransportFactory):
    """Opens the socket as aiormq would, with our ear between it and aiormq."""

    def __init__(self) -> None:
        self.tap = Tap(asyncio.get_running_loop())
        self.writer: asyncio.StreamWriter | None = None

    async def create(
        self, url: URL, **options: Any
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """What `asyncio.open_connection` does, with a reader of ours."""
        provider = options.pop("ssl_context_provider")
        tls = await provider.get_context() if url.scheme == "amqps" else None
        loop = asyncio.get_running_loop()
        protocol = asyncio.StreamReaderProtocol(self.tap, loop=loop)
        transport, _ = await loop.create_connection(
            lambda: protocol, url.host or "", url.port or 0, ssl=tls, **options
        )
        self.writer = asyncio.StreamWriter(transport, protocol, self.tap, loop)
        return self.tap, self.writer


class _Connection(aio_pika.Connection):
    """aio-pika's connection over a transport of ours."""

    def __init__(self, url: URL, transports: TransportFactory) -> None:
        super().__init__(url)
        self.kwargs["transport_factory"] = transports


class Wire:
    """An open connection: channels can be opened on it until it is lost."""

    def __init__(
        self,
        connection: aio_pika.Connection,
        tap: Tap,
        writer: asyncio.StreamWriter,
        seconds: float,
    ) -> None:
        self._connection = connection
        self._tap = tap
        self._writer = writer
        self._seconds = seconds

    @classmethod
    async def open(cls, url: str, *, name: str, heartbeat: float, seconds: float) -> Self:
        """Connects within so many seconds. Raises `Unavailable`, or `Refused` with the reason."""
        # a heartbeat in the URL is overridden: the configuration has a key of its own for it
        full = aio_pika.connection.make_url(url, name=name, heartbeat=max(1, round(heartbeat)))
        transports = _Transports()
        connection = _Connection(full, transports)
        try:
            async with errors.asking("connect", seconds=seconds):
                await connection.connect()
        except errors.Unavailable as error:
            await connection.close()
            raise _with_farewell(error, transports.tap) from error
        assert transports.writer  # noqa: S101 - connected
        return cls(connection, transports.tap, transports.writer, seconds)

    @property
    def is_up(self) -> bool:
        """Whether it isn't lost yet, as far as we know."""
        return not self._under().is_closed

    @property
    def blocked(self) -> str:
        """Why the broker takes no publishes (an alarm), or empty."""
        return self._tap.blocked

    async def lost(self) -> str:
        """Waits until the connection is lost; returns why."""
        closing = self._under().closing
        await asyncio.wait({closing})
        if self._tap.farewell:
            return f"{self._tap.farewell.code} {self._tap.farewell.text}"
        return errors.words(None if closing.cancelled() else closing.exception())

    async def channel(self, listener: Listener, *, confirms: bool = False) -> Channel:
        """A new channel. Raises `Unavailable`, or `Refused` if it isn't allowed."""
        under = self._under()
        if under.is_closed:
            raise errors.Unavailable("channel.open: connection lost")
        async with errors.asking("channel.open", seconds=self._seconds):
            opened = await under.channel(publisher_confirms=confirms)
        return Channel(
            opened, tap=self._tap, writer=self._writer, listener=listener, seconds=self._seconds
        )

    @asynccontextmanager
    async def question(self) -> AsyncIterator[AbstractChannel]:
        """aio-pika's own channel for one question; a "no" closes it, so each takes a new one.

        What the block lets through of aio-pika's errors becomes `Unavailable` or `Refused`.
        """
        async with errors.asking("declare", seconds=self._seconds):
            channel = self._connection.channel(publisher_confirms=False)
            try:
                await channel.initialize()
            except RuntimeError as error:  # so aiormq says that the connection has just closed
                raise errors.Unavailable("connection closed") from error
            async with channel:
                yield channel

    async def close(self) -> None:
        """Says good-bye, or tidies up when there is nobody left to say it to. Never raises."""
        # a broker in alarm doesn't read what a publisher says, be it good-bye
        seconds = _DEAF if self.blocked else self._seconds
        try:
            async with errors.asking("connection.close", seconds=seconds):
                await self._connection.close()
        except errors.Unavailable:
            self._writer.transport.abort()

    def _under(self) -> aiormq.abc.AbstractConnection:
        transport = self._connection.transport
        if transport is None:
            raise errors.Unavailable("connection closed")
        return transport.connection


def _with_farewell(error: errors.Unavailable, tap: Tap) -> errors.Unavailable:
    """The broker's own words, where it gave some before it hung up."""
    if tap.farewell is None:
        return error
    said = f"connect: {tap.farewell.code} {tap.farewell.text}"
    refused = errors.refusal(tap.farewell.code)
    return errors.Refused(said) if refused else errors.Unavailable(said)
