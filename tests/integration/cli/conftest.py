"""Commands typed in this process, at servers of their own database and prefix."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel

from daemon.broker import declare, topology
from daemon.cli import main
from tests.integration.dispatch.conftest import ground  # noqa: F401 - a fixture

USER = "intake.trusted"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """What it said with --json."""
        return json.loads(self.out)


Typed = Callable[..., Awaitable[Ended]]


@pytest.fixture
def config(dsn: str, url: str, prefix: str, tmp_path: Path) -> Path:
    """A configuration for this test's database and prefix; whom the broker user speaks for is open.

    Customer 1 is whom parcels without a name are for.
    """
    path = tmp_path / "config.toml"
    path.write_text(
        f'[postgres]\ndsn = "{dsn}"\n[rabbitmq]\nurl = "{url}"\nprefix = "{prefix}"\n'
        '[intake]\nanonymous = 1\n[[customer]]\nid = 1\nname = "one"\n'
    )
    return path


@pytest.fixture
def typed(
    config: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Typed:
    """Types a command, in a thread: it has an event loop of its own."""
    for name in ("DELIVERYD_POSTGRES__DSN", "DELIVERYD_RABBITMQ__URL"):
        monkeypatch.delenv(name, raising=False)

    async def typed(*words: str) -> Ended:
        capsys.readouterr()  # what the test itself has caused to be logged
        code = await asyncio.to_thread(main.run, ["--config", str(config), *words])
        said = capsys.readouterr()
        return Ended(code=code, out=said.out, err=said.err)

    return typed


@pytest.fixture
async def channel(url: str, prefix: str) -> AsyncIterator[AbstractChannel]:
    """A channel to a broker with the topology of this test's prefix, which is taken away again."""
    await declare.apply(url, prefix)
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        yield channel
        for queue in topology.queues(prefix):
            handle = await channel.get_queue(queue.name, ensure=False)
            await handle.delete(if_unused=False, if_empty=False)
        for exchange in topology.exchanges(prefix):
            await channel.exchange_delete(exchange.name)
