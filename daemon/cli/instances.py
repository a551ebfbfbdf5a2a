"""`deliveryd instances`: who is there, and what each has in hand."""

import dataclasses
from datetime import UTC, datetime

from daemon.cli import configured, doors, words
from daemon.cli.blocks import Table
from daemon.cli.exits import Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.store import operator
from daemon.store.operator import Instance

_HEAD = (
    "instance", "state", "lease", "batches", "retries", "connections", "untold", "version", "up",
    "id",
)  # fmt: skip


async def instances(*, options: Options = DEFAULT) -> int:
    """List the instances that are alive, or were lately; exit 1 if none is alive."""
    async with doors.postgres(configured.settings(options)) as store:
        found = await operator.instances(store)
    now = datetime.now(UTC)
    table = Table(head=_HEAD, rows=[_row(one, now) for one in found], empty="no instance")
    braked = [
        f"{one.name} starts nothing new: {one.brake}" for one in found if one.alive and one.brake
    ]
    document = {"instances": [dataclasses.asdict(one) for one in found]}
    Screen(options).show(document, [table, *braked])
    return Exit.OK if any(one.alive for one in found) else Exit.FAILED


def _state(one: Instance) -> str:
    if not one.alive:
        return "gone"
    if one.brake:
        return "braked"
    return "draining" if one.draining else "alive"


def _row(one: Instance, now: datetime) -> tuple[object, ...]:
    state = _state(one)
    lease = words.span(one.lease_left) + ("" if one.alive else " ago")
    up = words.span((now - one.started_at).total_seconds())
    return (
        one.name, state, lease, one.batches, one.retries, one.connections, one.untold, one.version,
        up, one.id,
    )  # fmt: skip
