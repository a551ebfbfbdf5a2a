"""`deliveryd audit`: the accounting law, recomputed."""

import dataclasses
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Parameter

from daemon.cli import configured, doors, names, ranges, words
from daemon.cli.blocks import Block, Facts, Table
from daemon.cli.exits import Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.store import audits, mending
from daemon.store.audits import Mismatch, Size
from daemon.store.mending import Mended, Unmended

_LONG = 600.0
"""Seconds that one statement over everything may take."""
_HEAD = ("law", "job", "what", "expected", "found")


async def audit(
    name: Annotated[str | None, Parameter(help="Only this job; else everything.")] = None,
    /,
    *,
    limit: Annotated[
        int, Parameter(help="Mismatches shown of each law.", validator=ranges.ROWS)
    ] = 20,
    fix_counters: Annotated[
        bool,
        Parameter(
            help="First count jobs again whose counters are wrong.",
            negative="",
            show_default=False,
        ),
    ] = False,
    options: Options = DEFAULT,
) -> int:
    """Recompute every job's numbers from what is stored; exit 1 if anything doesn't fit.

    Counters against the letters of the deliveries, those against retry rows, doubts and the ledger,
    and the ledger's streams for gaps; all as of one moment.
    """
    async with doors.postgres(configured.settings(options), seconds=_LONG) as store:
        job = None if name is None else (await names.job(store, name)).job
        mended = []
        if fix_counters:
            mended = await mending.counters(store, await mending.wrong(store, job))
        size, found = await audits.taken(store, job, limit=limit)
    document: dict[str, Any] = {
        "balanced": not found,
        **dataclasses.asdict(size),
        "mismatches": [dataclasses.asdict(one) for one in found],
    }
    if fix_counters:
        document["mended"] = [dataclasses.asdict(one) for one in mended]
    Screen(options).show(document, [*map(_change, mended), _looked(size), *_view(found)])
    return Exit.FAILED if found else Exit.OK


def _change(one: Mended | Unmended) -> str:
    if isinstance(one, Unmended):
        return f"job {one.job}: left as it is, its numbers as counted would break {one.law}"
    return f"job {one.job}: {one.what} was {one.was}, is {one.became}"


def _looked(size: Size) -> str:
    jobs = words.number(size.jobs, "job")
    return f"{jobs} with {words.number(size.deliveries, 'delivery', 'deliveries')}"


def _view(found: Sequence[Mismatch]) -> list[Block]:
    """What doesn't fit, and the laws that say so."""
    if not found:
        return ["the books balance"]
    rows = [(one.law, one.job, one.what, one.expected, one.found) for one in found]
    broken = [(law, audits.said(law)) for law in dict.fromkeys(one.law for one in found)]
    return [
        Table(head=_HEAD, rows=rows),
        Facts(rows=broken),
        words.number(len(rows), "mismatch", "mismatches"),
    ]
