"""One of two relays is dead for hours, scaled to seconds."""

from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.checker.evidence import Limits
from tests.integration import way
from tests.stories import asks
from tests.stories.house import House

BACKLOG = 4000
AT_THE_DEAD, AT_THE_LIVING = 3, 5
HOLD = 1000
"""Deliveries that an instance may hold in memory here: much less than the backlog."""
MORE_MEMORY = 32 * 2**20
RESUMES = 10.0
"""Seconds from the relay's return to its first mail: the five promised (see `unit/test_cure.py`; a
rest of three and a look each second), and as many for a busy machine."""


@pytest.mark.timeout(120)
async def test_dead_for_hours(house: House) -> None:
    """D29, W13, W14: what can't go out waits in the database, and is in nobody's way.

    Memory stays flat, what goes by another relay goes as ever. /readyz and STATUS name the dead
    one, which is probed now and then; when it is back the backlog drains within its limit, each
    recipient once.
    """
    async with way.to(f"smtp://story@{house.sink.host}:{house.sink.port}") as road:
        road.close()
        house.transport["max_connections"] = AT_THE_LIVING
        port = urlsplit(road.dsn).port
        dead = {"id": 2, "name": "dead", "port": port, "max_connections": AT_THE_DEAD}
        house.other_transports.append(dead)
        daemon = await house.start(log__delivery_sample="0", dispatch__hold=str(HOLD))
        await _lives(house)
        memory = daemon.memory
        by_dead = {"delivery": {"transport": {"id": 2}}}
        stuck = await house.producer.ask(asks.send(asks.people(BACKLOG, words="stuck-"), **by_dead))
        probed = 0
        for _ in range(4):  # probes come between mails that go as ever
            await house.events.count("delivery.deferred", probed + 2, stuck.job)
            probed = house.events.number("delivery.deferred", stuck.job)
            await _lives(house)
        await daemon.names("relay", f"dead: 127.0.0.1:{port}: no connection")
        assert probed < BACKLOG / 20
        assert daemon.memory < memory + MORE_MEMORY
        assert house.sink.copies_to("stuck-") == []
        await road.open()
        counts = await house.sink.control.call(do="count")
        await house.sink.stored(counts["distinct"] + 1, seconds=RESUMES)
        completed = await house.events.completed(stuck.job, seconds=60)
        assert completed.data["counts"]["sent"] == BACKLOG
        assert house.events.number("delivery.in_doubt") == 0
        await daemon.recovers()
        assert daemon.repetitions == []
        await house.judge(limits=Limits(connections=AT_THE_DEAD + AT_THE_LIVING))


async def _lives(house: House) -> None:
    """A mailing by the relay that lives is done as if nothing were."""
    more: dict[str, Any] = {"class": "bulk"}
    asked = await house.producer.ask(asks.send(asks.people(200), **more))
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == 200
