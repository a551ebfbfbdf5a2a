"""The ways out of a command: to Postgres, and to the broker; short ones, for one answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from daemon.store import door, errors, schema

if TYPE_CHECKING:
    from daemon import config
    from daemon.broker.conversation import Conversation

ROLE = "cli"
_CONNECTIONS = 2


def reach(settings: "config.Config", *, seconds: float | None = None) -> door.Reach:
    """How the configuration reaches the database; `seconds` for statements that take longer."""
    postgres = settings.postgres
    return door.Reach(
        dsn=postgres.dsn.reveal(),
        role=ROLE,
        connections=_CONNECTIONS,
        connect_timeout=postgres.connect_timeout,
        statement_timeout=seconds or postgres.statement_timeout,
        silence=postgres.silence,
    )


@asynccontextmanager
async def postgres(
    settings: "config.Config", *, seconds: float | None = None
) -> AsyncIterator[door.Store]:
    """A store whose schema is ours. Raises `Unavailable`, `SchemaMismatch`."""
    way = reach(settings, seconds=seconds)
    with errors.located(way.place):
        async with door.opened(way) as store:
            await schema.check(store)
            yield store


@asynccontextmanager
async def rabbitmq(settings: "config.Config") -> AsyncIterator["Conversation"]:
    """A conversation with the broker. Raises `Unavailable`, `Refused`."""
    from daemon.broker import conversation  # noqa: PLC0415 - who only looks needs no aio_pika

    url, seconds = settings.rabbitmq.url.reveal(), settings.rabbitmq.connect_timeout
    async with conversation.opened(url, name=ROLE, seconds=seconds) as opened:
        yield opened
