"""Settle: every history keeps every law, and a fact that comes twice moves nothing again."""

import copy
from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from daemon.mail import counts, ids, outcome, settle
from daemon.mail.event import Event, Type
from daemon.mail.reply import Reply
from daemon.mail.retry import Schedule
from daemon.mail.standing import BatchNow, Fact, JobNow, RetryNow
from daemon.mail.state import MOVES, State

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
JOB = UUID(int=7)
OK = Reply(code=250, enhanced="2.0.0", text="taken")
NOT_NOW = Reply(code=451, enhanced="4.7.1", text="later")
NO = Reply(code=550, enhanced="5.1.1", text="nobody")

OUTCOMES: list[outcome.Outcome | outcome.Withheld] = [
    outcome.Sent(reply=OK, relay="r:25"),
    outcome.Deferred(reason="refused", reply=NOT_NOW),
    outcome.Deferred(reason="connect", counts=False),
    outcome.Deferred(reason="refused", reply=NOT_NOW, retry_after=300.0),
    outcome.Bounced(reply=NO),
    outcome.Failed(reason="8bit"),
    outcome.InDoubt(reason="dropped"),
    *(outcome.Withheld(verdict=verdict) for verdict in outcome.Verdict if verdict != "go"),
]


class World:
    """A job of one batch and its retry rows, kept as the store would keep them."""

    def __init__(self, size: int, policy: str, *, expires: datetime) -> None:
        self.batch = BatchNow(
            id=3, job_id=JOB, job_on=date(2026, 11, 21), lane_id=1, klass=1, epoch=1,
            letters=[State.WAITING.value] * size,
        )  # fmt: skip
        numbers: dict[str, int | None] = dict.fromkeys(counts.ALL, 0)
        numbers |= {"requested": size, "queued": size}
        self.job = JobNow(
            id=JOB, customer_id=5, state="scheduled", open=False, doubt=policy, parts=1,
            expires_at=expires, numbers=numbers,
        )  # fmt: skip
        self.rows: dict[int, settle.RetryRow] = {}
        self.epochs: Counter[int] = Counter()
        self.events: list[Event] = []

    def permit(self, position: int) -> None:
        """What a permit of a batch or a retry row does to a letter."""
        was = State(self.batch.letters[position])
        if was is State.WAITING:
            self.batch.letters[position] = State.UNDER_WAY
        elif was is State.DEFERRED:
            self.epochs[position] += 1
            self.batch.letters[position] = State.RETRYING

    def fact(self, position: int, result: outcome.Outcome | outcome.Withheld, *, late: int) -> Fact:
        """What its holder says of a delivery, `late` epochs ago."""
        row = self.rows.get(position)
        return Fact(
            delivery_id=ids.delivery_id(3, position),
            job_id=JOB,
            customer_id=5,
            message_id=9,
            address="a@b.example",
            attempt=row.attempt + 1 if row else 1,
            epoch=(self.epochs[position] if row else self.batch.epoch) - late,
            retry_id=position + 1 if row else None,
            outcome=result,
        )

    def commit(self, facts: list[Fact]) -> settle.Settlement:
        """One group commit."""
        before = list(self.batch.letters)
        self.job.changes, self.job.begins = {}, False
        ground = settle.Ground(
            batches={3: self.batch},
            retries={
                place + 1: RetryNow(id=place + 1, epoch=self.epochs[place]) for place in self.rows
            },
            jobs={JOB: self.job},
            schedule=Schedule(),
            now=NOW,
            chance=lambda: 0.5,
        )
        result = settle.settle(facts, ground)
        for _, place in result.gone:
            del self.rows[place]
        for row in result.retries:
            self.rows[row.position] = row
        if self.job.state == "scheduled" and result.started:
            self.job.state = "running"
        if result.completed:
            self.job.state = "completed"
        self.events += result.events
        self.check(before, result)
        return result

    def check(self, before: list[str], result: settle.Settlement) -> None:
        """The laws of one commit."""
        now = Counter(self.batch.letters)
        for state, name in counts.COUNTER.items():
            assert self.job.numbers[name] == now[state.value], name
        assert self.job.remaining == sum(now[state] for state in "wurd")
        for place, letter in enumerate(self.batch.letters):
            assert (letter in "dr") == (place in self.rows), "deferred ⇔ exactly one retry row"
        for fact, was, became in result.moves:
            assert _reachable(was, became)
            assert before[fact.place[1]] or became


