"""Jobs in frames: any order, each number once, closed when all are in."""

import asyncio
import itertools
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from daemon.config.sections import Intake
from daemon.directory.principals import Principals
from daemon.intake.ask import Back, Verdict
from daemon.intake.asker import Asker
from daemon.intake.early import Early
from daemon.intake.expander import Expander
from daemon.intake.reading import Reader
from daemon.intake.sweep import Sweep
from daemon.ledger.writer import Writer
from daemon.mail.request.rules import Rules
from daemon.store import errors
from tests.integration.intake.counter import (
    ANN,
    BOB,
    KEY,
    Counter,
    Document,
    close,
    command,
    extend,
    send,
)
from tests.waiting import until


class Letters:
    """Stands where answers are published, and keeps them."""

    def __init__(self) -> None:
        self.sent: list[Any] = []

    async def answer(self, letters: list[Any]) -> None:
        """Takes answers."""
        self.sent += [letter for letter in letters if letter]

    async def adopt(self) -> None:
        """Nobody dead owes any."""

    def owe(self, _answers: list[Any]) -> None:
        """Nobody waits for an expander."""


@pytest.fixture
def letters() -> Letters:
    """The answers that were published."""
    return Letters()


@pytest.fixture
def early(counter: Counter, letters: Letters) -> Early:
    """The keeper of frames that came before their send."""
    asker = Asker(principals=Principals(counter.means.store, key=KEY), settings=Intake())
    reader = Reader(asker=asker, rules=Rules(), key=KEY, urgent="", instance=uuid4())
    post: Any = letters
    return Early(means=counter.means, reader=reader, post=post)


@pytest.fixture
def sweep(counter: Counter, early: Early, letters: Letters) -> Sweep:
    """What happens every few seconds."""
    post: Any = letters
    writer = Writer(counter.means.store, counter.heard, instance=uuid4(), kind="expand")
    expander = Expander(counter.means, writer, early.reader, post, memory=2**22)
    return Sweep(counter.means, early, post, expander, clock=lambda: datetime.now(UTC))


def opened(name: str = "j", *addresses: str) -> Document:
    """An open send, with nobody in it unless addresses are given."""
    document = send(*addresses, request_id=name, open=True)
    if not addresses:
        document["audience"][0]["items"] = []
    return document


async def _numbers(counter: Counter) -> tuple[Any, ...]:
    [row] = await counter.sql("SELECT open, requested, queued, duplicate FROM job")
    return row


async def _put_all(counter: Counter, early: Early, documents: list[Document]) -> None:
    """As the desk does it: after the send come those that were kept for it."""
    for document in documents:
        verdict = await counter.put(document)
        if verdict.opened:
            await early.take(1, "j", datetime.now(UTC))


async def test_frame_by_frame(counter: Counter) -> None:
    """Each frame is answered with its own counts; closing makes known how many were asked for."""
    first = await counter.answer(opened())
    assert first["counts"]["requested"] is None
    one = await counter.answer(extend("j", 1, "a@x.test", "b@x.test"))
    two = await counter.answer(extend("j", 2, "b@x.test", "c@x.test"))
    assert one["job"] == two["job"] == first["job"]
    assert (one["counts"]["queued"], two["counts"]["queued"], two["counts"]["duplicate"]) == (
        2,
        1,
        1,
    )
    assert await _numbers(counter) == (True, None, 3, 1)
    end = await counter.answer(close("j", 2))
    assert (end["counts"]["requested"], end["counts"]["queued"]) == (4, 3)
    assert await _numbers(counter) == (False, 4, 3, 1)
    assert [told["closed_by"] for told in counter.heard.of("job.expanded")] == ["sender"]


_PIECES = (
    opened(),
    extend("j", 1, "a@x.test"),
    extend("j", 2, "b@x.test", "a@x.test"),
    close("j", 2),
)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::2], ids=str)
async def test_any_order(counter: Counter, early: Early, order: tuple[int, ...]) -> None:
    """Send, frames and close make the same job in whatever order they come."""
    await _put_all(counter, early, [_PIECES[place] for place in order])
    assert await _numbers(counter) == (False, 3, 2, 1)
    assert await counter.value("SELECT count(*) FROM frame") == 0
    assert len(counter.heard.of("job.expanded")) == 1


async def test_who_came_early_is_answered_when_the_send_has_come(
    counter: Counter, early: Early, letters: Letters
) -> None:
    """A kept frame's answer follows, to where it asked for it."""
    back = Back(reply_to="mailbox", correlation_id="c1")
    verdict = await counter.put(extend("j", 1, "a@x.test"), back=back)
    assert (verdict.result, verdict.answer) == ("kept", None)
    await _put_all(counter, early, [opened()])
    [letter] = letters.sent
    assert (letter.reply_to, letter.correlation_id) == ("mailbox", "c1")
    assert b'"queued":1' in letter.text


