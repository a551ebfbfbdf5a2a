"""The cases: what is asked for, in which order, and from when to when the clock runs."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from daemon.broker import topology
from tests.bench import letter
from tests.bench.figures import Run
from tests.bench.race import Goal, Race, Tell
from tests.bench.stand import Stand

Start = Callable[[Stand, "Size", Tell], Awaitable[Run]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How much, by how many."""

    recipients: int
    processes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A case that is judged by its ratio."""

    name: str
    text: str
    recipients: int
    """Unless somebody says otherwise."""
    least: float
    """The ratio that is promised at this size."""
    aim: float
    bodies: Callable[[int], Iterator[Mapping[str, Any]]]
    """The requests that so many recipients take."""
    run: Start


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


async def requests(stand: Stand, size: Size, tell: Tell) -> Run:
    """Requests to one recipient that lie in the queue: from the first one taken off it."""
    queue = topology.names(stand.prefix).normal
    bodies = [letter.encoded(body) for body in letter.requests(size.recipients)]
    await stand.post.fill(queue, bodies, lambda number: None)
    del bodies
    # job.accepted, delivery.sent and job.completed
    goal = Goal(recipients=size.recipients, events=3 * size.recipients)
    async with asyncio.TaskGroup() as group:
        group.create_task(stand.serve(size.processes))
        await stand.post.until(queue, lambda depth: depth < size.recipients)
        run = group.create_task(Race(stand, goal, tell).over())
    return run.result()


CASES = (
    Case(
        name="campaign",
        text="a campaign in frames, from its first publish to its last event",
        recipients=50_000,
        least=0.40,
        aim=0.60,
        bodies=letter.campaign,
        run=campaign,
    ),
    Case(
        name="requests",
        text="requests to one recipient each, which lie in the queue when the daemon starts",
        recipients=20_000,
        least=0.15,
        aim=0.25,
        bodies=letter.requests,
        run=requests,
    ),
)
