"""`deliveryd instances`: who is there, and what each has in hand."""

import dataclasses
from datetime import UTC, datetime

from daemon.cli import configured, dashboard, doors, words
from daemon.cli.blocks import Table, Tone, Toned
from daemon.cli.exits import Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.store import operator
from daemon.store.operator import Instance

_HEAD = ("instance", "state", "batches", "retries", "connections", "untold", "version", "up")

_NOBODY = "no instance: who stops in order signs off, who dies is shown for an hour"


async def instances(*, options: Options = DEFAULT) -> int:
    """List the instances that are alive, or were lately; exit 1 if none is alive."""
    async with doors.postgres(configured.settings(options)) as store:
        found = await operator.instances(store)
    now = datetime.now(UTC)
    table = Table(
        head=_HEAD, rows=[_row(one, now) for one in found], empty=_NOBODY, numbers=_HEAD[2:6]
    )
    document = {"instances": [dataclasses.asdict(one) for one in found]}
    Screen(options).show(document, [table])
    return Exit.OK if any(one.alive for one in found) else Exit.FAILED


def _row(one: Instance, now: datetime) -> tuple[object, ...]:
    up = words.span((now - one.started_at).total_seconds())
    return (
        one.name, _state(one), one.batches, one.retries, one.connections, one.untold, one.version,
        up,
    )  # fmt: skip


def _state(one: Instance) -> Toned:
    """In a word; of one that is gone also since when."""
    if not one.alive:
        return Toned(f"gone, {words.span(one.lease_left)} ago", Tone.BAD)
    return dashboard.standing(one)
