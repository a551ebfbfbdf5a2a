"""Audiences that are found later: what is said before and after, and what may happen meanwhile."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from daemon.intake.expander import PAUSES, TRIES, Expander
from daemon.mail.request.rules import Rules
from daemon.store import errors
from tests.integration.expansion.people import Directory
from tests.integration.intake import office as offices
from tests.integration.intake.counter import Counter, command
from tests.integration.intake.office import WAITS_FOR_A_LOCK, Office
from tests.waiting import until


@pytest.fixture
async def office(counter: Counter) -> AsyncIterator[Office]:
    """Everybody on one store."""
    async with offices.opened(counter, counter.means.store) as opened:
        yield opened


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


async def test_its_sender_may_go_meanwhile(office: Office) -> None:
    """What a sender brings was taken at the accept: the search asks for it no more."""
    counter = office.counter
    sender = (await counter.answer(command("senders.put", address="news@x.test")))["sender"]
    message = {"sender_id": sender, "subject": "Hello", "text": "Hi"}
    assert await office.put(messages=[message]) is None
    assert (await counter.answer(command("senders.delete", sender=sender)))["ok"]
    assert await office.expander.once()
    [(_, answer)] = office.said()
    assert (answer["ok"], answer["counts"]["queued"]) == (True, 4)
    spec = await counter.value("SELECT spec FROM message")
    assert spec["from"] == {"address": "news@x.test"}


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
            await until(lambda: office.counter.value(WAITS_FOR_A_LOCK))
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


@asynccontextmanager
async def _out_of_reach(office: Office) -> AsyncIterator[None]:
    """Within this nobody can look at people, and a search takes longer than it may."""
    office.expander._terms = replace(office.expander._terms, expand_timeout=0.2)
    async with office.counter.means.store.transaction() as session:
        await session._connection.execute("LOCK TABLE person")
        yield


async def _tried(office: Office) -> object:
    """What comes of a try, whenever the next one is due."""
    await office.counter.sql("UPDATE expansion SET again_at = '-infinity'")
    try:
        return await office.expander.once()
    except errors.Unavailable as error:
        return str(error)


async def test_an_audience_that_takes_too_long(office: Office) -> None:
    """Tried again with growing pauses, and never for ever: then the job has failed and says why."""
    await office.put()
    pauses = []
    async with _out_of_reach(office):
        for number in range(TRIES):
            assert await _tried(office) == "no answer in time"
            [row] = await office.counter.sql(
                "SELECT tries, trouble, round(extract(epoch FROM again_at - now())) FROM expansion"
            )
            assert row[:2] == (number + 1, "no answer in time")
            pauses.append(float(row[2]))
    assert pauses == [*PAUSES, 0.0]
    assert await office.job() == ("expanding", None, 0)
    assert await office.expander.once()
    assert await office.job() == ("failed", 0, 0)
    [(to, answer)] = office.said()
    [error] = answer["errors"]
    assert (to, error["code"]) == ("desk", "internal")
    assert error["message"] == f"its audience could not be found in {TRIES} tries"
    [canceled] = office.counter.heard.of("job.canceled")
    assert canceled["errors"] == answer["errors"]
    [completed] = office.counter.heard.of("job.completed")
    assert (completed["state"], completed["counts"]["requested"]) == ("failed", 0)
    for table in ("delivery", "batch", "dropped_recipient", "expansion", "request_seen"):
        assert await office.counter.value(f"SELECT count(*) FROM {table}") == 0
    assert await office.put() is None  # its key is free again


async def test_who_waits_holds_nobody_up(office: Office) -> None:
    """What couldn't be found is named, and waits; another one is found meanwhile, and then it."""
    await office.put()
    async with _out_of_reach(office):
        with pytest.raises(errors.Unavailable):
            await office.expander.look()
    await office.put(request_id="r2")
    await office.expander.look()
    states = "SELECT request_id, state FROM job ORDER BY request_id"
    assert await office.counter.sql(states) == [("r1", "expanding"), ("r2", "scheduled")]
    ticket = await office.counter.value("SELECT ticket FROM job WHERE request_id = 'r1'")
    assert office.expander.why_troubled == (
        f"the audience of job {ticket} was looked for once in vain: no answer in time"
    )
    await office.counter.sql("UPDATE expansion SET again_at = now()")
    await office.expander.look()
    assert await office.counter.sql(states) == [("r1", "scheduled"), ("r2", "scheduled")]
    assert office.expander.why_troubled == ""


