"""What of late was wrong with a relay itself: why everything that goes there waits."""

from collections.abc import Sequence
from datetime import datetime

from daemon.cli import words
from daemon.delivery.courier import OF_THE_RELAY
from daemon.store import door, live
from daemon.store.live import Trouble
from daemon.store.operator import Job

_LATELY = 50
"""Tries that went wrong of late, among which its own are looked for."""


async def failing(store: door.Store, job: Job) -> str:
    """Why nothing goes to the relay of a job of late, if that is so; empty otherwise."""
    if not job.remaining:
        return ""
    lately = await live.lately(store, limit=_LATELY)
    return sentence(lately, f"{job.host}:{job.port}", job.now)


def sentence(troubles: Sequence[Trouble], relay: str, now: datetime) -> str:
    """The last of its own troubles in words; empty when there is none."""
    for one in troubles:
        if one.relay == relay and one.data.get("reason") in OF_THE_RELAY:
            said = f": {one.code} {one.text}" if one.code else ""
            at, why = words.away(one.at, now), one.data["reason"]
            return f"Its relay {relay} failed {at} ({why}{said}); it is given time."
    return ""
