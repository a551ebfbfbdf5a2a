"""I7 and I8: what the sink saw at once and within a second, and what processes are left with."""

from collections import deque
from collections.abc import Iterator

from tests.checker.world import World

_GROWTH = 1.1
"""How much more than before a process may have after a storm."""
_TRIFLE = {"descriptors": 4, "tasks": 4, "memory": 4e6}
"""… or so much more, where a tenth would be less than one connection."""


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
    most = int(limit * (1 + world.evidence.limits.slack)) + 1
    window: deque[float] = deque()
    for began in sorted(copy.began for copy in world.evidence.copies):
        window.append(began)
        while window[0] <= began - 1:
            window.popleft()
        yield "" if len(window) <= most else f"{len(window)} within a second, {limit} are allowed"


def transactions(world: World) -> Iterator[str]:
    """No more mails were under way at once than the transports allow, over all instances."""
    limit = world.evidence.limits.transactions
    if limit is None:
        return
    # an end before a beginning of the same moment: the one made room for the other
    steps = sorted(
        step for copy in world.evidence.copies for step in ((copy.began, 1), (copy.time, -1))
    )
    running = 0
    for _, step in steps:
        running += step
        if step > 0:
            yield "" if running <= limit else f"{running} mails at once, {limit} are allowed"


def nothing_leaks(world: World) -> Iterator[str]:
    """After the storm descriptors, tasks and memory of every process are what they were before."""
    for one in world.evidence.vitals:
        most = max(one.baseline * _GROWTH, one.baseline + _TRIFLE[one.resource])
        told = f"{one.process}: {one.resource} {one.now:g}, {one.baseline:g} before"
        yield "" if one.now <= most else told
