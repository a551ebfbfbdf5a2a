"""`deliveryd serve`: one instance of the daemon, until a signal ends it."""

import asyncio
from collections.abc import Callable
from typing import Annotated

from cyclopts import Parameter

from daemon.cli import configured
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options


def serve(
    *,
    only: Annotated[
        tuple[str, ...],
        Parameter(help="Parts of it, separated by commas: intake,dispatch.", negative=""),
    ] = (),
    wait: Annotated[
        bool,
        Parameter(
            help="Wait at the start for servers that are away; --no-wait ends with 69 instead.",
            negative="--no-wait",
            show_default=False,
        ),
    ] = True,
    options: Options = DEFAULT,
) -> int:
    """Run the daemon: take requests, deliver, tell.

    SIGTERM stops it cleanly, a second one at once; SIGHUP reads the configuration again. It logs to
    standard error.
    """
    from daemon import app  # noqa: PLC0415 - the whole daemon: --help doesn't wait for it

    parts = chosen(only, app.PARTS)
    options = configured.settled(options)
    loaded = configured.load(options)
    with asyncio.Runner(loop_factory=_loop()) as runner:
        served = app.serve(loaded, only=parts, read=lambda: configured.load(options), wait=wait)
        return runner.run(served)


def chosen(only: tuple[str, ...], known: frozenset[str]) -> frozenset[str]:
    """The parts that were asked for, out of those there are; empty = all of them."""
    parts = {part for text in only for part in text.split(",") if part}
    if unknown := parts - known:
        there = ", ".join(sorted(known))
        raise Ended(f"--only {', '.join(sorted(unknown))}: the parts are {there}", Exit.USAGE)
    return frozenset(parts)


def _loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where it is installed."""
    try:
        import uvloop  # noqa: PLC0415 - for speed, not needed
    except ImportError:
        return None
    return uvloop.new_event_loop
