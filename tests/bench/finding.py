"""The case `expand`: a million people are found, beside a bare INSERT of as many rows.

The reference goes into a table of four columns with the two indexes that deliveries have, by number
and by address, from the same recursive query, just before and just after. Two that differ by more
than a fifth make the run void. Then what else is promised while, and just after, so many are found.
"""

import argparse
import asyncio
import json
import os
import statistics
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from tests.bench import letter, relay, sightings, stand
from tests.bench.bars import Bars
from tests.bench.sightings import Sightings
from tests.bench.stand import Stand
from tests.bench.town import ASKER, LARGE, SMALL, Town
from tests.stories.servers import DSN, URL, Servers

PEOPLE = 1_000_000
FEWEST = 12_000
"""More than an accept finds by itself."""
LEAST = 0.55
"""Of the reference's rate, at this size."""
MOST = {"subtree_ms": 150.0, "first_mail_s": 5.0, "beside_ms": 1000.0, "rss_grown_mb": 10.0}
"""What is promised besides, at this size."""
VOID = 3
TEXT = "all people of a directory, found for one request, beside a bare INSERT of as many rows"

_APART = 1.2
_HOURS = 4 * 3600.0
_TIMES = 5
_BESIDE = 10
_EVERY = 0.2
_WORD = "urgent"
_TABLE = """
CREATE TABLE bare (id bigint PRIMARY KEY, job uuid, person bigint, address text);
CREATE INDEX ON bare (address);
"""
_BARE = f"""
WITH RECURSIVE below (id) AS (
    SELECT id FROM customer WHERE parent_id = {ASKER}
    UNION
    SELECT c.id FROM below b JOIN customer c ON c.parent_id = b.id
)
INSERT INTO bare
SELECT row_number() OVER (), '00000000-0000-0000-0000-000000000000', p.id, e.address
FROM below b JOIN person p ON p.customer_id = b.id JOIN person_email e ON e.person_id = p.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """How long both took, and what else was measured. Times in seconds."""

    people: int
    seconds: float
    """From the publish to `job.expanded`."""
    bare: tuple[float, float]
    """Of the reference, before and after."""
    besides: dict[str, float]

    @property
    def document(self) -> dict[str, Any]:
        """The result."""
        mean = sum(self.bare) / 2
        return {
            "case": "expand",
            "recipients": self.people,
            "rate": round(self.people / self.seconds),
            "bare_rate": round(self.people / mean),
            "of_bare": round(mean / self.seconds, 3),
            "void": max(self.bare) > _APART * min(self.bare),
            **self.besides,
        }


def measure(options: argparse.Namespace, folder: Path) -> int:
    """Measures it, tells, and answers the exit status."""
    result = asyncio.run(_measured(Town(people=options.people), folder, Bars())).document
    print(f"expand       {result['rate']:>9,} people/s, {result['of_bare']:.3f} of a bare INSERT's")
    flaws = shortfall(result) if options.people >= PEOPLE else ()
    print("\n".join(flaws), end="\n" if flaws else "")
    if options.json:
        print(json.dumps(result))
    return VOID if result["void"] else int(bool(flaws))


def shortfall(result: dict[str, Any]) -> Sequence[str]:
    """What a result falls short of."""
    flaws = [f"{name} {result[name]} is not below {most:g}" for name, most in MOST.items()
             if result[name] >= most]  # fmt: skip
    if result["of_bare"] < LEAST:
        flaws.append(f"of_bare {result['of_bare']:.3f} is below {LEAST}")
    return flaws


async def _measured(town: Town, folder: Path, bars: Bars) -> Found:
    async with _opened(folder) as stood:
        await stood.serve()
        connection = await asyncpg.connect(stood.dsn, server_settings={"jit": "off"})
        try:
            with bars.stage("directory", town.people):
                await town.built(connection)
            return await _all(stood, connection, town, bars)
        finally:
            await connection.close()


@asynccontextmanager
async def _opened(folder: Path) -> AsyncIterator[Stand]:
    servers = await Servers.at(os.environ[DSN], os.environ[URL])
    try:
        async with (
            relay.sink(folder, sightings.flags) as sink,
            stand.opened(servers, sink, folder) as stood,
        ):
            yield stood
    finally:
        await servers.gone()


async def _all(
    stood: Stand, connection: "asyncpg.Connection[asyncpg.Record]", town: Town, bars: Bars
) -> Found:
    with bars.stage("subtree", _TIMES):
        subtree = statistics.median([await _subtree(stood) for _ in range(_TIMES)])
    before = await _bare(connection, town, bars)
    memory = stood.daemon.memory
    with bars.stage("expand", town.people):
        seconds = await _everyone(stood, town)
    grown = stood.daemon.memory - memory
    after = await _bare(connection, town, bars)
    with bars.stage("beside", _BESIDE):
        beside = await _beside(stood, town)
    with bars.stage("first mail", 1):
        first = await _first_mail(stood)
    besides = {
        "subtree_ms": round(subtree * 1000, 1),
        "first_mail_s": round(first, 2),
        "beside_ms": round(beside * 1000, 1),
        "rss_grown_mb": round(grown / 2**20, 1),
    }
    return Found(people=town.people, seconds=seconds, bare=(before, after), besides=besides)


async def _bare(connection: "asyncpg.Connection[asyncpg.Record]", town: Town, bars: Bars) -> float:
    await connection.execute(_TABLE)
    began = time.perf_counter()
    with bars.stage("bare INSERT", town.people):
        status = await connection.execute(_BARE, timeout=_HOURS)
    seconds = time.perf_counter() - began
    assert status.rpartition(" ")[2] == str(town.people), status
    await connection.execute("DROP TABLE bare")
    return seconds


def _asked(**more: Any) -> bytes:
    return letter.encoded(letter.everyone(**more))


async def _subtree(stood: Stand) -> float:
    """Five thousand people: from the publish to the event that counts them."""
    began = time.perf_counter()
    await stood.post.publish([_asked(act_as_customer=SMALL)])
    await stood.post.told("job.accepted")
    return time.perf_counter() - began


async def _everyone(stood: Stand, town: Town) -> float:
    """All of them: from the publish to the event that counts them."""
    began = time.perf_counter()
    await stood.post.publish([_asked()])
    told = await stood.post.told("job.expanded", seconds=_HOURS)
    seconds = time.perf_counter() - began
    assert told["data"]["counts"]["queued"] == town.queued, told
    return seconds


async def _beside(stood: Stand, town: Town) -> float:
    """Requests to one recipient each while all are found: the longest that any took to the sink."""
    asked: dict[str, float] = {}
    seen = Sightings(stood.sink.dumps, _WORD)
    async with asyncio.TaskGroup() as group:
        everyone = group.create_task(_everyone(stood, town), name="everyone")
        watching = group.create_task(seen.watch(), name="watching")
        await asyncio.sleep(_EVERY)  # they are being looked for
        for body in letter.requests(_BESIDE, _WORD, is_short=True):
            (item,) = body["audience"][0]["items"]
            asked[item["address"]] = time.perf_counter()
            await stood.post.publish([letter.encoded(body)])
            await asyncio.sleep(_EVERY)
        await seen.all_of(asked)
        was_beside = not everyone.done()
        watching.cancel()
    assert was_beside or town.people < PEOPLE, "all were found before the last of them was sent"
    return max(seen.at[address] - at for address, at in asked.items())


async def _first_mail(stood: Stand) -> float:
    """A tenth of all people: from the publish to the first mail that the sink has taken."""
    stored = stood.sink.stored
    began = time.perf_counter()
    await stood.post.publish([_asked(act_as_customer=LARGE, delivery={})])
    while stood.sink.stored == stored:
        assert time.perf_counter() - began < _HOURS, "there never was a mail"
        await asyncio.sleep(0.002)
    return time.perf_counter() - began
