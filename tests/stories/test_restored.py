"""The database goes back in time: a dump is restored that is older than what has happened (N15)."""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.stories import asks
from tests.stories.house import House
from tests.stories.producer import Asked
from tests.stories.servers import Servers

NUMBER = 600
THERE = [f"p{place}@there.test" for place in range(NUMBER)]
BINS = ":".join(map(str, [*Path("/usr/lib/postgresql").glob("*/bin"), "/usr/bin"]))


async def typed(program: str, *words: str) -> None:
    """One of Postgres' own programs, to its end."""
    found = shutil.which(program, path=BINS)
    assert found, f"{program} is not installed"
    ran = await asyncio.create_subprocess_exec(found, *words)
    async with asyncio.timeout(60):
        assert await ran.wait() == 0


@asynccontextmanager
async def restored(house: House, servers: Servers, dump: str) -> AsyncIterator[None]:
    """Within, the house's database is another one, as the dump has it."""
    before, section = house.dsn, house.sections["postgres"]
    async with servers.database(template="template0") as dsn:
        await typed("pg_restore", "--no-owner", f"--dbname={dsn}", dump)
        house.dsn, house.sections["postgres"] = dsn, {**section, "dsn": dsn}
        try:
            yield
        finally:
            house.dsn, house.sections["postgres"] = before, section


async def test_an_older_dump(house: House, shared_servers: Servers) -> None:
    """N15: what the dump knows comes to its end; what left since leaves once more, or is canceled.

    Finished jobs stay so, books balance, and what is canceled before dispatch runs never leaves.
    """
    daemon, dump = await house.start(), str(house.folder / "dump")
    done = await house.producer.ask(asks.send(asks.people(50, domain="done.test")))
    await house.events.completed(done.job)
    await house.sink.do("slow", ms=20)
    running = await house.producer.ask(asks.send(asks.people(NUMBER)))
    held = await house.producer.ask(asks.send(asks.people(100, domain="held.test")))
    await house.sink.stored(150)
    known = len(house.sink.copies)
    await typed("pg_dump", "--format=custom", f"--file={dump}", house.dsn)
    lost = await house.producer.ask(asks.send(asks.people(5, domain="lost.test")))
    await house.sink.more(100)
    daemon.kill()
    left = len(house.sink.copies)
    async with restored(house, shared_servers, dump):
        await _taken_up(house, running, held)
        copies = Counter(copy.rcpt[0] for copy in house.sink.copies)
        repeats = sum(copies.values()) - len(copies)
        assert 0 < repeats <= left - known, f"{repeats} of {left} after {known}"
        assert max(copies.values()) == 2
        assert all(copies[address] for address in THERE)
        assert all(copies[f"p{place}@done.test"] == 1 for place in range(50))
        assert {copy.rcpt[0] for copy in house.sink.copies[left:]} <= set(THERE)
        assert (await house.typed("audit"))[0] == 0
        assert (await house.typed("status", done.job))[1]["state"] == "completed"
        assert await house.rows("SELECT FROM job WHERE id::text = $1", lost.job) == []
        for one in house.daemons[1:]:
            await one.stop()


async def _taken_up(house: House, running: Asked, held: Asked) -> None:
    """As the page says: intake alone, what must not leave again is canceled, then everything."""
    await house.sink.do("slow", ms=0)
    careful = await house.start(only="intake")
    code, _ = await house.typed("cancel", held.job)
    assert code == 0
    await careful.stop()
    await house.start()
    completed = await house.events.completed(running.job, seconds=60)
    assert completed.data["counts"]["sent"] == NUMBER
    await house.settled()
