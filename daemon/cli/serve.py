"""`deliveryd serve`: one instance of the daemon, or several as one, until a signal ends them."""

import asyncio
import gc
import sys
from collections.abc import Callable
from typing import Annotated

from cyclopts import Parameter

from daemon import config
from daemon.cli import configured, ranges
from daemon.cli.exits import Ended, Exit
from daemon.cli.options import DEFAULT, Options


def serve(
    *,
    only: Annotated[
        tuple[str, ...],
        Parameter(
            help="Parts of it, separated by commas: intake,dispatch; else all.",
            negative="",
            show_default=False,
        ),
    ] = (),
    wait: Annotated[
        bool,
        Parameter(
            help="Wait at the start for servers that are away; --no-wait ends with 69 instead.",
            negative="--no-wait",
            show_default=False,
        ),
    ] = True,
    processes: Annotated[
        int,
        Parameter(
            help="So many instances, supervised as one: one uses one processor.",
            validator=ranges.PROCESSES,
        ),
    ] = 1,
    options: Options = DEFAULT,
) -> int:
    """Run the daemon: take requests, deliver, tell.

    SIGTERM stops it cleanly, a second one at once; SIGHUP reads the configuration again. It logs to
    standard error.
    """
    # the whole daemon: --help doesn't wait for it
    from daemon import app  # noqa: PLC0415
    from daemon.process import supervisor  # noqa: PLC0415

    parts = chosen(only, app.PARTS)
    options = configured.settled(options)
    loaded = configured.load(options)

    def read() -> config.Loaded:
        return configured.load(options)

    # what is there by now stays: the collector need never look at it again, nor as often as it does
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 10, 10)
    with asyncio.Runner(loop_factory=_loop()) as runner:
        if processes == 1:
            return runner.run(app.serve(loaded, only=parts, read=read, wait=wait))
        one = _command(options, parts, wait=wait)
        return runner.run(supervisor.serve(loaded, processes=processes, command=one, read=read))


def chosen(only: tuple[str, ...], known: frozenset[str]) -> frozenset[str]:
    """The parts that were asked for, out of those there are; empty = all of them."""
    parts = {part for text in only for part in text.split(",") if part}
    if unknown := parts - known:
        there = ", ".join(sorted(known))
        raise Ended(f"--only {', '.join(sorted(unknown))}: the parts are {there}", Exit.USAGE)
    return frozenset(parts)


def _command(options: Options, parts: frozenset[str], *, wait: bool) -> list[str]:
    """What starts one instance, the way in which we were started ourselves."""
    program = sys.orig_argv[1 : len(sys.orig_argv) - len(sys.argv) + 1]
    words = [f"--set={setting}" for setting in options.set_]
    if options.config is not None:
        words.append(f"--config={options.config.resolve()}")
    if parts:
        words.append(f"--only={','.join(sorted(parts))}")
    if not wait:
        words.append("--no-wait")
    return [sys.executable, *program, "serve", *words]


def _loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where it is installed."""
    try:
        import uvloop  # noqa: PLC0415 - for speed, not needed
    except ImportError:
        return None
    return uvloop.new_event_loop
