"""Turns between classes: each gets its share of the deliveries while several have some waiting."""

from collections.abc import Iterable, Mapping


class Shares:
    """Weighted turns: a class's time advances by 1/weight per delivery, the earliest is next."""

    def __init__(self, weights: Mapping[int, float]) -> None:
        self._weights = dict(weights)
        self._times = dict.fromkeys(weights, 0.0)
        self._now = 0.0

    def next(self, classes: Iterable[int]) -> int | None:
        """Which of the classes with something waiting is next; None when there is none.

        A class that had nothing for a while goes on from now: it saves up no turns.
        """
        best = None
        for klass in classes:
            time = max(self._times[klass], self._now)
            if best is None or (time, -self._weights[klass]) < best[:2]:
                best = (time, -self._weights[klass], klass)
        if best is None:
            return None
        self._now, _, klass = best
        self._times[klass] = self._now + 1.0 / self._weights[klass]
        return klass
