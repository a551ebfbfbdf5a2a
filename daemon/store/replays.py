"""Events that were told, read back from the ledger a page at a time."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from daemon.mail.event import Told
from daemon.store import door, streams


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """Which events of a customer: of a job, of a stream, or all, within a time."""

    customer_id: int
    start: datetime
    end: datetime
    """The first moment that doesn't belong to it any more."""
    job_id: UUID | None = None
    stream: int | None = None


async def number(store: door.Store, stretch: Stretch) -> int:
    """How many events those are."""
    one = stretch
    if one.job_id is not None:
        found: int = await store.value(
            "replay.count_job", one.customer_id, one.job_id, one.start, one.end
        )
    else:
        found = await store.value(
            "replay.count_time", one.customer_id, one.start, one.end, one.stream
        )
    return found


async def page(
    store: door.Store, stretch: Stretch, *, after: tuple[int, int], limit: int
) -> list[Told]:
    """The next events in the order of their ids; `after` is stream and number of the last one.

    Of a job or a stream the page may hold events from outside the time.
    """
    one, (stream, seq) = stretch, after
    if one.job_id is not None:
        rows = await store.rows(
            "ledger.replay_job", one.customer_id, one.job_id, stream, seq, limit
        )
    elif one.stream is not None:
        rows = await store.rows("replay.stream", one.customer_id, one.stream, seq, limit)
    else:
        rows = await store.rows(
            "ledger.replay_time", one.customer_id, one.start, one.end, stream, seq, limit
        )
    return [streams.told_from(row) for row in rows]
