"""A stop that was asked for: one deadline for all that it waits for, and an end when it hangs.

Whatever is put in order shares the seconds that are given to all of it, so that a stop takes no
longer than its deadline, plus what is promised beyond: a reply, a last commit. What still hangs
then is a fault of ours: it is named, and the process ends, for the next one to take the work up.
"""

import asyncio
import math
from collections.abc import Iterator
from typing import Any

from daemon import logs

FAILED = "a part failed"
"""Why things stop that nobody asked to: a group's, one of whose tasks ended by a fault."""

_log = logs.get("stop")


class Stop(asyncio.Event):
    """Set when it is time to stop, within so many seconds."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds
        self.deadline = math.inf
        """By the loop's clock; known when it is set."""
        self.why = ""
        """For people; known when it is set."""

    def set(self, deadline: float | None = None, *, why: str = FAILED) -> None:
        """Asks for the stop, by default so many seconds from now; the first one counts."""
        if not self.is_set():
            self.why = why
            now = asyncio.get_running_loop().time()
            self.deadline = now + self._seconds if deadline is None else deadline
        super().set()

    def left(self, *, least: float = 0.0) -> float:
        """Seconds until the deadline, but so many at least."""
        return max(self.deadline - asyncio.get_running_loop().time(), least)


def hangs() -> None:
    """Names what a stop still waits for: every task, and where it waits."""
    tasks = sorted(asyncio.all_tasks(), key=asyncio.Task.get_name)
    _log.critical("stop.hangs", tasks=[f"{task.get_name()}: {_place(task)}" for task in tasks])


def _place(task: asyncio.Task[Any]) -> str:
    """Its functions, each awaiting the next, and the line of the innermost."""
    frames = list(_frames(task.get_coro()))
    path = " > ".join(frame.f_code.co_qualname for frame in frames)
    return f"{path} ({frames[-1].f_code.co_filename}:{frames[-1].f_lineno})" if frames else "ended"


def _frames(coro: Any) -> Iterator[Any]:
    """The frames of a coroutine that waits, from its own to what it waits in."""
    while coro is not None:
        frame = getattr(coro, "cr_frame", None) or getattr(coro, "gi_frame", None)
        if frame is not None:
            yield frame
        coro = getattr(coro, "cr_await", None) or getattr(coro, "gi_yieldfrom", None)
