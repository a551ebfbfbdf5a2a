"""Streams and the ledger: appending in numbered order, reading back what is not told yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from daemon.mail import ids
from daemon.mail.event import Event, Told, Type
from daemon.outage import Outage
from daemon.store import door

_COLUMNS = (
    "stream", "seq", "at", "type", "customer_id", "job_id", "message_id", "delivery_id",
    "attempt", "step", "code", "enhanced", "text", "address", "relay", "next_at", "data",
)  # fmt: skip

_FEW = 16
"""Events that one statement appends faster than a COPY, which waits for three answers."""


class StreamLost(Outage):
    """The stream was taken from its writer: its transaction must be undone, its claims dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """A stream as its writer knows it."""

    number: int
    prefix: UUID
    epoch: int
    instance: UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Orphan:
    """An adopted stream with something left to tell."""

    number: int
    told_seq: int
    told_at: datetime


@dataclass(slots=True, kw_only=True)
class Cursor:
    """Where a transaction goes on numbering."""

    stream: Stream
    seq: int
    at: datetime


async def opened(store: door.Store, instance: UUID, kind: str, randomness: UUID) -> Stream:
    """A new stream for a writer of this instance."""
    prefix = ids.stream_prefix(randomness)
    row = await store.row("stream.open", prefix, instance, kind)
    assert row is not None  # noqa: S101  an INSERT … RETURNING answers its row
    return Stream(number=row["number"], prefix=prefix, epoch=row["epoch"], instance=instance)


async def locked(session: door.Session, stream: Stream) -> Cursor:
    """Locks the stream row, before any other lock. `StreamLost` when it isn't ours any more."""
    row = await session.row("stream.lock", stream.number, stream.epoch)
    if row is None:
        raise StreamLost("another instance took the stream")
    return Cursor(stream=stream, seq=row["last_seq"], at=row["at"])


async def append(session: door.Session, cursor: Cursor, events: Sequence[Event]) -> list[Told]:
    """Appends events in their order; they are facts once the transaction has committed."""
    if not events:
        return []
    told = numbered(cursor, events)
    stream, records = cursor.stream.number, (_record(entry) for entry in told)
    if len(told) <= _FEW:
        _, seqs, _, *columns = zip(*records, strict=True)
        await session.run("ledger.append", stream, cursor.at, seqs, cursor.seq, *columns)
    else:
        await session.copy("ledger", _COLUMNS, records)
        await session.run("stream.advance", stream, cursor.seq, cursor.at)
    return told


def numbered(cursor: Cursor, events: Sequence[Event]) -> list[Told]:
    """Gives events their places; the cursor moves on."""
    stream = cursor.stream
    told = [
        Told(stream=stream.number, prefix=stream.prefix, seq=seq, at=cursor.at, event=event)
        for seq, event in enumerate(events, start=cursor.seq + 1)
    ]
    cursor.seq += len(told)
    return told


async def untold(
    store: door.Store, stream: int, *, after: int, since: datetime, limit: int
) -> list[Told]:
    """The next events of a stream after number `after`, none of which happened before `since`."""
    rows = await store.rows("ledger.read", stream, after, since, limit)
    return [told_from(row) for row in rows]


async def adopted(store: door.Store, instance: UUID, *, known: Sequence[int] = ()) -> list[Orphan]:
    """Takes over untold streams of dead instances, and our own ended ones that aren't `known`."""
    rows = await store.rows("stream.adopt", instance, list(known))
    return [Orphan(**dict(row)) for row in rows]


def _record(told: Told) -> tuple[object, ...]:
    event = told.event
    return (
        told.stream, told.seq, told.at, event.type, event.customer_id, event.job_id,
        event.message_id, event.delivery_id, event.attempt, event.step, event.code,
        event.enhanced, event.text, event.address, event.relay, event.next_at, event.data or None,
    )  # fmt: skip


def told_from(row: door.Row) -> Told:
    """An event as a statement of `ledger.*` read it."""
    event = Event(
        type=Type(row["type"]),
        customer_id=row["customer_id"],
        job_id=row["job_id"],
        message_id=row["message_id"],
        delivery_id=row["delivery_id"],
        attempt=row["attempt"],
        step=row["step"],
        code=row["code"],
        enhanced=row["enhanced"],
        text=row["text"],
        address=row["address"],
        relay=row["relay"],
        next_at=row["next_at"],
        data=row["data"] or {},
    )
    return Told(
        stream=row["stream"], prefix=row["prefix"], seq=row["seq"], at=row["at"], event=event
    )
