"""What can go wrong at the database, in our words; the only place that sorts asyncpg's errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg


class Unavailable(Exception):
    """The database can't serve us now. What was under way may or may not have committed."""


class Again(Exception):
    """The transaction lost to another one (deadlock, serialization): repeat it as it was."""


class SchemaMismatch(Exception):
    """The schema isn't the one this program was made for."""


_REPEATABLE = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    # the schema changed under a prepared statement
    asyncpg.InvalidCachedStatementError,
)
_OUTAGE_CLASSES = ("08", "53", "57", "58")
"""Connection, resources (disk full, slots), operator intervention, system errors."""
_OUTAGE_CODES = ("25006", "25P03", "25P04")
"""A standby took over; the server ended a transaction that we left idle, or took too long over."""

_NO_PARTITION = "no partition of relation"
"""Upkeep will make it; until then nothing of that day can be stored."""


@contextmanager
def sorted_out() -> Iterator[None]:
    """Turns asyncpg's errors into `Unavailable` and `Again`; laws and bugs pass through."""
    try:
        yield
    except _REPEATABLE as error:
        raise Again(type(error).__name__) from error
    except asyncpg.PostgresError as error:
        if _is_outage(error.sqlstate) or _NO_PARTITION in str(error):
            raise Unavailable(f"{type(error).__name__} ({error.sqlstate})") from error
        raise
    except asyncpg.InterfaceError as error:
        if "clos" in str(error):  # of a connection or a pool that is closed or closing
            raise Unavailable(str(error)) from error
        raise
    except asyncpg.InternalClientError as error:
        # the server's last words have been read, and not yet that the connection ended with them
        raise Unavailable(f"the connection is of no use: {error}") from error
    except (OSError, TimeoutError) as error:
        raise Unavailable(f"{type(error).__name__}: {error}".strip(": ")) from error


def _is_outage(sqlstate: str | None) -> bool:
    return sqlstate is not None and sqlstate.startswith(_OUTAGE_CLASSES + _OUTAGE_CODES)
