"""Publisher confirms, counted by range: which messages of which batch the broker has taken. Pure.

A channel numbers what is published on it from 1; the broker answers with a number, or with "all up
to this number". A message that no queue wanted is returned first and confirmed after; only the
confirm says that the broker is done with it.
"""

import enum
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass


class Fate(enum.IntEnum):
    """What became of one published message."""

    UNKNOWN = 0
    """No answer in time, or the channel was lost: it may have arrived. Publish it again."""
    CONFIRMED = 1
    """Taken, and safe in every queue that wanted it."""
    RETURNED = 2
    """Taken, and no queue wanted it."""
    NACKED = 3
    """Refused by a queue, for instance a full one."""


_RETURNING = 4
"""Came back, its confirm yet to follow; at the end it counts as unknown."""
_IDENTITY = bytes(range(256))
_FATES = tuple(Fate)


def _becoming(open_to: Fate, returning_to: Fate) -> bytes:
    table = bytearray(_IDENTITY)
    table[Fate.UNKNOWN] = open_to
    table[_RETURNING] = returning_to
    return bytes(table)


_ACKED = _becoming(Fate.CONFIRMED, Fate.RETURNED)
_NACKED = _becoming(Fate.NACKED, Fate.NACKED)
_LOST = _becoming(Fate.UNKNOWN, Fate.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """What became of a batch, item by item; `why` says what is behind any that are unknown."""

    fates: tuple[Fate, ...]
    why: str = ""

    @property
    def all_taken(self) -> bool:
        """Whether the broker is done with every item, returned ones included."""
        return self.taken_in_order == len(self.fates)

    @property
    def taken_in_order(self) -> int:
        """How many items from the start on are confirmed or returned, without a gap."""
        done = (Fate.CONFIRMED, Fate.RETURNED)
        return next((at for at, fate in enumerate(self.fates) if fate not in done), len(self.fates))


class Batch:
    """Messages that were written together; `settled` is called when the last one is answered."""

    __slots__ = ("_fates", "_ids", "_returns", "_settled", "_tags", "open")

    def __init__(self, ids: Sequence[str], tags: range, settled: Callable[[], None]) -> None:
        self._ids = ids
        self._tags = tags
        self._settled = settled
        self._fates = bytearray(len(ids))
        self._returns = 0
        self.open = len(ids)

    @property
    def first(self) -> int:
        """The number of its first message on the channel."""
        return self._tags.start

    def fates(self) -> tuple[Fate, ...]:
        """What is known by now, in the order of the items."""
        return tuple(map(_FATES.__getitem__, self._fates.translate(_LOST)))

    def confirm(self, lowest: int, highest: int, *, taken: bool) -> None:
        """Answers what is open among these numbers; those that aren't ours don't matter."""
        start = max(lowest - self.first, 0)
        piece = self._fates[start : max(highest - self.first + 1, 0)]
        waiting = piece.count(Fate.UNKNOWN) + piece.count(_RETURNING)
        if not waiting:
            return
        self._fates[start : start + len(piece)] = piece.translate(_ACKED if taken else _NACKED)
        self.open -= waiting
        if not self.open:
            self._settled()

    def returned(self, message_id: str) -> bool:
        """Notes that this one came back; False if no open one has this id."""
        # returns come in the order of publishing: what was passed once need not be looked at again
        for at in range(self._returns, len(self._ids)):
            if self._ids[at] == message_id and self._fates[at] == Fate.UNKNOWN:
                self._fates[at] = _RETURNING
                self._returns = at + 1
                return True
        return False


class Confirms:
    """The books of one channel: what was written on it and not yet answered."""

    def __init__(self) -> None:
        self._next = 1
        self._open: deque[Batch] = deque()

    def add(self, ids: Sequence[str], settled: Callable[[], None]) -> Batch:
        """Numbers the messages of one batch; to be called in the order of writing."""
        batch = Batch(ids, range(self._next, self._next + len(ids)), settled)
        self._next += len(ids)
        self._open.append(batch)
        return batch

    def confirm(self, tag: int, *, multiple: bool, taken: bool) -> None:
        """The broker's answer to one number, or to all up to it."""
        lowest = 0 if multiple else tag
        for batch in self._open:
            if batch.first > tag:
                break
            batch.confirm(lowest, tag, taken=taken)
        while self._open and not self._open[0].open:
            self._open.popleft()

    def returned(self, message_id: str) -> None:
        """A message came back; the same id may be under way twice, and the older returns first."""
        for batch in self._open:
            if batch.returned(message_id):
                return
