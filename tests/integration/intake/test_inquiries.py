"""What one may ask of one's own jobs."""

import pytest

from tests.integration.intake.counter import BOB, Counter, command, send


async def test_a_job_goes_by_four_names(counter: Counter) -> None:
    """By job, ticket, message and delivery it is the same job, and its numbers keep the law."""
    asked = await counter.answer(send("a@x.test", "nobody"))
    names = {
        "job": asked["job"],
        "ticket": asked["ticket"],
        "message": asked["messages"][0],
        "delivery": asked["delivery"],
    }
    answers = [
        await counter.answer(command("status", **{key: name})) for key, name in names.items()
    ]
    assert all(answer["job"] == asked["job"] for answer in answers)
    assert answers[0]["balanced"] is True
    assert answers[0]["counts"]["remaining"] == 1
    assert (answers[0]["state"], answers[0]["class"]) == ("scheduled", "normal")


@pytest.mark.parametrize(
    ("name", "value"),
    [("ticket", "email_0000000000000"), ("message", 99), ("delivery", 99), ("delivery", 10**15)],
)
async def test_what_is_not_there_is_not_found(
    counter: Counter, name: str, value: str | int
) -> None:
    """An unknown name is told as such."""
    answer = await counter.answer(command("status", **{name: value}))
    assert answer["errors"][0]["code"] == "not_found"


async def test_deliveries_come_in_pages(counter: Counter) -> None:
    """Page by page everyone is listed once, in order."""
    addresses = [f"{number}@x.test" for number in range(7)]
    job = (await counter.answer(send(*addresses)))["job"]
    found, page = [], None
    while True:
        answer = await counter.answer(command("deliveries", job=job, limit=3, page=page))
        found += [row["address"] for row in answer["deliveries"]]
        page = answer.get("next")
        if page is None:
            break
    assert found == addresses


async def test_deliveries_by_state_with_the_last_fact(counter: Counter) -> None:
    """A state picks its deliveries; each has the last reply on record."""
    job = (await counter.answer(send("a@x.test", "b@x.test")))["job"]
    await counter.sql("UPDATE batch SET state = 'wb'")
    await counter.sql(
        "INSERT INTO ledger"
        " (stream, seq, at, type, customer_id, delivery_id, attempt, step, code, text)"
        " SELECT 999, n, now(), t, 1, (SELECT max(id) FROM delivery), n, 4, c, x"
        " FROM (VALUES (1, 'delivery.deferred', 451, 'later'),"
        "              (2, 'delivery.bounced', 550, 'no')) AS v (n, t, c, x)"
    )
    answer = await counter.answer(command("deliveries", job=job, state="bounced"))
    [row] = answer["deliveries"]
    assert (row["address"], row["state"], row["attempt"]) == ("b@x.test", "bounced", 2)
    assert (row["code"], row["text"]) == (550, "no")
    waiting = await counter.answer(command("deliveries", job=job, state="waiting"))
    assert [row["address"] for row in waiting["deliveries"]] == ["a@x.test"]


async def test_the_dropped_are_listed(counter: Counter) -> None:
    """Whoever was asked for and isn't delivered to is listed with the reason."""
    job = (await counter.answer(send("a@x.test", "nobody", "a@x.test")))["job"]
    answer = await counter.answer(command("deliveries", job=job, dropped=True))
    assert [(row["position"], row["reason"]) for row in answer["dropped"]] == [
        (1, "invalid"),
        (2, "duplicate"),
    ]


async def test_a_page_that_is_none_is_refused(counter: Counter) -> None:
    """A page of somebody's invention is a fault, not an error of ours."""
    job = (await counter.answer(send()))["job"]
    for page in ("x", "-1", "9" * 30):
        answer = await counter.answer(command("deliveries", job=job, page=page))
        assert answer["errors"][0]["field"] == "page"


async def test_doubts_are_listed(counter: Counter) -> None:
    """Open doubts of one's own, and nobody else's."""
    job = (await counter.answer(send()))["job"]
    await counter.sql(
        "INSERT INTO doubt (delivery_id, job_id, customer_id, attempt, reason, since)"
        " SELECT d.id, d.job_id, 1, 1, 'dropped', now() FROM delivery d"
    )
    answer = await counter.answer(command("doubt.list"))
    assert [(row["job"], row["reason"]) for row in answer["doubts"]] == [(job, "dropped")]
    assert (await counter.answer(command("doubt.list"), customer=BOB))["doubts"] == []
