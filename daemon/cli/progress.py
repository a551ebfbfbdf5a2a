"""How far something is, while it goes on: a bar on a terminal's standard error, else nothing."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from daemon.cli.screen import Screen

MANY = 100
"""Steps below which nobody waits long enough to look."""


@contextmanager
def bar(what: str, total: int, screen: Screen) -> Iterator[Callable[[int], None]]:
    """A function that says how many more are done."""
    if total < MANY or not screen.talks or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console  # noqa: PLC0415 - rich: only terminals wait for it
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn  # noqa: PLC0415

    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as drawn:
        task = drawn.add_task(what, total=total)
        yield lambda more: drawn.advance(task, more)
