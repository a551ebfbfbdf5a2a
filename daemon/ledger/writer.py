"""One writer of events: its transactions, its stream, and what happens when the stream is lost.

A writer runs one transaction at a time. Whatever it appends is handed to the teller after the
commit, never before. When a connection is lost in mid-transaction nobody knows whether it
committed: the stream is ended (which waits for a commit in flight and refuses a later one), a new
one is opened, and the caller repeats what it doesn't know committed. That is safe: a settled move
moves nothing twice, and a request finds its key.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Protocol
from uuid import UUID, uuid4

from daemon import metrics
from daemon.mail.event import Event, Told
from daemon.store import door, errors, streams


class Audience(Protocol):
    """Who tells what a writer has committed."""

    def offer(self, told: Sequence[Told]) -> None:
        """Takes committed events, in order."""

    def ended(self, stream: streams.Stream) -> None:
        """Learns that a stream ends here and what is left of it must be read from the ledger."""


class Append:
    """A transaction of a writer: the session, and the events that it appends."""

    __slots__ = ("_cursor", "at", "session", "told")

    def __init__(self, session: door.Session, cursor: streams.Cursor) -> None:
        self.session = session
        self.at = cursor.at
        """The moment that this transaction's events carry."""
        self.told: list[Told] = []
        self._cursor = cursor

    async def events(self, events: Sequence[Event]) -> None:
        """Appends events, in their order."""
        self.told += await streams.append(self.session, self._cursor, events)


class Writer:
    """Appends to one stream at a time; opens it when it is first needed."""

    def __init__(self, store: door.Store, audience: Audience, *, instance: UUID, kind: str) -> None:
        self._store = store
        self._audience = audience
        self._instance = instance
        self._kind = kind
        self._stream: streams.Stream | None = None
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Append]:
        """One transaction: the stream row is locked first, the events are told after the commit.

        `Unavailable`, `Again` or `StreamLost`: nothing is known to have been committed.
        """
        async with self._turn:
            stream = self._stream or await self._opened()
            try:
                async with self._store.transaction() as session:
                    append = Append(session, await streams.locked(session, stream))
                    yield append
            except (errors.Unavailable, streams.StreamLost, asyncio.CancelledError):
                self._stream = None
                self._audience.ended(stream)
                raise
            for kind, number in Counter(told.event.type for told in append.told).items():
                metrics.events(kind.value).inc(number)
            self._audience.offer(append.told)

    async def _opened(self) -> streams.Stream:
        self._stream = await streams.opened(self._store, self._instance, self._kind, uuid4())
        return self._stream

    async def close(self) -> None:
        """Ends the stream: nothing more will be appended to it."""
        async with self._turn:
            if self._stream is not None:
                self._audience.ended(self._stream)
                self._stream = None
