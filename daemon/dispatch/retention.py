"""Removes what has been kept long enough, as the configuration now says, a little at a time.

Any instance may, and several at once do no harm. It goes on for at most half of the time, so that
a day with a million jobs is no burden on whoever sends.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime, timedelta

from daemon import logs
from daemon.config.sections import Retention
from daemon.store import door, errors, retention

_EVERY = 60.0
"""Seconds between two looks."""

_log = logs.get("dispatch.retention")


async def run(store: door.Store, kept: Callable[[], Retention]) -> None:
    """Looks every minute, for ever; while the database is away nothing goes."""
    while True:
        try:
            await retire(store, kept(), datetime.now(UTC))
        except (errors.Unavailable, errors.Again) as error:
            logs.outage(_log, "retention.waits", error)
        await asyncio.sleep(_EVERY)


async def retire(store: door.Store, kept: Retention, now: datetime) -> None:
    """Events first, for they say what became of deliveries; then deliveries, and jobs at last."""
    for day in await retention.ledger(store, _before(now, kept.ledger)):
        _log.info("ledger.day_dropped", day=str(day))
    for day in await retention.days(store, _before(now, kept.deliveries)):
        await _deliveries(store, day)
    await _jobs(store, now - timedelta(seconds=kept.jobs))


async def _deliveries(store: door.Store, day: date) -> None:
    """What goes with a day first, and the day at last: it is what shows that something is left."""
    await _gently(retention.stripped(store, day))
    if await retention.drop(store, day):
        _log.info("deliveries.day_dropped", day=str(day))


async def _jobs(store: door.Store, before: datetime) -> None:
    number = 0
    while some := await retention.jobs(store, before):
        number += some
        await asyncio.sleep(0)
    if number:
        _log.info("jobs.forgotten", number=number)


async def _gently(work: AsyncIterator[None]) -> None:
    """Rests after each piece of work for as long as it took."""
    began = time.monotonic()
    async for _ in work:
        await asyncio.sleep(time.monotonic() - began)
        began = time.monotonic()


def _before(now: datetime, seconds: float) -> date:
    return (now - timedelta(seconds=seconds)).date()
