"""Answers that wait for the broker are on record, too: another instance gives those of the dead.

The record is kept when there is nothing else to do than wait, and never waited for long: memory has
the same, and loses it only with the process.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from uuid import UUID

from daemon.broker.parcel import Outgoing
from daemon.store import door, errors, owed
from daemon.store.owed import Owed

KIND = "answer"
"""The AMQP type of an answer."""
_PATIENCE = 2.0
"""Seconds that an acknowledgement waits for the record."""
_AT_ONCE = 500
"""Answers of the dead that are taken over at once."""
_AWAY = (errors.Unavailable, errors.Again, TimeoutError)


class Owing:
    """The record of one instance."""

    def __init__(self, store: door.Store, instance: UUID) -> None:
        self._store = store
        self._instance = instance

    async def note(self, letters: Sequence[Outgoing]) -> None:
        """Puts them on record, if the database takes them in time."""
        if letters:
            with suppress(*_AWAY):
                async with asyncio.timeout(_PATIENCE):
                    await owed.keep(self._store, self._instance, [_owed(one) for one in letters])

    async def forget(self, letters: Iterable[Outgoing]) -> None:
        """They were given, or given up; what isn't forgotten is given again by somebody."""
        ids = [UUID(one.message_id) for one in letters]
        if ids:
            with suppress(*_AWAY):
                await owed.forget(self._store, ids)

    async def adopt(self) -> list[Outgoing]:
        """Answers that nobody alive owes."""
        found = await owed.adopted(self._store, self._instance, limit=_AT_ONCE)
        return [letter(one) for one in found]


def _owed(letter: Outgoing) -> Owed:
    return Owed(
        id=UUID(letter.message_id),
        reply_to=letter.routing_key,
        correlation_id=letter.correlation_id,
        headers=dict(letter.headers) if letter.headers else None,
        body=letter.body,
    )


def letter(one: Owed) -> Outgoing:
    """An answer on record as it is published."""
    return Outgoing(
        routing_key=one.reply_to,
        body=one.body,
        message_id=str(one.id),
        type=KIND,
        correlation_id=one.correlation_id,
        headers=one.headers,
    )
