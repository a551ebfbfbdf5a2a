"""The roles that `deploy/docs/operations.md` gives for copying are enough, and no more."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aio_pika
import asyncpg
import pytest
from aio_pika.abc import AbstractChannel, AbstractQueue
from aiormq.exceptions import ChannelAccessRefused

from tests.stories import asks, servers
from tests.stories.house import House
from tests.stories.servers import Pair

PAGE = servers.TOP / "deploy/docs/operations.md"
TREE = servers.TOP / "tests/fixtures/tree"
_WHO = """
SELECT DISTINCT usename FROM pg_stat_activity
WHERE datname = $1 AND application_name = 'deliveryd:serve'
"""
_PARTITIONS = """
SELECT inhrelid::regclass::text AS name FROM pg_inherits
WHERE inhparent = 'ledger'::regclass ORDER BY 1
"""
_FORBIDDEN = (
    "CREATE TABLE mine (id int)",
    "DROP TABLE job",
    "UPDATE ledger SET type = 'x'",
    "DELETE FROM delivery",
    "UPDATE secret SET value = ''",
)
DEFERRED = {"address": "greylist-1+g@there.test", "name": "Grey"}


def blocks(language: str, words: str) -> list[str]:
    """The page's blocks in a language in which these words stand."""
    found = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(), re.DOTALL | re.MULTILINE)
    return [block for block in found if words in block]


async def permitted(house: House, pair: Pair) -> None:
    """Types the page's commands for the broker, with names of our own."""
    [block] = blocks("sh", "set_permissions")
    for line in block.splitlines():
        words = [word.strip("'") for word in re.findall(r"'[^']*'|\S+", _ours(house, line))]
        await pair.rabbitmqctl(*words[1:])


async def granted(house: House, pair: Pair, place: int) -> None:
    """Runs one of the page's SQL blocks as superuser."""
    script = house.folder / "roles.sql"
    text = _ours(house, blocks("sql", "REVOKE")[place])
    start = f"\\connect {house.prefix}\n" if place else ""
    await asyncio.to_thread(script.write_text, start + text)
    await pair.psql("-f", str(script))


def _ours(house: House, text: str) -> str:
    text = re.sub(r"\b(shop|crm)\b", rf"{house.prefix}_\1", text)
    return re.sub(r"\bdeliveryd(?=\b|_owner)", house.prefix, text)


def credentials(folder: Path, secrets: Mapping[str, str]) -> dict[str, str]:
    """A folder of them as systemd makes it, and the environment that names it."""
    folder.mkdir()
    for name, secret in secrets.items():
        (folder / name).write_text(f"{secret}\n")
    return {
        "CREDENTIALS_DIRECTORY": str(folder),
        "DELIVERYD_POSTGRES__DSN": "credential:postgres",
        "DELIVERYD_RABBITMQ__URL": "credential:rabbitmq",
    }


@pytest.fixture
async def guarded(breakable: House, pair: Pair) -> House:
    """A house whose database and broker know only the page's roles; its own is the owner's."""
    house = breakable
    await granted(house, pair, 0)
    house.dsn = servers.as_user(house.dsn, f"{house.prefix}_owner", "SECRET-1", f"/{house.prefix}")
    house.sections["postgres"] = {**house.sections["postgres"], "dsn": house.dsn}
    code, _ = await house.typed("migrate")
    assert code == 0
    await granted(house, pair, 1)
    await permitted(house, pair)
    return house