async def test_a_frame_counts_once(counter: Counter) -> None:
    """The same number again gives the first answer; with another body it is a conflict."""
    await counter.put(opened())
    first = await counter.answer(extend("j", 1, "a@x.test"))
    assert await counter.answer(extend("j", 1, "a@x.test")) == first
    other = await counter.put(extend("j", 1, "b@x.test"))
    assert other.result == "conflict"
    assert await counter.value("SELECT frames FROM job") == 1


async def test_an_early_frame_counts_once_too(counter: Counter, early: Early) -> None:
    """Kept twice it is in once; another body under its number is a conflict."""
    for _ in range(2):
        assert (await counter.put(extend("j", 1, "a@x.test"))).result == "kept"
    assert (await counter.put(extend("j", 1, "b@x.test"))).result == "conflict"
    await _put_all(counter, early, [opened()])
    assert (await counter.put(extend("j", 1, "a@x.test"))).result == "repeated"
    assert await counter.value("SELECT queued FROM job") == 1


async def test_after_the_close_it_is_too_late(counter: Counter) -> None:
    """A late frame is refused, and the same frame again still gets its first answer."""
    await counter.put(opened())
    first = await counter.answer(extend("j", 1, "a@x.test"))
    await counter.put(close("j", 1))
    late = await counter.answer(extend("j", 2, "b@x.test"))
    assert late["errors"][0]["code"] == "state.conflict"
    assert await counter.answer(extend("j", 1, "a@x.test")) == first
    assert await counter.value("SELECT queued FROM job") == 1


async def test_a_refused_frame_is_not_in(counter: Counter) -> None:
    """A number beyond what was announced is refused, and so is a close that announces too few."""
    await counter.put(opened())
    await counter.put(extend("j", 1, "a@x.test"))
    await counter.put(extend("j", 2, "b@x.test"))
    too_few = await counter.answer(close("j", 1))
    assert too_few["errors"][0]["field"] == "frames"
    assert (await counter.put(close("j", 3))).result == "accepted"
    beyond = await counter.answer(extend("j", 4, "c@x.test"))
    assert beyond["errors"][0]["field"] == "frame"
    assert (await counter.put(extend("j", 3, "c@x.test"))).result == "accepted"
    assert await _numbers(counter) == (False, 3, 3, 0)


async def test_nobody_else_can_extend(counter: Counter) -> None:
    """Another customer's frame under the same name is kept for a send of his own."""
    await counter.put(opened())
    assert (await counter.put(extend("j", 1, "a@x.test"), customer=BOB)).result == "kept"
    assert await counter.value("SELECT queued FROM job") == 0


async def test_a_job_that_is_not_open_takes_no_frame(counter: Counter) -> None:
    """A frame for a plain send is refused."""
    await counter.put(send(request_id="j"))
    answer = await counter.answer(extend("j", 1, "b@x.test"))
    assert answer["errors"][0]["code"] == "state.conflict"


async def test_closing_ends_a_job_in_which_nobody_is_left(counter: Counter) -> None:
    """An open job isn't completed while it is open, and is so when it closes empty."""
    await counter.put(opened())
    assert await counter.value("SELECT state FROM job") == "scheduled"
    await counter.put(extend("j", 1, "nobody"))
    await counter.put(close("j", 1))
    assert await counter.value("SELECT state FROM job") == "completed"
    assert len(counter.heard.of("job.completed")) == 1


async def test_a_job_left_open_is_closed(counter: Counter, sweep: Sweep) -> None:
    """After the time without a frame the daemon closes it with what is in, and says so."""
    await counter.put(opened("j", "a@x.test"))
    await sweep.once()
    assert await _numbers(counter) == (True, None, 1, 0)
    await counter.sql("UPDATE job SET closes_at = now() - interval '1 second'")
    await sweep.once()
    assert await _numbers(counter) == (False, 1, 1, 0)
    assert [told["closed_by"] for told in counter.heard.of("job.expanded")] == ["timeout"]


async def test_what_was_left_behind_is_taken(counter: Counter, early: Early, sweep: Sweep) -> None:
    """Frames that a killed accept did not come to are entered by the next sweep."""
    await counter.put(extend("j", 1, "a@x.test"))
    await counter.put(opened())
    assert await counter.value("SELECT count(*) FROM frame") == 1
    await sweep.once()
    assert await counter.value("SELECT frames FROM job") == 1


