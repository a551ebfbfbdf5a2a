"""When something may be sent: what its sender asked for becomes instants. Pure.

    due at      what was asked for, or now, or when the window opens next after that
    expires at  `expires_after` behind the due time, and never later than `too_late` behind the
                time that was asked for
    windows     when it may start in between
    spread      over which time its deliveries fall due one after the other, evenly
    local       when it is due for those who have a zone of their own

`expires_after` is about patience: it counts from when mail may go. `too_late` is about what has
grown stale: it counts from the time that was meant, whatever held the mail up, a closed window too.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from daemon.mail import window
from daemon.mail.window import Spans, Window

_AHEAD = timedelta(days=15)
"""Within so long a window opens, also where a clock change leaves nothing of one day's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """When something shall be sent, as its sender put it. Lengths of time in seconds."""

    not_before: datetime | None
    """None = at once."""
    expires_after: float
    too_late: float | None = None
    window: Window | None = None
    spread_over: float | None = None
    local: datetime | None = None
    """The clock on the wall that is meant, for whoever has a zone of his own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The same as instants."""

    due_at: datetime
    expires_at: datetime
    windows: Spans | None = None
    """None = at any time. They needn't begin or end with the two instants."""
    spread: Spans | None = None
    """None = all of it is due at once."""
    local: Mapping[str, datetime] | None = None
    """By the name of the zone. What is asked for doesn't go together with windows or a spread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfit:
    """Nothing would ever be sent."""

    field: str
    message: str


def of(wish: Wish, now: datetime) -> Plan | Unfit:
    """The plan, if anything is accepted or moved at this very time."""
    asked = max(wish.not_before or now, now)
    last = _last(wish, now)
    if last is not None and last <= asked:
        return Unfit(field="not_before", message="lies longer ago than `too_late` allows")
    due = asked if wish.window is None else _opening(wish.window, asked)
    if due is None:
        return Unfit(field="send_window", message="never opens")
    if last is not None and last <= due:
        advice = f"must reach until the `send_window` opens, at {due.isoformat()}"
        return Unfit(field="too_late", message=advice)
    if wish.local is not None:
        return _local(wish, due, wish.local)
    return _spread(wish, due, last)


def _local(wish: Wish, due: datetime, clock: datetime) -> Plan:
    """In every zone at its own time; the patience counts from the last of them."""
    local = window.everywhere(clock)
    expires = max(due, *local.values()) + timedelta(seconds=wish.expires_after)
    return Plan(due_at=due, expires_at=expires, local=local)


def _spread(wish: Wish, due: datetime, last: datetime | None) -> Plan | Unfit:
    """Everywhere at once, or over some time."""
    patience = due + timedelta(seconds=wish.expires_after)
    expires = patience if last is None else min(patience, last)
    windows = None if wish.window is None else window.spans(wish.window, due, expires)
    if wish.spread_over is None:
        return Plan(due_at=due, expires_at=expires, windows=windows)
    end = due + timedelta(seconds=wish.spread_over)
    if end > expires:
        limit = "too_late" if expires == last else "expires_after"
        return Unfit(field="spread_over", message=f"must end before `{limit}` does")
    spread = ((due, end),) if windows is None else window.cut(windows, due, end)
    return Plan(due_at=due, expires_at=expires, windows=windows, spread=spread)


def going_on(planned: Plan, whole: Spans, share: float) -> Spans:
    """How what is left of a spread goes on at the due time of a plan: as fast as it went before.

    `whole` is the spread so far, and `share` how much of it is over: that lies behind the due time.
    Where the time until the expiry isn't enough, the rest of it goes faster, and as evenly.
    """
    ever = planned.windows or ((planned.due_at, planned.expires_at),)
    left = window.length(whole) * (1 - share)
    ahead = window.first(window.cut(ever, planned.due_at, planned.expires_at), left)
    if not ahead or share >= 1:
        return whole
    behind = window.length(ahead) * (share / (1 - share))
    return ((ahead[0][0] - behind, ahead[0][1]), *ahead[1:])


def _last(wish: Wish, now: datetime) -> datetime | None:
    """From when on it is too late."""
    if wish.too_late is None:
        return None
    return (wish.not_before or now) + timedelta(seconds=wish.too_late)


def _opening(wanted: Window, asked: datetime) -> datetime | None:
    return window.opening(window.spans(wanted, asked, asked + _AHEAD), asked)
