"""What a text must be to stand in a mail, a header or the database, and what in it is a time.

Each gives its value back in canonical form or raises `ValueError` with what would have been right,
and never quotes.
"""

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_TURNING = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def text(value: str) -> str:
    """Any text that mail and database can hold: no NUL (asyncpg and RFC 5322 refuse it)."""
    if "\0" in value:
        raise ValueError("must not hold the character NUL")
    return value


def line(value: str) -> str:
    """Text that may stand in a header: no line ends, no control characters."""
    # isprintable is a quick no, but it also says no to harmless spaces
    if not value.isprintable() and _CONTROL.search(value):
        raise ValueError("must be one line without control characters")
    return value


def upright(value: str) -> str:
    """Text that doesn't turn the direction of what stands beside it (S9)."""
    if _TURNING.search(value):
        raise ValueError("must not hold characters that turn the direction of writing")
    return value


def moment(value: str) -> datetime:
    """An instant, written with its offset (RFC 3339 5.6), in UTC."""
    if not _MOMENT.fullmatch(value):
        raise ValueError("must be a time with its offset, such as 2030-12-31T12:00:00+03:00")
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("must be a date and time that exist") from None


def zone(name: str) -> str:
    """The IANA name of a zone that the time zone database has."""
    try:
        return ZoneInfo(name).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("must be a time zone by its IANA name, such as Europe/Minsk") from None
