"""What people call things."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.cli import events, names
from daemon.cli.exits import Ended, Exit

NOW = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def test_moments() -> None:
    """A time is written with its offset, or as a distance from now."""
    assert names.moment("2026-11-21T13:00:00+03:00", NOW) == NOW
    assert names.moment("+10m", NOW) == NOW + timedelta(minutes=10)
    assert names.moment("-1h", NOW) == NOW - timedelta(hours=1)


@given(st.text())
def test_no_text_is_a_fault_of_ours(text: str) -> None:
    """Whatever is typed as a time is one, or is told to be none."""
    with suppress(Ended):
        assert names.moment(text, NOW).tzinfo


@pytest.mark.parametrize("text", ["+9999999d", "-9999999d", "-", "+", "-h"])
def test_no_distance_is_a_fault_of_ours(text: str) -> None:
    """A distance to before or after all time, or none, exits 2."""
    with pytest.raises(Ended) as ended:
        names.moment(text, NOW)
    assert ended.value.code is Exit.USAGE


def test_no_moment_is_a_matter_of_usage() -> None:
    """What can't be read as a time exits 2."""
    with pytest.raises(Ended) as ended:
        names.moment("tomorrow", NOW)
    assert ended.value.code is Exit.USAGE


@given(st.text())
def test_names_are_total(text: str) -> None:
    """Whatever is typed as a name is a number of an id's size, a UUID, or neither."""
    number = names.as_number(text)
    assert number is None or 0 <= number < 2**63
    assert names.as_uuid(text) is None or isinstance(names.as_uuid(text), UUID)


@pytest.mark.parametrize(
    ("types", "customers", "keys"),
    [
        ((), (), ["#"]),
        (("delivery",), (), ["delivery.*.*"]),
        (("delivery.sent", "*.bounced"), (), ["delivery.sent.*", "*.bounced.*"]),
        ((), (7, 8), ["*.*.7", "*.*.8"]),
        (("job.completed",), (7,), ["job.completed.7"]),
    ],
)
def test_binding_keys(types: tuple[str, ...], customers: tuple[int, ...], keys: list[str]) -> None:
    """A choice of types and customers becomes the keys that let exactly those through."""
    assert events.keys(types, customers) == keys
