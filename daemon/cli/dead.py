"""`deliveryd dead`: parcels that were put away, looked at, put back or dropped.

Whatever acts looks first and remembers what was chosen, with no letter in hand while a person
thinks; then it takes just those. What isn't taken returns to its queue, in its order.
"""

import asyncio
from collections import Counter
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from daemon.cli import asking, choosing, configured, letters, ranges, reviving, words
from daemon.cli.choosing import NONE, Filters
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options
from daemon.cli.screen import Screen

if TYPE_CHECKING:
    from daemon import config

Name = Annotated[
    str, Parameter(help="A dead letter's id or its beginning, or its message id.", negative="")
]
Every = Annotated[
    bool,
    Parameter(
        name="--all", help="All of them; with filters, all that pass.", negative="",
        show_default=False,
    ),
]  # fmt: skip


async def show_all(
    *,
    filters: Filters = NONE,
    limit: Annotated[int, Parameter(help="Letters shown.", validator=ranges.ROWS)] = 100,
    options: Options = DEFAULT,
) -> int:
    """List the dead letters, the oldest first.

    All are held for the moment of the look, and return to their queue in the same order.
    """
    settings = configured.settings(options)
    choice = choosing.of((), filters, datetime.now(UTC))
    async with reviving.opened(settings) as held:
        groups = held.letters()
        found = [letters.brief(one) async for group in groups for one in group if choice.takes(one)]
    document = {
        "dead": [asdict(one) for one in found[:limit]],
        "found": len(found),
        "total": held.count,
    }
    view = letters.table(found, limit, total=held.count, others=held.others)
    Screen(options).show(document, view)
    return Exit.OK


async def show(
    name: Name,
    /,
    *,
    body: Annotated[
        bool, Parameter(help="And its body, as it came.", negative="", show_default=False)
    ] = False,
    options: Options = DEFAULT,
) -> int:
    """Show a dead letter: why it died, how it was published, and its headers."""
    settings = configured.settings(options)
    choice = choosing.of((name,), NONE, datetime.now(UTC))
    async with reviving.opened(settings) as held:
        groups = held.letters()
        found = [one async for group in groups for one in group if choice.takes(one)]
    choice.settled(choosing.found(one) for one in found)
    view = [part for one in found for part in letters.view(one, body=body)]
    Screen(options).show({"dead": [letters.whole(one, body=body) for one in found]}, view)
    return Exit.OK


def replay(
    *name: Name, every: Every = False, filters: Filters = NONE, options: Options = DEFAULT
) -> int:
    """Put dead letters back where they were published, as they were.

    Each is published under its own key, mandatory and confirmed, and only then taken from here:
    killed in between it goes back twice, and the second is recognised.
    """
    settings = configured.settings(options)
    chosen = asyncio.run(_chosen(settings, name, filters, every=every))
    done = asyncio.run(reviving.replayed(settings, chosen, Screen(options)))
    left = [f"{one.id} stays: {why}" for one, why in done.left]
    document = {
        "replayed": done.number,
        "left": [{"id": one.id, "why": why} for one, why in done.left],
    }
    view = [f"{words.number(done.number, 'dead letter')} put back", *left]
    Screen(options).show(document, view)
    return Exit.OK if done.number == chosen.total() else Exit.FAILED


def drop(
    *name: Name,
    every: Every = False,
    filters: Filters = NONE,
    yes: Annotated[bool, Parameter(help="Don't ask.", negative="", show_default=False)] = False,
    options: Options = DEFAULT,
) -> int:
    """Take dead letters away for good, after asking."""
    settings = configured.settings(options)
    chosen = asyncio.run(_chosen(settings, name, filters, every=every))
    if chosen:
        what = words.number(chosen.total(), "dead letter")
        asking.sure(f"Drop {what} for good?", yes=yes, must=True)
    number = asyncio.run(reviving.dropped(settings, chosen))
    view = [f"{words.number(number, 'dead letter')} dropped"]
    Screen(options).show({"dropped": number}, view)
    return Exit.OK if number == chosen.total() else Exit.FAILED


async def _chosen(
    settings: "config.Config", names: tuple[str, ...], filters: Filters, *, every: bool
) -> Counter[str]:
    """How many of each digest are meant."""
    if bool(names) == every:
        raise Ended("give ids of dead letters, or --all", Exit.USAGE)
    choice = choosing.of(names, filters, datetime.now(UTC))
    async with reviving.opened(settings) as held:
        groups = held.letters()
        found = [
            choosing.found(one) async for group in groups for one in group if choice.takes(one)
        ]
    return choice.settled(found)
