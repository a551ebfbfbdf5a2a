"""One death at one point: a daemon is made to die there, others end its work, the laws are held."""

import asyncio
import contextlib
import signal
from collections.abc import Iterator
from dataclasses import dataclass

from tests import waiting
from tests.chaos.points import RECIPIENTS, Mode, Point, Position
from tests.checker.verdict import Check
from tests.stories import asks, branch
from tests.stories.house import House
from tests.stories.process import Daemon

LEASE = 2.0
"""Seconds until somebody dead is known to be."""
PATIENCE = 40.0
"""Seconds for a death, and for all its work to be ended by others."""
_JOBS = 30
"""Jobs that are offered to somebody doomed who shares them with a second."""
_APART = 0.5
"""Seconds between the accept of a job and its mail, where they mustn't meet."""
_EARLIER = 5
"""Recipients of what somebody who dies before leaves behind."""
_BRANCH = asks.people(RECIPIENTS)
"""Whom every house has below its customer."""
_GLANCE = 0.3
_ALIVE = "SELECT count(*) FROM instance WHERE lease_until > now()"
_DOUBTED = "SELECT DISTINCT job_id::text AS job FROM doubt WHERE resolution IS NULL"


@dataclass(frozen=True, slots=True, kw_only=True)
class Death:
    """What is tried."""

    point: Point
    position: Position
    mode: Mode
    policy: str = "resend"

    @property
    def name(self) -> str:
        """For people."""
        policy = f" {self.policy}" if self.point.is_doubt else ""
        return f"{self.point.name} {self.position} {self.mode}{policy}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Aftermath:
    """What came of it."""

    jobs: int
    doubts: int
    repeats: int
    """Copies beyond the first."""
    checks: tuple[Check, ...]

    @property
    def flaws(self) -> list[str]:
        """What is wrong."""
        return [f"{check.invariant} {flaw}" for check in self.checks for flaw in check.flaws]


async def prepared(house: House) -> None:
    """Gives a house what deaths need: short leases, and a branch too large for an accept."""
    house.sections["instance"] = {**house.sections["instance"], "lease": f"{LEASE:g}s"}
    house.sections["intake"] = {**house.sections["intake"], "inline_limit": RECIPIENTS - 1}
    await branch.peopled(house, _BRANCH)


async def died(house: House, death: Death) -> Aftermath:
    """Has one daemon die and all others end its work. A point that isn't reached is a flaw.

    With `ALONE` no daemon may run in the house at the start; one does at the end.
    """
    before = _Before.of(house)
    point = death.point
    await house.sink.do("per_connection", messages=1 if point.reconnects else None)
    if death.mode is Mode.SECOND and not _running(house):
        await house.start()
    jobs = await _earlier(house, death) if point.earlier else 0
    if point.earlier:
        # a sweep comes by the clock: nothing else of the doomed may have its dot out by then
        await house.sink.do("mode", phase="rcpt", act="refuse", code=451)
    doomed = await _doomed(house, point.crash(death.position))
    jobs += await _driven(house, death, doomed, before.completed + jobs)
    status = await _ending(doomed)
    if point.earlier:
        await house.sink.do("clear", phase="rcpt")
    if not _running(house):
        await house.start()
    await _completed(house, before.completed + jobs, holds=death.policy == "hold")
    await house.settled(PATIENCE)
    for asked in house.producer.published:
        if asked.wants_answer:  # what the dead one owed is given by another, who has to know first
            await house.producer.answered(asked, seconds=PATIENCE)
    judged = await house.weighed(await house.books())
    doubts, repeats = before.grown(house)
    own = _own(death, status, doomed, doubts, repeats)
    return Aftermath(jobs=jobs, doubts=doubts, repeats=repeats, checks=(*judged.checks, *own))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Before:
    """What had happened in the house before."""

    completed: int
    doubts: int
    repeats: int

    @classmethod
    def of(cls, house: House) -> "_Before":
        return cls(
            completed=house.events.number("job.completed"),
            doubts=house.events.number("delivery.in_doubt"),
            repeats=_repeats(house),
        )

    def grown(self, house: House) -> tuple[int, int]:
        """Doubts and repeats since then."""
        now = _Before.of(house)
        return now.doubts - self.doubts, now.repeats - self.repeats


