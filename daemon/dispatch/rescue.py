"""Taking over from the dead, and ending what has expired while it waited.

Whatever is owned by nobody alive is taken (a missing instance row frees too), decided, and given
back for anyone to claim; so is what is ours without our knowing it, for the connection was lost in
mid-claim. Every statement guards itself, so that two instances may rescue at once.
Without a journal an attempt of the dead that was under way is a doubt, and told as one (promise 2).
"""

import asyncio
from uuid import UUID

from daemon import logs, metrics
from daemon.crashpoints import reach
from daemon.dispatch.held import Holdings
from daemon.dispatch.settler import Settler
from daemon.ledger.teller import Teller
from daemon.mail.outcome import InDoubt, Verdict, Withheld
from daemon.mail.standing import Fact
from daemon.mail.state import State
from daemon.store import claims, door, errors, lanes

_BATCHES = 50
_RETRIES = 500

_log = logs.get("dispatch.rescue")
_seldom = logs.Seldom()


class Rescue:
    """Looks every few seconds for what the dead left and what has expired."""

    def __init__(
        self,
        store: door.Store,
        settler: Settler,
        teller: Teller,
        holdings: Holdings,
        *,
        instance: UUID,
        every: float,
    ) -> None:
        self._store = store
        self._settler = settler
        self._teller = teller
        self._holdings = holdings
        self._instance = instance
        self._every = every

    async def run(self) -> None:
        """Rescues for ever; at once at the start."""
        while True:
            try:
                await self._round()
            except errors.Again:
                continue
            except errors.Unavailable as error:
                swallowed = _seldom.ask("rescue")
                if swallowed is not None:
                    _log.warning("rescue.waits", why=str(error), swallowed=swallowed)
            await asyncio.sleep(self._every)

    async def _round(self) -> None:
        while await self._batches():
            pass
        while await self._retries():
            pass
        reach("C23")
        adopted = await self._teller.adopt()
        metrics.streams_adopted.inc(adopted)
        await lanes.forget_dead(self._store)
        await self._expire()

    async def _batches(self) -> int:
        async with self._holdings.taking:
            taken = await claims.rescued_batches(
                self._store, self._instance, _BATCHES, known=self._holdings.batches
            )
        if taken:
            metrics.rescues("batch").inc(len(taken))
            doubts = [_doubt(orphan) for orphans in taken.values() for orphan in orphans]
            _log.info("rescue.batches", batches=len(taken), doubts=len(doubts))
            await self._settler.settled(doubts)
            await claims.give_back(self._store, self._instance, batches=list(taken), retries=[])
        return len(taken)

    async def _retries(self) -> int:
        async with self._holdings.taking:
            taken = await claims.rescued_retries(
                self._store, self._instance, _RETRIES, known=self._holdings.retries
            )
        if taken:
            metrics.rescues("retry").inc(len(taken))
            doubts = [_doubt(orphan) for orphan in taken if orphan.letter == State.RETRYING]
            await self._settler.settled(doubts)
            await claims.give_back(
                self._store,
                self._instance,
                batches=[],
                retries=[orphan.retry_id for orphan in taken if orphan.retry_id is not None],
            )
        return len(taken)

    async def _expire(self) -> None:
        """Ends what waits or is deferred beyond its job's time, wherever nobody holds it."""
        for job in await claims.expired(self._store):
            late = await claims.expired_of(self._store, job, self._instance)
            ended = [orphan for orphan in late if orphan.letter in (State.WAITING, State.DEFERRED)]
            await self._settler.settled([_expired(orphan) for orphan in ended])


def _doubt(orphan: claims.Orphan) -> Fact:
    return _fact(orphan, InDoubt(reason="died"))


def _expired(orphan: claims.Orphan) -> Fact:
    return _fact(orphan, Withheld(verdict=Verdict.EXPIRED))


def _fact(orphan: claims.Orphan, outcome: InDoubt | Withheld) -> Fact:
    return Fact(
        delivery_id=orphan.delivery_id,
        job_id=orphan.job_id,
        customer_id=orphan.customer_id,
        message_id=orphan.message_id,
        address=orphan.address,
        attempt=orphan.attempt,
        epoch=orphan.epoch,
        retry_id=orphan.retry_id,
        outcome=outcome,
    )
