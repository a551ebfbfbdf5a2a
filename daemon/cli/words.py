"""Times and numbers as a person reads them. Pure; all times are UTC."""

from collections.abc import Mapping
from datetime import MAXYEAR, UTC, datetime
from typing import Any

_NEVER = MAXYEAR
"""The year of Postgres' `infinity` as asyncpg reads it."""
_STEPS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
_NOW = 1.0
"""Seconds that nobody would call a wait."""


def is_never(at: datetime | None) -> bool:
    """Whether a time is none: not set, or put off for ever."""
    return at is None or at.year == _NEVER


def moment(at: datetime | None) -> str:
    """`2026-11-21 10:00:00Z`; empty for none."""
    if at is None or is_never(at):
        return ""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"


def span(seconds: float) -> str:
    """`12 s`, `3 min 20 s`, `2 h`, `5 d 1 h`: the two largest units that it takes."""
    rest = round(abs(seconds))
    parts: list[str] = []
    for size, unit in _STEPS:
        count, rest = divmod(rest, size)
        if count or (unit == "s" and not parts):
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2])


def roughly(seconds: float) -> str:
    """`12 s`, `3 min`: the largest unit alone, where little room is."""
    return " ".join(span(seconds).split()[:2])


def away(at: datetime, now: datetime) -> str:
    """How far a time is: `in 3 min`, `2 h ago`, `now`."""
    seconds = (at - now).total_seconds()
    if abs(seconds) < _NOW:
        return "now"
    return f"in {span(seconds)}" if seconds > 0 else f"{span(seconds)} ago"


def when(at: datetime, now: datetime) -> str:
    """A time and how far it is."""
    return f"{moment(at)} ({away(at, now)})"


def number(count: int, one: str, many: str | None = None) -> str:
    """`1 delivery`, `12,000 deliveries`; `many` is `one` with an s if not given."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def way(path: Mapping[str, Any]) -> str:
    """How somebody came into an audience: `term 0 (billing, customer 103, billing contact 3)`."""
    rest = [
        f"{name.replace('_', ' ')} {value}"
        for name, value in path.items()
        if name not in {"term", "type"}
    ]
    return f"term {path['term']} ({', '.join([path['type'], *rest])})"


def listed(value: object) -> object:
    """Several values beside each other, with a space between; anything else as it is."""
    return " ".join(map(str, value)) if isinstance(value, list) else value
