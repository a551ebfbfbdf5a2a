"""What of late was wrong with a relay itself: why everything that goes there waits."""

from collections.abc import Sequence
from datetime import datetime

from daemon.cli import story, words
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
    relay = f"{job.host}:{job.port}"
    last = of_its_own(await live.lately(store, limit=_LATELY), relay)
    if last is None or await live.served(store, relay, since=last.at):
        return ""
    return sentence(last, job.now)


def of_its_own(troubles: Sequence[Trouble], relay: str) -> Trouble | None:
    """The last of the troubles, the last one first, that a relay is to blame for."""
    own = (one for one in troubles if one.relay == relay)
    return next((one for one in own if one.data.get("reason") in OF_THE_RELAY), None)


def sentence(trouble: Trouble, now: datetime) -> str:
    """A relay's own trouble in words."""
    said = f": {trouble.code} {trouble.text}" if trouble.code else ""
    at, why = words.away(trouble.at, now), story.cause(trouble.data)
    return f"Its relay {trouble.relay} failed {at} ({why}{said}); it is given time."
