"""`deploy/chaos random`: three instances, a mixed load, faults every few seconds, then quiet."""

import asyncio
import random
import re
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from tests.chaos import faults, vitals
from tests.chaos.faults import Fault
from tests.chaos.ground import Ground
from tests.chaos.load import Load
from tests.chaos.proxy import Proxy
from tests.chaos.report import Report
from tests.chaos.seats import Seat
from tests.checker.evidence import Limits
from tests.checker.verdict import Check
from tests.stories import asks, process
from tests.stories import house as houses
from tests.stories.house import House
from tests.stories.servers import Pair, Servers

CONNECTIONS = 12
RATE = 150.0
SLACK = 0.7
"""Seconds by which mails may be late differently: the worst latency, and what a stall holds up."""
PAUSE = 0.5
"""Seconds between two things that are asked for, on the average."""
WARM = 12.0
"""Seconds of load without faults, of which the baseline is what is left."""
RECOVERY = 30.0
"""Seconds for every instance to be ready again after the last fault."""
QUIET = 180.0
"""Seconds for everything to come to its end."""
_GLANCE = 0.5
_IDLE = 20.0
"""Seconds in which what nobody needs is let go."""
_HELD = """
SELECT DISTINCT d.job_id::text AS job FROM doubt d JOIN job j ON j.id = d.job_id
WHERE d.resolution IS NULL AND j.doubt = 'hold'
"""
_PICTURE = (
    "SELECT * FROM instance",
    "SELECT * FROM lane_grant",
    """SELECT owner, rank IS NULL AS unranked, due_at < now() AS due, count(*), min(due_at),
              sum(length(translate(state, 'svbfepc', ''))) AS open
       FROM batch WHERE state ~ '[wudrq]' GROUP BY 1, 2, 3""",
    """SELECT owner, rank IS NULL AS unranked, due_at < now() AS due, count(*), min(due_at)
       FROM retry GROUP BY 1, 2, 3""",
)
"""What everybody owns and may do, in a few rows."""
_TELLTALE = re.compile(r"n\d+@there\d\.test|story-token")
"""What no log may say."""


