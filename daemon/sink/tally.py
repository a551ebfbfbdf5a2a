"""What the sink has counted: connections, messages, the busiest second, violations."""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable
from typing import Any


class _Busiest:
    """The most of something within one second of the clock."""

    __slots__ = ("_count", "_second", "peak")

    def __init__(self) -> None:
        self._second = 0
        self._count = 0
        self.peak = 0

    def add(self, now: float) -> None:
        second = int(now)
        if second != self._second:
            self._second, self._count = second, 0
        self._count += 1
        self.peak = max(self.peak, self._count)


class Tally:
    """The counts of one sink, from its start."""

    __slots__ = (
        "_clock",
        "_connections_a_second",
        "_keys",
        "_messages_a_second",
        "_waiting",
        "copies",
        "distinct",
        "messages",
        "now",
        "peak",
        "refused",
        "total",
        "violations",
    )

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._keys: set[int] = set()
        self._messages_a_second = _Busiest()
        self._connections_a_second = _Busiest()
        self._waiting: list[tuple[int, asyncio.Event]] = []
        self.now = 0
        """Connections that stand."""
        self.peak = 0
        """The most that ever stood."""
        self.total = 0
        """Connections ever made."""
        self.messages = 0
        """Messages stored."""
        self.distinct = 0
        """Those that differ in Message-ID or recipients."""
        self.copies = 0
        """Recipients of stored messages, summed up."""
        self.refused = 0
        """Commands and messages that were not carried out."""
        self.violations: Counter[str] = Counter()
        """By kind."""

    def opened(self) -> int:
        """Count a connection and give it its number."""
        self.now += 1
        self.total += 1
        self.peak = max(self.peak, self.now)
        self._connections_a_second.add(self._clock())
        return self.total

    def closed(self) -> None:
        """Count the end of a connection."""
        self.now -= 1

    def stored(self, *, copies: int, key: Hashable = None) -> None:
        """Count a message; one with the key of an earlier one is no further distinct one.

        None is never the same as None: without a key every message is distinct.
        """
        self.messages += 1
        self.copies += copies
        self._messages_a_second.add(self._clock())
        if key is None or self._is_new(key):
            self.distinct += 1
            if self._waiting:
                self._wake()

    def _is_new(self, key: Hashable) -> bool:
        known = len(self._keys)
        self._keys.add(hash(key))  # the hash alone, so that a million take 60 MB and not 300
        return len(self._keys) > known

    def _wake(self) -> None:
        for messages, reached in self._waiting:
            if self.distinct >= messages:
                reached.set()

    async def reach(self, messages: int) -> None:
        """Return once this many distinct messages are stored."""
        if self.distinct >= messages:
            return
        waiting = (messages, asyncio.Event())
        self._waiting.append(waiting)
        try:
            await waiting[1].wait()
        finally:
            self._waiting.remove(waiting)

    def count(self) -> dict[str, Any]:
        """The messages alone."""
        return {"messages": self.messages, "distinct": self.distinct, "copies": self.copies}

    def stats(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
        return {
            **self.count(),
            "connections": {"now": self.now, "peak": self.peak, "total": self.total},
            "peak_per_second": {
                "messages": self._messages_a_second.peak,
                "connections": self._connections_a_second.peak,
            },
            "refused": self.refused,
            "violations": dict(self.violations),
        }