def _reachable(was: State, became: State) -> bool:
    """In the table, at once or by way of a doubt that is decided in the same commit."""
    by_doubt = State.IN_DOUBT in MOVES[was] and became in MOVES[State.IN_DOUBT]
    return became in MOVES[was] or by_doubt


steps = st.tuples(
    st.integers(0, 4), st.sampled_from(OUTCOMES), st.booleans(), st.integers(0, 1), st.booleans()
)


@given(
    st.lists(steps, max_size=40),
    st.sampled_from(["resend", "hold", "give_up"]),
    st.sampled_from([NOW + timedelta(seconds=30), NOW + timedelta(days=5)]),
)
def test_every_history_keeps_the_laws(
    history: list[tuple[int, outcome.Outcome, bool, int, bool]], policy: str, expires: datetime
) -> None:
    """Counters follow letters, letters the table, and retry rows exist exactly when they must.

    E13: sorted by attempt and step, what is told of a delivery stands in the order of telling (a
    try that doesn't count is told under the number of the next).
    """
    world = World(5, policy, expires=expires)
    for position, result, permitted, late, again in history:
        if permitted:
            world.permit(position)
        fact = world.fact(position, result, late=late)
        world.commit([fact])
        if again:
            letters = list(world.batch.letters)
            if isinstance(result, outcome.Withheld) or letters[position] in "wurd":
                continue  # still held: that would be another fact
            assert not world.commit([fact]).moves
            assert world.batch.letters == letters
    for events in _told_of_each(world.events).values():
        assert events == sorted(events)
    completed = [event for event in world.events if event.type is Type.JOB_COMPLETED]
    assert len(completed) == (world.job.remaining == 0 and not world.job.numbers["in_doubt"])


def _told_of_each(events: list[Event]) -> dict[int, list[tuple[int, int]]]:
    """By delivery: attempt and step of everything told of it, in the order of telling."""
    found: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for event in events:
        if event.delivery_id is not None and event.type is not Type.DELIVERY_REPEATED:
            found[event.delivery_id].append((event.attempt or 0, event.step or 0))
    return found


@given(st.permutations(range(5)), st.integers(1, 5))
def test_groups_do_not_matter(order: list[int], cut: int) -> None:
    """The same facts in one commit or in several come to the same letters and numbers."""
    one, many = (World(5, "resend", expires=NOW + timedelta(days=5)) for _ in range(2))
    results = [OUTCOMES[0], OUTCOMES[1], OUTCOMES[4], OUTCOMES[5], OUTCOMES[6]]
    for world in (one, many):
        for position in order:
            world.permit(position)
    facts = [one.fact(position, results[position], late=0) for position in order]
    one.commit(facts)
    many.commit(copy.deepcopy(facts[:cut]))
    many.commit(copy.deepcopy(facts[cut:]))
    assert one.batch.letters == many.batch.letters
    assert one.job.numbers == many.job.numbers


def _under_way(policy: str = "resend") -> World:
    world = World(1, policy, expires=NOW + timedelta(days=5))
    world.permit(0)
    return world


def test_a_stale_success_still_counts() -> None:
    """A 2xx from an earlier epoch moves a deferred delivery to sent, and its retry row goes."""
    world = _under_way()
    stale = world.fact(0, OUTCOMES[0], late=0)
    world.commit([world.fact(0, outcome.InDoubt(reason="died"), late=0)])
    assert world.batch.letters == [State.DEFERRED]
    world.commit([stale])
    assert world.batch.letters == [State.SENT]
    assert not world.rows


def test_a_stale_refusal_moves_nothing_and_is_on_record() -> None:
    """Whatever isn't a 2xx and comes from an earlier epoch is recorded as repeated, not told."""
    world = _under_way()
    world.commit([world.fact(0, OUTCOMES[4], late=1)])
    assert world.batch.letters == [State.UNDER_WAY]
    assert [event.type for event in world.events] == [Type.DELIVERY_REPEATED]