class Storm:
    """One run."""

    def __init__(self, house: House, ground: Ground, seats: Mapping[str, Seat], report: Report):
        self._house = house
        self._ground = ground
        self._seats = seats
        self._report = report
        self._carried: Counter[str] = Counter()
        self._failed: list[str] = []
        self._late: list[str] = []

    async def run(self, *, seed: int, seconds: float) -> None:
        """From the first start to the last law."""
        load = Load(self._house, random.Random(f"load {seed}"), self._report.say)
        await self._house.sink.do("slow", ms=3)
        for seat in self._seats.values():
            await seat.start()
        for seat in self._seats.values():
            await seat.daemon.ready(QUIET)  # how fast a start is on a busy machine is no law
        await self._house.pays(1_000_000)
        before = await self._warmed(load)
        self._report.say("baseline: " + "; ".join(f"{n} {_shown(r)}" for n, r in before.items()))
        await self._raged(load, seed=seed, seconds=seconds)
        began = time.monotonic()
        await self._ready()
        await self._ended()
        self._report.say(f"quiet: all has come to its end after {time.monotonic() - began:.1f} s")
        after = await self._rested(before)
        self._report.say("after: " + "; ".join(f"{n} {_shown(r)}" for n, r in after.items()))
        await self._judged(load, before, after)

    async def _warmed(self, load: Load) -> Mapping[str, vitals.Reading]:
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(load.run(over, pause=PAUSE), name="load")
            await asyncio.sleep(WARM)
            over.set()
        await self._ended()
        await asyncio.sleep(_IDLE / 4)
        return await self._read()

    async def _raged(self, load: Load, *, seed: int, seconds: float) -> None:
        over = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            watchers = [
                group.create_task(seat.watch(), name=seat.name) for seat in self._seats.values()
            ]
            loading = group.create_task(load.run(over, pause=PAUSE), name="load")
            await self._suffered(seed, time.monotonic() + seconds)
            over.set()
            self._report.say("the storm is over; what was asked for is waited for")
            await loading
            for watcher in watchers:
                watcher.cancel()

    async def _suffered(self, seed: int, deadline: float) -> None:
        for step in faults.drawn(seed):
            await asyncio.sleep(step.pause)
            if time.monotonic() > deadline:
                return
            async with asyncio.TaskGroup() as group:
                for fault in step.faults:
                    group.create_task(self._suffer(fault), name=fault.text)

    async def _suffer(self, fault: Fault) -> None:
        self._carried[f"{fault.target.removeprefix('to-').removeprefix('from-')} {fault.kind}"] += 1
        self._report.say(f"   {fault.text}", fault=fault.kind, target=fault.target)
        try:
            await self._ground.suffer(fault)
        except (AssertionError, OSError, TimeoutError) as trouble:
            self._failed.append(f"{fault.text}: {trouble!r:.300}")
            self._report.say(f"!! {self._failed[-1]}")

    async def _ready(self) -> None:
        """Every instance is ready; whoever isn't in time is told."""
        for seat in self._seats.values():
            try:
                await seat.daemon.ready(RECOVERY)
            except (AssertionError, TimeoutError) as trouble:
                self._late.append(f"{seat.daemon.name}: {trouble!r:.300}")
                self._report.say(f"!! not ready: {self._late[-1]}")

    async def _ended(self) -> None:
        """Everything has come to its end; over what is held in doubt a person decides."""
        deadline = time.monotonic() + QUIET
        for action in _by_turns("resend", "give_up"):
            unfinished = await self._house.unfinished()
            if not unfinished:
                return
            if time.monotonic() > deadline:
                await self._stuck(unfinished)
                return
            for row in await self._house.rows(_HELD):
                command = asks.command("doubt.resolve", job=row["job"], action=action)
                await self._house.producer.ask(command)
            await asyncio.sleep(_GLANCE)

    async def _stuck(self, unfinished: list[str]) -> None:
        """Tells what there is of what has not come to its end, for whoever looks for the cause."""
        self._report.say(f"!! unfinished: {unfinished[:5]} and {max(len(unfinished) - 5, 0)} more")
        for statement in _PICTURE:
            for row in await self._house.rows(statement):
                self._report.say(f"   {dict(row)}")

    async def _read(self) -> dict[str, vitals.Reading]:
        return {name: await vitals.of(seat.daemon) for name, seat in self._seats.items()}

    async def _rested(self, before: Mapping[str, vitals.Reading]) -> Mapping[str, vitals.Reading]:
        """What they have once they have let go of what nobody needs."""
        deadline = time.monotonic() + _IDLE
        while True:
            after = await self._read()
            settled = all(one.now <= one.baseline for one in vitals.compared(before, after))
            if settled or time.monotonic() > deadline:
                return after
            await asyncio.sleep(_GLANCE)

    async def _judged(
        self,
        load: Load,
        before: Mapping[str, vitals.Reading],
        after: Mapping[str, vitals.Reading],
    ) -> None:
        house = self._house
        limits = Limits(transactions=CONNECTIONS, per_second=RATE, slack=SLACK)
        try:
            found = await house.closed()
        except (AssertionError, TimeoutError, ExceptionGroup) as trouble:
            self._late.append(f"the end: {trouble!r:.500}")
            found = await house.books()
        more = {"vitals": tuple(vitals.compared(before, after)), "was_stormy": True}
        judged = await house.weighed(found, limits, **more)
        self._report.round("storm", (*judged.checks, *self._own(load)))
        self._told(load)

    def _own(self, load: Load) -> Iterator[Check]:
        """What the laws of every story don't know."""
        seats = self._seats.values()
        ends = [flaw for seat in seats for flaw in seat.flaws]
        starts = sum(seat.starts for seat in seats)
        yield _check("C", "every fault was carried out", self._carried.total(), self._failed)
        yield _check("C", "all that was asked for was answered as it had to be",
                     load.deeds.total(), load.flaws)  # fmt: skip
        yield _check("C", "nobody ended by himself, and a clean stop with 0", starts, ends)
        yield _check("C", "every instance was ready again and stopped cleanly", starts, self._late)
        logs = {daemon.name: daemon.log for daemon in self._house.daemons}
        broken = [name for name, log in logs.items() if "Traceback" in log]
        yield _check("C", "no instance had anything to complain of itself", len(logs), broken)
        again = [
            f"{one.name}: {cause}"
            for one in self._house.daemons
            for cause in process.repeated(one.outages)
        ]
        yield _check("C", "no instance told of one outage twice in ten seconds", len(logs), again)
        told = [
            f"{name}: {found[0]}" for name, log in logs.items() if (found := _TELLTALE.search(log))
        ]
        yield _check("I10", "no log has an address or a secret", len(logs), told)

    def _told(self, load: Load) -> None:
        house = self._house
        copies, events = house.sink.copies, house.events
        self._report.state(
            faults=self._carried.total(),
            by_kind=dict(sorted(self._carried.items())),
            instances=sum(seat.starts for seat in self._seats.values()),
            requests=len(house.producer.published),
            asked=dict(load.deeds),
            recipients=load.recipients,
            copies=len(copies),
            repeats=len(copies) - len({copy.delivery for copy in copies}),
            doubts=events.number("delivery.in_doubt"),
            events=len(events.first),
            event_repeats=len(events.events) - len(events.first),
            dead_letters=len(events.dead),
        )


