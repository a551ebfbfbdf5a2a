"""That the event loop turns, and how late it is: whatever blocks it shows here first (H14)."""

import asyncio

from daemon import logs, metrics

INTERVAL = 0.5
"""Seconds between two beats."""
LATE = 1.0
"""Seconds of delay that are worth a line: a heartbeat of the lease is due every few seconds."""
WINDOW = 120
"""Beats over which the worst delay is kept: one minute."""

_log = logs.get("web.pulse")


async def beat(interval: float = INTERVAL) -> None:
    """Runs until cancelled; sets its metrics at each beat."""
    loop = asyncio.get_running_loop()
    seldom = logs.Seldom()
    recent: list[float] = []
    while True:
        due = loop.time() + interval
        await asyncio.sleep(interval)
        lag = max(0.0, loop.time() - due)
        recent = [*recent[1 - WINDOW :], lag]
        metrics.loop_lag_seconds.set(lag)
        metrics.loop_lag_max_seconds.set(max(recent))
        metrics.tasks.set(len(asyncio.all_tasks()))
        if lag > LATE and (swallowed := seldom.ask("late")) is not None:
            _log.warning("loop.late", seconds=round(lag, 3), swallowed=swallowed)
