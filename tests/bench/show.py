"""The table at the end."""

from collections.abc import Iterator, Sequence

from tests.bench.figures import Result

WIDTH = 28
"""Of the first column."""


def table(result: Result, asked: str, flaws: Sequence[str]) -> str:
    """A result, for people: beside what was asked for, and what is wrong with it."""
    lines = [f"{name:<{WIDTH}}{value}" for name, value in _rows(result)]
    return "\n".join((*lines, f"{'asked for':<{WIDTH}}{asked}", *flaws))


def _rows(result: Result) -> Iterator[tuple[str, str]]:
    run = result.run
    yield "case", f"{result.case}, {run.recipients:,} recipients, {_processes(result)}"
    yield "recipients/s", f"{run.rate:,.0f}"
    yield "reference, mails/s", f"{result.before:,.0f} before, {result.after:,.0f} after"
    yield "ratio", f"{result.ratio:.3f}"
    first = "none came" if run.first is None else f"{run.first * 1000:,.0f} ms"
    yield "first mail after", first
    for who, used in run.cpu_us.items():
        yield f"CPU µs/recipient, {who}", f"{used:,.0f}"
    yield "peak RSS of the daemon", f"{run.rss / 2**20:,.0f} MB"
    yield from ((name.replace("_", " "), f"{value:,}") for name, value in run.own.items())
    yield "mails at the sink", f"{run.delivered:,}"
    yield "events", f"{run.events:,}"
    yield "lost, duplicates", f"{run.lost:,}, {run.duplicates:,}"
    if result.is_void:
        yield "void for a ratio", "the two references differ by more than 20 %"


def _processes(result: Result) -> str:
    return "1 process" if result.processes == 1 else f"{result.processes} processes"
