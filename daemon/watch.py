"""What can be seen of the servers and of our own parts, told to health: the one place that does.

A check is vital when an instance is of no use without it (a server away, a queue gone). What only
holds something up while the rest goes on is none: events that wait, too much that has piled up.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from daemon import logs, metrics
from daemon.broker import depth
from daemon.broker.connection import Link
from daemon.broker.topology import Names
from daemon.store import door
from daemon.web.health import Health

_EVERY = 1.0
_DEPTHS_EVERY = 10.0
"""Each look costs the broker a channel; while there is none to ask, it costs nothing."""
_WARN_EVERY = 3600.0

_log = logs.get("watch")
_seldom = logs.Seldom(_WARN_EVERY)
"""Of the process: who begins a new life says it no sooner."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """A check whose reason is looked at again and again; empty means well."""

    name: str
    why: Callable[[], str]
    vital: bool = False


async def parts(health: Health, causes: Iterable[Cause]) -> None:
    """Looks at what parts say of themselves, for ever; no broker and no database is asked."""
    while True:
        for cause in causes:
            why = cause.why()
            health.report(cause.name, ok=not why, reason=why, vital=cause.vital)
        await asyncio.sleep(_EVERY)


async def servers(health: Health, store: door.Store, *links: Link) -> None:
    """Looks at the two servers, for ever."""
    while True:
        down = [link.why_down or "connection lost" for link in links if not link.is_up]
        health.report("rabbitmq", ok=not down, reason="".join(down[:1]))
        why = await _ask(store)
        health.report("postgres", ok=not why, reason=why)
        await asyncio.sleep(_EVERY)


async def _ask(store: door.Store) -> str:
    try:
        async with asyncio.timeout(_EVERY * 2):
            await store.value("clock.now")
    except TimeoutError:
        return "no answer in time"
    except Exception as error:  # noqa: BLE001  whatever it is, it is what we report
        return str(error) or type(error).__name__
    # it answers, but may refuse every write
    return store.refusal


async def depths(health: Health, link: Link, names: Names) -> None:
    """Looks now and then at the two queues that want a person, for ever."""
    gauges = {names.unrouted: metrics.unrouted, names.dead: metrics.dead_letters}
    while True:
        for queue, gauge in gauges.items():
            found = await depth.read(link, queue)
            if isinstance(found, depth.Depth):
                gauge.set(found.waiting)
                if found.waiting and _seldom.ask(queue) is not None:
                    _log.warning("queue.filled", queue=queue, waiting=found.waiting)
            why = found.why if isinstance(found, depth.Unread) else ""
            health.report(queue, ok=not why, reason=why, vital=False)
        await asyncio.sleep(_DEPTHS_EVERY if link.is_up else _EVERY)
