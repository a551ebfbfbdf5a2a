"""Intake at work: requests put to it directly, or as parcels through a broker."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from daemon.broker import connection, declare, topology
from daemon.broker.publisher import BatchPublisher
from daemon.config import Config, Secret
from daemon.config.sections import Intake as IntakeSection
from daemon.config.sections import RabbitMQ
from daemon.config.tables import Customer, Token, Transport
from daemon.directory import loading
from daemon.intake.ask import Terms
from daemon.intake.carry import Means
from daemon.intake.part import Equipment, Intake
from daemon.intake.replaying import Replays
from daemon.intake.writers import Writers
from daemon.ledger.writer import Writer
from daemon.store import door
from tests.integration.intake.counter import ANN, BOB, KEY, LOCKED, TOKEN, Counter, Document, Heard
from tests.integration.intake.house import House


@pytest.fixture
async def stocked(store: door.Store) -> door.Store:
    """A database with customers; the first has a default transport, the second one without From."""
    await loading.load(
        store,
        customers=(
            Customer(id=ANN, name="Ann"),
            Customer(id=BOB, name="Bob"),
            Customer(id=LOCKED, name="Late payer", status="locked"),
        ),
        transports=(
            Transport(
                id=1, customer=ANN, name="A", host="127.0.0.1", from_address="ann@x.test",
                from_name="Ann", is_default=True,
            ),
            Transport(id=2, customer=BOB, name="B", host="127.0.0.1", is_default=True),
        ),
        tokens=(Token(customer=ANN, token=Secret(TOKEN)),),
        key=KEY,
    )  # fmt: skip
    return store


class Silent:
    """Stands where a replayer is wanted and none is used."""

    async def number(self, _stretch: object) -> int:
        """There is nothing to tell."""
        return 0


@pytest.fixture
def terms() -> Terms:
    """Lifetimes that no test waits for."""
    return Terms(
        key_lifetime=86400, open_timeout=3600, permit_window=0.25, message_domain="m.example"
    )


@pytest.fixture
async def counter(stocked: door.Store, terms: Terms) -> Counter:
    """A counter on a stocked database."""
    return _counter(stocked, terms)


@pytest.fixture
async def acme_counter(acmes: door.Store, terms: Terms) -> Counter:
    """A counter on the shared directory (requirements 3.1), which has none of those customers."""
    return _counter(acmes, terms)


def _counter(store: door.Store, terms: Terms) -> Counter:
    heard = Heard()
    writers = [Writer(store, heard, instance=uuid.uuid4(), kind="accept") for _ in range(2)]
    replayer: Any = Silent()
    means = Means(
        store=store,
        writers=Writers(writers),
        replays=Replays(store, replayer),
        terms=terms,
        chance=Random(),
    )
    return Counter(means=means, heard=heard)


@pytest.fixture
def settings(prefix: str, url: str) -> Config:
    """A configuration in which the broker's own user speaks for the first customer."""
    user = aio_pika.connection.make_url(url).user or ""
    return Config(
        rabbitmq=RabbitMQ(prefix=prefix, url=Secret(url), publish_timeout="5s"),
        intake=IntakeSection(users={user: ANN}, anonymous=ANN),
    )


@pytest.fixture
async def user(url: str) -> str:
    """The broker's user that the tests publish as."""
    return aio_pika.connection.make_url(url).user or ""


@pytest.fixture
async def house(
    stocked: door.Store, settings: Config, url: str, prefix: str
) -> AsyncIterator[House]:
    """Intake at work on queues of its own."""
    await declare.apply(url, prefix)
    heard, stop = Heard(), asyncio.Event()
    async with (
        connection.connect(url, instance="test", role="consume") as inbound,
        connection.connect(url, instance="test", role="publish") as outbound,
        await aio_pika.connect(url, timeout=10) as plain,
        plain.channel() as channel,
    ):
        publisher = BatchPublisher(outbound)
        intake = Intake(
            Equipment(
                store=stocked,
                inbound=inbound,
                publisher=publisher,
                answers=BatchPublisher(outbound),
                audience=heard,
                instance=uuid.uuid4(),
                config=settings,
                key=KEY,
            )
        )
        replies: asyncio.Queue[tuple[str | None, Document]] = asyncio.Queue()
        mailbox = await channel.declare_queue(exclusive=True)

        async def hear(message: AbstractIncomingMessage) -> None:
            replies.put_nowait((message.correlation_id, json.loads(message.body)))

        await mailbox.consume(hear, no_ack=True)
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(intake.run(stop), name="intake")
            yield House(
                intake=intake,
                store=stocked,
                heard=heard,
                channel=channel,
                names=topology.names(prefix),
                publisher=publisher,
                stop=stop,
                running=running,
                replies=replies,
                reply_to=mailbox.name,
            )
            stop.set()
        for queue in topology.queues(prefix):
            await channel.queue_delete(queue.name)
        for exchange in topology.exchanges(prefix):
            await channel.exchange_delete(exchange.name)
