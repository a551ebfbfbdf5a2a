"""A customer and all below him, taken back or moved within a job that is for others too."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.expansion.people import Directory
from tests.integration.intake.counter import ANN, BOB, Counter, Document, command, send

NORTH, DEEP, SOUTH = 10, 11, 12
HOUR = timedelta(hours=1)


@pytest.fixture
async def job(counter: Counter) -> str:
    """Ann's job to everyone below her: two at North, one below him, two at South, and herself."""
    async with counter.means.store.session() as session:
        directory = Directory(session._connection)
        for number, above in ((NORTH, ANN), (DEEP, NORTH), (SOUTH, ANN)):
            await directory.customer(number, above)
        for customer, *addresses in (
            (NORTH, "n1@x.test", "n2@x.test"), (DEEP, "d@x.test"), (SOUTH, "s1@x.test", "s2@x.test")
        ):  # fmt: skip
            await directory.person(customer, *addresses)
    items = [{"address": "zoe@x.test"}]
    terms = [{"type": "people", "scope": "descendants"}, {"type": "recipients", "items": items}]
    answer = await counter.answer(send(request_id="j") | {"audience": terms})
    assert answer["counts"]["queued"] == 6
    return answer["job"]


async def letters(counter: Counter) -> dict[str, str]:
    """Where everybody stands."""
    rows = await counter.sql(
        "SELECT d.address, substr(b.state, (d.id % 512)::integer + 1, 1)"
        " FROM delivery d JOIN batch b ON b.id = d.id / 512"
    )
    return dict(rows)  # type: ignore[arg-type]


def at(job: str, name: str = "cancel", customer: int = NORTH, **more: Any) -> Document:
    """A command about a branch of it."""
    return command(name, job=job, customer=customer, **more)


async def test_a_branch_is_canceled(counter: Counter, job: str) -> None:
    """Whoever was found there or below is taken back and told as a number; the others go on."""
    verdict = await counter.put(at(job))
    assert verdict.delay == counter.means.terms.permit_window
    assert await letters(counter) == {
        "n1@x.test": "c", "n2@x.test": "c", "d@x.test": "c",
        "s1@x.test": "w", "s2@x.test": "w", "zoe@x.test": "w",
    }  # fmt: skip
    row = await counter.sql("SELECT state, canceled, released, remaining FROM job")
    assert row == [("scheduled", 3, 3, 3)]
    assert await counter.value("SELECT bool_or(done) FROM batch") is False
    (told,) = counter.heard.of("job.canceled")
    assert (told["customer"], told["canceled"]) == (NORTH, 3)
    assert counter.heard.of("job.completed") == []


async def test_it_is_the_same_when_it_is_asked_for_again(counter: Counter, job: str) -> None:
    """The first answer, and that nothing changed; told once. Then the job as a whole."""
    first = await counter.answer(at(job))
    assert (first["canceled"], first["already_gone"], first["under_way"]) == (3, 0, 0)
    assert await counter.answer(at(job)) == first | {"unchanged": True}
    assert len(counter.heard.of("job.canceled")) == 1
    whole = await counter.answer(command("cancel", job=job))
    assert (whole["canceled"], whole["already_gone"]) == (3, 3)
    assert await counter.answer(command("cancel", job=job)) == whole | {"unchanged": True}
    assert await counter.sql("SELECT state, canceled, remaining FROM job") == [("canceled", 6, 0)]


