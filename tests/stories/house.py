"""Everything that one story plays with, and the judgement at its end."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from daemon.broker import declare, topology
from tests.checker import books, verdict
from tests.checker.evidence import Books, Evidence, Limits
from tests.checker.verdict import Verdict
from tests.stories import config, ear, process
from tests.stories.ear import Ear
from tests.stories.listener import Listener
from tests.stories.process import Daemon
from tests.stories.producer import Producer
from tests.stories.servers import TOP, Servers, named
from tests.stories.sink import Sink

ONE_LOOP = pytest.mark.asyncio(loop_scope="module")
"""The mark of a file whose stories share a house."""
_GLANCE = 0.1
"""Seconds between looks into the books, which give no signal."""
_UNFINISHED = """
SELECT 'job ' || id AS what FROM job WHERE finished_at IS NULL
UNION ALL
SELECT 'booking of job ' || id FROM job WHERE price IS NOT NULL AND NOT booked
UNION ALL
SELECT concat_ws(' ', kind, 'stream', number, 'told', told_seq, 'of', last_seq)
FROM stream WHERE told_seq < last_seq
"""


_PAYS = """
WITH plan AS (
    INSERT INTO rate_plan (customer_id, name, bill_type, price_per_email)
    VALUES (1, 'plan', 'prepaid', 1.001005678) RETURNING id
), account AS (
    INSERT INTO credit_account (customer_id, balance) VALUES (1, $1::numeric)
), line AS (
    INSERT INTO credit_ledger (customer_id, kind, units, unit_price, amount, balance_after,
                               idempotency_key)
    VALUES (1, 'topup', 0, 0, $1::numeric, $1::numeric, 'first')
)
UPDATE customer SET plan_id = (SELECT id FROM plan) WHERE id = 1
"""


@dataclass(slots=True, kw_only=True)
class House:
    """A database, a prefix at the broker, a sink, somebody who asks and somebody who listens."""

    folder: Path
    dsn: str
    url: str
    prefix: str
    sink: Sink
    producer: Producer
    events: Listener
    sections: dict[str, config.Table]
    customers: list[config.Table] = field(default_factory=list)
    """Whom the configuration names beside the first one."""
    transport: dict[str, Any] = field(default_factory=dict)
    """What the transport has otherwise than the rest of the stories."""
    other_transports: list[config.Table] = field(default_factory=list)
    """What more of them have otherwise than that one."""
    is_relayed: bool = True
    """Whether the configuration has any transport."""
    code: Path = TOP
    """Where the release lies that daemons and commands are of."""
    daemons: list[Daemon] = field(default_factory=list)
    revived: list[str | None] = field(default_factory=list)
    """Message ids of dead letters that were put back."""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))
    """Of daemons; several may be started at once."""

    async def start(
        self,
        *,
        is_ready: bool = True,
        only: str = "",
        words: Sequence[str] = (),
        environ: Mapping[str, str] | None = None,
        **settings: str,
    ) -> Daemon:
        """One more daemon; `settings` go into its environment (`dispatch__poll="100ms"`)."""
        log = self.folder / f"daemon-{next(self._numbers)}.log"
        ours = {f"DELIVERYD_{name.upper()}": value for name, value in settings.items()}
        daemon = await Daemon.start(
            self.written(),
            log,
            words=[*(["--only", only] if only else []), *words],
            settings={**(environ or {}), **ours},
            code=self.code,
        )
        self.daemons.append(daemon)
        if is_ready:
            await daemon.ready()
        return daemon

    async def balance(self, *, limits: Limits | None = None, seconds: float = 30.0) -> None:
        """Waits until everything has come to its end, and holds what is known so far to the law.

        AssertionError with everything that is wrong.
        """
        await self.settled(seconds)
        await self._hold_to_the_law(await self.books(), limits)

    async def judge(self, *, limits: Limits | None = None, seconds: float = 30.0) -> None:
        """The same at a story's end: `status` and `audit` are heard, and every daemon stops."""
        await self.settled(seconds)
        await self._hold_to_the_law(await self.closed(), limits)

    async def closed(self) -> Books:
        """The books with what `status` and `audit` say of them; every daemon has stopped then."""
        jobs = await self.rows("SELECT id::text FROM job ORDER BY id DESC LIMIT 1")
        async with asyncio.TaskGroup() as group:
            audit = group.create_task(self.typed("audit"))
            status = {job["id"]: group.create_task(self.typed("status", job["id"])) for job in jobs}
            for daemon in self.daemons:
                group.create_task(daemon.stop())
        return replace(
            await self.books(),
            status={job: told.result()[1] for job, told in status.items()},
            audit=audit.result()[1],
        )

    async def books(self) -> Books:
        """The daemon's books as they are now."""
        return await books.read(self.dsn)

    async def _hold_to_the_law(self, found: Books, limits: Limits | None) -> None:
        judged = await self.weighed(found, limits)
        print(judged.table)  # noqa: T201 - shown by pytest when it fails, or with -s
        judged.demand()

    async def weighed(self, found: Books, limits: Limits | None = None, **more: Any) -> Verdict:
        """What the laws say of the books and of everything else that is known; `more` of it."""
        ids = {entry.id for entry in found.entries}
        await self.events.until(
            lambda: ids <= self.events.first.keys(), f"{len(ids)} events told", seconds=10
        )
        return verdict.of(
            Evidence(
                requests=[asked.request for asked in self.producer.published],
                copies=self.sink.copies,
                events=self.events.events,
                dead=self.events.dead,
                revived=self.revived,
                books=found,
                limits=limits or Limits(connections=config.CONNECTIONS),
                peak_connections=await self.sink.peak(),
                **more,
            )
        )

    async def settled(self, seconds: float = 30.0) -> None:
        """Returns once every job is finished and every event told."""
        deadline = time.monotonic() + seconds
        while unfinished := await self.unfinished():
            assert time.monotonic() < deadline, f"not finished: {unfinished}"
            await asyncio.sleep(_GLANCE)

    async def unfinished(self) -> list[str]:
        """Jobs that aren't finished, and streams with something untold."""
        return [row["what"] for row in await self.rows(_UNFINISHED)]

    async def rows(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """What the story's database answers."""
        connection = await asyncpg.connect(self.dsn, timeout=10)
        try:
            return await connection.fetch(statement, *arguments)
        finally:
            await connection.close()

    async def pays(self, balance: int = 1000) -> None:
        """From now on the customer pays for his mail, of so much; a daemon knows him already."""
        await self.rows(_PAYS, balance)

    async def typed(self, *words: str) -> tuple[int, Any]:
        """The exit status and the document of a command, under this story's configuration."""
        return await process.typed(self.written(), *words, code=self.code)

    async def killed(self, *words: str, at: str) -> int:
        """The exit status of a command that dies at a crash point."""
        return await process.killed(self.written(), *words, at=at)

    def written(self) -> Path:
        """The configuration, as a file."""
        rows = config.rows(
            host=self.sink.host,
            port=self.sink.port,
            transport=self.transport,
            others=self.other_transports,
            customers=self.customers,
        )
        if not self.is_relayed:
            rows = [(name, row) for name, row in rows if name != "transport"]
        path = self.folder / "story.toml"
        path.write_text(config.text(self.sections, rows))
        return path


@asynccontextmanager
async def opened(
    servers: Servers, folder: Path, *, is_quiet: bool = False, keeps_bytes: bool = False
) -> AsyncIterator[House]:
    """A house of which nothing is left afterwards but its folder; its sink may keep whole mails.

    The daemons' logs are printed, and so shown by pytest if it fails, unless it is quiet.
    """
    prefix = named()
    name = topology.names(prefix)
    async with AsyncExitStack() as stack:
        dsn = await stack.enter_async_context(servers.database())
        await declare.apply(servers.url, prefix)
        stack.push_async_callback(_forget, servers.url, prefix)
        sink = await Sink.start(folder / "sink.jsonl", keeps_bytes=keeps_bytes)
        stack.push_async_callback(sink.close)
        listener = Listener()
        producer = Producer(servers.url, name.requests, f"{prefix}.answers")
        stack.push_async_callback(producer.close)
        ears = {
            f"{prefix}.heard": (listener.heard, name.events),
            f"{prefix}.buried": (listener.burial, name.dead),
            f"{prefix}.answers": (producer.heard, None),
        }
        await stack.enter_async_context(_ears(servers.url, ears))
        house = House(
            folder=folder,
            dsn=dsn,
            url=servers.url,
            prefix=prefix,
            sink=sink,
            producer=producer,
            events=listener,
            sections=config.sections(
                dsn=dsn, url=servers.url, prefix=prefix, state=folder / "state"
            ),
        )
        stack.push_async_callback(_close, house, is_quiet=is_quiet)
        yield house


@asynccontextmanager
async def _ears(url: str, ears: Mapping[str, tuple[Any, str | None]]) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as group:
        tasks = []
        for queue, (heard, exchange) in ears.items():
            listening = Ear(url, queue, heard)
            tasks.append(group.create_task(listening.run(exchange=exchange), name=queue))
            await listening.listens()
        yield
        for task in tasks:
            task.cancel()


async def _close(house: House, *, is_quiet: bool) -> None:
    if not is_quiet:
        print("unfinished:", await house.unfinished())  # noqa: T201 - for pytest
    for daemon in house.daemons:
        await daemon.clear_away()
        if is_quiet:
            continue
        print(f"--- {daemon.name}\n{daemon.log}")  # noqa: T201 - shown by pytest when it fails


async def _forget(url: str, prefix: str) -> None:
    """Clears the broker of everything under a prefix."""
    own = [f"{prefix}.{queue}" for queue in ("heard", "buried", "answers")]
    await ear.forget(
        url,
        queues=[*own, *(queue.name for queue in topology.queues(prefix))],
        exchanges=[exchange.name for exchange in topology.exchanges(prefix)],
    )
