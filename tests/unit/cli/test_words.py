"""Times and numbers as a person reads them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.cli import words

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)
INFINITY = datetime.max.replace(tzinfo=UTC)


def test_moments_are_utc() -> None:
    """Whatever zone a time comes in, it is shown in UTC, and says so."""
    east = NOW.astimezone(timezone(timedelta(hours=3)))
    assert words.moment(east) == "2026-11-21 10:00:00Z"


def test_no_moment() -> None:
    """A time that isn't set or that Postgres calls infinity is shown as nothing."""
    assert words.moment(None) == words.moment(INFINITY) == ""
    assert words.is_never(INFINITY)
    assert not words.is_never(NOW)


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (59.6, "1 min"),
        (90, "1 min 30 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (90_000, "1 d 1 h"),
        (-12, "12 s"),
    ],
)
def test_spans(seconds: float, said: str) -> None:
    """A span has its two largest neighbouring units."""
    assert words.span(seconds) == said


@given(st.floats(min_value=0, max_value=1e9))
def test_every_span_says_something(seconds: float) -> None:
    """No length of time is shown as nothing."""
    assert words.span(seconds)


def test_distance() -> None:
    """A time ahead is `in …`, one behind `… ago`, one here `now`."""
    assert words.away(NOW + timedelta(minutes=3), NOW) == "in 3 min"
    assert words.away(NOW - timedelta(hours=2), NOW) == "2 h ago"
    assert words.away(NOW, NOW) == "now"


def test_numbers() -> None:
    """One thing is singular, several are plural, and thousands are set apart."""
    assert words.number(1, "delivery", "deliveries") == "1 delivery"
    assert words.number(12_000, "job") == "12,000 jobs"


def test_a_way_into_an_audience() -> None:
    """Which term it was, and whom of the directory it named, in words."""
    billed = {"term": 0, "type": "billing", "customer": 103, "billing_contact": 3}
    assert words.way(billed) == "term 0 (billing, customer 103, billing contact 3)"
    assert words.way({"term": 2, "type": "recipients"}) == "term 2 (recipients)"
