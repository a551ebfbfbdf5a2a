"""Housekeeping and gauges of the whole system, each at its own pace."""

import asyncio
from datetime import UTC, datetime

from daemon import logs, metrics
from daemon.store import door, errors, migrate, upkeep

_GAUGES_EVERY = 10.0
_HOUSE_EVERY = 60.0
_LAW_LIMIT = 100

_log = logs.get("dispatch.upkeep")
_seldom = logs.Seldom()


async def gauges(store: door.Store) -> None:
    """Keeps the gauges of the whole system true, for ever."""
    while True:
        try:
            _show(await upkeep.backlog(store))
        except (errors.Unavailable, errors.Again) as error:
            _wait("gauges", error)
        await asyncio.sleep(_GAUGES_EVERY)


async def house(store: door.Store) -> None:
    """Partitions ahead, keys forgotten, the accounting law looked at; for ever."""
    while True:
        try:
            await upkeep.partitions(store, datetime.now(UTC).date())
            metrics.partitions_ahead.set(migrate.DAYS_AHEAD)
            await upkeep.forget(store)
            broken = await upkeep.law_breakers(store, _LAW_LIMIT)
            metrics.law_mismatches.set(len(broken))
            for job in broken:
                _log.error("law.broken", job_id=str(job))
        except (errors.Unavailable, errors.Again) as error:
            _wait("house", error)
        await asyncio.sleep(_HOUSE_EVERY)


def _show(backlog: upkeep.Backlog) -> None:
    for state in ("waiting", "ready", "under_way", "deferred"):
        metrics.backlog(state).set(getattr(backlog, state))
    metrics.doubts_open.set(backlog.in_doubt)
    metrics.instances.set(backlog.instances)
    metrics.oldest_due_seconds.set(max(backlog.oldest_due, 0.0))
    metrics.untold.set(backlog.untold)


def _wait(what: str, error: Exception) -> None:
    swallowed = _seldom.ask(what)
    if swallowed is not None:
        _log.warning("upkeep.waits", what=what, why=str(error), swallowed=swallowed)
