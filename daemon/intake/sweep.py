"""What nobody asks for and must happen all the same, every few seconds, at any instance.

Keys whose time is over are forgotten; frames whose send never came are refused, those that a killed
accept left behind are taken; jobs that nobody closed in time are closed; answers that the dead owe
are given.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime

from daemon import logs
from daemon.intake import frames
from daemon.intake.carry import Means
from daemon.intake.early import Early
from daemon.intake.expander import Expander
from daemon.intake.post import Post
from daemon.store import accepting, errors, framing, streams

EVERY = 5.0
"""Seconds between two sweeps."""

_log = logs.get("intake.sweep")


class Sweep:
    """One task for both queues."""

    def __init__(
        self,
        means: Means,
        early: Early,
        post: Post,
        expander: Expander,
        *,
        clock: Callable[[], datetime],
    ) -> None:
        self._means = means
        self._early = early
        self._post = post
        self._expander = expander
        self._clock = clock

    async def run(self) -> None:
        """Sweeps for ever; what can't be done now is done next time."""
        while True:
            await asyncio.sleep(EVERY)
            try:
                await self.once()
            except (errors.Unavailable, errors.Again, streams.StreamLost) as error:
                logs.outage(_log, "sweep.waits", error)

    async def once(self) -> None:
        """One sweep."""
        await self._early.left_behind(self._clock())
        while await self._early.expire():
            pass
        await self.close_left_open()
        await self._post.adopt()
        await self._expander.unheard()
        await accepting.forget(self._means.store)

    async def close_left_open(self) -> int:
        """Closes jobs that got no frame for too long, with what is in; answers how many."""
        async with self._means.writers.transaction() as append:
            left = await framing.left_open(append.session)
            for job, number in left:
                await framing.close(append.session, job, number)
                await frames.end(append, job, closed_by="timeout")
        for job, number in left:
            _log.warning("job.closed", job=str(job), frames=number, why="open_timeout")
        return len(left)
