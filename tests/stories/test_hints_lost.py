"""The hints that wake a daemon are lost."""

from tests.stories import asks
from tests.stories.house import House
from tests.waiting import until

_LISTENERS = """
SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE 'LISTEN%'
"""
_TRIES = 10


async def test_the_listener_is_lost(house: House) -> None:
    """W16: without a NOTIFY what is asked for is found at the next look, and nothing is missed.

    One instance accepts, another one delivers: between them there is only the database. A lost
    listener is back after five seconds, the poll is every second: what is sent before counts.
    """
    parts = ("intake", "dispatch")
    daemons = [await house.start(only=part, dispatch__poll="1s") for part in parts]
    for _ in range(_TRIES):
        await until(lambda: _listeners(house), seconds=30)
        for listener in await _listeners(house):
            await house.rows("SELECT pg_terminate_backend($1)", listener)
        asked = await house.producer.ask(asks.send(asks.people(5)))
        completed = await house.events.completed(asked.job)
        assert completed.data["counts"]["sent"] == 5
        if not await _listeners(house):  # else the machine was too busy for this to say anything
            break
    else:
        raise AssertionError("nothing is found before the listener is back")
    assert [daemon.repetitions for daemon in daemons] == [[], []]
    await house.judge()


async def _listeners(house: House) -> list[int]:
    return [row["pid"] for row in await house.rows(_LISTENERS)]
