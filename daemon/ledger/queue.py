"""What is left to tell of one stream, as books without I/O.

Three numbers say how far it is: `last_seq` is written, `told_seq` is confirmed, `marked_seq` is
what the database knows of that. Only what stands in a row is told; what the broker took out of the
row (it refused one before it) is remembered, so that it isn't published again.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice

from daemon.mail.event import Told, Type

_OLD = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(slots=True, kw_only=True, eq=False)
class Queue:
    """One stream's place in the ledger, and those of its next events that memory holds."""

    number: int
    told_seq: int = 0
    told_at: datetime = _OLD
    marked_seq: int = 0
    last_seq: int = 0
    """The last event we know of; what of it isn't in `waiting` stands only in the ledger."""
    waiting: deque[Told] = field(default_factory=deque)
    ended: bool = False
    """Whether nothing more is appended; what we don't know of may stand in the ledger."""
    over: bool = False
    """Whether it has ended and all of it is told: it may be forgotten once that is marked."""
    why: str = ""
    """What holds it up, or empty."""
    rests_until: float = 0.0
    """When it is tried again, by the loop's clock."""
    _taken: set[int] = field(default_factory=set)

    @property
    def has_work(self) -> bool:
        """Whether something is left to tell, or may be."""
        return bool(self.waiting) or self.last_seq > self.told_seq or (self.ended and not self.over)

    @property
    def is_unmarked(self) -> bool:
        """Whether the database doesn't know yet how much is told."""
        return self.marked_seq < self.told_seq

    def offer(self, told: Sequence[Told], *, room: int) -> None:
        """Takes events if there is room; otherwise, and after a gap, the ledger keeps them."""
        next_seq = (self.waiting[-1].seq if self.waiting else self.told_seq) + 1
        if told[0].seq == next_seq and room > 0:
            self.waiting.extend(told)
        self.last_seq = max(self.last_seq, told[-1].seq)

    def fill(self, found: Sequence[Told], *, known: int) -> None:
        """Takes what was read from the ledger; `known` was the last event when that began."""
        if self.waiting:  # something was offered meanwhile
            found = [told for told in found if told.seq < self.waiting[0].seq]
        self.waiting.extendleft(reversed(found))
        if self.waiting:
            return
        if self.last_seq == known:
            self.last_seq = self.told_seq  # a database that lost its last commits has no more
        self.over = self.ended

    def end(self) -> None:
        """Learns that nothing more is appended; whether that was all, only the ledger knows."""
        self.ended, self.over = True, False

    def page(self, number: int) -> list[Told]:
        """The next events, so many at most."""
        return list(islice(self.waiting, number))

    def wants(self, told: Told) -> bool:
        """Whether this one is still to be published."""
        return told.seq not in self._taken and not _is_silent(told)

    def advance(self, taken: Iterable[Told]) -> None:
        """Learns what the broker has taken: what now stands in a row from the start on is told."""
        self._taken.update(told.seq for told in taken)
        while self.waiting and not self.wants(self.waiting[0]):
            last = self.waiting.popleft()
            self._taken.discard(last.seq)
            self.told_seq, self.told_at = last.seq, last.at


def _is_silent(told: Told) -> bool:
    """What moved nothing is on record, and nobody is told of it (promise 3)."""
    return told.event.type is Type.DELIVERY_REPEATED
