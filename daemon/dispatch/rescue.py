"""Taking over from the dead, and ending what has expired while it waited.

Whatever is held by nobody alive (a missing instance row counts as dead) is decided and freed for
anyone; so is what is ours without our knowing it, for the connection was lost in mid-claim. What
was under way is decided by the journal of whoever tried it: its reply; not delivered, where no dot
had left; else, and without a journal, a doubt that is told as one (promise 2). It is settled under
the epoch it was tried under, so that two may rescue at once, and one may die while it does.
"""

import asyncio
import functools
from collections.abc import Callable, Sequence
from uuid import UUID

from daemon import logs, metrics
from daemon.crashpoints import reach
from daemon.dispatch import clock
from daemon.dispatch.legacy import NOTHING, Legacy, Memory
from daemon.dispatch.settler import Settler
from daemon.dispatch.strays import Strays
from daemon.ledger.teller import Teller
from daemon.mail import settle
from daemon.mail.outcome import InDoubt, Outcome, Sent, Verdict, Withheld
from daemon.mail.standing import Fact
from daemon.mail.state import State
from daemon.store import door, errors, instances, lanes, orphans
from daemon.store.orphans import Left, Orphan

PAUSE = 1.0
"""Seconds at most before a round that the database didn't hear of is repeated."""
_BATCHES = 50
_RETRIES = 500
_WAITS = frozenset({State.WAITING, State.DEFERRED})

Recall = Callable[[UUID], Memory]

_log = logs.get("dispatch.rescue")


class Rescue:
    """Looks every few seconds for what the dead left and what has expired."""

    def __init__(
        self,
        store: door.Store,
        settler: Settler,
        teller: Teller,
        strays: Strays,
        *,
        legacy: Legacy,
        instance: instances.Instance,
    ) -> None:
        self._store = store
        self._settler = settler
        self._teller = teller
        self._holdings = strays.holdings
        self._legacy = legacy
        self._instance = instance
        self._strays = strays
        self._unheard: dict[UUID, Memory] = {}
        """Adopted journals whose replies aren't settled yet; none is buried before that."""
        self.adopted = asyncio.Event()
        """Set when the journals that were here at the start are read: nothing is claimed before."""

    async def run(self, every: float) -> None:
        """Rescues for ever, at once at the start and then after so many seconds."""
        while True:
            try:
                await self._round()
            except errors.Again:
                continue
            except errors.Unavailable as error:
                logs.outage(_log, "rescue.waits", error)
                await asyncio.sleep(min(every, PAUSE))  # before the first round nothing is claimed
            else:
                await asyncio.sleep(every)

    async def _round(self) -> None:
        await self._adopt()
        self.adopted.set()
        await self._take_over()
        await self._bury()
        reach("C23")
        adopted = await self._teller.adopt()
        metrics.streams_adopted.inc(adopted)
        await lanes.forget_dead(self._store)
        await self._expire()

    # --- journals ---

    async def _adopt(self) -> None:
        """Settles the replies in journals that have lost their process, and ends its lease.

        A journal is handed over once: what the database didn't hear now, it hears at the next look.
        """
        for instance, memory in self._legacy.adopt().items():
            _log.info("journal.adopted", instance=str(instance), replies=len(memory.replies))
            metrics.rescues("journal").inc()
            self._unheard[instance] = memory
        for instance, memory in list(self._unheard.items()):
            await self._replay(memory)
            await instances.is_over(self._store, instance)
            del self._unheard[instance]

    async def _replay(self, memory: Memory) -> None:
        """Settles what was heard and may not be on record; what is, isn't told a second time."""
        tries = [(key, said.job_id) for key, said in memory.replies.items()]
        found = await orphans.tried(self._store, tries) if tries else []
        told = [(one, memory.replies[one.key].outcome) for one in found]
        facts = [one.fact(outcome) for one, outcome in told if _is_news(one, outcome)]
        await self._settler.settled(facts)

    async def _bury(self) -> None:
        """Removes the journals of those who hold nothing any more."""
        adopted = self._legacy.adopted
        if adopted:
            holding = await orphans.holding(self._store, adopted)
            for instance in adopted:
                if instance not in holding:
                    self._legacy.bury(instance)

    # --- what the dead hold ---

    async def _take_over(self) -> None:
        here = self._instance
        dead = await orphans.owners(self._store, here.id, host=here.host, state_dir=here.state_dir)
        # nobody holds our own strays, so nobody will write dots for them either
        known = {one.id: one.is_known for one in dead} | {here.id: True}

        @functools.cache
        def recall(owner: UUID) -> Memory:
            """Read when it is first wanted: ours is long, and hardly ever is any of it left.

            So all are read after their leases are known to have ended: they note no more dots.
            """
            if owner not in known:
                return NOTHING
            return self._legacy.memory(owner, is_over=known[owner])

        await self._batches([one.id for one in dead], recall)
        await self._retries([one.id for one in dead], recall)

    async def _batches(self, dead: Sequence[UUID], recall: Recall) -> None:
        after = 0
        self._strays.look()
        while True:
            async with self._holdings.taking:
                asked = clock.now()
                left = await orphans.batches(
                    self._store, dead, self._instance.id,
                    known=self._holdings.batches, after=after, limit=_BATCHES,
                )  # fmt: skip
            if not left:
                return
            sure = self._strays.sure(left, asked=asked, now=clock.now())
            await self._decide("batch", sure, recall)
            await orphans.free_batches(self._store, sure)
            after = left[-1].id

    async def _retries(self, dead: Sequence[UUID], recall: Recall) -> None:
        after = 0
        while True:
            async with self._holdings.taking:
                left = await orphans.retries(
                    self._store, dead, self._instance.id,
                    known=self._holdings.retries, after=after, limit=_RETRIES,
                )  # fmt: skip
            if not left:
                return
            await self._decide("retry", left, recall)
            await orphans.free_retries(self._store, left)
            after = left[-1].id

    async def _decide(self, what: str, left: Sequence[Left], recall: Recall) -> None:
        """Settles what was under way in what is left."""
        if not left:
            return
        facts = [
            orphan.fact(recall(each.owner).verdict(orphan.key))
            for each in left
            for orphan in each.orphans
            if orphan.is_tried
        ]
        doubts = sum(isinstance(fact.outcome, InDoubt) for fact in facts)
        metrics.rescues(what).inc(len(left))
        _log.info(f"rescue.{what}", number=len(left), under_way=len(facts), doubts=doubts)
        await self._settler.settled(facts)

    # --- what has expired ---

    async def _expire(self) -> None:
        """Ends what waits or is deferred beyond its job's time, wherever nobody holds it."""
        for job in await orphans.expired(self._store):
            late = await orphans.expired_of(self._store, job, self._instance.id)
            await self._settler.settled([_expired(one) for one in late if one.letter in _WAITS])


def _expired(orphan: Orphan) -> Fact:
    return orphan.fact(Withheld(verdict=Verdict.EXPIRED))


def _is_news(orphan: Orphan, outcome: Outcome) -> bool:
    """Whether a reply found in a journal may still move its delivery."""
    return orphan.is_tried or (orphan.letter in settle.LATE and isinstance(outcome, Sent))
