"""`deliveryd queue`: the shape of everything that waits, as Postfix' qshape shows it."""

from collections.abc import Mapping
from typing import Annotated

from cyclopts import Parameter

from daemon.cli import configured, doors, ranges
from daemon.cli.blocks import Row, Table
from daemon.cli.exits import Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.store import overviews
from daemon.store.overviews import Shape

MINUTES = (5, 10, 20, 40, 80, 160, 320, 640, 1280)
"""Where one span of ages ends and the next begins."""
_LONG = 600.0
"""Seconds that one statement over everything may take."""
_LATER = -1


async def shape(
    *,
    deferred: Annotated[
        bool,
        Parameter(help="Only what was deferred.", negative="", show_default=False),
    ] = False,
    customer: Annotated[
        int | None, Parameter(help="Only of this customer.", validator=ranges.ID)
    ] = None,
    limit: Annotated[
        int,
        Parameter(help="Domains shown: those with the most.", validator=ranges.ROWS_OR_NONE),
    ] = 20,
    options: Options = DEFAULT,
) -> int:
    """Show what waits, by recipient domain and age in minutes.

    The age counts from when its job was to start; what is to start later stands under `later`.
    """
    async with doors.postgres(configured.settings(options), seconds=_LONG) as store:
        found = await overviews.shape(
            store, MINUTES, customer=customer, deferred=deferred, limit=limit
        )
    Screen(options).show(document(found), [table(found)])
    return Exit.OK


def document(found: Shape) -> dict[str, object]:
    """For programs: the spans by their names, of all and of each domain."""
    domains = [{"domain": name, **_named(ages)} for name, ages in found.domains.items()]
    return {"total": _named(found.everything), "domains": domains}


def table(found: Shape) -> Table:
    """The domains with the most of it first, under the sum of all."""
    domains = sorted(found.domains.items(), key=lambda one: (-sum(one[1].values()), one[0]))
    rows = [_row("TOTAL", found.everything), *(_row(name, ages) for name, ages in domains)]
    if others := _others(found):
        rows.append(_row("others", others))
    head = ("domain", "T", "later", *_names())
    return Table(
        head=head, rows=rows if found.everything else [], empty="nothing waits", numbers=head[1:]
    )


def _names() -> list[str]:
    return [*(str(minutes) for minutes in MINUTES), f"{MINUTES[-1]}+"]


def _others(found: Shape) -> dict[int, int]:
    """What is of no domain that is shown."""
    shown = {
        age: sum(ages.get(age, 0) for ages in found.domains.values()) for age in found.everything
    }
    left = {age: count - shown[age] for age, count in found.everything.items()}
    return {age: count for age, count in left.items() if count > 0}


def _row(name: str, ages: Mapping[int, int]) -> Row:
    counts = [ages.get(age, 0) for age in range(len(MINUTES) + 1)]
    return name, sum(ages.values()), ages.get(_LATER, 0), *counts


def _named(ages: Mapping[int, int]) -> dict[str, int]:
    counts = {name: ages.get(age, 0) for age, name in enumerate(_names())}
    return {"total": sum(ages.values()), "later": ages.get(_LATER, 0), **counts}
