"""Task groups in which no task ends unnoticed, and the name of whoever failed goes with the fault.

A fault is an exception that nobody caught, the return of a task that was meant for ever, and a
cancellation that came from nobody of ours (aio-pika's, when a connection closes under a wait). A
plain group cuts its other tasks off then, as asyncio's does. One that is told how to end things in
order does that instead: the block goes on to its own end, and raises the faults there.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextvars import Context
from types import TracebackType
from typing import Any, TypeVar

from daemon import logs

T = TypeVar("T")

_NOTE = "in task "
_REPORTED = "reported"

_log = logs.get("tasks")


class Died(Exception):
    """A task came to an end that no task of ours may have."""


class Refusal(Exception):
    """The world's doing, which ends us and is no fault of ours: told in one line at the end."""


class Group(asyncio.TaskGroup):
    """As asyncio's, with tasks that have names."""

    def __init__(self, over: Callable[[], None] | None = None) -> None:
        """`over` asks everything within the block to end in order."""
        super().__init__()
        self._over = over
        self._faults: list[Exception] = []

    def create_task(  # type: ignore[override]  # every task of ours has a name
        self, coro: Coroutine[Any, Any, T], *, name: str, context: Context | None = None
    ) -> asyncio.Task[T]:
        """A task that may end; its result is None if it failed in a group that ends in order."""
        return self._started(coro, self._noticed(coro, name), name, context)

    def forever(self, coro: Coroutine[Any, Any, None], *, name: str) -> asyncio.Task[None]:
        """A task that works until it is cancelled."""
        return self._started(coro, self._noticed(coro, name, is_endless=True), name, None)

    def _started(
        self,
        coro: Coroutine[Any, Any, T],
        noticed: Coroutine[Any, Any, T],
        name: str,
        context: Context | None,
    ) -> asyncio.Task[T]:
        try:
            task = super().create_task(noticed, name=name, context=context)
        except RuntimeError:  # the group is ending: nothing is begun any more
            noticed.close()
            coro.close()
            raise
        # one that is cancelled before its first step would leave it unawaited
        task.add_done_callback(lambda _: coro.close())
        return task

    async def _noticed(
        self, coro: Coroutine[Any, Any, T], name: str, *, is_endless: bool = False
    ) -> T:
        try:
            ended = await coro
            if not is_endless:
                return ended
            fault: Exception = Died("came to an end, and was meant to work for ever")
        except asyncio.CancelledError as error:
            if is_ours():
                raise
            fault = Died("cancelled by nobody of ours")
            fault.__cause__ = error
        except Exception as error:  # noqa: BLE001 - it is raised again, here or by the group
            fault = error
        for leaf in leaves(fault):
            if not whose(leaf):
                leaf.add_note(f"{_NOTE}{name}")
        if self._over is None:
            raise fault
        report(fault)
        self._faults.append(fault)
        self._over()
        return None  # type: ignore[return-value]  # whoever awaits it learns of the end by `over`

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Waits for every task, then raises what went wrong."""
        try:
            await super().__aexit__(kind, error, trace)
        except ExceptionGroup as failed:
            raise failed.derive([*failed.exceptions, *self._faults]) from None
        if self._faults:
            raise ExceptionGroup("tasks failed", self._faults)


async def comes(event: asyncio.Event, seconds: float) -> bool:
    """Whether it is set within so many seconds; returns as soon as it is."""
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


def leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors within groups of errors."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from leaves(inner)
    else:
        yield error


def whose(error: BaseException) -> str:
    """The name of the task in which an error was raised; empty when it was in none of these."""
    notes = [note for note in getattr(error, "__notes__", ()) if note.startswith(_NOTE)]
    return notes[0].removeprefix(_NOTE) if notes else ""


def report(error: BaseException) -> None:
    """One line for each fault in it, unless it has had its line."""
    for fault in leaves(error):
        is_new = _REPORTED not in getattr(fault, "__notes__", ())
        if is_new and not isinstance(fault, Refusal):
            what = f"{type(fault).__name__}: {fault}"
            _log.critical("task.failed", task=whose(fault), fault=what, exc_info=fault)
            fault.add_note(_REPORTED)


def cancellations() -> int:
    """How often this task was asked to end and hasn't yet; for `heed`."""
    task = asyncio.current_task()
    return task.cancelling() if task is not None else 0


def heed(before: int) -> None:
    """Raises the cancellation that came since there were `before`, should a library have kept it.

    `asyncio.wait_for` does (Python 3.11) when what was waited for is done at that very moment; so
    does whoever makes another error of it. A task that works for ever would do so from then on.
    """
    if cancellations() > before:
        raise asyncio.CancelledError


def is_ours() -> bool:
    """Whether a cancellation that is being raised was asked of this task, and by us."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
