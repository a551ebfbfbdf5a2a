"""What tests against real servers share: a database of their own each, a name of their own each.

`deploy/servers env` says where the servers are. One database is migrated per session and then
cloned for every test that asks for `dsn`; the shared directory is imported into another one, which
is cloned for every test that asks for `acmes`.
"""

import asyncio
import os
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from daemon import logs
from daemon.store import door, migrate
from tests.integration.directory import acme

DSN = "DELIVERYD_POSTGRES__DSN"
URL = "DELIVERYD_RABBITMQ__URL"
CHEAPLY = "STRATEGY file_copy"
"""How to copy a database of 400 files without logging each page of it (0.06 s, not 0.25)."""


@pytest.fixture(autouse=True)
def _nobody_has_complained(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test has told of an outage keeps no line of the next one back."""
    monkeypatch.setattr(logs, "_outages", logs.Seldom())


def _given(name: str) -> str:
    if name not in os.environ:
        pytest.fail(f'{name} is not set: eval "$(deploy/servers env)"', pytrace=False)
    return os.environ[name]


def _of(dsn: str, database: str) -> str:
    return urlunsplit(urlsplit(dsn)._replace(path=f"/{database}"))


def _named() -> str:
    return f"test_{uuid.uuid4().hex[:16]}"


def reach(dsn: str, *, connections: int = 10) -> door.Reach:
    """How tests reach a database."""
    return door.Reach(dsn=dsn, role="test", connections=connections)


async def _run(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def dropped(dsn: str, name: str) -> None:
    """Drops a database, whoever is left on it."""
    try:
        await _run(dsn, f"DROP DATABASE {name} WITH (FORCE)")
    except asyncpg.InsufficientPrivilegeError:
        # an autovacuum worker, which isn't ours to end; without the force it is made to leave
        await _run(dsn, f"DROP DATABASE {name}")


@pytest.fixture(scope="session")
def template_database() -> Iterator[str]:
    """The name of a migrated database that nobody is connected to."""
    dsn, name = _given(DSN), _named()
    asyncio.run(_run(dsn, f"CREATE DATABASE {name}"))
    try:
        asyncio.run(migrate.migrated(reach(_of(dsn, name)), today=datetime.now(UTC).date()))
        yield name
    finally:
        asyncio.run(dropped(dsn, name))


@pytest.fixture(scope="session")
def shared_dsn(template_database: str) -> Iterator[str]:
    """A migrated database for all the tests that store nothing in it."""
    given, name = _given(DSN), _named()
    asyncio.run(_run(given, f"CREATE DATABASE {name} TEMPLATE {template_database} {CHEAPLY}"))
    try:
        yield _of(given, name)
    finally:
        asyncio.run(dropped(given, name))


@asynccontextmanager
async def _cloned(template: str) -> AsyncIterator[str]:
    """A database like another one, for as long as the block lasts."""
    given, name = _given(DSN), _named()
    await _run(given, f"CREATE DATABASE {name} TEMPLATE {template} {CHEAPLY}")
    try:
        yield _of(given, name)
    finally:
        await dropped(given, name)


@pytest.fixture
async def dsn(template_database: str) -> AsyncIterator[str]:
    """A migrated, empty database for one test."""
    async with _cloned(template_database) as made:
        yield made


@pytest.fixture
async def store(dsn: str) -> AsyncIterator[door.Store]:
    """A store on the test's own database."""
    async with door.opened(reach(dsn)) as opened:
        yield opened


@pytest.fixture(scope="session")
def acme_database(template_database: str) -> Iterator[str]:
    """The name of one with the shared directory in it, that nobody is connected to."""
    given, name = _given(DSN), _named()
    asyncio.run(_run(given, f"CREATE DATABASE {name} TEMPLATE {template_database} {CHEAPLY}"))
    try:
        asyncio.run(_furnished(_of(given, name)))
        yield name
    finally:
        asyncio.run(dropped(given, name))


async def _furnished(dsn: str) -> None:
    async with door.opened(reach(dsn)) as opened:
        done = await acme.loaded(opened)
    assert all(one.rejected == 0 for one in done)


@pytest.fixture
async def acmes(acme_database: str) -> AsyncIterator[door.Store]:
    """A store with the shared directory of the requirements (3.1) in it, as it was imported."""
    async with _cloned(acme_database) as made, door.opened(reach(made)) as opened:
        yield opened


@pytest.fixture
def url() -> str:
    """Where the broker is."""
    return _given(URL)


@pytest.fixture
def prefix() -> str:
    """The first word of this test's queues and exchanges."""
    return _named()
