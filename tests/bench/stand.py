"""What one run stands on: a fresh database, a prefix at the broker, and the daemons under test.

The daemons run as anybody would run them: every setting at its default but for the addresses.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import asyncpg

from daemon.broker import declare, topology
from tests.bench import meter, post
from tests.bench.post import Post
from tests.bench.relay import HOST, SESSIONS, Sink
from tests.stories import config, ear, process
from tests.stories.process import Daemon
from tests.stories.servers import Servers, named

_PATIENCE = 30.0
_OPEN = """
SELECT EXISTS (SELECT FROM job WHERE finished_at IS NULL)
    OR EXISTS (SELECT FROM stream WHERE told_seq < last_seq)
"""


@dataclass(slots=True, kw_only=True)
class Stand:
    """Everything that one run needs, and who works there."""

    folder: Path
    dsn: str
    url: str
    prefix: str
    sink: Sink
    post: Post
    daemons: list[Daemon] = field(default_factory=list)

    async def serve(self, processes: int = 1) -> None:
        """Starts the daemon, or so many as one, and returns when it is ready."""
        await self.start(processes)
        await self.daemon.ready()

    async def start(self, processes: int = 1) -> None:
        """Starts it and returns at once."""
        words = ["--processes", str(processes)] if processes > 1 else []
        log = self.folder / f"daemon-{len(self.daemons) + 1}.log"
        self.daemons.append(await Daemon.start(self.written(), log, words=words))

    @property
    def daemon(self) -> Daemon:
        """The one that runs."""
        return self.daemons[-1]

    async def is_open(self) -> bool:
        """Whether some job is unfinished or some event untold, by the daemon's own books."""
        connection = await asyncpg.connect(self.dsn, timeout=_PATIENCE)
        try:
            return bool(await connection.fetchval(_OPEN, timeout=_PATIENCE))
        finally:
            await connection.close()

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU that everybody has used so far; `others` are not ours."""
        used = {
            "daemon": meter.cpu(self.daemon.pid),
            "postgres": _of_server(self.dsn),
            "broker": _of_server(self.url),
            "sink": meter.cpu(self.sink.pid),
            "bench": meter.own(),
        }
        return {**used, "others": meter.busy() - sum(used.values())}

    def rss(self) -> int:
        """Octets: the most that the largest daemon process ever had."""
        return meter.peak(self.daemon.pid)

    async def typed(self, *words: str) -> tuple[int, object]:
        """The exit status and the document of a command."""
        return await process.typed(self.written(), *words)

    def written(self) -> Path:
        """The configuration, as a file."""
        path = self.folder / "bench.toml"
        path.write_text(config.text(self._sections(), list(self._rows())), encoding="utf-8")
        return path

    def _sections(self) -> Mapping[str, config.Table]:
        return {
            "rabbitmq": {"url": self.url, "prefix": self.prefix},
            "postgres": {"dsn": self.dsn},
            "instance": {"state_dir": str(self.folder / "state")},
            "intake": {"anonymous": 1},
            "delivery": {"hostname": "bench.test", "message_domain": "bench.test"},
            "ops": {"listen": f"{HOST}:0"},
            "log": {"format": "json"},
        }

    def _rows(self) -> Iterator[tuple[str, config.Table]]:
        yield "customer", {"id": 1, "name": "Bench"}
        way_out = {"id": 1, "customer": 1, "name": "sink", "host": HOST, "port": self.sink.port}
        terms = {"tls": "none", "is_default": True, "max_connections": SESSIONS}
        yield "transport", {**way_out, **terms, "from_address": "news@sender.test"}


@asynccontextmanager
async def opened(servers: Servers, sink: Sink, folder: Path) -> AsyncIterator[Stand]:
    """A stand of which nothing is left afterwards but its folder."""
    prefix = named()
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(servers.database())
        await declare.apply(servers.url, prefix)
        stack.push_async_callback(_forget, servers.url, prefix)
        desk = await stack.enter_async_context(post.opened(servers.url, prefix))
        stand = Stand(folder=folder, dsn=dsn, url=servers.url, prefix=prefix, sink=sink, post=desk)
        stack.push_async_callback(_clear_away, stand)
        yield stand


def _of_server(address: str) -> float:
    port = urlsplit(address).port
    assert port is not None, "a server whose port isn't named"
    return meter.cpu(meter.listener(port))


async def _clear_away(stand: Stand) -> None:
    async with asyncio.TaskGroup() as group:
        for daemon in stand.daemons:
            group.create_task(daemon.clear_away())


async def _forget(url: str, prefix: str) -> None:
    """Clears the broker of everything under a prefix."""
    queues = [f"{prefix}.counted", *(queue.name for queue in topology.queues(prefix))]
    exchanges = [exchange.name for exchange in topology.exchanges(prefix)]
    await ear.forget(url, queues=queues, exchanges=exchanges)
