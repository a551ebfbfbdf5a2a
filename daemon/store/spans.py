"""Spans of time as Postgres has them: a `tstzmultirange`, read as ranges and written as text."""

from collections.abc import Iterable
from typing import Any

from daemon.mail.window import Spans


def read(value: Iterable[Any] | None) -> Spans | None:
    """What a column holds; null is None."""
    return None if value is None else tuple((one.lower, one.upper) for one in value)


def written(spans: Spans | None) -> str | None:
    """What is to be cast: a list within an array would be taken for a second dimension."""
    if spans is None:
        return None
    return f"{{{','.join(f'[{start.isoformat()},{end.isoformat()})' for start, end in spans)}}}"
