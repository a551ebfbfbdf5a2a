"""Intake on queues of its own, and a producer's channel to them."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

from daemon.broker import topology
from daemon.broker.confirms import Fate
from daemon.broker.parcel import Outgoing
from daemon.broker.publisher import BatchPublisher
from daemon.intake.ask import NATIVE
from daemon.intake.part import Intake
from daemon.mail.request import decode
from daemon.mail.request.decode import Decoded
from daemon.mail.request.parcel import Label
from daemon.mail.request.rules import Setting
from daemon.store import door
from tests.integration.intake.counter import ANN, Document, Heard

DEADLINE = 20.0
"""Seconds that anything may take."""


@dataclass
class House:
    """Intake on its queues, and a producer's channel to them."""

    intake: Intake
    store: door.Store
    heard: Heard
    channel: AbstractChannel
    names: topology.Names
    publisher: BatchPublisher
    stop: asyncio.Event
    running: asyncio.Task[None]
    replies: asyncio.Queue[tuple[str | None, Document]]
    reply_to: str

    async def publish(self, document: Document | bytes, **properties: Any) -> None:
        """A parcel for the queue of normal requests, or another one."""
        key = properties.pop("key", "request.normal")
        body = document if isinstance(document, bytes) else json.dumps(document).encode()
        exchange = await self.channel.get_exchange(self.names.requests)
        message = aio_pika.Message(body, **{"content_type": "application/json"} | properties)
        await exchange.publish(message, key)

    async def publish_unkeyed(self, document: Document) -> None:
        """A parcel without any id, which aio-pika doesn't let one publish."""
        parcel = Outgoing(
            routing_key="request.normal", body=json.dumps(document).encode(), message_id="", type=""
        )
        fate = await self.publisher.publish_one(self.names.requests, parcel, seconds=DEADLINE)
        assert fate is Fate.CONFIRMED

    async def ask(self, document: Document | bytes, **properties: Any) -> Document:
        """A parcel, and the answer to it."""
        await self.publish(document, reply_to=self.reply_to, **properties)
        async with asyncio.timeout(DEADLINE):
            return (await self.replies.get())[1]

    async def dead(self, number: int = 1) -> list[AbstractIncomingMessage]:
        """So many dead letters."""
        queue = await self.channel.get_queue(self.names.dead)
        found = []
        async with asyncio.timeout(DEADLINE):
            while len(found) < number:
                message = await queue.get(fail=False, no_ack=True)
                found += [message] if message else []
                await asyncio.sleep(0 if message else 0.02)
        return found

    async def waiting(self) -> int:
        """Parcels on the normal queue that nobody has taken."""
        queue = await self.channel.declare_queue(self.names.normal, passive=True)
        return queue.declaration_result.message_count or 0

    async def emptied(self) -> None:
        """Stops intake when everything is taken; nothing may come back to the queue then."""

        async def is_taken() -> bool:
            return await self.waiting() == 0

        await self.until(is_taken)
        self.stop.set()
        async with asyncio.timeout(DEADLINE):
            await self.running
        assert await self.waiting() == 0

    @asynccontextmanager
    async def held_up(self) -> AsyncIterator[None]:
        """Within this, nothing that wants to store a job comes to an end."""
        async with self.store.transaction() as session:
            await session._connection.execute(
                "SET LOCAL idle_in_transaction_session_timeout = 0;"
                "LOCK TABLE job IN SHARE ROW EXCLUSIVE MODE"
            )
            yield

    async def held_by_another(self, document: Document) -> None:
        """A living instance has accepted such a parcel without a key, and may still have it."""
        found = decode.native(
            json.dumps(document).encode(), Label(), Setting(now=datetime.now(UTC))
        )
        assert isinstance(found, Decoded)
        await self.value(
            "WITH i AS (INSERT INTO instance (id, name, host, state_dir, version, lease_until)"
            " VALUES (gen_random_uuid(), 'i', 'h', '/', '0', now() + interval '1 hour')"
            " RETURNING id) INSERT INTO request_seen (customer_id, body_hash, instance, session,"
            " tag, held_until, expires_at, answer) SELECT $1, $2, id, 1, 1, now() + interval"
            " '1 hour', now() + interval '1 hour', '{}' FROM i",
            ANN,
            self.intake._reader.digest(found.source, NATIVE),
        )

    async def value(self, statement: str, *args: Any) -> Any:
        """The first value of any statement."""
        async with self.store.session() as session:
            return await session._connection.fetchval(statement, *args)

    async def until(self, condition: Callable[[], Awaitable[bool]]) -> None:
        """Waits for something to become true."""
        deadline = time.monotonic() + DEADLINE
        while not await condition():
            assert time.monotonic() < deadline
            await asyncio.sleep(0.02)

    async def jobs(self, number: int) -> None:
        """Waits for so many jobs."""
        await self.until(lambda: self._are(number))

    async def _are(self, number: int) -> bool:
        return await self.value("SELECT count(*) FROM job") >= number
