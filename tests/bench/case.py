"""What a case is: what it asks for, how it runs, and what is promised of it at its full size."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.figures import Result, Run
from tests.bench.race import Tell
from tests.bench.stand import Stand


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much, by how many."""

    recipients: int
    processes: int = 1


async def nobody(_stand: Stand, _recipients: int) -> Sequence[Mapping[str, Any]]:
    """Requests that name everyone themselves mean nobody else."""
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that can be measured."""

    name: str
    text: str
    recipients: int
    """Unless somebody says otherwise; what is promised is promised at this size."""
    bodies: Callable[[int], Iterator[Mapping[str, Any]]]
    """The requests that so many recipients take, for the proof."""
    run: Callable[[Stand, Size, Tell], Awaitable[Run]]
    promise: Callable[[Result], Sequence[str]]
    """What it falls short of."""
    asked: str
    """The same in words, for the table."""
    peopled: Callable[[Stand, int], Awaitable[Sequence[Mapping[str, Any]]]] = nobody
    """Brings to the directory whom its requests mean, and says who they are: for the proof."""
    flags: Callable[[Path], Sequence[str]] = lambda _: ()
    """What the sink is told beside counting, given a folder of its own."""
    is_by_ratio: bool = True
    """Whether its promise is a ratio, which two references that differ make void."""

    def shortfall(self, result: Result, size: Size) -> Sequence[str]:
        """What a result falls short of; a smaller one than is promised of can't."""
        return self.promise(result) if size.recipients >= self.recipients else ()


def at_least(ratio: float) -> Callable[[Result], Sequence[str]]:
    """The promise of a ratio."""

    def promise(result: Result) -> Sequence[str]:
        return () if result.ratio >= ratio else (f"ratio {result.ratio:.3f} is below {ratio:.2f}",)

    return promise
