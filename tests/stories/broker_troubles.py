"""What can befall a RabbitMQ of our own, each as a block at whose end it is over."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aio_pika

from daemon.broker import declare
from tests.stories.house import House
from tests.stories.servers import PATIENCE, Pair

_GLANCE = 0.05
_CLOSE_ALL = (
    '[rabbit_networking:close_connection(P, "a test") || P <- rabbit_networking:connections()]'
)
_USER = '<<"deliveryd">>'


@asynccontextmanager
async def frozen(pair: Pair) -> AsyncIterator[None]:
    """It stands still; connections stay open, and the kernel acknowledges."""
    node = await pair.pid("rabbitmq")
    os.kill(node, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(node, signal.SIGCONT)


@asynccontextmanager
async def gone(pair: Pair) -> AsyncIterator[None]:
    """It is stopped, and started again."""
    node = await pair.pid("rabbitmq")
    os.kill(node, signal.SIGTERM)
    async with asyncio.timeout(PATIENCE):
        while _is_there(node):  # noqa: ASYNC110 - a server that isn't ours to wait for
            await asyncio.sleep(_GLANCE)
    try:
        yield
    finally:
        await pair.start()


@asynccontextmanager
async def alarmed(pair: Pair) -> AsyncIterator[None]:
    """It says that its disk is low, and takes no publishes."""
    await pair.evaluated("rabbit_disk_monitor:set_disk_free_limit(1000000000000000).")
    try:
        yield
    finally:
        await pair.evaluated("rabbit_disk_monitor:set_disk_free_limit(1000000).")


@asynccontextmanager
async def short_of_memory(pair: Pair) -> AsyncIterator[None]:
    """It says that its memory is used up, and takes no publishes."""
    before = await pair.evaluated("vm_memory_monitor:get_vm_memory_high_watermark().")
    await pair.evaluated("vm_memory_monitor:set_vm_memory_high_watermark(0.00001).")
    try:
        yield
    finally:
        await pair.evaluated(f"vm_memory_monitor:set_vm_memory_high_watermark({before.strip()}).")


@asynccontextmanager
async def locked_out(pair: Pair, house: House) -> AsyncIterator[None]:
    """Everybody is thrown out, and the password isn't what it was."""
    await pair.evaluated(f"{_password('another')}, {_CLOSE_ALL}.")
    try:
        yield
    finally:
        await pair.evaluated(f"{_password(unquote(urlsplit(house.url).password or ''))}.")


async def hung_up(pair: Pair) -> None:
    """Everybody is thrown out, and may come back who can."""
    await pair.evaluated(f"{_CLOSE_ALL}.")


@asynccontextmanager
async def forbidden(pair: Pair) -> AsyncIterator[None]:
    """Everybody is thrown out, and may do nothing when he is back."""
    await pair.evaluated(f"{_permissions('')}, {_CLOSE_ALL}.")
    try:
        yield
    finally:
        await pair.evaluated(f"{_permissions('.*')}.")


@asynccontextmanager
async def without_answers(pair: Pair) -> AsyncIterator[None]:
    """Nobody may publish to the default exchange, by which answers go; to all others as before."""
    may = '<<".*">>, <<"^(?!amq.default$).*">>, <<".*">>'
    await pair.evaluated(f"{_allowed(may)}.")
    try:
        yield
    finally:
        await pair.evaluated(f"{_permissions('.*')}.")


@asynccontextmanager
async def impatient(pair: Pair) -> AsyncIterator[None]:
    """On channels opened from now on, what isn't acknowledged in two seconds is taken back."""
    await pair.evaluated(_patience(2_000, 500))
    try:
        yield
    finally:
        await pair.evaluated(_patience(1_800_000, 60_000))


async def closed_over_a_message(house: House) -> None:
    """Returns once the broker has lost patience with somebody who began to work when we did."""
    queue, closed, taken = f"{house.prefix}.slow", asyncio.Event(), asyncio.Queue[object]()
    async with await aio_pika.connect(house.url, timeout=PATIENCE) as connection:
        channel = await connection.channel()
        slow = await channel.declare_queue(queue, auto_delete=True)
        channel.close_callbacks.add(lambda *_: closed.set())
        await channel.default_exchange.publish(aio_pika.Message(b""), queue)
        await slow.consume(taken.put)
        async with asyncio.timeout(PATIENCE):
            await closed.wait()


@asynccontextmanager
async def persistent(pair: Pair) -> AsyncIterator[None]:
    """Queues made from now on try every second to put away what they couldn't, not in minutes."""
    await pair.evaluated(_persistence(1_000))
    try:
        yield
    finally:
        await pair.evaluated(_persistence(180_000))


@asynccontextmanager
async def without_exchange(exchange: str, *, heard: str, house: House) -> AsyncIterator[None]:
    """An exchange is deleted, and made again before anybody can publish what isn't heard."""
    async with await aio_pika.connect(house.url, timeout=PATIENCE) as connection:
        channel = await connection.channel()
        await channel.exchange_delete(exchange, timeout=PATIENCE)
        try:
            yield
        finally:
            for daemon in house.daemons:
                daemon.pause()
            await declare.apply(house.url, house.prefix)
            queue = await channel.get_queue(heard, ensure=False)
            await queue.bind(exchange, "#", timeout=PATIENCE)
            for daemon in house.daemons:
                daemon.resume()


@asynccontextmanager
async def without(queue: str, *, house: House) -> AsyncIterator[None]:
    """A queue is deleted, and made again."""
    async with await aio_pika.connect(house.url, timeout=PATIENCE) as connection:
        channel = await connection.channel()
        await channel.queue_delete(queue, timeout=PATIENCE)
    try:
        yield
    finally:
        await declare.apply(house.url, house.prefix)


async def is_empty(pair: Pair, queue: str) -> bool:
    """Whether nothing is in a queue, not even what somebody has taken and not acknowledged."""
    name = f'rabbit_misc:r(<<"/">>, queue, <<"{queue}">>)'
    found = f"{{ok, Q}} = rabbit_amqqueue:lookup({name}), rabbit_amqqueue:info(Q, [messages])."
    return "{messages,0}" in await pair.evaluated(found)


def _patience(acknowledging: int, looking: int) -> str:
    settings = {"consumer_timeout": acknowledging, "channel_tick_interval": looking}
    said = [f"application:set_env(rabbit, {key}, {value})" for key, value in settings.items()]
    return f"{', '.join(said)}."


def _persistence(confirming: int) -> str:
    name = "dead_letter_worker_publisher_confirm_timeout"
    return f"application:set_env(rabbit, {name}, {confirming})."


def _is_there(process: int) -> bool:
    return Path(f"/proc/{process}").exists()


def _password(secret: str) -> str:
    return f'rabbit_auth_backend_internal:change_password({_USER}, <<"{secret}">>, <<"test">>)'


def _permissions(pattern: str) -> str:
    return _allowed(", ".join([f'<<"{pattern}">>'] * 3))


def _allowed(each: str) -> str:
    """To configure, to write, to read."""
    return f'rabbit_auth_backend_internal:set_permissions({_USER}, <<"/">>, {each}, <<"test">>)'
