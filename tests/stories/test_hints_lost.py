"""The hints that wake a daemon are lost."""

from tests.stories import asks
from tests.stories.house import House
from tests.waiting import until

POLL = 1.0
LATEST = 4.0
"""Seconds: a lost listener comes back after five, so what is sent before then was found by polling.

The poll is every second; the rest is for a machine that is busy."""

_LISTENERS = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'LISTEN%'
"""


async def test_the_listener_is_lost(house: House) -> None:
    """W16: without a NOTIFY what is asked for is found at the next look, and nothing is missed.

    One instance accepts, another one delivers: between them there is only the database.
    """
    await house.start(only="intake", dispatch__poll=f"{POLL:g}s")
    await house.start(only="dispatch", dispatch__poll=f"{POLL:g}s")
    await until(lambda: _listeners(house))
    for listener in await _listeners(house):
        await house.rows("SELECT pg_terminate_backend($1)", listener)
    asked = await house.producer.ask(asks.send(asks.people(5)))
    completed = await house.events.completed(asked.job, seconds=LATEST)
    assert completed.data["counts"]["sent"] == 5
    assert await _listeners(house) == []
    await house.judge()


async def _listeners(house: House) -> list[int]:
    return [row["pid"] for row in await house.rows(_LISTENERS)]
