"""What has its permit and waits for a connection: the urgent first, each class in its order."""

from collections import deque
from collections.abc import Iterable
from itertools import chain, takewhile

from daemon.dispatch import clock
from daemon.dispatch.held import Held

URGENT = 0
"""The class of those that people wait for."""


class Ready:
    """Two queues in one: whatever is urgent is taken before all the rest."""

    __slots__ = ("_pressing", "_rest")

    def __init__(self) -> None:
        self._pressing: deque[Held] = deque()
        self._rest: deque[Held] = deque()

    def __len__(self) -> int:
        return len(self._pressing) + len(self._rest)

    def add(self, held: Iterable[Held]) -> None:
        """Takes what has been permitted."""
        for each in held:
            (self._pressing if each.klass == URGENT else self._rest).append(each)

    def next(self) -> Held:
        """Takes out the first."""
        return (self._pressing or self._rest).popleft()

    def before(self, klass: int) -> int:
        """How many are taken before another one of a class would be."""
        return len(self._pressing) if klass == URGENT else len(self)

    def void(self) -> list[Held]:
        """Takes out those whose permits have ended: nobody came for them in time."""
        void = []
        for queue in (self._rest, self._pressing):
            ended = list(takewhile(_is_void, queue))
            for _ in ended:
                queue.popleft()
            void += ended
        return void

    def emptied(self) -> list[Held]:
        """Takes out all."""
        left = list(chain(self._pressing, self._rest))
        self._pressing.clear()
        self._rest.clear()
        return left


def _is_void(held: Held) -> bool:
    return clock.now() >= held.until
