"""What the daemon says of the queues that want a person."""

import asyncio

from daemon import watch
from daemon.broker import connection
from daemon.broker.topology import Names
from daemon.tasks import Group
from daemon.web.health import Health


async def test_a_queue_is_looked_at_as_soon_as_there_is_a_link(
    url: str, names: Names, until
) -> None:
    """A start says for a moment that it can't look, not until the next look is due."""
    link = connection.link(url, instance="test", role="test", heartbeat=10, seconds=10)
    health = Health()
    try:
        async with asyncio.timeout(watch._DEPTHS_EVERY / 2), Group() as group:
            watching = group.forever(watch.depths(health, link, names), name="depths")
            await until(lambda: len(health.reasons) == len((names.unrouted, names.dead)))
            keeping = group.forever(link.keep(), name="link")
            await until(lambda: not health.reasons)
            watching.cancel()
            keeping.cancel()
    finally:
        await link.close()
