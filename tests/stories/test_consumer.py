"""The consumer that `deploy/docs/events.md` shows, run as it stands there."""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aio_pika
import pytest

from daemon.broker import topology
from tests.stories import asks, servers
from tests.stories.house import House
from tests.stories.servers import PATIENCE

DOCUMENT = servers.TOP / "deploy" / "docs" / "events.md"
PEOPLE = 400


@asynccontextmanager
async def _consuming(house: House, program: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    """It runs; at the end of the block it is killed."""
    environment = {
        "BROKER": house.url,
        "DATABASE": house.dsn,
        "QUEUE": f"{house.prefix}.consumer",
        "EXCHANGE": topology.names(house.prefix).events,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(program), env=os.environ | environment
    )
    try:
        yield process
        assert process.returncode is None
    finally:
        process.kill()
        await process.wait()


async def _taken(house: House, number: int) -> set[str]:
    """The ids in the inbox, once there are so many."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if await house.rows("SELECT FROM pg_tables WHERE tablename = 'inbox'"):
                rows = await house.rows("SELECT id::text FROM inbox")
                if len(rows) >= number:
                    return {row["id"] for row in rows}
            await asyncio.sleep(0.05)


async def _emptied(house: House) -> None:
    """Returns once nothing waits in the consumer's queue."""
    async with (
        asyncio.timeout(PATIENCE),
        await aio_pika.connect(house.url, timeout=PATIENCE) as connection,
    ):
        channel, waiting = await connection.channel(), 1
        while waiting:
            await asyncio.sleep(0.05)
            found = await channel.declare_queue(f"{house.prefix}.consumer", passive=True)
            waiting = found.declaration_result.message_count or 0


@pytest.mark.timeout(120)
async def test_it_ends_with_the_exact_set(house: House, tmp_path: Path) -> None:
    """E12: killed in its midst and told all of it again, it has each event once and misses none."""
    found = re.search(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    assert found is not None
    program = tmp_path / "consumer.py"
    program.write_text(found[1])
    await house.start()
    async with _consuming(house, program):
        await _taken(house, 0)
        asked = await house.producer.ask(asks.send(asks.people(PEOPLE)))
        await _taken(house, PEOPLE // 4)
    await house.events.completed(asked.job)
    async with _consuming(house, program):
        replay = await house.producer.ask(asks.command("events.replay", job=asked.job))
        assert replay.done["events"] >= PEOPLE
        await _taken(house, len(house.events.first))
        await _emptied(house)
        taken = await _taken(house, len(house.events.first))
    assert taken == set(house.events.first)
    await house.judge()
