"""Identities: how they are made, and how one is read from another.

A delivery's id is its place: batch id times 512, plus position. An event's id is its place too: the
stream's prefix with the event's number in its low bits, so that the same event always has the same
id, whoever tells it (promise 8).
"""

from datetime import datetime
from uuid import UUID

BATCH_SPAN = 512
"""Ids a batch reserves; it uses at most `BATCH_LIMIT` of them."""
BATCH_LIMIT = 500

_SEQ_BITS = 40
_SEQ_MASK = (1 << _SEQ_BITS) - 1
_RANDOM_BITS = 74


def delivery_id(batch_id: int, position: int) -> int:
    """The id of the delivery at a position (0 to 499) of a batch."""
    return batch_id * BATCH_SPAN + position


def place_of(delivery: int) -> tuple[int, int]:
    """Batch id and position of a delivery id."""
    return divmod(delivery, BATCH_SPAN)


def event_id(prefix: UUID, seq: int) -> UUID:
    """The id of event number `seq` (from 1) of the stream with this prefix."""
    return UUID(int=prefix.int | (seq & _SEQ_MASK))


def event_id_text(prefix: UUID, seq: int) -> str:
    """The same as text, which is all that most want of it.

    >>> event_id_text(UUID("01234567-89ab-cdef-0123-450000000000"), 26)
    '01234567-89ab-cdef-0123-45000000001a'
    """
    return f"{str(prefix)[:26]}{seq & _SEQ_MASK:010x}"


def stream_place(event: UUID) -> tuple[UUID, int]:
    """Prefix and number of an event id."""
    return UUID(int=event.int & ~_SEQ_MASK), event.int & _SEQ_MASK


def stream_prefix(randomness: UUID) -> UUID:
    """A stream's prefix out of a random UUID: its low bits make room for the numbers."""
    return UUID(int=randomness.int & ~_SEQ_MASK)


def job_id(now: datetime, randomness: int) -> UUID:
    """A UUID of version 7 (RFC 9562 5.7): sorts by time, so that an index grows at its end."""
    millis = int(now.timestamp() * 1000) & ((1 << 48) - 1)
    low = randomness & ((1 << _RANDOM_BITS) - 1)
    value = millis << 80 | 0x7 << 76 | (low >> 62) << 64 | 0b10 << 62 | (low & ((1 << 62) - 1))
    return UUID(int=value)


def ticket(randomness: int) -> str:
    """A campaign ticket: `email_` and 13 hexadecimal digits (requirements T037)."""
    return f"email_{randomness & ((1 << 52) - 1):013x}"
