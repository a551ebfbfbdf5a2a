"""The table at the end."""

from collections.abc import Iterator, Sequence

from tests.bench.figures import Result

WIDTH = 28
"""Of the first column."""


def table(result: Result, flaws: Sequence[str], *, least: float, aim: float) -> str:
    """A result, for people, and what the second run has shown to be wrong."""
    lines = [f"{name:<{WIDTH}}{value}" for name, value in _rows(result, least, aim)]
    return "\n".join((*lines, *flaws))


def _rows(result: Result, least: float, aim: float) -> Iterator[tuple[str, str]]:
    run = result.run
    yield "case", f"{result.case}, {run.recipients:,} recipients, {_processes(result)}"
    yield "recipients/s", f"{run.rate:,.0f}"
    yield "reference, mails/s", f"{result.before:,.0f} before, {result.after:,.0f} after"
    yield "ratio", f"{result.ratio:.3f}   (at least {least:.2f}, aim {aim:.2f})"
    first = "none came" if run.first is None else f"{run.first * 1000:,.0f} ms"
    yield "first mail after", first
    for who, used in run.cpu_us.items():
        yield f"CPU µs/recipient, {who}", f"{used:,.0f}"
    yield "peak RSS of the daemon", f"{run.rss / 2**20:,.0f} MB"
    yield "mails at the sink", f"{run.delivered:,}"
    yield "events", f"{run.events:,}"
    yield "lost, duplicates", f"{run.lost:,}, {run.duplicates:,}"
    if result.is_void:
        yield "VOID", "the two references differ by more than 20 %"


def _processes(result: Result) -> str:
    return "1 process" if result.processes == 1 else f"{result.processes} processes"
