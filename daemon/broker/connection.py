"""A named link to the broker that comes back by itself.

With `connect` the first one tells at once what is wrong, for a command that can't wait; a `link` of
the daemon, and every later connect, is tried again for ever, at pauses that grow to three seconds
and differ between instances, with at most one line of log per cause and ten seconds. Whoever uses a
link asks it for a channel and, when that is lost, for another: nothing is ever redeclared behind an
operator's back.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from random import Random

from aio_pika.abc import AbstractChannel

from daemon import logs, metrics
from daemon.broker import errors
from daemon.broker.channel import Channel
from daemon.broker.tap import Listener
from daemon.broker.wire import Wire

FIRST_PAUSE = 0.25
LONGEST_PAUSE = 3.0
STEADY = 5.0
"""Seconds after which a connection was worth having. One that is lost before is a try that failed:
each loss counts against all parcels that were on their way to us (`topology.DELIVERY_LIMIT`)."""

_log = logs.get("broker.connection")


class Link:
    """One connection at a time, under one name. Made by `connect`, or by `link` for later."""

    def __init__(
        self, url: str, *, name: str, heartbeat: float, seconds: float, random: Random
    ) -> None:
        self._url = url
        self._name = name
        self._heartbeat = heartbeat
        self._seconds = seconds
        self._random = random
        self._wire: Wire | None = None
        self._up = asyncio.Event()
        self._pauses = pauses(random)
        self._since = 0.0
        self.why_down = "not connected yet"
        """The last cause, or empty while the link is up."""

    @property
    def is_up(self) -> bool:
        """Whether there is a connection, as far as we know: a dead peer shows after heartbeats."""
        return self._up.is_set()

    @property
    def blocked(self) -> str:
        """Why the broker takes no publishes at the moment (an alarm of its own), or empty."""
        return self._wire.blocked if self._wire else ""

    async def channel(self, listener: Listener, *, confirms: bool = False) -> Channel:
        """A new channel, as soon as the link is up. Raises `Unavailable`, `Refused`."""
        await self._up.wait()
        if self._wire is None:
            raise errors.Unavailable(self.why_down)
        return await self._wire.channel(listener, confirms=confirms)

    @asynccontextmanager
    async def question(self) -> AsyncIterator[AbstractChannel]:
        """A channel of aio-pika's for one question, if the link is up. Raises as `channel` does."""
        if self._wire is None:
            raise errors.Unavailable(self.why_down)
        async with self._wire.question() as channel:
            yield channel

    async def open(self) -> None:
        """Connects, once. Raises `Unavailable`, `Refused`."""
        self._wire = await Wire.open(
            self._url, name=self._name, heartbeat=self._heartbeat, seconds=self._seconds
        )
        self.why_down = ""
        self._since = time.monotonic()
        self._up.set()
        metrics.broker_connects(self._name.rpartition(":")[2]).inc()
        _log.info("link.up", connection=self._name)

    async def keep(self) -> None:
        """Opens the next connection whenever one is lost; for ever."""
        while True:
            if self._wire is not None:
                self._down(await self._wire.lost())
                await self.close()
            await self._reopen()

    async def close(self) -> None:
        """Ends the connection, with what is open on it."""
        wire, self._wire = self._wire, None
        self._up.clear()
        if wire is not None:
            await wire.close()

    async def _reopen(self) -> None:
        if time.monotonic() - self._since >= STEADY:
            self._pauses = pauses(self._random)
        for pause in self._pauses:
            await asyncio.sleep(pause)
            try:
                await self.open()
            except errors.Unavailable as error:
                self._down(str(error))
            else:
                return

    def _down(self, why: str) -> None:
        self._up.clear()
        self.why_down = why
        logs.outage(_log, "link.down", errors.Unavailable(why), connection=self._name)


def link(
    url: str,
    *,
    instance: str,
    role: str,
    heartbeat: float = 10.0,
    seconds: float = 10.0,
    random: Random | None = None,
) -> Link:
    """A link that connects once somebody runs its `keep`, and as often as it takes."""
    return Link(
        url,
        name=f"deliveryd:{instance}:{role}",
        heartbeat=heartbeat,
        seconds=seconds,
        random=random or Random(),  # noqa: S311 - it only spreads instances out
    )


@asynccontextmanager
async def connect(
    url: str,
    *,
    instance: str,
    role: str,
    heartbeat: float = 10.0,
    seconds: float = 10.0,
    random: Random | None = None,
) -> AsyncIterator[Link]:
    """A link for as long as the block lasts, as `deliveryd:<instance>:<role>` at the broker.

    `seconds` bounds the connect and every answer. Raises `Unavailable` or `Refused` if the first
    connect fails. Publishing and consuming want a link each: a broker that blocks the one must not
    hold up the acknowledgements of the other.
    """
    made = link(
        url, instance=instance, role=role, heartbeat=heartbeat, seconds=seconds, random=random
    )
    await made.open()
    failure: BaseException | None = None
    try:
        async with asyncio.TaskGroup() as group:
            keeper = group.create_task(made.keep(), name=f"broker.link.{role}")
            try:
                yield made
            except BaseException as error:  # noqa: BLE001 - raised below: a group would wrap it
                failure = error
            keeper.cancel()
    finally:
        await made.close()
    if failure is not None:
        raise failure


def pauses(random: Random) -> Iterator[float]:
    """Seconds before each try: doubling up to the longest, each cut to between half and whole."""
    pause = FIRST_PAUSE
    while True:
        yield pause * random.uniform(0.5, 1)
        pause = min(pause * 2, LONGEST_PAUSE)
