"""What is claimed and waits for its permit: a queue for each class, and turns between them."""

from collections import deque
from collections.abc import Iterable, Mapping
from itertools import chain, islice, takewhile

from daemon.dispatch.held import Held
from daemon.dispatch.shares import Shares


class Line:
    """The queues of one lane."""

    __slots__ = ("_queues", "_shares")

    def __init__(self, shares: Mapping[int, float]) -> None:
        self._queues: dict[int, deque[Held]] = {klass: deque() for klass in shares}
        self._shares = Shares(shares)

    def __len__(self) -> int:
        return sum(map(len, self._queues.values()))

    def of(self, klass: int) -> int:
        """How many of a class wait."""
        return len(self._queues[klass])

    def add(self, held: Iterable[Held]) -> None:
        """Puts deliveries to the end, each of its class."""
        for each in held:
            self._queues[each.klass].append(each)

    def put_back(self, held: Iterable[Held]) -> None:
        """Puts deliveries back to the front, in their order, without any permit."""
        for each in reversed(list(held)):
            each.until = 0.0
            self._queues[each.klass].appendleft(each)

    def next(self, limit: int, *, to_end: bool) -> list[Held]:
        """Takes out up to `limit` deliveries, by their classes' shares.

        As many more may come, if that takes it `to_end` of the last one's batch: the next permit
        then waits for nobody who settles what has started of it.
        """
        chosen: list[Held] = []
        while len(chosen) < limit:
            klass = self._shares.next(klass for klass, queue in self._queues.items() if queue)
            if klass is None:
                break
            chosen.append(self._queues[klass].popleft())
        return chosen + self._rest(chosen[-1], limit) if chosen and to_end else chosen

    def _rest(self, held: Held, limit: int) -> list[Held]:
        """Takes out what waits of a delivery's batch, if that is no more than `limit`."""
        queue = self._queues[held.klass]
        rest = list(islice(takewhile(lambda one: one.claim is held.claim, queue), limit + 1))
        if len(rest) > limit:
            return []
        for _ in rest:
            queue.popleft()
        return rest

    def emptied(self) -> list[Held]:
        """Takes out all."""
        left = list(chain.from_iterable(self._queues.values()))
        for queue in self._queues.values():
            queue.clear()
        return left
