"""The command as a process: how it starts, and how it ends when it is left alone."""

import asyncio
import signal
import sys
from pathlib import Path

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractExchange

TOP = Path(__file__).parents[3]
PATIENCE = 20.0
HEAVY = ("pydantic", "asyncpg", "aio_pika", "aiohttp", "structlog", "daemon.app")


async def _started(*words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        *words,
        cwd=TOP,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_help_is_quick() -> None:
    """--help imports none of the rooms, nor what they are made of."""
    program = (
        "import sys; from daemon.cli import main; main.run(['--help']);"
        f" print([name for name in {HEAVY} if name in sys.modules])"
    )
    process = await _started("-c", program)
    async with asyncio.timeout(PATIENCE):
        said, _ = await process.communicate()
    assert said.decode().splitlines()[-1] == "[]"


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
