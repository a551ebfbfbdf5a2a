"""`deliveryd top`: how things go right now, drawn over and over."""

import asyncio
from typing import Annotated

from cyclopts import Parameter

from daemon.cli import configured, dashboard, doors, looking, ranges
from daemon.cli.exits import Exit
from daemon.cli.looking import Look
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen
from daemon.cli.watching import Watch

_FIRST = 1.0
"""Seconds before the first look: rates need two."""


async def top(
    *,
    once: Annotated[
        bool, Parameter(help="One look, of one second.", negative="", show_default=False)
    ] = False,
    every: Annotated[
        float, Parameter(help="Seconds between two looks.", validator=ranges.LONG_PAUSE)
    ] = 2.0,
    options: Options = DEFAULT,
) -> int:
    """Watch throughput, what is in flight, what waits and why, and what went wrong last.

    Until Ctrl-C; with --json a document a line. It reads the database only, and no more of it than
    was appended, claimed or made ready: it may run beside the work.
    """
    screen = Screen(options)
    async with doors.postgres(configured.settings(options)) as store:
        watch = Watch(store)
        await watch.begin()
        await asyncio.sleep(min(_FIRST, every))
        if once:
            seen = await watch.look()
            screen.show(dashboard.document(seen), dashboard.view(seen))
            return Exit.OK

        async def take() -> Look:
            seen = await watch.look()
            return Look(document=dashboard.document(seen), view=dashboard.view(seen))

        await looking.repeated(take, screen, every=every, whole=True)
    return Exit.OK
