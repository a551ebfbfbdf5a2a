"""Local times in a zone: which instant is meant, and what is refused (Q15)."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from daemon.mail.request.decode import Decoded


@pytest.mark.parametrize(
    ("written", "zone", "meant"),
    [
        ("2030-06-02T09:00", "Europe/Minsk", datetime(2030, 6, 2, 6, tzinfo=UTC)),
        ("2030-06-02 09:00:30", "America/New_York", datetime(2030, 6, 2, 13, 0, 30, tzinfo=UTC)),
        ("2030-07-01t00:00", "UTC", datetime(2030, 7, 1, tzinfo=UTC)),
        # clocks go from 2:00 to 3:00: half past two is half past three
        ("2031-03-30T02:30", "Europe/Berlin", datetime(2031, 3, 30, 1, 30, tzinfo=UTC)),
        # clocks go from 3:00 to 2:00: half past two is there twice
        ("2030-10-27T02:30", "Europe/Berlin", datetime(2030, 10, 27, 0, 30, tzinfo=UTC)),
    ],
)
def test_local_time(
    read: Callable[..., Any], letter: dict[str, Any], written: str, zone: str, meant: datetime
) -> None:
    """A time without offset is read in the zone beside it, and kept as it was written."""
    letter["delivery"] = {"not_before": written, "timezone": zone}
    answer = read(letter)
    assert isinstance(answer, Decoded)
    assert answer.request.delivery.not_before == meant
    assert answer.request.delivery.not_before_raw == written
    assert answer.source["delivery"]["not_before"] == written


@pytest.mark.parametrize(
    ("delivery", "fields"),
    [
        ({"not_before": "2030-06-02T09:00"}, {"not_before"}),
        ({"not_before": "2030-06-31T09:00", "timezone": "UTC"}, {"not_before"}),
        ({"not_before": "2032-06-02T09:00", "timezone": "UTC"}, {"not_before"}),
        ({"not_before": "0001-01-01T00:00", "timezone": "Asia/Tokyo"}, {"not_before"}),
        ({"not_before": "2030-06-02T09:00", "timezone": "Europe/Nowhere"}, {"timezone"}),
        ({"not_before": "2030-06-02T09:00", "timezone": "../etc/passwd"}, {"timezone"}),
        ({"not_before": "2030-06-02T09:00", "timezone": ["UTC"]}, {"timezone"}),
        ({"not_before": "2030-06-02T09:00:00Z", "timezone": "Asia/Tokyo"}, {"timezone"}),
        ({"timezone": "Asia/Tokyo"}, {"timezone"}),
        ({"timezone": ""}, {"timezone"}),
        ({"timezone": "a\0b"}, {"timezone"}),
    ],
)
def test_refused(
    faults: Callable[..., set[tuple[str, str]]],
    letter: dict[str, Any],
    delivery: dict[str, Any],
    fields: set[str],
) -> None:
    """No zone, no such zone, no such date, too far ahead: each is told at its field."""
    letter["delivery"] = delivery
    assert faults(letter) == {("param.invalid", f"delivery.{field}") for field in fields}
