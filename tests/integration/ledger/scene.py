"""An instance that writes and tells, and somebody at the exchange who hears all of it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg
from aio_pika.abc import AbstractChannel, AbstractQueue

from daemon.broker import connection
from daemon.broker.connection import Link
from daemon.broker.publisher import BatchPublisher
from daemon.broker.topology import Names
from daemon.config.sections import Events
from daemon.ledger.teller import Teller
from daemon.ledger.writer import Writer
from daemon.store import door
from tests.integration.ledger.audience import written

PACE = Events(batch=50, confirm_timeout="2s")


@dataclass(slots=True, kw_only=True)
class Scene:
    """An instance that writes and tells, and somebody at the exchange who hears all of it."""

    store: door.Store
    bare: asyncpg.Connection
    instance: UUID
    url: str
    names: Names
    broker: AbstractChannel
    """Ours, to look and to meddle."""
    ear: AbstractQueue
    """Where everything at the exchange is heard."""
    heard: list[tuple[str, str]]
    """Ids and texts of the events, repeats included."""

    @property
    def texts(self) -> list[str]:
        """What was heard, repeats left out."""
        return list(dict(self.heard).values())

    @asynccontextmanager
    async def telling(
        self, *, url: str = "", store: door.Store | None = None, instance: UUID | None = None
    ) -> AsyncIterator[tuple[Teller, Link]]:
        """A teller at work, by this way to the broker, over this store."""
        async with connection.connect(
            url or self.url, instance="test", role="test", heartbeat=1, seconds=2
        ) as link:
            teller = Teller(
                store or self.store,
                BatchPublisher(link),
                instance=instance or self.instance,
                exchange=self.names.events,
                pace=PACE,
            )
            async with asyncio.TaskGroup() as group:
                task = group.create_task(teller.run())
                yield teller, link
                task.cancel()

    def writer(
        self, teller: Teller, *, store: door.Store | None = None, instance: UUID | None = None
    ) -> Writer:
        """A writer that this teller tells of."""
        return Writer(store or self.store, teller, instance=instance or self.instance, kind="t")

    async def is_told(self) -> bool:
        """Whether the database says that everything is told."""
        return await self.bare.fetchval("SELECT bool_and(told_seq = last_seq) FROM stream")


async def put(writer: Writer, texts: Sequence[str], *, at_once: int = 7) -> None:
    """Writes these, so many in one transaction."""
    for start in range(0, len(texts), at_once):
        await written(writer, *texts[start : start + at_once])


async def told(teller: Teller) -> None:
    """Waits until everything is told."""
    async with asyncio.timeout(10):
        await teller.drained()


def numbers(count: int, start: int = 0) -> list[str]:
    """Texts that count."""
    return [f"{number:03}" for number in range(start, start + count)]
