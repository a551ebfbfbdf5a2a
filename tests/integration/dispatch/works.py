"""Dispatch at work in this process, with a relay that does as the test says."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

from daemon.broker.connection import Link
from daemon.broker.publisher import BatchPublisher
from daemon.config.sections import Events
from daemon.delivery.courier import Reason, Source
from daemon.dispatch.claimer import Pace
from daemon.dispatch.journal import Journal
from daemon.dispatch.lane import Settings
from daemon.dispatch.lease import Lease
from daemon.dispatch.overdue import Overdue
from daemon.dispatch.part import Dispatch, Equipment
from daemon.dispatch.press import Press
from daemon.dispatch.settler import Settler
from daemon.dispatch.witness import JournalWitness
from daemon.ledger.teller import Teller
from daemon.ledger.writer import Writer
from daemon.mail.attempt import Attempt
from daemon.mail.outcome import Deferred, Outcome, Sent
from daemon.mail.reply import Reply
from daemon.mail.retry import Schedule
from daemon.stop import Stop
from daemon.store import door, instances, lanes

OK = Sent(reply=Reply(code=250, enhanced="2.0.0", text="taken"), relay="h:25")
NOT_NOW = Deferred(reason=Reason.REFUSED, reply=Reply(code=451, text="later"), relay="h:25")
DOWN = Deferred(reason=Reason.CONNECT, relay="h:25")
SOON = Schedule(first=0.02, jitter=0.0, hint_min=0.0)


@dataclass(slots=True)
class Relay:
    """A relay, and what it has seen. `answer` says what becomes of an attempt."""

    answer: Callable[[Attempt], Outcome] = lambda _: OK
    sent: Counter[int] = field(default_factory=Counter)
    """Copies that it took, by delivery."""
    attempts: list[tuple[int, int]] = field(default_factory=list)
    """Delivery and number of each attempt that reached it."""
    connecting: float = 0.0
    """Seconds that opening a connection takes."""
    takes: float = 0.0
    """Seconds between two attempts on a connection."""
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    """Attempts wait in front of it until it is set."""
    waiting: int = 0
    """Attempts in front of the gate."""
    open: int = 0
    most: int = 0
    """Connections that are open, and that were open at the same time at most."""


class ScriptedCourier:
    """One way to the relay; keeps what every courier promises."""

    def __init__(self, relay: Relay, lease: Lease, journal: Journal) -> None:
        self.relay = relay
        self._witness = JournalWitness(lease, journal, relay="h:25")
        self.taken = 0
        """Attempts that took this way."""

    async def run(self, source: Source) -> None:
        """A connection's life, opened for its first attempt."""
        attempt = await source.take()
        if attempt is None:
            return
        self.relay.open += 1
        self.relay.most = max(self.relay.most, self.relay.open)
        try:
            await self._serve(source, attempt)
        finally:
            self.relay.open -= 1

    async def _serve(self, source: Source, first: Attempt) -> None:
        attempt = await self._connected(source, first)
        while attempt is not None:
            outcome = await self._carried(source, attempt)
            source.settle(attempt, outcome)
            if outcome == DOWN:
                return
            await asyncio.sleep(self.relay.takes)
            attempt = await source.take()

    async def _connected(self, source: Source, attempt: Attempt) -> Attempt | None:
        try:
            await asyncio.sleep(self.relay.connecting)
        except asyncio.CancelledError:
            source.settle(attempt, Deferred(reason=Reason.STOPPED, counts=False))
            raise
        return attempt if await source.renew(attempt) else await source.take()

    async def _carried(self, source: Source, attempt: Attempt) -> Outcome:
        self.taken += 1
        self.relay.waiting += 1
        try:
            await self.relay.gate.wait()
        except asyncio.CancelledError:
            source.settle(attempt, Deferred(reason=Reason.STOPPED, counts=False))
            raise
        finally:
            self.relay.waiting -= 1
        self.relay.attempts.append((attempt.delivery_id, attempt.number))
        outcome = self.relay.answer(attempt)
        if isinstance(outcome, Sent):
            if not self._witness.dot(attempt):
                return Deferred(reason=Reason.FENCED, counts=False)
            self.relay.sent[attempt.delivery_id] += 1
        return outcome

    def abandon(self) -> None:
        """Nothing here waits for a reply."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Works:
    """One instance at work."""

    dispatch: Dispatch
    lease: Lease
    settler: Settler
    teller: Teller
    stop: Stop
    couriers: list[ScriptedCourier]

    @property
    def taken(self) -> int:
        """Attempts that this instance has made."""
        return sum(courier.taken for courier in self.couriers)


@dataclass(slots=True, kw_only=True)
class Terms:
    """What a test may want otherwise. Times in seconds."""

    window: float = 0.25
    idle: float = 20.0
    connections: int = 100
    hold: int = 5000
    stop_deadline: float = 5.0
    lease: float = 60.0
    schedule: Schedule = SOON
    stranger: int = 0
    """A customer of whose transports this instance's configuration knows nothing."""


def made(
    store: door.Store, relay: Relay, link: Link, key: bytes, terms: Terms, folder: Path
) -> Works:
    """An instance that isn't registered yet and doesn't run."""
    about = instances.Instance(id=uuid4(), name="t", host="h", state_dir=str(folder), version="0")
    journal = Journal(folder, about.id, database="d")
    lease = Lease(store, about, terms.lease)
    teller = Teller(
        store, BatchPublisher(link), instance=about.id, exchange="nowhere", pace=Events()
    )
    writer = Writer(store, teller, instance=about.id, kind="settle")
    settler = Settler(
        writer,
        schedule=lambda: terms.schedule,
        sample=lambda: 0.0,
    )
    couriers: list[ScriptedCourier] = []

    def courier(lane: lanes.Lane) -> ScriptedCourier | None:
        if lane.customer_id == terms.stranger:
            return None
        couriers.append(ScriptedCourier(relay, lease, journal))
        return couriers[-1]

    equipment = Equipment(
        store=store,
        lease=lease,
        journal=journal,
        settler=settler,
        overdue=Overdue(writer, after=lambda: 60.0),
        teller=teller,
        press=Press(key=key),
        courier=courier,
        settings=Settings(
            idle=terms.idle,
            permit_size=100,
            permit_window=terms.window,
            shares={0: 8, 1: 4, 2: 1},
        ),
        pace=Pace(poll=0.05, hold=terms.hold, max_untold=1_000_000),
        connections=terms.connections,
        rescue_every=0.2,
    )
    return Works(
        dispatch=Dispatch(equipment),
        lease=lease,
        settler=settler,
        teller=teller,
        stop=Stop(terms.stop_deadline),
        couriers=couriers,
    )


@asynccontextmanager
async def working(
    store: door.Store, relay: Relay, link: Link, terms: Terms | None = None
) -> AsyncIterator[Works]:
    """An instance at work; at the end it stops as it should, and leaves."""
    key = await instances.hash_key(store)
    with TemporaryDirectory() as folder:
        works = made(store, relay, link, key, terms or Terms(), Path(folder))
        await works.lease.begin()
        async with asyncio.TaskGroup() as group:
            group.create_task(works.dispatch.run(works.stop))
            yield works
            works.stop.set()
        await works.lease.end()