async def test_they_are_enough_and_no_more(guarded: House) -> None:
    """It takes, delivers, takes over, cancels and tells; everybody else does only what is his."""
    house = guarded
    dsn = servers.as_user(house.dsn, house.prefix, "SECRET-2")
    environ = credentials(
        house.folder / "credentials",
        {"postgres": dsn, "rabbitmq": servers.as_user(house.url, house.prefix, "SECRET-3")},
    )
    house.producer._url = servers.as_user(house.url, f"{house.prefix}_shop", "SECRET-4")
    killed = await house.start(environ=environ)
    async with _heard_by_crm(house) as mine:
        later = await house.producer.ask(
            asks.send(asks.people(3), delivery={"not_before": asks.later(3600)})
        )
        asked = await house.producer.ask(asks.send([*asks.people(300), DEFERRED]))
        await house.sink.stored(50)
        killed.kill()
        await house.start(environ=environ)
        await house.producer.ask(asks.command("cancel", job=later.job))
        await house.events.completed(asked.job, seconds=60)
        async with asyncio.timeout(20):
            for _ in range(5):
                assert (await mine.get(timeout=10, no_ack=True)).routing_key == "delivery.sent.1"
    users = await house.rows(_WHO, house.prefix)
    assert [row["usename"] for row in users] == [house.prefix]
    await _nothing_more_in_the_database(house, dsn)
    await _nothing_more_at_the_broker(house)
    await house.judge()


async def test_they_are_enough_for_an_import(guarded: House) -> None:
    """The daemon's role brings in a directory whose numbers were chosen, and takes it out."""
    dsn = servers.as_user(guarded.dsn, guarded.prefix, "SECRET-2")
    guarded.sections["postgres"] = {**guarded.sections["postgres"], "dsn": dsn}
    code, document = await guarded.typed("directory", "import", str(TREE))
    assert (code, [one["inserted"] for one in document["files"]]) == (0, [4, 11, 2])
    code, _ = await guarded.typed("directory", "export", "--to", str(guarded.folder / "out"))
    assert code == 0


@asynccontextmanager
async def _heard_by_crm(house: House) -> AsyncIterator[AbstractQueue]:
    """A consumer's own queue, bound to what happened to his customer's mail."""
    crm = servers.as_user(house.url, f"{house.prefix}_crm", "SECRET-5")
    async with await aio_pika.connect(crm, timeout=10) as connection:
        channel = await connection.channel()
        queue = await channel.declare_queue(f"{house.prefix}_crm.mine", durable=True)
        await queue.bind(f"{house.prefix}.events", "delivery.sent.1", timeout=10)
        yield queue
        await queue.delete(if_empty=False)


async def _nothing_more_in_the_database(house: House, dsn: str) -> None:
    """A missing partition is made; nothing else of the schema, nor what was told, changes."""
    await house.rows(f"DROP TABLE {(await _partitions(house))[-1]}")
    connection = await asyncpg.connect(dsn, timeout=10)
    try:
        assert await connection.fetchval("SELECT partition_made('ledger', current_date + 3)")
        for statement in _FORBIDDEN:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)
    finally:
        await connection.close()
    assert len(await _partitions(house)) == 5


async def _partitions(house: House) -> list[str]:
    return [row["name"] for row in await house.rows(_PARTITIONS)]


async def _nothing_more_at_the_broker(house: House) -> None:
    """Nobody else tells events, a consumer asks for nothing, and hears no other tenant."""
    events = f"{house.prefix}.events"
    for user, secret, exchange, key in (
        ("shop", "SECRET-4", events, "delivery.sent.1"),
        ("shop", "SECRET-4", house.prefix, "request.other"),
        ("crm", "SECRET-5", house.prefix, "request.normal"),
    ):
        async with _channel(house, user, secret) as channel:
            there = await channel.get_exchange(exchange, ensure=False)
            with pytest.raises(ChannelAccessRefused):
                await there.publish(aio_pika.Message(b"{}"), key, timeout=10)
    async with _channel(house, "crm", "SECRET-5") as channel:
        queue = await channel.declare_queue(f"{house.prefix}_crm.more", auto_delete=True)
        with pytest.raises(ChannelAccessRefused):
            await queue.bind(events, "delivery.sent.2", timeout=10)


@asynccontextmanager
async def _channel(house: House, user: str, secret: str) -> AsyncIterator[AbstractChannel]:
    url = servers.as_user(house.url, f"{house.prefix}_{user}", secret)
    async with await aio_pika.connect(url, timeout=10) as connection:
        yield await connection.channel()
