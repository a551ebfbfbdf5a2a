"""The play: publish the samples, follow what comes of them, and say whether it is as it must be.

The daemon and the development server run already. The environment names the broker
(`DELIVERYD_RABBITMQ__URL`, and `DELIVERYD_RABBITMQ__PREFIX` if the names there have another first
word). Exit status: 0 everything is as demanded, 1 it is not, 130 interrupted.
"""

import argparse
import asyncio
import contextlib
import os
import sys
from datetime import UTC, datetime
from pathlib import Path

import aio_pika
from aio_pika.abc import AbstractQueue
from rich.console import Console

from . import follower, lines, mailbox, producer, samples, screen, summary, verdict
from .producer import Producer
from .seen import Seen

PATIENCE = 60.0
GRACE = 1.0
"""How long a copy or an event too many is waited for once everything is there."""


async def play(options: argparse.Namespace, console: Console) -> int:
    """The whole of it; the exit status."""
    prefix = os.environ.get("DELIVERYD_RABBITMQ__PREFIX", "deliveryd")
    connection = await aio_pika.connect(os.environ["DELIVERYD_RABBITMQ__URL"], timeout=PATIENCE)
    async with connection:
        queue = await follower.subscribed(connection, f"{prefix}.events")
        asking = await producer.opened(connection, prefix)
        requests = samples.cast(options.run, options.recipients, datetime.now(UTC))
        seen = Seen(requests)
        async with asyncio.TaskGroup() as group:
            watching = [
                group.create_task(_answers(asking, seen), name="answers"),
                group.create_task(_events(queue, seen), name="events"),
                group.create_task(_copies(options.record, seen), name="copies"),
                group.create_task(_view(options, seen, console), name="view"),
            ]
            for request in requests:
                for _ in range(request.times):
                    await asking.publish(request)
            with contextlib.suppress(TimeoutError):  # what is missing then is told
                async with asyncio.timeout(PATIENCE):
                    await seen.over.wait()
            await asyncio.sleep(GRACE)
            for task in watching:
                task.cancel()
    differences = verdict.differences(seen.tales.values())
    summary.show(seen, differences, console)
    return 1 if differences else 0


async def _answers(asking: Producer, seen: Seen) -> None:
    async for name, body in asking.answers():
        seen.answered(name, body)


async def _events(queue: AbstractQueue, seen: Seen) -> None:
    async for event in follower.events(queue):
        seen.happened(event)


async def _copies(record: Path, seen: Seen) -> None:
    async for copy in mailbox.copies(record):
        seen.arrived(copy)


async def _view(options: argparse.Namespace, seen: Seen, console: Console) -> None:
    if options.plain or not console.is_terminal or console.is_dumb_terminal:
        await lines.show(seen)
    else:
        await screen.show(seen, console)


def main() -> int:
    """As typed by `deploy/demo`."""
    parser = argparse.ArgumentParser(prog="show")
    parser.add_argument("--run", required=True, help="tells the addresses of this run from others")
    parser.add_argument("--record", type=Path, required=True, help="of the development server")
    parser.add_argument("--recipients", type=int, required=True)
    parser.add_argument("--plain", action="store_true")
    try:
        return asyncio.run(play(parser.parse_args(), Console(highlight=False)))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
