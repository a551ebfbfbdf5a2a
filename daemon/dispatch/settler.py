"""The one writer of outcomes of an instance: group commit.

Whatever has settled since the last commit goes into the next one: no timer, at most one commit
behind. Facts stay here until they are known committed; what isn't known is settled again, which is
safe because a move that was made isn't made twice.
"""

import asyncio
import random
from collections.abc import Callable, Sequence

from daemon import logs, metrics
from daemon.crashpoints import reach
from daemon.dispatch import story
from daemon.ledger.writer import Writer
from daemon.mail import settle
from daemon.mail.retry import Schedule
from daemon.mail.settle import Settlement
from daemon.mail.standing import Fact
from daemon.outage import Outage
from daemon.precedence import of_process as precedence
from daemon.store import errors, settling, streams

GROUP_LIMIT = 2000
"""Facts in one commit at most, so that a commit stays short."""
_PAUSE = 0.5
"""Seconds before facts are settled again when the database can't."""
After = Callable[[bool], None]
"""Hears that a fact is done with: whether it is committed, or was refused for good."""

_log = logs.get("dispatch.settler")
_seldom = logs.Seldom()


class Settler:
    """Takes facts, settles them in groups, and says when."""

    def __init__(
        self, writer: Writer, *, schedule: Callable[[], Schedule], sample: Callable[[], float]
    ) -> None:
        self._writer = writer
        self._schedule = schedule
        self._sample = sample
        self._idle: asyncio.Event | None = None
        self._waiting: list[tuple[Fact, After | None]] = []
        self._work = asyncio.Event()
        self._committing = 0

    def put(self, fact: Fact, after: After | None = None) -> None:
        """Takes a fact; `after` is called once it is committed, or refused for good."""
        self._waiting.append((fact, after))
        self._work.set()

    async def settled(self, facts: Sequence[Fact]) -> None:
        """Takes facts and returns when all of them are committed, or refused for good."""
        if not facts:
            return
        done = asyncio.Event()
        for fact in facts[:-1]:
            self.put(fact)
        self.put(facts[-1], lambda _: done.set())
        await done.wait()

    @property
    def backlog(self) -> int:
        """Facts that aren't committed yet."""
        return len(self._waiting) + self._committing

    async def drained(self) -> None:
        """Returns when everything that was put so far is committed."""
        if self.backlog:
            self._idle = self._idle or asyncio.Event()
            await self._idle.wait()

    async def run(self) -> None:
        """Settles for ever."""
        while True:
            await self._work.wait()
            self._work.clear()
            while self._waiting:
                await precedence.stand_back()
                group, self._waiting = self._waiting[:GROUP_LIMIT], self._waiting[GROUP_LIMIT:]
                self._committing = len(group)
                metrics.settle_backlog.set(self.backlog)
                committed = await self._commit_surely([fact for fact, _ in group])
                self._committing = 0
                for (_, after), is_committed in zip(group, committed, strict=True):
                    if after is not None:
                        after(is_committed)
            if self._idle is not None:
                self._idle.set()
                self._idle = None

    async def _commit_surely(self, facts: list[Fact]) -> list[bool]:
        """Which of them are committed: all but those that can't be, which are found one by one."""
        try:
            await self._commit_or_wait(facts)
        except Exception as error:  # noqa: BLE001  a law of the database, or a fault of ours
            if len(facts) > 1:
                return [(await self._commit_surely([fact]))[0] for fact in facts]
            self._give_up(facts[0], error)
            return [False]
        return [True] * len(facts)

    async def _commit_or_wait(self, facts: list[Fact]) -> None:
        while True:
            try:
                settlement = await self._commit(facts)
            except errors.Again:
                continue
            except (errors.Unavailable, streams.StreamLost) as error:
                await self._trouble(error)
            else:
                story.tell(settlement, sample=self._sample())
                return

    def _give_up(self, fact: Fact, error: Exception) -> None:
        """Its delivery stays as it is: rescue will find it held by nobody, and try once more."""
        metrics.facts_refused.inc()
        swallowed = _seldom.ask(type(error))
        if swallowed is not None:
            _log.error(
                "fact.refused",
                delivery_id=fact.delivery_id,
                attempt=fact.attempt,
                outcome=type(fact.outcome).__name__,
                why=f"{type(error).__name__}: {error}",
                swallowed=swallowed,
            )

    async def _commit(self, facts: list[Fact]) -> Settlement:
        metrics.settle_group_size.observe(len(facts))
        with metrics.settle_seconds.time():
            async with self._writer.transaction() as append:
                stand = await settling.locked(append.session, facts)
                ground = settle.Ground(
                    batches=stand.batches,
                    retries=stand.retries,
                    jobs=stand.jobs,
                    schedule=self._schedule(),
                    tries=stand.tries,
                    now=append.at,
                    chance=random.random,
                )
                settlement = settle.settle(facts, ground)
                await append.events(settlement.events)
                await settling.write(append.session, settlement, stand)
        reach("C18")
        return settlement

    async def _trouble(self, error: Outage) -> None:
        logs.outage(_log, "settle.waits", error, backlog=self.backlog)
        await asyncio.sleep(_PAUSE)
