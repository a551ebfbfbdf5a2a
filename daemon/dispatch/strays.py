"""Claims of ours that we never heard of: how one is told from a claim that we are about to hear of.

An accept that takes a delivery has the database call it ours from its commit on, and we know it a
moment later. What is still unknown when a permit's window has passed can't be such a one: it would
come to us without a permit, and be given back like any stray.
"""

from collections.abc import Sequence
from uuid import UUID

from daemon.dispatch.held import Holdings
from daemon.store.orphans import Left


class Strays:
    """Remembers since when something seems to be a stray. Times by `clock`."""

    def __init__(self, holdings: Holdings, instance: UUID, permit_window: float) -> None:
        self.holdings = holdings
        self._instance = instance
        self._window = permit_window
        self._since: dict[tuple[int, int], float] = {}
        self._before = self._since

    def look(self) -> None:
        """Begins another look: what isn't seen again is none any more."""
        self._before, self._since = self._since, {}

    def sure(self, left: Sequence[Left], *, asked: float, now: float) -> list[Left]:
        """Without those of ours that may still become known.

        `asked`: when it was asked what is left, which isn't before we looked what we know.
        """
        for one in left:
            if one.owner == self._instance:
                key = one.id, one.epoch
                self._since[key] = self._before.get(key, now)
        return [one for one in left if self._is_sure(one, asked)]

    def _is_sure(self, one: Left, asked: float) -> bool:
        since = self._since.get((one.id, one.epoch))
        return since is None or asked - since > self._window
