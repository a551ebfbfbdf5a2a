"""Results as a bench might have them."""

from typing import Any

from tests.bench.figures import Result, Run


def run(**other: Any) -> Run:
    """A run without a flaw: 1,000 recipients in half a second."""
    usual = {
        "recipients": 1000,
        "seconds": 0.5,
        "first": 0.12,
        "delivered": 1000,
        "events": 1002,
        "lost": 0,
        "duplicates": 0,
        "cpu": {"daemon": 0.2, "postgres": 0.05},
        "rss": 80 * 2**20,
    }
    return Run(**(usual | other))


def result(*, before: float = 5000, after: float = 5000, **other: Any) -> Result:
    """The same between two references."""
    return Result(case="campaign", run=run(**other), before=before, after=after)
