"""I7: what the sink saw at once and within a second."""

from collections import deque
from collections.abc import Iterator

from tests.checker.world import World

_JITTER = 0.1
"""Seconds by which the way to the sink may differ between two mails."""


def connections(world: World) -> Iterator[str]:
    """The sink never saw more connections than the transports allow, over all instances."""
    limit, peak = world.evidence.limits.connections, world.evidence.peak_connections
    if limit is not None:
        yield "" if peak <= limit else f"{peak} connections at once, {limit} are allowed"


def rate(world: World) -> Iterator[str]:
    """No second saw more mails than the transports allow, over all instances."""
    limit = world.evidence.limits.per_second
    if limit is None:
        return
    most = int(limit * (1 + _JITTER)) + 1
    window: deque[float] = deque()
    for copy in sorted(world.evidence.copies, key=lambda copy: copy.time):
        window.append(copy.time)
        while window[0] <= copy.time - 1:
            window.popleft()
        yield "" if len(window) <= most else f"{len(window)} within a second, {limit} are allowed"
