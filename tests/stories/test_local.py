"""A due time on the clock of whoever gets the mail."""

from datetime import UTC, datetime, timedelta

import asyncpg

from tests.integration.expansion.people import Directory
from tests.stories import asks
from tests.stories.house import ONE_LOOP, House

pytestmark = ONE_LOOP

ZONES = {"tokyo": "Asia/Tokyo", "london": "Etc/UTC", "denver": "America/Denver", "any": None}


async def test_wherever_one_is(home: House) -> None:
    """In a few seconds by UTC: in Tokyo that is long past, in Denver it is hours away."""
    connection = await asyncpg.connect(home.dsn)
    directory = Directory(connection)
    ids = [
        await directory.contact(1, f"{name}@there.test", timezone=zone)
        for name, zone in ZONES.items()
    ]
    await connection.close()
    due = datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=8)
    asked = await home.producer.ask(
        asks.send(
            [],
            audience=[{"type": "contacts", "ids": ids}],
            delivery={
                "not_before": f"{due:%Y-%m-%dT%H:%M:%S}",
                "timezone": "UTC",
                "recipient_local": True,
            },
        ),
        meant=[{"address": f"{name}@there.test"} for name in ZONES],
    )
    assert asked.done["counts"]["queued"] == 4
    await home.events.count("delivery.sent", 3, asked.job)
    came = {copy.rcpt[0].partition("@")[0]: copy.time for copy in home.sink.copies}
    assert came.keys() == {"tokyo", "london", "any"}
    assert came["tokyo"] < due.timestamp() <= min(came["london"], came["any"])
    (waiting,) = await home.rows("SELECT id FROM delivery WHERE address = 'denver@there.test'")
    _, traced = await home.typed("trace", str(waiting["id"]))
    assert traced["waits"]["for"] == "not_due"
    hours = datetime.fromisoformat(traced["waits"]["until"]) - due
    assert hours in (timedelta(hours=6), timedelta(hours=7))
    await home.producer.ask(asks.command("cancel", job=asked.job))
    completed = await home.events.completed(asked.job)
    assert (completed.data["counts"]["sent"], completed.data["counts"]["canceled"]) == (3, 1)
    await home.balance()
