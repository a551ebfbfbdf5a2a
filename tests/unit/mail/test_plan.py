"""When something may be sent: what was asked for becomes instants, or is refused by name."""

from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.mail import plan, window
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


def test_local_times() -> None:
    """Due in every zone at its own time; the patience counts from the last of them."""
    found = planned(not_before=NOW + HOUR, local=datetime(2030, 6, 2, 9))  # noqa: DTZ001
    assert isinstance(found, Plan)
    assert found.due_at == NOW + HOUR
    assert found.local is not None
    assert found.local["Europe/Minsk"] == datetime(2030, 6, 2, 6, tzinfo=UTC)
    assert found.local["America/New_York"] == datetime(2030, 6, 2, 13, tzinfo=UTC)
    assert found.expires_at == max(found.local.values()) + HOUR


def test_spread() -> None:
    """Over all of the time that was asked for, from when it is due."""
    found = planned(spread_over=600.0)
    assert isinstance(found, Plan)
    assert found.spread == ((NOW, NOW + HOUR / 6),)


def test_spread_within_the_window() -> None:
    """Only over the time at which the window is open: on Monday, and on Tuesday until eleven."""
    found = planned(window=OFFICE, spread_over=26 * 3600.0, expires_after=27 * 3600.0)
    assert isinstance(found, Plan)
    tuesday = MONDAY + 24 * HOUR
    assert found.spread == ((MONDAY, MONDAY + 8 * HOUR), (tuesday, tuesday + 2 * HOUR))


@pytest.mark.parametrize(
    ("wish", "limit"),
    [
        ({}, "expires_after"),
        ({"too_late": 3000.0}, "too_late"),
        ({"window": OFFICE, "too_late": 1_000_000.0}, "expires_after"),
    ],
)
def test_spread_beyond_the_end(wish: dict[str, Any], limit: str) -> None:
    """The last of it would have expired before it is due: both are named."""
    found = planned(spread_over=3601.0, **wish)
    assert isinstance(found, Unfit)
    assert found.field == "spread_over"
    assert f"`{limit}`" in found.message


@given(
    st.integers(1, 200_000), st.floats(0, 1, exclude_max=True), st.integers(1, 500_000),
    st.booleans(),
)  # fmt: skip
def test_a_spread_goes_on(seconds: int, share: float, patience: int, in_office: bool) -> None:
    """What is left of it takes as long as it would have, or as there is time, from the due time.

    What is over lies before, in its proportion: so the share of it that is over ends at that time.
    """
    now = planned(expires_after=float(patience), window=OFFICE if in_office else None)
    assert isinstance(now, Plan)
    whole = ((NOW - 2 * HOUR, NOW - 2 * HOUR + timedelta(seconds=seconds)),)
    found = plan.going_on(now, whole, share)
    ahead = window.cut(found, now.due_at, now.expires_at)
    ever = now.windows or ((now.due_at, now.expires_at),)
    room = window.length(window.cut(ever, now.due_at, now.expires_at))
    left = timedelta(seconds=seconds) * (1 - share)
    if not left:  # less than a microsecond: it is over
        assert found == whole
        return
    assert window.length(ahead) == min(left, room)
    behind = window.length(found) - window.length(ahead)
    assert abs(behind / window.length(found) - share) < 0.001 or left < timedelta(seconds=1)
    for since, until in ahead:
        assert any(opens <= since < until <= closes for opens, closes in ever)


def test_a_spread_that_has_no_time_left() -> None:
    """It stays as it was: it expires soon enough."""
    over = Plan(due_at=NOW, expires_at=NOW - HOUR)
    whole = ((NOW - 2 * HOUR, NOW - HOUR),)
    assert plan.going_on(over, whole, 0.5) == whole


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
