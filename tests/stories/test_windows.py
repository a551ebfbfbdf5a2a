"""Send windows, and what has become too late."""

from datetime import UTC, datetime, timedelta

from tests.stories import asks
from tests.stories.house import ONE_LOOP, House
from tests.waiting import until

pytestmark = ONE_LOOP

UNTIL_OPEN, OPEN_FOR = 4, 2
"""Seconds."""


def window(opens: datetime, closes: datetime) -> dict[str, str]:
    """Every day, to the second."""
    return {"from": f"{opens:%H:%M:%S}", "to": f"{closes:%H:%M:%S}", "timezone": "UTC"}


async def test_it_opens_and_closes(home: House) -> None:
    """Nothing starts before a window opens, nor once it has closed; what is left says so.

    It goes on until it closes, at the relay within a second after it opens.
    """
    opens = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=UNTIL_OPEN)
    closes = opens + timedelta(seconds=OPEN_FOR)
    await home.sink.do("slow", ms=20)
    asked = await home.producer.ask(
        asks.send(
            asks.people(5000, words="office-"), delivery={"send_window": window(opens, closes)}
        )
    )
    assert asked.said["warnings"][0]["field"] == "delivery.send_window"
    _, before = await home.typed("trace", asked.job)
    assert any("window is closed" in line for line in before["words"])

    async def is_given_back() -> bool:
        rows = await home.rows(
            "SELECT FROM batch WHERE job_id = $1 AND NOT done AND (owner IS NOT NULL"
            " OR due_at < now())", asked.job,
        )  # fmt: skip
        return not rows and datetime.now(UTC) > closes

    await until(is_given_back)
    moments = [copy.time for copy in home.sink.copies_to("office-")]
    assert 0 <= min(moments) - opens.timestamp() <= 1.0
    assert max(moments) <= closes.timestamp() + 0.5
    assert max(moments) - min(moments) >= OPEN_FOR / 2
    (left,) = await home.rows("SELECT max(id) AS id FROM delivery WHERE job_id = $1", asked.job)
    _, traced = await home.typed("trace", str(left["id"]))
    assert traced["waits"]["for"] == "closed"
    goes_on = datetime.fromisoformat(traced["waits"]["until"])
    assert goes_on == opens + timedelta(days=1)
    await home.sink.do("slow", ms=0)
    canceled = await home.producer.ask(asks.command("cancel", job=asked.job))
    assert canceled.done["canceled"] == 5000 - len(moments)
    await home.balance()


async def test_too_late(home: House) -> None:
    """What a relay was away for is stale by then: it is told as expired, and never sent."""
    await home.sink.do("down")
    asked = await home.producer.ask(
        asks.send(asks.people(30, words="stale-"), delivery={"too_late": "3s"})
    )
    completed = await home.events.completed(asked.job)
    assert completed.data["counts"]["expired"] == 30
    await home.events.count("delivery.expired", 30, asked.job)
    await home.sink.do("up")
    after = await home.producer.ask(asks.send(["after@there.test"]))
    await home.events.completed(after.job, seconds=60)
    assert home.sink.copies_to("stale-") == []
    await home.balance()
