"""Housekeeping and gauges of the whole system, each at its own pace."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from uuid import UUID

from daemon import logs, metrics
from daemon.outage import Outage
from daemon.store import door, errors, upkeep

_GAUGES_EVERY = 10.0
_HOUSE_EVERY = 60.0
_CEILINGS_EVERY = 2.0
_FROZEN_EVERY = 2.0
_FROZEN = 5.0
"""Seconds after which who stands still has frozen; an idle transaction has as many (`door`)."""
_LOOK = 200_000
"""Deliveries of the jobs that are held to the law at a time (some 0.3 s of the database)."""

_log = logs.get("dispatch.upkeep")


class Walk:
    """The way through all jobs, a few at a time and round and round; who was found broken on it."""

    def __init__(self) -> None:
        self.at = upkeep.NOBODY
        self.broken: frozenset[UUID] = frozenset()

    def on(self, looked: upkeep.Looked) -> frozenset[UUID]:
        """A step: what was seen now counts for this stretch. Answers who is broken anew."""
        here, before = self.at, self.broken
        others = {job for job in before if not _is_between(here, job, looked.upto)}
        self.broken = looked.broken | others
        self.at = looked.upto or upkeep.NOBODY
        return looked.broken - before


async def gauges(store: door.Store) -> None:
    """Keeps the gauges of the whole system true, for ever."""
    while True:
        try:
            _show(await upkeep.backlog(store))
        except (errors.Unavailable, errors.Again) as error:
            _wait("gauges", error)
        await asyncio.sleep(_GAUGES_EVERY)


async def ceilings(store: door.Store, hear: Callable[[upkeep.Piled], None]) -> None:
    """Says how much has piled up, for ever; while nobody can know, it stays as it was."""
    while True:
        try:
            hear(await upkeep.piled(store))
        except (errors.Unavailable, errors.Again) as error:
            _wait("ceilings", error)
        await asyncio.sleep(_CEILINGS_EVERY)


async def frozen(store: door.Store) -> None:
    """Ends sessions of whoever froze within a statement, for ever: others wait for its locks."""
    while True:
        try:
            if ended := await upkeep.end_frozen(store, _FROZEN):
                _log.warning("sessions.ended", number=ended, why="frozen within a statement")
        except (errors.Unavailable, errors.Again) as error:
            _wait("frozen", error)
        await asyncio.sleep(_FROZEN_EVERY)


async def house(store: door.Store) -> None:
    """Partitions ahead, keys forgotten, some more jobs held to the law; for ever."""
    walk = Walk()
    while True:
        try:
            await upkeep.partitions(store, datetime.now(UTC).date())
            metrics.partitions_ahead.set(await upkeep.days_ahead(store))
            await upkeep.forget(store)
            _hold_to_the_law(walk, await upkeep.look(store, walk.at, _LOOK))
        except (errors.Unavailable, errors.Again) as error:
            _wait("house", error)
        await asyncio.sleep(_HOUSE_EVERY)


def _is_between(here: UUID, job: UUID, upto: UUID | None) -> bool:
    return here < job and (upto is None or job <= upto)


def _hold_to_the_law(walk: Walk, looked: upkeep.Looked) -> None:
    for job in walk.on(looked):
        _log.error("law.broken", job_id=str(job), mend="deliveryd audit JOB")
    metrics.law_mismatches.set(len(walk.broken))


def _show(backlog: upkeep.Backlog) -> None:
    for state in ("waiting", "ready", "under_way", "deferred"):
        metrics.backlog(state).set(getattr(backlog, state))
    metrics.doubts_open.set(backlog.in_doubt)
    metrics.instances.set(backlog.instances)
    metrics.oldest_due_seconds.set(max(backlog.oldest_due, 0.0))
    metrics.untold.set(backlog.untold)


def _wait(what: str, error: Outage) -> None:
    logs.outage(_log, "upkeep.waits", error, what=what)