def test_a_job_runs_from_its_first_outcome_on() -> None:
    """A deferral begins a job, whose numbers it leaves as they are; what was withheld doesn't."""
    world = _under_way()
    withheld = outcome.Withheld(verdict=outcome.Verdict.PAUSED)
    assert not world.commit([world.fact(0, withheld, late=0)]).started
    world.permit(0)
    assert world.commit([world.fact(0, OUTCOMES[1], late=0)]).started == [JOB]
    assert not world.job.changes
    world.permit(0)
    assert not world.commit([world.fact(0, OUTCOMES[0], late=0)]).started


def test_a_doubt_is_told_whatever_the_policy() -> None:
    """A doubt is told, then resent, held or given up as its job says."""
    became = {}
    for policy in ("resend", "hold", "give_up"):
        world = _under_way(policy)
        world.commit([world.fact(0, outcome.InDoubt(reason="dropped"), late=0)])
        assert world.events[0].type is Type.DELIVERY_IN_DOUBT
        became[policy] = world.batch.letters[0]
    assert became == {"resend": State.DEFERRED, "hold": State.IN_DOUBT, "give_up": State.FAILED}


def test_a_try_that_does_not_count_keeps_its_number() -> None:
    """A connection's own trouble isn't held against the delivery's tries."""
    world = _under_way()
    world.commit([world.fact(0, OUTCOMES[2], late=0)])
    assert world.rows[0].attempt == 0


def test_a_retry_that_is_put_off_keeps_its_row() -> None:
    """A retried delivery that didn't start waits as before: same time, same number of tries."""
    world = _under_way()
    world.commit([world.fact(0, OUTCOMES[1], late=0)])
    before = world.rows[0]
    world.permit(0)
    paused = outcome.Withheld(verdict=outcome.Verdict.PAUSED)
    world.commit([world.fact(0, paused, late=0)])
    assert world.batch.letters == [State.DEFERRED]
    assert world.rows[0] is before


def test_no_retry_beyond_the_expiry() -> None:
    """A delivery whose next try would come too late expires at once, with the last reply."""
    world = World(1, "resend", expires=NOW + timedelta(seconds=5))
    world.permit(0)
    world.commit([world.fact(0, OUTCOMES[1], late=0)])
    assert world.batch.letters == [State.EXPIRED]
    assert world.events[0].code == 451


def test_a_relay_that_doubts_again_is_given_time() -> None:
    """The first doubt is resent at once, the next ones by the schedule: duplicates stay few."""
    world = _under_way()
    due = []
    for _ in range(4):
        world.commit([world.fact(0, outcome.InDoubt(reason="dropped"), late=0)])
        due.append((world.rows[0].due_at - NOW).total_seconds())
        world.permit(0)
    assert due == [0, 60, 120, 240]


def test_a_canceled_job_waits_for_no_retry() -> None:
    """What is deferred after its job was canceled is canceled at once, and the job can end."""
    world = _under_way()
    world.job.state = "canceled"
    world.commit([world.fact(0, OUTCOMES[1], late=0)])
    assert world.batch.letters == [State.CANCELED]
    assert [event.type for event in world.events] == [Type.DELIVERY_CANCELED, Type.JOB_COMPLETED]


def test_a_retry_waits_for_the_window() -> None:
    """A next try that would fall between two windows is put off to the second, or expires."""
    for expires, letter in ((3 * HOUR, State.DEFERRED), (HOUR, State.EXPIRED)):
        world = World(1, "resend", expires=NOW + expires)
        world.job.windows = ((NOW - HOUR, NOW + HOUR / 100), (NOW + 2 * HOUR, NOW + 4 * HOUR))
        world.permit(0)
        world.commit([world.fact(0, OUTCOMES[1], late=0)])
        assert world.batch.letters == [letter]
        due = [NOW + 2 * HOUR] if letter is State.DEFERRED else []
        assert [row.due_at for row in world.rows.values()] == due
        assert world.events[0].next_at == next(iter(due), None)
