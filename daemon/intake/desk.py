"""One queue's desk: takes parcels in groups, has them carried out, answers, acknowledges.

A parcel is acknowledged only after what it asks for has committed and its answer has left. What a
group can't do together is done one by one, so that a bad parcel fails alone: it is handed back to
its queue a few times, and then put to the dead letters, while its neighbours go on.
"""

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, TypeVar

from daemon import crashpoints, logs, metrics
from daemon.broker.consumer import Consumer
from daemon.broker.dead import Death
from daemon.broker.parcel import Parcel
from daemon.intake import carry, events, groups, post, tally, unkeyed
from daemon.intake.ask import Ask, Dead, Turned, Verdict
from daemon.intake.carry import Means
from daemon.intake.early import Early
from daemon.intake.groups import Pair
from daemon.intake.post import Letter, Post
from daemon.intake.reading import Reader
from daemon.intake.rest import Rest
from daemon.intake.unkeyed import Unkeyed
from daemon.mail.refusal import Code, NotARequest
from daemon.outage import Outage
from daemon.precedence import of_process as precedence
from daemon.store import errors, streams
from daemon.store.memories import Undecided
from daemon.tasks import Group, is_ours

TRIES = 3
"""Times that a parcel may fail by itself before it is a dead letter."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0
"""Seconds between tries while the database, or the dead letters, can't be reached."""
_AT_ONCE = 20  # parcels that are read before others get their turn

T = TypeVar("T")

_log = logs.get("intake.desk")


