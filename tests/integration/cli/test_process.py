"""The command as a process: how it starts, and how it ends when it is left alone."""

import asyncio
import signal
import sys
from pathlib import Path

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel, AbstractExchange

TOP = Path(__file__).parents[3]
PATIENCE = 20.0
HEAVY = (
    "asyncpg",
    "aio_pika",
    "aiohttp",
    "structlog",
    "rich",
    "pydantic",
    "cyclopts",
    "daemon.app",
)


async def _started(*words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        cwd=TOP,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


@pytest.mark.parametrize("typed", ["--help", "--version", "man", "completion bash", "nope"])
async def test_what_everybody_types_is_quick(typed: str) -> None:
    """What people and shells ask for at every turn imports no library, and none of our rooms."""
    rooms = await _imported(*typed.split())
    assert rooms <= ({"cyclopts", "rich"} if typed == "nope" else set())


@pytest.mark.parametrize("typed", ["trace", "job show", "send", "cancel", "top"])
async def test_the_help_of_a_command_needs_no_configuration(typed: str) -> None:
    """--help of a command imports what it is drawn with, and not what reads the configuration."""
    assert await _imported(*typed.split(), "--help") <= {"cyclopts", "rich", "asyncpg"}


async def test_who_only_looks_needs_no_broker(config: Path) -> None:
    """A command that asks Postgres alone doesn't wait for what speaks AMQP, HTTP, or for logs."""
    rooms = await _imported("instances", "--config", str(config))
    assert {"asyncpg", "pydantic"} <= rooms
    assert not rooms & {"aio_pika", "aiohttp", "structlog", "rich", "daemon.app"}


async def test_an_error_is_quick() -> None:
    """A server that is away is told without importing what its errors might have come from."""
    nowhere = "postgres.dsn=postgresql://127.0.0.1:1/x"
    rooms = await _imported("instances", "--set", nowhere)
    assert not rooms & {"aio_pika", "aiohttp", "structlog", "daemon.app"}


async def _imported(*words: str) -> set[str]:
    """What a command has imported of all that takes its time."""
    program = (
        f"import sys; from daemon.cli import main; main.run({list(words)});"
        f" print(*[name for name in {HEAVY} if name in sys.modules])"
    )
    process = await _started("-c", program)
    async with asyncio.timeout(PATIENCE):
        said, _ = await process.communicate()
    return set(said.decode().splitlines()[-1].split())


async def test_the_sink_has_its_own_options() -> None:
    """`deliveryd sink` passes everything on to the sink, --help too."""
    process = await _started("-m", "daemon", "sink", "--help")
    async with asyncio.timeout(PATIENCE):
        said, _ = await process.communicate()
    assert process.returncode == 0
    assert b"--count-only" in said


async def test_interrupted(config: Path, prefix: str, channel: AbstractChannel) -> None:
    """Ctrl-C ends a command at once, with exit 130 and without a word."""
    process = await _started("-m", "daemon", "events", "tail", "--config", str(config), "--json")
    exchange = await channel.get_exchange(f"{prefix}.events", ensure=False)
    assert process.stdout
    await _heard(process.stdout, exchange)
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(PATIENCE):
        _, complained = await process.communicate()
    assert (process.returncode, complained) == (130, b"")


async def test_a_broker_that_is_away_is_one_line(config: Path) -> None:
    """What a library has to say to it besides isn't shown."""
    nowhere = "rabbitmq.url=amqp://anna:secret@127.0.0.1:1/"
    words = ("-m", "daemon", "events", "tail", "--config", str(config), "--set", nowhere)
    process = await _started(*words)
    async with asyncio.timeout(PATIENCE):
        _, complained = await process.communicate()
    assert process.returncode == 69
    (line,) = complained.decode().splitlines()
    assert line.startswith("deliveryd: RabbitMQ: connect: 111")


async def test_nobody_reads() -> None:
    """Whoever reads may leave early: there is no traceback for it."""
    process = await _started("-m", "daemon", "check-config", "--show")
    assert process.stdout
    process.stdout._transport.close()
    async with asyncio.timeout(PATIENCE):
        complained = await process.stderr.read() if process.stderr else b""
        await process.wait()
    assert complained == b""


async def _heard(output: asyncio.StreamReader, exchange: AbstractExchange) -> None:
    """Returns once the other one shows events, which it does from some moment on."""
    event = b'{"type": "job.paused", "time": "2026-11-21T10:00:00+00:00", "data": {}}'
    async with asyncio.timeout(PATIENCE), asyncio.TaskGroup() as group:
        line = group.create_task(output.readline())
        while not line.done():
            await exchange.publish(aio_pika.Message(event), "job.paused.1")
            await asyncio.wait([line], timeout=0.1)
