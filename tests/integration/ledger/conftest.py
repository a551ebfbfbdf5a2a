"""A living instance, a writer's audience, and events of no job's to write."""

from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import asyncpg
import pytest

from daemon.store import door, instances
from tests.integration.ledger.audience import Listener


@pytest.fixture
async def instance(store: door.Store) -> UUID:
    """Somebody who is alive."""
    return await living(store)


async def living(store: door.Store) -> UUID:
    """Registers somebody who is alive for a minute."""
    one = instances.Instance(id=uuid4(), name="t", host="h", state_dir="/", version="0")
    await instances.register(store, one, 60.0)
    return one.id


@pytest.fixture
def listener() -> Listener:
    """Hears what a writer says it has committed."""
    return Listener()


@pytest.fixture
async def bare(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection beside the store, to look and to meddle."""
    connection = await asyncpg.connect(dsn)
    yield connection
    await connection.close()
