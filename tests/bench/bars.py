"""What people see while it runs: a bar for what takes long, a line where there is no terminal.

Everything goes to standard error: standard output is for the result.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Bars:
    """One bar after the other."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)

    def say(self, what: str) -> None:
        """One line."""
        self._console.print(what, highlight=False)

    @contextmanager
    def stage(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """Something that takes long; gives whom to tell how far it is."""
        began = time.monotonic()
        columns = (TextColumn("{task.description:<12}"), BarColumn(), MofNCompleteColumn())
        bars = Progress(
            *columns,
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        with bars:
            task = bars.add_task(what, total=total)
            yield lambda done: bars.update(task, completed=min(done, total))
        self.say(f"{what:<12} {total:>9,}  {time.monotonic() - began:6.1f} s")