async def test_a_fault_that_is_ours(office: Office) -> None:
    """A law of the database that one audience breaks is named too, and ends nothing but its job."""
    await office.put()
    await office.counter.sql(
        "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
        " RAISE EXCEPTION 'ann@x.test' USING ERRCODE = 'check_violation'; END $$"
    )
    await office.counter.sql(
        "CREATE TRIGGER broken BEFORE INSERT ON batch EXECUTE FUNCTION broken()"
    )
    for _ in range(TRIES):
        assert await _tried(office)
        trouble = await office.counter.value("SELECT trouble FROM expansion")
        assert trouble == "CheckViolationError"
    assert await office.expander.once()
    assert await office.job() == ("failed", 0, 0)


async def test_a_request_that_can_not_even_be_read(office: Office) -> None:
    """What goes wrong before the search counts as well, and its end needs no reading."""
    await office.put()
    sane, office.expander._reader.rules = office.expander._reader.rules, None  # type: ignore[assignment]
    for _ in range(TRIES):
        assert await _tried(office)
    assert await office.counter.value("SELECT trouble FROM expansion") == "AttributeError"
    await office.put(request_id="r2")
    await office.expander.look()
    office.expander._reader.rules = sane
    states = "SELECT request_id, state FROM job ORDER BY request_id"
    assert await office.counter.sql(states) == [("r1", "failed"), ("r2", "expanding")]
    await office.counter.sql("UPDATE expansion SET again_at = now()")
    await office.expander.look()
    assert await office.counter.sql(states) == [("r1", "failed"), ("r2", "scheduled")]


async def test_a_search_that_never_ended(office: Office) -> None:
    """Whoever dies within a search has tried: that is counted before it begins."""
    await office.put()
    async with _out_of_reach(office), asyncio.TaskGroup() as tasks:
        finding = tasks.create_task(office.expander.once(), name="finding")
        await until(lambda: office.counter.value(WAITS_FOR_A_LOCK))
        finding.cancel()
    [(tries, is_later)] = await office.counter.sql(
        "SELECT tries, again_at > now() - interval '1 minute' FROM expansion"
    )
    assert (tries, is_later) == (1, True)


async def test_a_cancel_while_it_waits(office: Office) -> None:
    """Who cancels what couldn't be found hears of it at once, whenever the next try would be."""
    await office.put()
    async with _out_of_reach(office):
        await _tried(office)
    await office.counter.sql("UPDATE expansion SET again_at = 'infinity'")
    job = await office.counter.value("SELECT id::text FROM job")
    assert (await office.counter.answer(command("cancel", job=job)))["ok"]
    await office.expander.look()
    [(_, answer)] = office.said()
    assert [error["code"] for error in answer["errors"]] == ["state.conflict"]
    assert (await office.job())[0] == "canceled"


async def test_a_request_that_is_not_fit_any_more(office: Office) -> None:
    """Rules that were changed since its accept refuse it: it has failed, and that is told too."""
    due = datetime.now(UTC) + timedelta(hours=1)
    await office.put(delivery={"not_before": due.isoformat()})
    office.expander._reader.rules = Rules(horizon=timedelta(minutes=1))
    assert await office.expander.once()
    [(_, answer)] = office.said()
    assert [error["field"] for error in answer["errors"]] == ["delivery.not_before"]
    assert office.counter.heard.of("job.canceled")[0]["errors"] == answer["errors"]
    assert office.counter.heard.of("job.completed")[0]["state"] == "failed"


async def test_two_expanders(office: Office) -> None:
    """What one is at, another one doesn't see; what the first gives up is free again."""
    await office.put()
    store = office.counter.means.store
    async with store.transaction() as session:
        await session._connection.fetch("SELECT FROM expansion FOR UPDATE")
        assert not await office.expander.once()
    assert await office.expander.once()
