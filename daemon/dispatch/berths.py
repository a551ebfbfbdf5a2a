"""How many connections one instance may have open, over all its lanes, and who is next for one.

When all places are taken the lanes that want one stand in line, and somebody is asked to leave: an
idle connection at once, else now and then a busy one of the lane with the most, after the message
that it carries. So a lane that is busy for ever keeps no other from its turn.
"""

import time
from collections.abc import Callable, Iterable

from daemon.dispatch.lane import Lane

TURN = 0.5
"""Seconds between two busy connections that are asked to leave: opening another has its price."""


class Berths:
    """The places of one instance. `lanes` are all of its lanes, as they are now."""

    def __init__(
        self,
        limit: int,
        lanes: Callable[[], Iterable[Lane]],
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit = limit
        self._lanes = lanes
        self._clock = clock
        self._line: dict[int, Lane] = {}
        self._turned = clock()
        self.taken = 0

    def take(self, lane: Lane) -> bool:
        """Takes a place for a lane; False: it stands in line now, and somebody was asked to go."""
        number = lane.lane.id
        ahead = list(self._line).index(number) if number in self._line else len(self._line)
        if self.taken + ahead < self._limit:
            self._line.pop(number, None)
            self.taken += 1
            return True
        self._line[number] = lane
        self._make_room(lane)
        return False

    def stand_back(self, lane: Lane) -> None:
        """A lane wants no more places."""
        if self._line.pop(lane.lane.id, None) is not None:
            self._call()

    def leave(self) -> None:
        """Gives a place back, and calls who is next."""
        self.taken -= 1
        self._call()

    def _call(self) -> None:
        for lane in self._line.values():
            lane.more.set()
            break

    def _make_room(self, lane: Lane) -> None:
        others = [other for other in self._lanes() if other is not lane]
        idlest = max(others, key=lambda other: other.idle, default=None)
        if idlest is not None and idlest.idle:
            idlest.dismiss()
            return
        busiest = max(others, key=lambda other: other.workers, default=None)
        # one more than it would have after the exchange: else the two would swap for ever
        if busiest is None or busiest.workers <= lane.workers + bool(lane.workers):
            return
        if self._clock() - self._turned >= TURN:
            self._turned = self._clock()
            busiest.dismiss()
            if self._line.pop(busiest.lane.id, None) is not None:
                self._line[busiest.lane.id] = busiest  # whoever gives one up goes to the end