def _check(invariant: str, promise: str, looks: int, flaws: list[str]) -> Check:
    held = max(looks - len(flaws), 0)
    return Check(invariant=invariant, promise=promise, held=held, flaws=tuple(flaws))


def _by_turns(*values: str) -> Iterator[str]:
    while True:
        yield from values


def _shown(reading: vitals.Reading) -> str:
    return (
        f"{reading['descriptors']:.0f} descriptors, {reading['tasks']:.0f} tasks, "
        f"{reading['memory'] / 1e6:.0f} MB"
    )


async def run(
    servers: Servers, pair: Pair, folder: Path, report: Report, *, minutes: float, seed: int
) -> None:
    """A storm over a house of its own, whose three ways out lead through proxies."""
    report.state(seed=seed, minutes=minutes)
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(houses.opened(servers, folder, is_quiet=True))
        places = {
            "broker": _place(servers.url),
            "database": _place(servers.dsn),
            "relay": (house.sink.host, house.sink.port),
        }
        proxies = {
            name: await stack.enter_async_context(Proxy.opened(name, *place))
            for name, place in places.items()
        }
        _led_through(house, proxies)
        seats = {name: Seat(house, name, report.say) for name in faults.INSTANCES}
        ground = Ground(house, pair, seats, proxies)
        await Storm(house, ground, seats, report).run(seed=seed, seconds=minutes * 60)


def _led_through(house: House, proxies: Mapping[str, Proxy]) -> None:
    """The daemons know nothing but the proxies, and have short times."""

    def changed(section: str, **values: Any) -> None:
        house.sections[section] = {**house.sections.get(section, {}), **values}

    database, broker, relay = proxies["database"], proxies["broker"], proxies["relay"]
    changed("postgres", dsn=_through(house.sections["postgres"]["dsn"], database))
    changed("rabbitmq", url=_through(house.sections["rabbitmq"]["url"], broker))
    changed("instance", lease=f"{faults.LEASE:g}s", stop_deadline="10s")
    changed("delivery", idle="5s")
    house.transport |= {
        "host": relay.host,
        "port": relay.port,
        "max_connections": CONNECTIONS,
        "max_per_second": RATE,
    }


def _place(url: str) -> tuple[str, int]:
    split = urlsplit(url)
    assert split.hostname is not None
    assert split.port is not None
    return split.hostname, split.port


def _through(url: str, proxy: Proxy) -> str:
    split = urlsplit(url)
    accounts, _, _ = split.netloc.rpartition("@")
    return urlunsplit(split._replace(netloc=f"{accounts}@{proxy.host}:{proxy.port}"))
