"""`deliveryd doubt`: deliveries of which nobody knows whether they were taken; a person decides."""

import asyncio
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Annotated

from cyclopts import Parameter

from daemon.cli import asking, configured, control, doors, names, ranges, story, words
from daemon.cli.blocks import Block, Table
from daemon.cli.exits import Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.store import operator

_HEAD = ("delivery", "address", "relay", "since (UTC)", "reason")


async def show(
    name: Annotated[str | None, Parameter(help="Only of this job.")] = None,
    /,
    *,
    page: Annotated[
        int, Parameter(help="Where to go on, as the last page said.", validator=ranges.ID)
    ] = 0,
    limit: Annotated[int, Parameter(help="Rows of a page.", validator=ranges.ROWS)] = 100,
    options: Options = DEFAULT,
) -> int:
    """List the doubts that wait for a decision, the oldest first."""
    async with doors.postgres(configured.settings(options)) as store:
        job = None if name is None else (await names.job(store, name)).job
        found = await operator.doubts(store, job, after=page, limit=limit)
    more = found[-1].id if len(found) == limit else None
    document = {"doubts": [dataclasses.asdict(one) for one in found], "page": more}
    blocks = list(_by_job(found)) or ["no doubt waits for a decision"]
    Screen(options).show(document, [*blocks, *([f"more: --page {more}"] if more else [])])
    return Exit.OK


def _by_job(found: Sequence[operator.Doubt]) -> Iterator[Block]:
    """A table for each job: with its id in each row, none would fit a terminal."""
    for job in dict.fromkeys(one.job_id for one in found):
        yield f"job {job}"
        rows = [_row(one) for one in found if one.job_id == job]
        yield Table(head=_HEAD, rows=rows)


def _row(one: operator.Doubt) -> tuple[object, ...]:
    why = story.cause({"reason": one.reason})
    return one.delivery_id, one.address, one.relay, f"{one.since:%m-%d %H:%M:%S}", why


async def resend(name: control.Name, /, *, options: Options = DEFAULT) -> int:
    """Send them again: someone may get the mail twice."""
    return await _resolved(name, "resend", options)


def give_up(name: control.Name, /, *, yes: control.Yes = False, options: Options = DEFAULT) -> int:
    """Count them as failed: someone may never get the mail.

    Of a job a person at a terminal is asked first, as it can't be undone.
    """
    target, number = asyncio.run(_counted(name, options))
    if target.delivery is None and number:
        what = words.number(number, "delivery", "deliveries")
        asking.sure(f"Give up {what} in doubt of job {name}? They end as failed.", yes=yes)
    return asyncio.run(_resolved(name, "give_up", options))


async def _counted(name: str, options: Options) -> tuple[names.Target, int]:
    """What goes by a name, and how much of its job is in doubt."""
    async with doors.postgres(configured.settings(options)) as store:
        target = await names.target(store, name)
        job = await operator.job(store, target.found.job)
    return target, job.in_doubt if job else 0


async def _resolved(name: str, action: str, options: Options) -> int:
    async with doors.postgres(configured.settings(options)) as store:
        target = await names.target(store, name)
    which: dict[str, object] = target.arguments
    if target.delivery is not None:
        which = {"deliveries": [target.delivery]}
    return await control.asked(
        "doubt.resolve", target.found.customer, options=options, action=action, **which
    )
