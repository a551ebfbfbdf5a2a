"""What can go wrong at the database, in our words; the only place that sorts asyncpg's errors."""

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from daemon.outage import Outage


class Unavailable(Outage):
    """The database can't serve us now. What was under way may or may not have committed."""

    @property
    def cause(self) -> str:
        """One for a lost connection and for none to be had: at first nobody can tell them apart."""
        return "postgres"


class Refused(Unavailable):
    """The database is there and says that it can't: read-only, a full disk, no room."""

    def __init__(self, words: str, state: str = "") -> None:
        super().__init__(words)
        self._state = state

    @property
    def cause(self) -> str:
        """One for each kind of "no", whatever it was said of."""
        return f"postgres {self._state or self}"


class Again(Outage):
    """The transaction lost to another one (deadlock, serialization): repeat it as it was."""

    @property
    def cause(self) -> str:
        """The database is well."""
        return "postgres repeats"


class SchemaMismatch(Exception):
    """The schema isn't the one this program was made for."""


_LOST = ("08", "57", "25P03", "25P04", "40003")
"""SQLSTATEs of a connection that is no more, or of an operator who ended what we were at.

The 25P.. are of a transaction that we left idle or took too long over; after a 40003 nobody knows
whether it committed.
"""
_REFUSED = ("08P01", "25006", "28", "3D", "42501", "53", "55", "58", "XX")
"""SQLSTATEs of a database that is there and can't: a pooler before it that takes no settings; a
standby or a read-only one; credentials, a name or privileges that were changed behind us; resources
(disk full, slots); an object that is in use or locked; the system below it; a fault of its own."""
_REPEATABLE = ("40",)
"""SQLSTATEs of a transaction that was rolled back for the sake of another one."""

_NO_PARTITION = "no partition of relation"
"""Upkeep will make it; until then nothing of that day can be stored."""


@contextmanager
def located(place: str) -> Iterator[None]:
    """Says of a database that can't serve us, or isn't for us, which one it is."""
    try:
        yield
    except (Unavailable, SchemaMismatch) as error:
        raise type(error)(f"{place}: {error}") from error


@contextmanager
def sorted_out() -> Iterator[None]:
    """Turns asyncpg's errors into `Unavailable` and `Again`; laws and bugs pass through."""
    try:
        yield
    except asyncpg.PostgresError as error:
        meant = _said_by_server(error)
        if meant is None:
            raise
        raise meant from error
    except (asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        meant = _said_by_client(error)
        if meant is None:
            raise
        raise meant from error
    except OSError as error:  # a TimeoutError is one; asyncio's says nothing
        # for an operator: the system's words, without the name of a class
        late = "no answer in time" if isinstance(error, TimeoutError) else type(error).__name__
        raise Unavailable(error.strerror or str(error) or late) from error


def _said_by_server(error: asyncpg.PostgresError) -> Exception | None:
    """What an error of the server means to us; None of a law or a bug."""
    state = error.sqlstate or ""
    words = f"{next(iter(str(error).splitlines()), '')} ({state})".strip()
    if isinstance(error, asyncpg.InvalidCachedStatementError):
        return Again("the schema changed under a prepared statement")
    if state.startswith(_REFUSED) or _NO_PARTITION in str(error):
        return Refused(words, state)
    if state.startswith(_LOST):
        return Unavailable(words)
    return Again(words) if state.startswith(_REPEATABLE) else None


def _said_by_client(error: Exception) -> Exception | None:
    """What asyncpg's own words mean to us; None of a value that no statement can carry, or a DSN.

    All others are of the state of a connection or a pool, whatever their text: one that is about
    to be lost is closed, busy or confused, and that is no verdict on what it was asked to do.
    """
    if isinstance(error, ValueError):
        return None
    if isinstance(error, asyncpg.TargetServerAttributeNotMatched):
        return Refused("none of the servers takes writes")
    if isinstance(error, asyncpg.InternalClientError):
        # the server's last words have been read, and not yet that the connection ended with them
        return Unavailable("the connection was lost")
    return Unavailable(str(error))
