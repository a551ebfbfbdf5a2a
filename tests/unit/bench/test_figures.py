"""Rates, ratios, and what is void."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.bench.figures import quantile
from tests.unit.bench.results import result, run

KEYS = (
    "case", "recipients", "rate", "reference_rate", "ratio", "delivered", "events", "lost",
    "duplicates", "cpu_us", "rss_mb",
)  # fmt: skip


def test_the_ratio_is_held_against_the_mean_of_both_references() -> None:
    """2,000 recipients/s beside 4,000 and 4,400 mails/s."""
    assert result(before=4000, after=4400).ratio == pytest.approx(2000 / 4200)


@pytest.mark.parametrize(
    ("before", "after", "is_void"),
    [(1000, 1200, False), (1200, 1000, False), (1000, 1201, True), (1201, 1000, True)],
)
def test_a_run_is_void_when_the_machine_changed(
    before: float, after: float, *, is_void: bool
) -> None:
    """More than a fifth between the references, whichever is the slower."""
    assert result(before=before, after=after).is_void is is_void


def test_cpu_is_told_per_recipient() -> None:
    """0.2 s for 1,000 recipients are 200 µs each."""
    assert run().cpu_us == {"daemon": 200.0, "postgres": 50.0}


def test_the_document_has_the_agreed_keys() -> None:
    """These, in this order, and nothing else."""
    assert tuple(result().document) == KEYS


@given(some.lists(some.floats(0, 1e6), min_size=1), some.floats(0.01, 1))
def test_a_quantile_is_one_of_the_values_that_the_share_does_not_exceed(
    values: list[float], share: float
) -> None:
    """At least the share lies at or below it, and less than the share strictly below it."""
    found = quantile(values, share)
    at_most = sum(value <= found for value in values)
    below = sum(value < found for value in values)
    wanted = math.ceil(share * len(values))
    assert found in values
    assert below < wanted <= at_most
