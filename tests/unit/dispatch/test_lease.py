"""Our own lease: we believe less than the others do, and begin nothing after it."""

import asyncio
from uuid import UUID

import pytest

from daemon.dispatch import clock as clocks
from daemon.dispatch import lease as leases
from daemon.dispatch.journal import Journal
from daemon.dispatch.lease import Lease, LeaseLost
from daemon.dispatch.witness import JournalWitness
from daemon.mail.attempt import Attempt, Envelope
from daemon.mail.content import Content
from daemon.store import errors, instances
from tests.unit.dispatch.conftest import Clock
from tests.waiting import until

INSTANCE = instances.Instance(id=UUID(int=1), name="t", host="h", state_dir="/", version="0")
ATTEMPT = Attempt(
    delivery_id=1,
    number=1,
    envelope=Envelope(sender="", recipient="a@b.example"),
    content=Content(data=b"\r\n"),
)


class Database:
    """What the database answers to a heartbeat, and how long that takes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.takes = 0.0
        self.answer: bool | Exception = True
        self.beats = 0
        self.hangs = False
        self.clings = False
        """Whether a beat that hangs can't be cancelled until `let_go` is set."""
        self.let_go = asyncio.Event()
        self.brake = ""

    async def register(self, _store: object, _instance: object, _lease: float) -> None:
        """Takes its time."""
        self._clock.now += self.takes

    async def beat(
        self, _store: object, _number: UUID, _lease: float, *, draining: bool, brake: str
    ) -> bool:
        """Answers as it was told to."""
        self.beats += 1
        self.brake = brake
        self._clock.now += self.takes
        if self.hangs:
            try:
                await asyncio.Event().wait()
            finally:
                if self.clings:
                    await self.let_go.wait()
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    async def leave(self, _store: object, _number: UUID) -> None:
        """Answers as it was told to."""
        if isinstance(self.answer, Exception):
            raise self.answer


@pytest.fixture
def clock(monkeypatch) -> Clock:
    """The lease's clock."""
    clock = Clock()
    monkeypatch.setattr(clocks, "now", clock.monotonic)
    return clock


@pytest.fixture
def database(clock: Clock, monkeypatch) -> Database:
    """The database's answers."""
    database = Database(clock)
    monkeypatch.setattr(leases, "instances", database)
    return database


@pytest.fixture
def lease() -> Lease:
    """A lease of 20 ms by the event loop's clock: a beat comes every 5."""
    return Lease(None, INSTANCE, 0.02)


async def test_it_is_counted_from_before_the_question(lease, database, clock) -> None:
    """However long the database took to say yes, we count from before we asked."""
    database.takes = 0.015
    await lease.begin()
    assert lease.is_alive
    clock.now += 0.005
    assert not lease.is_alive


async def test_a_beat_renews_it(lease, database, clock) -> None:
    """As long as the database says yes, the lease goes on; each beat says what holds us."""
    await lease.begin()
    lease.brake = lambda: "journal: full"
    async with asyncio.TaskGroup() as group:
        running = group.create_task(lease.run())
        for _ in range(5):
            beats = database.beats
            await until(lambda beats=beats: database.beats > beats)
            clock.now += 0.015
            assert lease.is_alive
        running.cancel()
    assert database.brake == "journal: full"


async def test_it_is_lost_when_the_database_says_so(lease, database) -> None:
    """W7: a row that is gone, or whose lease has ended, is the end."""
    await lease.begin()
    database.answer = False
    with pytest.raises(LeaseLost):
        await lease.run()
    assert not lease.is_alive


@pytest.mark.parametrize("error", [errors.Unavailable(), errors.Again()])
async def test_a_database_that_is_away_loses_it_in_the_end(
    lease, database, clock, error: Exception
) -> None:
    """A failed beat isn't the end; the end of the lease is."""
    await lease.begin()
    database.answer = error

    async def watch() -> None:
        await until(lambda: database.beats >= 3)
        assert lease.is_alive
        clock.now += 0.02

    async with asyncio.TaskGroup() as group:
        watching = group.create_task(watch())
        with pytest.raises(LeaseLost):
            await lease.run()
        assert watching.done()


async def test_one_beat_that_hangs_does_not_hold_up_the_next(lease, database, clock) -> None:
    """A connection that is lost without a word costs a beat, not the lease."""
    await lease.begin()
    database.hangs = True
    async with asyncio.TaskGroup() as group:
        running = group.create_task(lease.run())
        await until(lambda: database.beats)
        database.hangs = False
        await until(lambda: database.beats >= 2)
        clock.now += 0.019
        assert lease.is_alive
        running.cancel()


async def test_it_is_known_to_be_lost_while_a_beat_hangs(lease, database, clock) -> None:
    """W3: however long it takes to let go of a connection, the end of the lease is told at once."""
    await lease.begin()
    database.hangs = database.clings = True
    async with asyncio.TaskGroup() as group:
        running = group.create_task(_lost(lease))
        await until(lambda: database.beats)
        clock.now += 1.0
        await lease.lost.wait()
        assert not running.done()
        database.let_go.set()


async def _lost(lease: Lease) -> None:
    with pytest.raises(LeaseLost):
        await lease.run()


async def test_no_dot_after_it(lease, database, clock, tmp_path) -> None:
    """W3: the witness allows a final dot while the lease lasts, and none after it (promise 2)."""
    await lease.begin()
    journal = Journal(tmp_path, INSTANCE.id, database="d")
    witness = JournalWitness(lease, journal, relay="h:25")
    assert witness.dot(ATTEMPT)
    clock.now += 0.02
    assert not witness.dot(ATTEMPT)
    assert journal.path.read_text().count("dot") == 1


async def test_whoever_freezes_before_the_note_sends_no_dot(
    lease, database, clock, tmp_path, monkeypatch
) -> None:
    """W2: frozen between the look at the lease and the note, it finds its lease over after it.

    A rescuer may have read the journal in between, and have found no dot in it.
    """
    await lease.begin()
    journal = Journal(tmp_path, INSTANCE.id, database="d")
    note = journal.dot

    def frozen(attempt: Attempt) -> bool:
        clock.now += 1.0
        return note(attempt)

    monkeypatch.setattr(journal, "dot", frozen)
    assert not JournalWitness(lease, journal, relay="h:25").dot(ATTEMPT)


async def test_leaving_ends_it_whatever_the_database_says(lease, database) -> None:
    """Who leaves is gone for himself at once, and a database that is away doesn't stop him."""
    await lease.begin()
    database.answer = errors.Unavailable()
    await lease.end()
    assert not lease.is_alive
