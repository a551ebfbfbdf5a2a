"""An instance is cut off from the database, and from nothing else."""

import pytest

from tests.integration import way
from tests.stories import asks
from tests.stories.house import House
from tests.waiting import until

NUMBER = 1000


@pytest.mark.timeout(120)
async def test_cut_off_from_the_database(house: House) -> None:
    """W3: who can't renew his lease sends nothing after it, and another one ends his work.

    The network swallows all he says to the database; the relay is there all the time. When the way
    is open again he goes on as somebody new. Nobody gets two who wasn't told to be in doubt.
    """
    async with way.to(house.dsn) as road:
        lonely = await house.start(
            postgres__dsn=road.dsn,
            postgres__silence="2s",
            postgres__connect_timeout="1s",
            delivery__hostname="lonely.test",
        )
        await house.sink.do("slow", ms=20)
        asked = await house.producer.ask(asks.send(asks.people(NUMBER)))
        await house.sink.stored(200)
        road.vanish()
        await until(lambda: any(lonely.lines("lease.lost")), seconds=30)
        sent = len(house.sink.copies)
        assert sent < NUMBER
        await lonely.names("postgres", "no answer in time")
        await house.start(delivery__hostname="other.test")
        completed = await house.events.completed(asked.job, seconds=60)
        assert completed.data["counts"]["sent"] == NUMBER
        # what was between its dot and the reply at that moment may still have been stored
        assert sum(copy.helo == "lonely.test" for copy in house.sink.copies) <= sent + 10
        road.appear()
        await lonely.ready()
        assert len(list(lonely.lines("life.begins"))) == 2
        assert [line["why"] for line in lonely.lines("stopping")] == ["the lease was lost"]
        assert lonely.repetitions == []
        await house.judge()
