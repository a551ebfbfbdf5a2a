"""`deliveryd topology`: the exchanges and queues that must exist at the broker."""

import dataclasses
from collections.abc import Mapping, Sequence
from urllib.parse import unquote, urlsplit

from daemon.broker import declare
from daemon.broker import topology as wanted
from daemon.broker.declare import Difference
from daemon.cli import configured
from daemon.cli.blocks import Block, Facts, Table
from daemon.cli.exits import Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen


def show(*, options: Options = DEFAULT) -> int:
    """Show what must exist; with --json as definitions for `rabbitmqctl import_definitions`."""
    settings = configured.settings(options).rabbitmq
    prefix, path = settings.prefix, urlsplit(settings.url.reveal()).path
    view: list[Block] = [
        Table(
            head=("exchange", "type", "arguments"),
            rows=[(one.name, one.kind, _said(one.arguments)) for one in wanted.exchanges(prefix)],
        ),
        Table(
            head=("queue", "bound to", "by key"),
            rows=[(one.name, one.exchange, one.routing_key) for one in wanted.queues(prefix)],
        ),
        *(_arguments(one) for one in wanted.queues(prefix)),
    ]
    Screen(options).show(wanted.show(prefix, vhost=unquote(path.removeprefix("/")) or "/"), view)
    return Exit.OK


async def check(*, options: Options = DEFAULT) -> int:
    """Compare it with what is there; exit 1 if anything is missing or different."""
    settings = configured.settings(options).rabbitmq
    differences = await declare.check(
        settings.url.reveal(), settings.prefix, seconds=settings.connect_timeout
    )
    _show(options, created=(), differences=differences)
    return Exit.FAILED if differences else Exit.OK


async def apply(*, options: Options = DEFAULT) -> int:
    """Make what is missing; what is there but different is named, and left alone."""
    settings = configured.settings(options).rabbitmq
    applied = await declare.apply(
        settings.url.reveal(), settings.prefix, seconds=settings.connect_timeout
    )
    _show(options, created=applied.created, differences=applied.differences)
    return Exit.FAILED if applied.differences else Exit.OK


def _show(options: Options, *, created: Sequence[str], differences: Sequence[Difference]) -> None:
    document = {
        "created": created,
        "differences": [dataclasses.asdict(difference) for difference in differences],
    }
    view: list[Block] = [f"created {name}" for name in created]
    view += [str(difference) for difference in differences]
    if not differences:
        view.append("the topology is as it should be")
    Screen(options).show(document, view)


def _arguments(queue: wanted.Queue) -> Facts:
    """Each in a line of its own: together they are wider than any terminal."""
    return Facts(rows=[("queue", queue.name), *sorted(queue.arguments.items())])


def _said(arguments: Mapping[str, object]) -> str:
    return ", ".join(f"{name}={value}" for name, value in sorted(arguments.items()))
