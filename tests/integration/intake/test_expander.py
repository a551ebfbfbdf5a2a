"""Audiences that are found later: what is said before and after, and what may happen meanwhile."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from daemon.broker.parcel import Outgoing
from daemon.config.sections import Intake
from daemon.directory.principals import Principals
from daemon.intake.asker import Asker
from daemon.intake.expander import Expander
from daemon.intake.owing import Owing
from daemon.intake.post import Post
from daemon.intake.reading import Reader
from daemon.ledger.writer import Writer
from daemon.mail.request.rules import Rules
from daemon.store import errors
from tests.integration.expansion.people import Directory
from tests.integration.intake.counter import ANN, KEY, Counter, Document, command, send
from tests.waiting import until

_WAITS_FOR_A_LOCK = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""
BRANCH = {"type": "people", "scope": "descendants"}


@dataclass
class Away:
    """Stands for a publisher whose broker is away: what is owed stays where we can see it."""

    is_blocked: bool = True
    is_there: bool = False


@dataclass
class Office:
    """A counter whose accepts find three people at most, and an expander beside it."""

    counter: Counter
    expander: Expander
    kept: deque[Outgoing]

    async def put(self, *, reply_to: str = "desk", **changes: Any) -> Document | None:
        """Puts a send to the whole branch; what is answered at once, if anything is."""
        document = send(request_id="r1") | {"audience": [BRANCH]} | changes
        ask = self.counter.read(document)
        back = replace(ask.back, reply_to=reply_to)
        verdict = await self.counter.put(document, back=back, plain=json.dumps(document).encode())
        if verdict.repeated is not None:
            return json.loads(verdict.repeated)
        return verdict.answer and json.loads(ask.back.text(verdict.answer))

    def said(self) -> list[tuple[str, Document]]:
        """Whom something is owed, and what."""
        return [(one.routing_key, json.loads(one.body)) for one in self.kept]

    async def job(self) -> tuple[Any, ...]:
        """How the job stands."""
        [row] = await self.counter.sql("SELECT state, requested, queued FROM job")
        return row


@pytest.fixture
async def office(counter: Counter) -> AsyncIterator[Office]:
    """Ann with five people below her, one of them twice."""
    async with counter.means.store.session() as session:
        directory = Directory(session._connection)
        await directory.customer(10, ANN)
        for address in ("a@x.test", "b@x.test", "c@x.test", "d@x.test", "d@x.test"):
            await directory.person(10, address)
    terms = replace(counter.means.terms, inline_limit=3)
    counter.means = replace(counter.means, terms=terms)
    instance, kept = uuid4(), deque[Outgoing]()
    store = counter.means.store
    away: Any = Away()
    post = Post(away, away, kept, Owing(store, instance), dead="dead", seconds=1)
    asker = Asker(principals=Principals(store, key=KEY), settings=Intake())
    reader = Reader(asker=asker, rules=Rules(), key=KEY, urgent="u", instance=instance)
    writer = Writer(store, counter.heard, instance=instance, kind="expand")
    expander = Expander(counter.means, writer, reader, post, memory=2**22)
    yield Office(counter=counter, expander=expander, kept=kept)
    await expander.close()


async def test_the_answer_follows(office: Office) -> None:
    """Too many for an accept: stored at once, answered with the counts once they are found."""
    assert await office.put() is None
    assert await office.job() == ("expanding", None, 0)
    [accepted] = office.counter.heard.of("job.accepted")
    assert accepted["counts"]["requested"] is None
    assert await office.expander.once()
    assert await office.job() == ("scheduled", 5, 4)
    [(to, answer)] = office.said()
    assert (to, answer["ok"], answer["counts"]["queued"]) == ("desk", True, 4)
    [expanded] = office.counter.heard.of("job.expanded")
    assert expanded["counts"] == answer["counts"]
    assert await office.counter.value("SELECT count(*) FROM owed_answer") == 1
    assert not await office.expander.once()


async def test_few_are_found_at_once(office: Office) -> None:
    """Up to `inline_limit` the answer has the counts and comes at once; so it is without a key."""
    below = {"type": "people", "scope": "self"}
    answer = await office.put(audience=[below, {"type": "billing", "scope": "descendants"}])
    assert answer is not None
    assert answer["counts"]["requested"] == 0
    keyless = await office.put(request_id=None)
    assert keyless is not None
    assert keyless["counts"]["queued"] == 4


async def test_who_asks_again_meanwhile_hears_too(office: Office) -> None:
    """The same request again, before and after: each is given the one answer."""
    await office.put()
    assert await office.put(reply_to="other") is None
    await office.expander.once()
    assert sorted(to for to, _ in office.said()) == ["desk", "other"]
    again = await office.put(reply_to="third")
    assert again == office.said()[0][1]
    assert await office.counter.value("SELECT count(*) FROM job") == 1


async def test_who_came_a_moment_too_late(office: Office) -> None:
    """Somebody who began to wait while the answer was being given gets it by the next sweep."""
    await office.put()
    async with office.counter.means.store.transaction() as session:
        waiting = session._connection.execute(
            "INSERT INTO reply (job_id, reply_to, dialect, deadline)"
            " SELECT id, 'late', 'native', now() + interval '1 hour' FROM job"
        )
        await office.expander.once()
        await waiting
    await office.expander.unheard()
    assert sorted(to for to, _ in office.said()) == ["desk", "late"]


async def test_a_job_that_is_canceled_meanwhile(office: Office) -> None:
    """A cancel takes an expanding job back; who waits hears that it was, and nothing is stored."""
    await office.put()
    job = await office.counter.value("SELECT id::text FROM job")
    canceled = await office.counter.answer(command("cancel", job=job))
    assert canceled["ok"]
    assert await office.expander.once()
    [(_, answer)] = office.said()
    assert [error["code"] for error in answer["errors"]] == ["state.conflict"]
    assert await office.counter.value("SELECT count(*) FROM delivery") == 0
    assert await office.counter.value("SELECT count(*) FROM expansion") == 0
    assert (await office.job())[0] == "canceled"


async def test_a_cancel_during_the_search(office: Office) -> None:
    """Found under a job that is canceled before the commit: nothing of it is stored."""
    await office.put()
    job = await office.counter.value("SELECT id FROM job")
    store = office.counter.means.store
    async with store.transaction() as session:
        await session._connection.execute("SELECT FROM job WHERE id = $1 FOR UPDATE", job)
        async with asyncio.TaskGroup() as tasks:
            finding = tasks.create_task(_outcome(office.expander), name="finding")
            await until(lambda: office.counter.value(_WAITS_FOR_A_LOCK))
            await session._connection.execute(
                "UPDATE job SET state = 'canceled', finished_at = now() WHERE id = $1", job
            )
            await session._connection.execute("COMMIT; BEGIN")
    assert finding.result() is errors.Again
    assert await office.counter.value("SELECT count(*) FROM delivery") == 0
    assert await office.expander.once()
    assert (await office.job())[0] == "canceled"


async def _outcome(expander: Expander) -> object:
    try:
        return await expander.once()
    except errors.Again as error:
        return type(error)


async def test_an_audience_that_can_not_be_paid(office: Office) -> None:
    """The job has failed, says why, and leaves nothing; its key may be used again."""
    await office.counter.sql(
        "WITH plan AS (INSERT INTO rate_plan (customer_id, name, bill_type, price_per_email)"
        " VALUES (1, 'p', 'prepaid', 2) RETURNING id)"
        " UPDATE customer SET plan_id = (SELECT id FROM plan) WHERE id = 1"
    )
    await office.counter.sql(
        "INSERT INTO credit_account (customer_id, currency, balance) VALUES (1, 'EUR', 7)"
    )
    await office.put()
    assert await office.expander.once()
    [(_, answer)] = office.said()
    assert [error["code"] for error in answer["errors"]] == ["credit.insufficient"]
    assert (await office.job())[0] == "failed"
    [told] = office.counter.heard.of("job.canceled")
    assert told["errors"] == answer["errors"]
    assert office.counter.heard.of("job.completed")[0]["state"] == "failed"
    for table in ("delivery", "batch", "dropped_recipient", "expansion", "request_seen"):
        assert await office.counter.value(f"SELECT count(*) FROM {table}") == 0
    assert await office.counter.value("SELECT reserved FROM credit_account") == 0


async def test_it_was_counted_as_a_request_before(office: Office) -> None:
    """Its plan counts whoever is found, and not the request again, which it might refuse then."""
    await office.counter.sql(
        "WITH plan AS (INSERT INTO rate_plan (customer_id, name, max_requests_per_minute,"
        " max_recipients_per_day) VALUES (1, 'p', 1, 4) RETURNING id)"
        " UPDATE customer SET plan_id = (SELECT id FROM plan) WHERE id = 1"
    )
    await office.counter.sql(
        "INSERT INTO plan_usage (customer_id, period, begins, ends, requests)"
        " VALUES (1, 'minute', now() + interval '1 hour', now() + interval '1 hour', 1)"
    )
    await office.put()
    assert await office.expander.once()
    assert await office.job() == ("scheduled", 5, 4)
    rows = await office.counter.sql("SELECT period, requests, recipients FROM plan_usage")
    assert sorted(rows) == [("day", 0, 4), ("minute", 1, 4)]


async def test_late_is_when_it_is_due(office: Office) -> None:
    """`expand: late`: answered at once, and whoever is there when it is due is meant (Q30)."""
    due = datetime.now(UTC) + timedelta(hours=1)
    answer = await office.put(expand="late", delivery={"not_before": due.isoformat()})
    assert answer is not None
    assert answer["counts"]["requested"] is None
    assert not await office.expander.once()
    async with office.counter.means.store.session() as session:
        await Directory(session._connection).person(10, "new@x.test")
    job = UUID(answer["job"])
    moved = await office.counter.answer(
        command("reschedule", job=str(job), not_before=datetime.now(UTC).isoformat())
    )
    assert moved["ok"]
    assert await office.expander.once()
    assert await office.job() == ("scheduled", 6, 5)
    assert office.said() == []


async def test_two_expanders(office: Office) -> None:
    """What one is at, another one doesn't see; what the first gives up is free again."""
    await office.put()
    store = office.counter.means.store
    async with store.transaction() as session:
        await session._connection.fetch("SELECT FROM expansion FOR UPDATE")
        assert not await office.expander.once()
    assert await office.expander.once()
