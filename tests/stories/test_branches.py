"""A part of a job is taken back, or sent at another time."""

import asyncpg

from tests.integration.expansion.people import Directory
from tests.stories import asks
from tests.stories.house import ONE_LOOP, House

pytestmark = ONE_LOOP

ABOVE, BELOW, BESIDE = 21, 22, 23
EVERYONE = [{"address": f"b{number}@there.test"} for number in range(6)]


async def test_taken_back_and_moved(home: House) -> None:
    """Of a job for three customers one's people get nothing, another's mail comes later."""
    connection = await asyncpg.connect(home.dsn)
    directory = Directory(connection)
    for number, above in ((ABOVE, 1), (BELOW, ABOVE), (BESIDE, 1)):
        await directory.customer(number, above)
        for position in (0, 1):
            place = 2 * (number - ABOVE) + position
            await directory.person(number, f"b{place}@there.test", number=100 + place)
    await connection.close()
    begins, later = asks.later(10), asks.later(12)
    terms = [{"type": "people", "scope": "descendants"}]
    asked = await home.producer.ask(
        asks.send([], audience=terms, delivery={"not_before": begins}), meant=EVERYONE
    )
    assert asked.done["counts"]["queued"] == 6
    status, moved = await home.typed(
        "reschedule", asked.job, "--customer", str(ABOVE), "--at", later
    )
    assert (status, moved["moved"]) == (0, 4)
    status, canceled = await home.typed("cancel", asked.job, "--customer", str(BELOW), "--yes")
    assert (status, canceled["canceled"]) == (0, 2)
    completed = await home.events.completed(asked.job)
    assert (completed.data["counts"]["sent"], completed.data["counts"]["canceled"]) == (4, 2)
    came = {copy.rcpt[0]: copy.time for copy in home.sink.copies_to("b")}
    assert came.keys() == {f"b{number}@there.test" for number in (0, 1, 4, 5)}
    assert all(came[f"b{number}@there.test"] >= asks.moment(later) for number in (0, 1))
    assert all(came[f"b{number}@there.test"] >= asks.moment(begins) for number in (4, 5))
    await home.balance()
