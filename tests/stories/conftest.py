"""What stories are given: a house each, on servers that everybody shares or on breakable ones."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import pytest_asyncio

from tests.stories import acme, troubles
from tests.stories import house as houses
from tests.stories.house import House
from tests.stories.servers import DSN, URL, Pair, Servers
from tests.stories.troubles import Disk


@pytest.fixture(scope="session")
def shared_servers() -> Iterator[Servers]:
    """The servers that `deploy/servers env` names."""
    missing = [name for name in (DSN, URL) if name not in os.environ]
    if missing:
        pytest.fail(f'not set: {missing}; eval "$(deploy/servers env)"', pytrace=False)
    servers = asyncio.run(Servers.at(os.environ[DSN], os.environ[URL]))
    yield servers
    asyncio.run(servers.gone())


@pytest.fixture(scope="session")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Servers to break, started once for all the stories that do."""
    pair = Pair(folder=tmp_path_factory.mktemp("pair"))
    yield pair
    asyncio.run(pair.stop())


@pytest.fixture(scope="session")
def own_servers(pair: Pair) -> Servers:
    """The same, as any servers."""
    return asyncio.run(_started(pair))


@pytest.fixture
async def house(shared_servers: Servers, tmp_path: Path) -> AsyncIterator[House]:
    """A story's own house."""
    async with houses.opened(shared_servers, tmp_path) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def home(
    shared_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """A house with a running daemon for all the stories of one file, judged after the last one.

    Their file says `pytestmark = ONE_LOOP`.
    """
    async with houses.opened(shared_servers, tmp_path_factory.mktemp("home")) as opened:
        await opened.start()
        yield opened
        await opened.judge()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def furnished(
    shared_servers: Servers, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    """Such a house with the directory of the requirements in it, and a daemon that knows it."""
    folder = tmp_path_factory.mktemp("acme")
    async with houses.opened(shared_servers, folder, keeps_bytes=True) as opened:
        await acme.moved_in(opened)
        yield opened
        await opened.judge()


@pytest.fixture
async def breakable(own_servers: Servers, tmp_path: Path) -> AsyncIterator[House]:
    """A house on servers that may be restarted."""
    async with houses.opened(own_servers, tmp_path) as opened:
        yield opened


@pytest.fixture
async def disk(own_servers: Servers, pair: Pair) -> AsyncIterator[Disk]:
    """A small disk, which can be filled up."""
    async with troubles.disk(own_servers.dsn, pair) as made:
        yield made


@pytest.fixture
async def cramped(own_servers: Servers, disk: Disk, tmp_path: Path) -> AsyncIterator[House]:
    """A house on servers that may be restarted, its database on that disk."""
    servers = replace(own_servers, where=disk.tablespace)
    async with houses.opened(servers, tmp_path) as opened:
        yield opened


async def _started(pair: Pair) -> Servers:
    return await Servers.at(*await pair.start())