def _own(death: Death, status: int, doomed: Daemon, doubts: int, repeats: int) -> Iterator[Check]:
    """What the laws of every story don't know: how this very death had to go."""
    where = death.point.crash(death.position)
    died_there = status == -signal.SIGKILL and f"crash point {where}" in doomed.log
    yield _check("C", "the daemon died at its point", died_there, f"{where}: ended with {status}")
    named = doubts == int(death.point.is_doubt)
    yield _check("I4", "in doubt is what had to be, and nothing else", named, f"{doubts} doubts")
    allowed = doubts if death.policy == "resend" else 0
    calm = "Traceback" not in doomed.log
    yield _check("C", "the daemon had nothing to complain of itself", calm, f"see {doomed.name}")
    yield _check("I4", "no more repeats than doubts, none where a doubt is held",
                 repeats <= allowed, f"{repeats} repeats, {doubts} doubts")  # fmt: skip


def _check(invariant: str, promise: str, held: bool, flaw: str) -> Check:
    flaws = () if held else (flaw,)
    return Check(invariant=invariant, promise=promise, held=int(held), flaws=flaws)


async def _earlier(house: House, death: Death) -> int:
    """Another one dies first, and its lease ends; how many jobs it took."""
    before = house.events.number("job.completed")
    others = len(_running(house))
    first = await _doomed(house, death.point.earlier or "")
    jobs = await _driven(house, death, first, before, recipients=_EARLIER)
    await _ending(first)
    if death.mode is Mode.ALONE:
        await waiting.until(lambda: _alive(house, others), seconds=PATIENCE)
    return jobs


async def _alive(house: House, at_most: int) -> bool:
    return (await house.rows(_ALIVE))[0]["count"] <= at_most


async def _doomed(house: House, crash: str) -> Daemon:
    # one connection: of all that flies only the one attempt that dies can be in doubt
    doomed = await house.start(is_ready=False, crash=crash, delivery__connections="1")
    doomed.is_doomed = True
    # whoever dies before it is ready died early, and not of us
    with contextlib.suppress(AssertionError):
        await doomed.ready(PATIENCE)
    return doomed


async def _driven(
    house: House, death: Death, doomed: Daemon, completed: int, *, recipients: int = 0
) -> int:
    """Asks for job after job until it is dead; how many."""
    number = recipients or death.point.recipients
    for place in range(_JOBS):
        if not doomed.is_running:
            return place
        await _told(house, death, number)
        expected = completed + place + 1
        await _either(house, doomed, expected)
    return _JOBS


async def _told(house: House, death: Death, recipients: int) -> None:
    """Asks for one job of so many, or of the whole branch."""
    point = death.point
    due = {"not_before": asks.later(_APART)} if point.is_later else {}
    body = asks.send(asks.people(recipients), delivery={"doubt": death.policy, **due})
    if point.is_found_later:
        body["audience"] = branch.TERMS
    if point.text:
        (message,) = body["messages"]
        body["messages"] = [{**message, "text": point.text}]
    meant = _BRANCH if point.is_found_later else ()
    await house.producer.tell(body, wants_answer=point.answers, meant=meant)


async def _either(house: House, doomed: Daemon, completed: int) -> None:
    """Returns once the daemon has ended, or so many jobs have."""
    await waiting.until(
        lambda: not doomed.is_running or house.events.number("job.completed") >= completed,
        seconds=PATIENCE,
    )


async def _ending(doomed: Daemon) -> int:
    """Its exit status; whoever didn't die where it should have is stopped."""
    if doomed.is_running:
        doomed.terminate()
    return await doomed.ended()


async def _completed(house: House, number: int, *, holds: bool) -> None:
    """Waits until so many jobs are completed; what is held in doubt is given up by a person."""
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while house.events.number("job.completed") < number:
        assert asyncio.get_running_loop().time() < deadline, await _stuck(house, number)
        for row in await house.rows(_DOUBTED) if holds else ():
            command = asks.command("doubt.resolve", job=row["job"], action="give_up")
            await house.producer.ask(command)
        await asyncio.sleep(_GLANCE)


async def _stuck(house: House, number: int) -> str:
    there = house.events.number("job.completed")
    return f"{there} of {number} jobs are completed: {await house.unfinished()}"


def _running(house: House) -> list[Daemon]:
    return [daemon for daemon in house.daemons if daemon.is_running]


def _repeats(house: House) -> int:
    copies = house.sink.copies
    return len(copies) - len({copy.delivery for copy in copies})
