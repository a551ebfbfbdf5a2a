"""Weekly windows: at which instants mail may go, by the clock on the wall of a zone. Pure.

All the law of local time is here (Q15): a time that a clock change skips is moved on by the gap, of
two the first is meant. The database and everybody else gets instants only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

Span = tuple[datetime, datetime]
"""From an instant up to another, which isn't part of it any more; both in UTC."""
Spans = tuple[Span, ...]
"""In their order, with something between each and the next."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Some hours of some days of the week."""

    days: frozenset[int]
    """On which it opens; 0 is Monday."""
    opens: time
    closes: time
    """On the next day where it isn't later than `opens`."""
    zone: tzinfo


def instant(local: datetime, zone: tzinfo) -> datetime:
    """The instant of a local time: moved on by a gap it falls into, and the first of two (Q15)."""
    return local.replace(tzinfo=zone, fold=0).astimezone(UTC)


@cache
def zones() -> Mapping[str, ZoneInfo]:
    """Every zone that the time zone database has, by its name."""
    return {name: ZoneInfo(name) for name in sorted(available_timezones())}


def everywhere(local: datetime) -> dict[str, datetime]:
    """The instants at which the clocks on the walls of all zones show a local time."""
    return {name: instant(local, zone) for name, zone in zones().items()}


def spans(window: Window, start: datetime, end: datetime) -> Spans:
    """Everything between two instants at which a window is open; what they cut is told whole.

    A day whose window a clock change leaves nothing of has none.
    """
    joined: list[Span] = []
    for opens, closes in _openings(window, start, end):
        if closes <= opens or closes <= start:
            continue
        if joined and opens <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(closes, joined[-1][1]))
        else:
            joined.append((opens, closes))
    return tuple(joined)


def opening(spans: Spans | None, at: datetime) -> datetime | None:
    """The first instant not before `at` that lies in one of them; None = there is none any more.

    Without spans anything may go at any time.
    """
    if spans is None:
        return at
    return next((max(opens, at) for opens, closes in spans if at < closes), None)


def cut(spans: Spans, start: datetime, end: datetime) -> Spans:
    """What of them lies between two instants."""
    whole = ((max(since, start), min(until, end)) for since, until in spans)
    return tuple((since, until) for since, until in whole if since < until)


def length(spans: Spans) -> timedelta:
    """Of all of them together."""
    return sum((until - since for since, until in spans), timedelta())


def first(spans: Spans, wanted: timedelta) -> Spans:
    """Their beginning, as long as is wanted; all of them, where they are less."""
    found: list[Span] = []
    for since, until in spans:
        if wanted <= timedelta():
            break
        found.append((since, min(until, since + wanted)))
        wanted -= until - since
    return tuple(found)


def _openings(window: Window, start: datetime, end: datetime) -> Iterator[Span]:
    """Of every day that may matter, in the order of the days."""
    # a window is open for a day at most, and a gap moves it on by a day at most (Samoa, 2011)
    day = start.astimezone(window.zone).date() - 3 * _DAY
    while (opens := _at(day, window.opens, window.zone)) < end:
        if day.weekday() in window.days:
            last = day if window.opens < window.closes else day + _DAY
            yield opens, _at(last, window.closes, window.zone)
        day += _DAY


def _at(day: date, hour: time, zone: tzinfo) -> datetime:
    return instant(datetime.combine(day, hour), zone)
