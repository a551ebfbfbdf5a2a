"""The cases of campaigns: how fast one goes, and how little memory a large one takes."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from tests.bench import letter
from tests.bench.case import Size
from tests.bench.figures import Result, Run
from tests.bench.race import Goal, Race, Tell
from tests.bench.stand import Stand

_SMALLER = 10
"""So much smaller is the campaign that a large one's memory is compared with."""
_APART = 0.15
_MOST = 200


async def campaign(stand: Stand, size: Size, tell: Tell) -> Run:
    """A campaign in frames through the queue: from the first publish to the last event."""
    bodies = [letter.encoded(body) for body in letter.campaign(size.recipients)]
    await stand.serve(size.processes)
    # job.accepted and job.completed at least; job.started where there are several batches
    race = Race(stand, Goal(recipients=size.recipients, events=size.recipients + 2), tell)
    async with asyncio.TaskGroup() as group:
        group.create_task(stand.post.publish(bodies))
        run = group.create_task(race.over())
    return run.result()


async def memory(stand: Stand, size: Size, tell: Tell) -> Run:
    """A campaign, after one of a tenth of it; both by daemons that have done nothing before."""
    smaller = max(1, size.recipients // _SMALLER)
    before = await campaign(stand, replace(size, recipients=smaller), tell)
    run = await campaign(stand, size, tell)
    own = {"smaller": smaller, "smaller_rss_mb": round(before.rss / 2**20, 1)}
    return replace(run, own=own)


def frugal(result: Result) -> Sequence[str]:
    """What memory falls short of: it hardly grows with the campaign, and stays below 200 MB."""
    small, large = result.run.own["smaller_rss_mb"], result.run.rss / 2**20
    flaws = []
    if abs(large - small) > _APART * small:
        flaws.append(f"peak RSS {small:.0f} and {large:.0f} MB are more than 15 % apart")
    if large >= _MOST:
        flaws.append(f"peak RSS {large:.0f} MB is not below {_MOST}")
    return flaws