class Gone(Exception):
    """The parcels are no longer ours: the broker hands them out again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Equipment:
    """What a desk works with; all but the memories are shared with the other one."""

    means: Means
    reader: Reader
    post: Post
    early: Early
    clock: Callable[[], datetime]
    workers: int
    """Groups at once."""
    group: int
    """Parcels in one group at most."""
    inline: int
    """Recipients in one group at most, unless one parcel has more."""


class _End(NamedTuple):
    """What came of a parcel."""

    pair: Pair
    verdict: Verdict
    letter: Letter | None


class Desk:
    """The part for one queue. `run` ends after `stop` is set and nothing is half done."""

    def __init__(
        self,
        name: str,
        consumer: Consumer,
        unkeyed: Unkeyed,
        rest: Rest,
        equipment: Equipment,
    ) -> None:
        self.name = name
        self._consumer = consumer
        self._unkeyed = unkeyed
        self._with = equipment
        self.rest = rest
        self._turn = asyncio.Lock()
        self._tasks = Group()
        self._taking: asyncio.Task[list[Parcel]] | None = None
        self._is_stopping = False

    def reload(self, limit: int) -> None:
        """Takes in bodies of so many octets at most, from now on."""
        self._consumer.limit = limit

    @property
    def why_down(self) -> str:
        """Why no parcels can come, or empty; that they shall not come is no trouble."""
        is_meant = self.rest.why or self._is_stopping
        return "" if is_meant else self._consumer.why_down

    async def run(self, stop: asyncio.Event) -> None:
        """Works until `stop`; what was taken is finished, what waits goes back to the queue."""
        self._tasks = Group(over=stop.set)
        async with self._tasks:
            beside = [
                self._tasks.forever(self._unkeyed.run(), name=f"intake.{self.name}.unkeyed"),
                self._tasks.forever(self.rest.run(), name=f"intake.{self.name}.rest"),
            ]
            workers = [
                self._tasks.create_task(self._work(), name=f"intake.{self.name}.{number}")
                for number in range(self._with.workers)
            ]
            await stop.wait()
            self._is_stopping = True
            if self._taking:
                self._taking.cancel()
            await asyncio.wait(workers)
            for task in beside:
                task.cancel()
        await self._consumer.aclose()

    async def _work(self) -> None:
        while parcels := await self._take():
            crashpoints.reach("C1")
            metrics.parcels_held.inc(len(parcels))
            for some in groups.servings(parcels, self._with.means.chance):
                async with precedence.turn(is_urgent=self.name == "urgent"):
                    await self._serve(some)
                metrics.parcels_held.dec(len(some))

    async def _take(self) -> list[Parcel]:
        """The next group; nothing when it is time to stop."""
        async with self._turn:
            if self._is_stopping:
                return []
            taking = self._consumer.take(self._with.group)
            self._taking = self._tasks.create_task(taking, name=f"intake.{self.name}.take")
            try:
                return await self._taking
            except asyncio.CancelledError:
                if is_ours():
                    raise
                return []

    async def _serve(self, parcels: Sequence[Parcel]) -> None:
        now = self._with.clock()
        pairs, turned, dead = [], [], []
        for number, parcel in enumerate(parcels, start=1):
            if number % _AT_ONCE == 0:
                await asyncio.sleep(0)
            crashpoints.reach("read", parcel.message_id)
            read = functools.partial(self._with.reader.read, parcel, now)
            found = await self._tried([parcel], read)
            match found:
                case Ask():
                    pairs.append(Pair(parcel, found))
                case Turned():
                    turned.append((parcel, found))
                case Dead():
                    dead.append((parcel, found))
                case Exception():
                    await self._fail(parcel, None, found)
        await self._bury(dead)
        await self._turn_away(turned)
        for group in groups.of(pairs, limit=self._with.inline):
            await self._accept(group, now)

    async def _accept(self, group: Sequence[Pair], now: datetime) -> None:
        """A group in one transaction; if that fails, everybody in one of his own."""
        if len(group) == 1:
            return await self._carry_out(group[0], now)
        metrics.accept_group_size.observe(len(group))
        ends = await self._tried([pair.parcel for pair in group], lambda: self._together(group))
        if not isinstance(ends, Exception):
            return await self._finish(ends)
        if not isinstance(ends, Gone):
            _log.warning("group.split", parcels=len(group), fault=type(ends).__name__)
            for pair in group:
                await self._carry_out(pair, now)
        return None

    async def _carry_out(self, pair: Pair, now: datetime) -> None:
        """One request by itself, and the frames that waited for it."""
        parcel, ask = pair
        end = await self._tried([parcel], lambda: self._alone(pair, now))
        if isinstance(end, Undecided):
            return self._put_off(pair)
        if isinstance(end, Exception):
            return await self._fail(parcel, ask, end)
        await self._finish([end])
        if end.verdict.opened and ask.request_id:
            key = ask.customer.id, ask.request_id
            taken = await self._tried([parcel], lambda: self._with.early.take(*key, now))
            if isinstance(taken, Exception):
                _log.warning("frames.left", fault=type(taken).__name__)
        return None

    def _put_off(self, pair: Pair) -> None:
        """A parcel of which nobody knows yet whether it is a repeat holds up no other."""
        self._tasks.create_task(self._later(pair), name=f"intake.{self.name}.undecided")

    async def _later(self, pair: Pair) -> None:
        await asyncio.sleep(unkeyed.PAUSE)
        if not self._is_stopping and await self._are_ours([pair.parcel]):
            await self._carry_out(pair, self._with.clock())

    async def _together(self, group: Sequence[Pair]) -> list[_End]:
        verdicts = await carry.group(self._with.means, [pair.ask for pair in group])
        return [_end(pair, verdict) for pair, verdict in zip(group, verdicts, strict=True)]

    async def _alone(self, pair: Pair, now: datetime) -> _End:
        return _end(pair, await carry.alone(self._with.means, pair.ask, now))

    async def _tried(
        self, parcels: Sequence[Parcel], work: Callable[[], Awaitable[T]]
    ) -> T | Exception:
        """What comes of some work, repeated while the database is away; a fault of ours as a value.

        This is the edge: whatever is wrong with a parcel stops here.
        """
        pause = FIRST_PAUSE
        while True:
            try:
                return await work()
            except (errors.Unavailable, errors.Again, streams.StreamLost) as error:
                self._waits(error)
            except Exception as error:  # noqa: BLE001 - see above
                return error
            if self._is_stopping or not await self._are_ours(parcels):
                return Gone()
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _are_ours(self, parcels: Sequence[Parcel]) -> bool:
        """Whether these may still be acknowledged, as far as the broker says at this moment."""
        return await self._consumer.confirm_acks() in (0, parcels[0].session)

    def _waits(self, error: Outage) -> None:
        metrics.database_errors(type(error).__name__).inc()
        logs.outage(_log, "intake.waits", error)

    async def _finish(self, ends: Sequence[_End]) -> None:
        """Answers and acknowledges what has committed; what must wait does so by itself."""
        crashpoints.reach("C3")
        for end in ends:
            tally.done(self.name, end.pair.ask, end.verdict)
        for delay in {end.verdict.delay for end in ends}:
            some = [end for end in ends if end.verdict.delay == delay]
            if delay:
                self._tasks.create_task(
                    self._answer(some, delay), name=f"intake.{self.name}.answer"
                )
            else:
                await self._answer(some, delay)

    async def _answer(self, ends: Sequence[_End], delay: float) -> None:
        await asyncio.sleep(delay)
        await self._with.post.answer([end.letter for end in ends])
        self._consumer.ack([end.pair.parcel for end in ends])
        for end in ends:
            if end.verdict.memory is not None:
                self._unkeyed.acknowledged(end.pair.parcel.session, end.verdict.memory)
        crashpoints.reach("C4")

    def _reject(self, parcels: Sequence[Parcel]) -> None:
        for parcel in parcels:
            self._consumer.reject(parcel)

    async def _turn_away(
        self,
        turned: Sequence[tuple[Parcel, Turned | Dead]],
        away: Callable[[Sequence[Parcel]], object] | None = None,
    ) -> None:
        """Tells and answers what was refused before anything was done; at last acknowledges it."""
        if not turned:
            return
        told = await self._tried([turned[0][0]], lambda: self._tell(turned))
        if isinstance(told, Gone):
            return
        if isinstance(told, Exception):
            _log.error("rejection.untold", parcels=len(turned), exc_info=told)
        await self._with.post.answer([post.letter(one.back, _said(one)) for _, one in turned])
        (away or self._consumer.ack)([parcel for parcel, _ in turned])
        for _, one in turned:
            tally.turned(self.name, one)

    async def _tell(self, turned: Sequence[tuple[Parcel, Turned | Dead]]) -> None:
        async with self._with.means.writers.transaction() as append:
            await append.events([events.turned_away(one) for _, one in turned])

    async def _fail(self, parcel: Parcel, ask: Ask | None, error: Exception) -> None:
        """A parcel that nothing can be done with, it alone: again later, at last a dead letter."""
        if isinstance(error, Gone):
            return
        _log.error("parcel.failed", tries=parcel.delivery_count + 1, exc_info=error)
        if parcel.delivery_count + 1 < TRIES:
            metrics.parcels(self.name, "requeued").inc()
            self._consumer.nack(parcel)
            return
        reason = NotARequest(code=Code.INTERNAL, message=type(error).__name__)
        dead = Dead(
            reason=reason,
            back=ask.back if ask else self._with.reader.back(parcel),
            customer_id=ask.customer.id if ask else 0,
            request_id=ask.request_id if ask else None,
        )
        await self._bury([(parcel, dead)])

    async def _bury(self, dead: Sequence[tuple[Parcel, Dead]]) -> None:
        """To the dead letters, and only then away; what can't be buried yet stays with us.

        The broker buries what we didn't take in: it has it whole.
        """
        await self._turn_away([one for one in dead if not one[0].is_whole], self._reject)
        dead = [one for one in dead if one[0].is_whole]
        deaths = [(one[0], _death(*one, self._with.clock())) for one in dead]
        buried = await self._with.post.bury(deaths)
        await self._turn_away([one for one, is_done in zip(dead, buried, strict=True) if is_done])
        left = [one for one, is_done in zip(dead, buried, strict=True) if not is_done]
        if left and not self._is_stopping:
            self._tasks.create_task(self._bury_later(left), name=f"intake.{self.name}.bury")

    async def _bury_later(self, dead: Sequence[tuple[Parcel, Dead]]) -> None:
        await asyncio.sleep(LONGEST_PAUSE)
        if await self._are_ours([parcel for parcel, _ in dead]):
            await self._bury(dead)


def _end(pair: Pair, verdict: Verdict) -> _End:
    return _End(pair, verdict, post.letter(pair.ask.back, verdict))


def _said(one: Turned | Dead) -> Verdict:
    reason = one.refused if isinstance(one, Turned) else one.reason
    return Verdict(result="refused", answer=reason)


def _death(parcel: Parcel, dead: Dead, now: datetime) -> Death:
    return Death(
        reason=dead.reason.code.value,
        detail=dead.reason.message,
        queue=parcel.queue,
        at=now,
        customer=dead.customer_id or None,
    )
