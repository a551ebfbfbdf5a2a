"""What is said of urgent requests."""

import math

from tests.bench import single
from tests.unit.bench.results import result


def test_delays_are_told_by_median_and_99th_percentile() -> None:
    """In milliseconds; one of a hundred doesn't count, two do."""
    quick = [0.02] * 99
    assert single.told([*quick, 5.0]) == {"urgent": 100, "median_ms": 20.0, "p99_ms": 20.0}
    assert single.told([*quick[1:], 5.0, 6.0])["p99_ms"] == 5000.0


def test_what_never_came_is_not_prompt() -> None:
    """It took for ever."""
    own = single.told([0.01, math.inf])
    assert own["p99_ms"] == math.inf
    assert len(single.prompt(result(own=own))) == 1


def test_both_promises_are_judged() -> None:
    """The median below 50 ms, the 99th percentile below a second."""
    assert single.prompt(result(own={"median_ms": 49.9, "p99_ms": 999.9})) == []
    assert len(single.prompt(result(own={"median_ms": 50.0, "p99_ms": 1000.0}))) == 2
