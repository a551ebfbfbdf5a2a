"""Spread over time."""

from datetime import UTC, datetime, timedelta

from tests.stories import asks
from tests.stories.house import ONE_LOOP, House

pytestmark = ONE_LOOP

NUMBER, SECONDS = 120, 6


async def planned(home: House, job: str, word: str) -> list[tuple[float, float]]:
    """When each mail of a job was due, and when it came."""
    rows = await home.rows(
        "SELECT d.address, b.due_at FROM delivery d JOIN batch b ON b.id = d.id / 512"
        " WHERE d.job_id = $1",
        job,
    )
    due = {row["address"]: row["due_at"].timestamp() for row in rows}
    return [(due[copy.rcpt[0]], copy.time) for copy in home.sink.copies_to(word)]


async def test_evenly(home: House) -> None:
    """A spread job leaves bit by bit: each mail not before its time, and within a second after it.

    The last of it leaves when its time is over, and no second has more than its share of it.
    """
    begins = asks.later(5.0)
    asked = await home.producer.ask(
        asks.send(
            asks.people(NUMBER, words="drop-"),
            delivery={"spread_over": SECONDS, "not_before": begins},
        )
    )
    _, shown = await home.typed("job", "show", asked.job)
    assert any("evenly" in line for line in shown["words"])
    await home.events.completed(asked.job)
    moments = await planned(home, asked.job, "drop-")
    assert len(moments) == NUMBER
    assert all(0 <= came - due <= 1.0 for due, came in moments), moments
    slices = sorted({due - asks.moment(begins) for due, _ in moments})
    assert len(slices) == SECONDS
    for place, due in enumerate(slices):
        assert abs(due - place) < 0.1
        assert sum(one - asks.moment(begins) == due for one, _ in moments) == NUMBER // SECONDS
    await home.balance()


async def test_paused_and_resumed(home: House) -> None:
    """After a pause it goes on bit by bit: what was held up doesn't leave all at once."""
    ask = home.producer.ask
    asked = await ask(
        asks.send(asks.people(NUMBER, words="held-"), delivery={"spread_over": SECONDS})
    )
    await home.sink.more(NUMBER // SECONDS)
    await ask(asks.command("pause", job=asked.job))
    before = len(home.sink.copies_to("held-"))
    assert before < NUMBER / 2
    held_up = datetime.now(UTC) + timedelta(seconds=SECONDS / 2)
    await home.events.completed((await ask(asks.send(["p@there.test"],
        delivery={"not_before": held_up.isoformat()}))).job)  # fmt: skip
    resumed = await ask(asks.command("resume", job=asked.job))
    await home.events.completed(asked.job)
    assert resumed.answered is not None
    after = [one.time for one in home.sink.copies_to("held-") if one.time > held_up.timestamp()]
    assert len(after) == NUMBER - before
    assert max(after) - resumed.answered > SECONDS / 2
    soon = [one for one in after if one < resumed.answered + 1]
    assert len(soon) <= 3 * NUMBER // SECONDS
    await home.balance()
