"""`deliveryd audit`: the accounting law, recomputed."""

import dataclasses
from typing import Annotated

from cyclopts import Parameter

from daemon.cli import configured, doors, names, words
from daemon.cli.blocks import Table
from daemon.cli.exits import Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.store import audits

_LONG = 600.0
"""Seconds that one statement over everything may take."""
_HEAD = ("law", "job", "what", "expected", "found")


async def audit(
    name: Annotated[str | None, Parameter(help="Only this job; else everything.")] = None,
    /,
    *,
    limit: Annotated[int, Parameter(help="Mismatches shown of each law.")] = 20,
    options: Options = DEFAULT,
) -> int:
    """Recompute every job's numbers from what is stored; exit 1 if anything doesn't fit.

    Counters against the letters of the deliveries, those against retry rows, doubts and the ledger,
    and the ledger's streams for gaps; all as of one moment.
    """
    async with doors.postgres(configured.settings(options), seconds=_LONG) as store:
        job = None if name is None else (await names.job(store, name)).job
        size, found = await audits.taken(store, job, limit=limit)
    looked = (
        f"{words.number(size.jobs, 'job')} with"
        f" {words.number(size.deliveries, 'delivery', 'deliveries')}"
    )
    document = {
        "balanced": not found,
        **dataclasses.asdict(size),
        "mismatches": [dataclasses.asdict(one) for one in found],
    }
    rows = [(one.law, one.job, one.what, one.expected, one.found) for one in found]
    wrong = [Table(head=_HEAD, rows=rows), f"{words.number(len(rows), 'mismatch', 'mismatches')}"]
    view = wrong if found else ["the books balance"]
    Screen(options).show(document, [looked, *view])
    return Exit.FAILED if found else Exit.OK
