"""The ways out of a command: to Postgres, and to the broker; short ones, for one answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from daemon import config
from daemon.broker import conversation
from daemon.broker.conversation import Conversation
from daemon.store import door, migrate

ROLE = "cli"
_CONNECTIONS = 2


def reach(loaded: config.Loaded, *, seconds: float | None = None) -> door.Reach:
    """How the configuration reaches the database; `seconds` for statements that take longer."""
    postgres = loaded.config.postgres
    return door.Reach(
        dsn=postgres.dsn.reveal(),
        role=ROLE,
        connections=_CONNECTIONS,
        connect_timeout=postgres.connect_timeout,
        statement_timeout=seconds or postgres.statement_timeout,
    )


@asynccontextmanager
async def postgres(
    loaded: config.Loaded, *, seconds: float | None = None
) -> AsyncIterator[door.Store]:
    """A store whose schema is ours. Raises `Unavailable`, `SchemaMismatch`."""
    async with door.opened(reach(loaded, seconds=seconds)) as store:
        await migrate.check(store)
        yield store


@asynccontextmanager
async def rabbitmq(loaded: config.Loaded) -> AsyncIterator[Conversation]:
    """A conversation with the broker. Raises `Unavailable`, `Refused`."""
    rabbitmq = loaded.config.rabbitmq
    async with conversation.opened(
        rabbitmq.url.reveal(), name=ROLE, seconds=rabbitmq.connect_timeout
    ) as opened:
        yield opened
