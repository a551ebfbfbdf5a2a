"""Weekly windows: when they are open, by the clock on the wall, whatever the clocks do (Q15)."""

from datetime import UTC, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.mail import window
from daemon.mail.window import Window

BERLIN = ZoneInfo("Europe/Berlin")
DAYS = frozenset(range(7))
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)

zones = st.sampled_from(
    [UTC, *map(ZoneInfo, ("Europe/Berlin", "Europe/Minsk", "Asia/Kolkata", "Australia/Lord_Howe",
                          "America/St_Johns", "Pacific/Apia", "Africa/Casablanca"))]
)  # fmt: skip
hours = st.times().map(lambda at: at.replace(second=0, microsecond=0))
windows = st.builds(
    Window, days=st.frozensets(st.integers(0, 6), min_size=1), opens=hours, closes=hours, zone=zones
)
moments = st.datetimes(
    min_value=datetime(2024, 1, 1),  # noqa: DTZ001 - a strategy wants them so
    max_value=datetime(2034, 1, 1),  # noqa: DTZ001
    timezones=st.just(UTC),
)


def berlin(
    opens: time, closes: time, start: datetime, days: frozenset[int] = DAYS
) -> list[tuple[str, str]]:
    """The spans of a day and a bit in Berlin, as UTC."""
    found = Window(days=days, opens=opens, closes=closes, zone=BERLIN)
    return [
        (f"{since:%d %H:%M}", f"{until:%d %H:%M}")
        for since, until in window.spans(found, start, start + DAY)
    ]


def test_hours_of_a_day() -> None:
    """A window is open from the first minute up to the last, which isn't part of it any more."""
    summer = datetime(2031, 6, 4, tzinfo=UTC)
    assert berlin(time(9), time(17), summer) == [("04 07:00", "04 15:00")]


def test_over_midnight() -> None:
    """One that closes earlier than it opens closes on the next day, whatever that day is."""
    wednesday = datetime(2031, 6, 4, tzinfo=UTC)
    found = berlin(time(22), time(6), wednesday, days=frozenset({1, 2}))
    assert found == [("03 20:00", "04 04:00"), ("04 20:00", "05 04:00")]


def test_whole_days_are_joined() -> None:
    """Days that are open to their ends leave nothing between them."""
    start = datetime(2031, 6, 4, 12, tzinfo=UTC)
    found = Window(days=DAYS, opens=time(), closes=time(), zone=BERLIN)
    ((since, until),) = window.spans(found, start, start + 30 * DAY)
    assert since <= start
    assert until >= start + 30 * DAY


@pytest.mark.parametrize(
    ("opens", "closes", "found"),
    [
        # clocks go from 2:00 to 3:00: both ends in the gap are moved on by it
        (time(2, 15), time(2, 45), [("30 01:15", "30 01:45")]),
        (time(1), time(2, 30), [("30 00:00", "30 01:30")]),
        # moved on, it would open after it has closed: that day has none
        (time(2, 30), time(3, 15), []),
    ],
)
def test_a_gap(opens: time, closes: time, found: list[tuple[str, str]]) -> None:
    """A time that a clock change skips is moved on by the gap."""
    sunday = datetime(2031, 3, 29, 23, tzinfo=UTC)
    assert berlin(opens, closes, sunday, days=frozenset({6})) == found


def test_an_hour_that_is_there_twice() -> None:
    """Of two the first is meant, for both ends."""
    sunday = datetime(2030, 10, 26, 22, tzinfo=UTC)
    found = berlin(time(2, 30), time(3, 15), sunday, days=frozenset({6}))
    assert found == [("27 00:30", "27 02:15")]
    assert berlin(time(2), time(2, 30), sunday, days=frozenset({6})) == [("27 00:00", "27 00:30")]


@settings(deadline=None)
@given(moments)
def test_everywhere(at: datetime) -> None:
    """The clock shows that time there, or what a gap makes of it: in every zone that there is."""
    local = at.replace(tzinfo=None, microsecond=0)
    found = window.everywhere(local)
    assert {"UTC", "Europe/Minsk", "Pacific/Kiritimati"} <= found.keys()
    for name, due in found.items():
        shown = due.astimezone(window.zones()[name]).replace(tzinfo=None)
        assert timedelta() <= shown - local <= 2 * HOUR


@given(windows, moments, st.integers(0, 40 * 24 * 60))
def test_spans_keep_their_law(found: Window, start: datetime, minutes: int) -> None:
    """In order, with a gap between each and the next, and none that has no part in the time."""
    end = start + minutes * MINUTE
    spans = window.spans(found, start, end)
    for since, until in spans:
        assert since < until
        assert until > start
        assert since < end
    for (_, until), (since, _) in pairwise(spans):
        assert until < since


@settings(deadline=None)
@given(windows, moments, st.integers(0, 10_000))
def test_open_is_what_the_clock_on_the_wall_says(
    found: Window, start: datetime, minutes: int
) -> None:
    """On days without a clock change, a moment is in a span exactly when the wall says so."""
    at = (start + minutes * MINUTE).replace(second=0, microsecond=0)
    local = at.astimezone(found.zone)
    around = [(at + step * DAY).astimezone(found.zone).utcoffset() for step in (-2, -1, 0, 1, 2)]
    if len(set(around)) > 1:
        return
    opened = local if found.opens < found.closes or local.time() >= found.opens else local - DAY
    hours = (
        found.opens <= local.time() < found.closes
        if found.opens < found.closes
        else local.time() >= found.opens or local.time() < found.closes
    )
    spans = window.spans(found, start, start + 10_000 * MINUTE + DAY)
    is_open = any(since <= at < until for since, until in spans)
    assert is_open == (hours and opened.weekday() in found.days)


@settings(deadline=None)
@given(windows, moments, st.integers(0, 20_000))
def test_the_opening(found: Window, start: datetime, minutes: int) -> None:
    """The first moment not before another that is in a span: itself, else a beginning."""
    at, end = start + minutes * MINUTE, start + 30 * DAY
    spans = window.spans(found, start, end)
    opening = window.opening(spans, at)
    assert opening is not None
    assert opening >= at
    assert any(since <= opening < until for since, until in spans)
    assert opening == at or opening in {since for since, _ in spans}
    assert not any(at <= since < opening for since, _ in spans)
    assert window.opening(spans, spans[-1][1]) is None


@settings(deadline=None)
@given(windows, moments, st.integers(0, 30_000), st.integers(0, 30_000))
def test_parts_of_spans(found: Window, start: datetime, skipped: int, wanted: int) -> None:
    """What is cut out is what lies between two instants; a beginning is as long as is wanted."""
    spans = window.spans(found, start, start + 20 * DAY)
    since, until = start + skipped * MINUTE, start + (skipped + wanted) * MINUTE
    part = window.cut(spans, since, until)
    assert all(since <= opens < closes <= until for opens, closes in part)
    for minute in range(0, wanted, 97):
        at = since + minute * MINUTE
        is_open = window.opening(spans, at) == at
        assert is_open == any(opens <= at < closes for opens, closes in part)
    beginning = window.first(spans, wanted * MINUTE)
    assert window.length(beginning) == min(wanted * MINUTE, window.length(spans))
    assert beginning == (window.cut(spans, spans[0][0], beginning[-1][1]) if beginning else ())


@settings(deadline=None)
@given(moments)
def test_without_a_window(at: datetime) -> None:
    """Where there is none, anything may go at any time; where none opens any more, at none."""
    assert window.opening(None, at) == at
    assert window.opening((), at) is None