async def test_what_is_under_way_or_gone(counter: Counter, job: str) -> None:
    """Deferred ones lose their retry row; what is under way is counted, and taken once deferred."""
    places = "(SELECT array_agg((d.id % 512)::integer) FROM delivery d WHERE d.address = $1)"
    for address, letter in (("n1@x.test", "d"), ("n2@x.test", "u"), ("d@x.test", "s")):
        await counter.sql(
            f"UPDATE batch SET state = state_marked(state, {places}, $2)", address, letter
        )
    await counter.sql(
        "INSERT INTO retry (batch_id, position, job_id, job_on, customer_id, lane_id, class,"
        " due_at, attempt) SELECT b.id, d.id % 512, b.job_id, b.job_on, b.customer_id, b.lane_id,"
        " b.class, now(), 1 FROM batch b"
        " JOIN delivery d ON d.id / 512 = b.id AND d.address = 'n1@x.test'"
    )
    await counter.sql("UPDATE job SET sent = 1, state = 'running'")
    answer = await counter.answer(at(job))
    assert (answer["canceled"], answer["already_gone"], answer["under_way"]) == (1, 2, 1)
    found = await letters(counter)
    assert [found[name] for name in ("n1@x.test", "n2@x.test", "d@x.test")] == ["c", "u", "s"]
    assert await counter.value("SELECT count(*) FROM retry") == 0


async def test_the_last_of_a_job(counter: Counter, job: str) -> None:
    """Branch by branch, a job of which nothing is left is complete."""
    await counter.sql("DELETE FROM delivery WHERE address = 'zoe@x.test'")
    await counter.sql("UPDATE batch SET state = left(state, 5)")
    await counter.sql("UPDATE job SET queued = 5, requested = 5")
    for customer in (NORTH, SOUTH):
        await counter.put(at(job, customer=customer))
    row = await counter.sql("SELECT state, canceled, finished_at IS NULL FROM job")
    assert row == [("completed", 5, False)]
    assert await counter.sql("SELECT state, done FROM batch") == [("ccccc", True)]
    (told,) = counter.heard.of("job.completed")
    assert told["counts"]["canceled"] == 5
    late = await counter.answer(at(job, customer=DEEP))
    assert late["errors"][0]["code"] == "state.conflict"


@pytest.mark.parametrize("name", ["cancel", "reschedule"])
@pytest.mark.parametrize("customer", [BOB, 4711])
async def test_whose_branch(counter: Counter, job: str, customer: int, name: str) -> None:
    """Another's branch is answered like one that isn't there."""
    more = {"not_before": "2020-01-01T00:00:00Z"} if name == "reschedule" else {}
    answer = await counter.answer(at(job, name, customer, **more))
    assert [(one["code"], one["field"]) for one in answer["errors"]] == [("not_found", "customer")]
    assert set((await letters(counter)).values()) == {"w"}
    theirs = await counter.answer(at(job, name, NORTH, **more), customer=BOB)
    assert theirs["errors"][0]["field"] == "job"


async def test_a_branch_is_moved(counter: Counter, job: str) -> None:
    """Each of it waits by itself until the new time, without a try counted; the others stay."""
    due = datetime.now(UTC) + HOUR
    for _ in range(2):  # the second time they are deferred already
        answer = await counter.answer(at(job, "reschedule", not_before=due.isoformat()))
        assert (answer["moved"], answer["already_gone"]) == (3, 0)
        assert sorted((await letters(counter)).items()) == [
            ("d@x.test", "d"), ("n1@x.test", "d"), ("n2@x.test", "d"),
            ("s1@x.test", "w"), ("s2@x.test", "w"), ("zoe@x.test", "w"),
        ]  # fmt: skip
        rows = await counter.sql("SELECT due_at, attempt, rank FROM retry")
        assert rows == [(due, 0, None)] * 3
        due += HOUR
    assert await counter.value("SELECT due_at <= now() FROM batch") is True
    told = counter.heard.of("job.rescheduled")
    assert [(one["customer"], one["moved"]) for one in told] == [(NORTH, 3)] * 2
    await counter.put(command("pause", job=job))
    again = await counter.answer(at(job, "reschedule", not_before=due.isoformat()))
    assert again["errors"][0]["code"] == "state.conflict"


async def test_a_branch_of_one_delivery_is_none(counter: Counter, job: str) -> None:
    """A customer stands beside a job."""
    with pytest.raises(AssertionError, match="must stand beside"):
        counter.read(command("cancel", delivery=512, customer=NORTH))
    assert job