async def test_a_frame_whose_send_never_comes_is_refused(
    counter: Counter, sweep: Sweep, letters: Letters
) -> None:
    """After ten minutes it is told, answered, and gone."""
    await counter.put(extend("j", 1, "a@x.test"), back=Back(reply_to="mailbox"))
    await sweep.once()
    assert letters.sent == []
    await counter.sql("UPDATE frame SET expires_at = now() - interval '1 second'")
    await sweep.once()
    assert len(letters.sent) == 1
    assert [told["command"] for told in counter.heard.of("request.rejected")] == ["extend"]
    assert await counter.value("SELECT count(*) FROM frame") == 0


async def test_a_redelivered_frame_is_the_same_frame(counter: Counter) -> None:
    """Handed out again, it finds its key."""
    await counter.put(opened())
    ask = counter.read(extend("j", 1, "a@x.test"))
    first = await counter.put(extend("j", 1, "a@x.test"))
    again = await counter.put(extend("j", 1, "a@x.test"), redelivered=True)
    assert (first.result, again.result) == ("accepted", "repeated")
    assert replace(ask, redelivered=True).key == ask.key


@pytest.mark.parametrize(
    ("change", "result", "waits"),
    [
        ("paused = true", "accepted", ["infinity"]),
        ("not_before = 'infinity'", "accepted", ["infinity"]),
        ("open = false, closes_at = NULL", "refused", []),
        ("state = 'canceled', open = false, closes_at = NULL", "refused", []),
    ],
    ids=["paused", "put-off", "closed", "canceled"],
)
async def test_a_job_that_changes_while_a_frame_is_stored(
    counter: Counter, change: str, result: str, waits: list[str]
) -> None:
    """A frame holds nobody up while it is stored; what its job has become meanwhile counts.

    It is taken back, and once more carried out with the job as it is now.
    """
    await counter.put(opened())
    async with asyncio.TaskGroup() as tasks, counter.means.store.transaction() as session:
        await session._connection.execute(f"UPDATE job SET {change}")
        frame = tasks.create_task(_put_until_done(counter, extend("j", 1, "a@x.test")))
        await until(lambda: _is_held_up(counter))
    assert (await frame).result == result
    assert await counter.sql("SELECT due_at::text FROM batch") == [(due,) for due in waits]
    assert await counter.sql("SELECT queued, parts FROM job") == [(len(waits), len(waits))]


@pytest.mark.parametrize(
    ("before", "word", "due"), [("resume", "pause", 0), ("pause", "resume", 1)]
)
async def test_a_customer_who_changes_while_a_frame_is_stored(
    counter: Counter, before: str, word: str, due: int
) -> None:
    """Paused or resumed while a frame of his is stored: the frame's mail waits, or doesn't."""
    await counter.put(opened())
    await counter.put(command(before, customer=ANN))
    async with asyncio.TaskGroup() as tasks, counter.means.store.transaction() as session:
        await session._connection.execute(_TAKEN)
        tasks.create_task(counter.put(extend("j", 1, "b@x.test")))
        await until(lambda: _is_held_up(counter))
        changed = tasks.create_task(counter.put(command(word, customer=ANN)))
        await until(lambda: _is_done_or_waits(counter, changed))
        await session._connection.execute("DELETE FROM delivery")
    found = await counter.value("SELECT count(*) FILTER (WHERE due_at <= now()) FROM batch")
    assert found == due


_TAKEN = """
INSERT INTO delivery (job_on, id, job_id, message_id, customer_id, address, norm, supp, domain)
SELECT j.job_on, 1, j.id, m.id, j.customer_id, 'b@x.test', 'b@x.test', 'b@x.test', 'x.test'
FROM job j JOIN message m ON m.job_id = j.id"""
"""What a frame that brings the same recipient waits for."""


async def _is_done_or_waits(counter: Counter, changed: asyncio.Task[Verdict]) -> bool:
    return changed.done() or len(await counter.sql(_HELD_UP)) > 1


async def test_a_frame_is_stored_while_its_job_is_settled(counter: Counter) -> None:
    """What settles a job waits for a frame only at the very end of it, not while that is stored."""
    await counter.put(opened())
    [(job,)] = await counter.sql("SELECT id FROM job")
    async with asyncio.TaskGroup() as tasks, counter.means.store.transaction() as session:
        await session.rows("settle.jobs", [job])
        frame = tasks.create_task(counter.put(extend("j", 1, "a@x.test")))
        await until(lambda: _is_held_up(counter))
        [(query,)] = await counter.sql(_HELD_UP)
    assert query.startswith("-- Turns literal recipients into deliveries")
    assert (await frame).result == "accepted"


_HELD_UP = """SELECT query FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()"""


async def _is_held_up(counter: Counter) -> bool:
    return bool(await counter.sql(_HELD_UP))


async def _put_until_done(counter: Counter, document: Document) -> Verdict:
    """As the desk does it: a transaction that lost to another one is repeated."""
    while True:
        try:
            return await counter.put(document)
        except errors.Again:
            continue
