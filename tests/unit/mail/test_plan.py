"""When something may be sent: what was asked for becomes instants, or is refused by name."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.mail import plan
from daemon.mail.plan import Plan, Unfit, Wish
from daemon.mail.window import Window

NOW = datetime(2030, 6, 1, 12, 0, tzinfo=UTC)  # a Saturday
HOUR = timedelta(hours=1)
OFFICE = Window(days=frozenset(range(5)), opens=time(9), closes=time(17), zone=UTC)
MONDAY = datetime(2030, 6, 3, 9, tzinfo=UTC)


def planned(**wish: Any) -> Plan | Unfit:
    """The plan of a wish that has an hour's patience unless it says otherwise."""
    return plan.of(Wish(**({"not_before": None, "expires_after": 3600.0} | wish)), NOW)


def test_at_once() -> None:
    """Without any wish it is due now, at any time of the week."""
    assert planned() == Plan(due_at=NOW, expires_at=NOW + HOUR)


@pytest.mark.parametrize("ahead", [-HOUR, HOUR])
def test_a_time_is_asked_for(ahead: timedelta) -> None:
    """It is due then; what lies in the past is due now."""
    due = max(NOW + ahead, NOW)
    assert planned(not_before=NOW + ahead) == Plan(due_at=due, expires_at=due + HOUR)


def test_the_window_is_closed() -> None:
    """It is due when the window opens, and its patience counts from then."""
    found = planned(window=OFFICE)
    assert isinstance(found, Plan)
    assert (found.due_at, found.expires_at) == (MONDAY, MONDAY + HOUR)
    assert found.windows == ((MONDAY, MONDAY + 8 * HOUR),)


def test_the_window_is_open() -> None:
    """It is due at the time that was asked for."""
    found = planned(not_before=MONDAY + HOUR, window=OFFICE)
    assert isinstance(found, Plan)
    assert (found.due_at, found.expires_at) == (MONDAY + HOUR, MONDAY + 2 * HOUR)


def test_too_late_counts_from_the_time_asked_for() -> None:
    """Never later than so long after it, be its patience as long as it may."""
    found = planned(not_before=NOW + HOUR, too_late=600.0)
    assert found == Plan(due_at=NOW + HOUR, expires_at=NOW + HOUR + timedelta(seconds=600))
    patient = planned(too_late=7200.0)
    assert patient == Plan(due_at=NOW, expires_at=NOW + HOUR)


def test_stale_when_it_comes() -> None:
    """What is too late already is refused: a mail of this morning isn't sent in the evening."""
    found = planned(not_before=NOW - HOUR, too_late=3600.0)
    assert isinstance(found, Unfit)
    assert (found.field, "`too_late`" in found.message) == ("not_before", True)
    late = planned(not_before=NOW - HOUR, too_late=3601.0)
    assert late == Plan(due_at=NOW, expires_at=NOW + timedelta(seconds=1))


def test_too_late_before_the_window_opens() -> None:
    """Both are named, and when it opens: it would never be sent."""
    found = planned(window=OFFICE, too_late=12 * 3600.0)
    assert isinstance(found, Unfit)
    assert found.field == "too_late"
    assert "`send_window`" in found.message
    assert MONDAY.isoformat() in found.message


@given(
    st.integers(-100_000, 1_000_000),
    st.integers(1, 1_000_000),
    st.none() | st.integers(1, 1_000_000),
    st.none() | st.frozensets(st.integers(0, 6), min_size=1),
)
def test_a_plan_can_be_kept(
    ahead: int, patience: int, too_late: int | None, days: frozenset[int] | None
) -> None:
    """Due not before it was asked for, before it expires, and in its window."""
    asked = NOW + timedelta(seconds=ahead)
    office = days and Window(days=days, opens=time(20), closes=time(4), zone=UTC)
    found = planned(
        not_before=asked, expires_after=patience, too_late=too_late, window=office or None
    )
    if isinstance(found, Unfit):
        assert too_late is not None
        return
    assert max(asked, NOW) <= found.due_at < found.expires_at
    assert found.expires_at <= found.due_at + timedelta(seconds=patience)
    if too_late is not None:
        assert found.expires_at <= asked + timedelta(seconds=too_late)
    if found.windows is not None:
        assert any(since <= found.due_at < until for since, until in found.windows)
