"""The cases of requests to one recipient: many that wait, and a few that are urgent among them."""

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import replace

from daemon.broker import topology
from tests.bench import letter
from tests.bench.case import Size
from tests.bench.figures import Result, Run, quantile
from tests.bench.post import URGENT
from tests.bench.race import Goal, Race, Tell
from tests.bench.sightings import Sightings
from tests.bench.stand import Stand

EVENTS = 3
"""Of each: job.accepted, delivery.sent, job.completed."""
_BESIDE = 2
"""One request waits for so many bulk deliveries."""
_EVERY = 0.1
"""Seconds between two urgent requests, whatever has become of the one before."""
_MOST = 600
_WORD = "urgent"
_MEDIAN, _P99 = 50, 1000


async def requests(stand: Stand, size: Size, tell: Tell) -> Run:
    """Requests that lie in the queue: from the first one taken off it to the last event."""
    queue = topology.names(stand.prefix).normal
    bodies = [letter.encoded(body) for body in letter.requests(size.recipients)]
    await stand.post.fill(bodies)
    await stand.post.until(queue, lambda depth: depth >= size.recipients)
    goal = Goal(recipients=size.recipients, events=EVENTS * size.recipients)
    await stand.start(size.processes)
    await stand.post.until(queue, lambda depth: depth < size.recipients)
    return await Race(stand, goal, tell).over()


async def urgent(stand: Stand, size: Size, tell: Tell) -> Run:
    """Urgent requests, one by one, while bulk deliveries run and small requests are queued."""
    queue = topology.names(stand.prefix).normal
    waiting = size.recipients // _BESIDE
    goal = Goal(recipients=size.recipients + waiting, events=size.recipients + EVENTS * waiting + 2)
    small = [letter.encoded(body) for body in letter.requests(waiting, "small", is_short=True)]
    await stand.serve(size.processes)
    race = Race(stand, goal, tell)
    async with asyncio.TaskGroup() as group:
        run = group.create_task(race.over())
        await stand.post.publish(map(letter.encoded, letter.campaign(size.recipients)))
        await stand.post.until(queue, lambda depth: depth == 0)
        await stand.post.fill(small)
        delays = await _asked(stand, goal, queue)
    return replace(run.result(), own=told(delays))


async def _asked(stand: Stand, goal: Goal, queue: str) -> list[float]:
    """Asks as long as requests are queued; how many seconds each took, for ever if for ever."""
    asked: dict[str, float] = {}
    seen = Sightings(stand.sink.dumps, _WORD)
    async with asyncio.TaskGroup() as group:
        watching = group.create_task(seen.watch())
        for body in letter.requests(_MOST, _WORD, is_short=True):
            if not await stand.post.depth(queue):
                break
            goal.more(recipients=1, events=EVENTS)
            (item,) = body["audience"][0]["items"]
            asked[item["address"]] = time.perf_counter()
            await stand.post.publish([letter.encoded(body)], key=URGENT)
            await asyncio.sleep(_EVERY)
        await seen.all_of(asked)
        watching.cancel()
    return [seen.at.get(address, math.inf) - at for address, at in asked.items()]


def told(delays: Sequence[float]) -> dict[str, float]:
    """What a document says of them."""
    median, p99 = (round(quantile(delays, share) * 1000, 1) for share in (0.5, 0.99))
    return {"urgent": len(delays), "median_ms": median, "p99_ms": p99}


def prompt(result: Result) -> Sequence[str]:
    """What urgent requests fall short of."""
    own, flaws = result.run.own, []
    if own["median_ms"] >= _MEDIAN:
        flaws.append(f"the median of {own['median_ms']} ms is not below {_MEDIAN}")
    if own["p99_ms"] >= _P99:
        flaws.append(f"the 99th percentile of {own['p99_ms']} ms is not below {_P99}")
    return flaws
