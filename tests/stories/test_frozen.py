"""An instance is frozen beyond its lease, and wakes: at work, in a conversation, in a statement."""

from typing import Any

import asyncpg
import pytest

from tests.stories import asks
from tests.stories.house import House
from tests.waiting import until

NUMBER = 2000
CONNECTIONS = 6
BEFORE = ("banner", "ehlo", "mail", "rcpt", "data", "body")
"""The phases of a conversation up to its dot."""
_LARGE = {"text": "All of it, and more of the same.\n" * 100_000}
"""So much that the dot can't have left while the relay doesn't read."""
_INSTANCE = {"application_name": "deliveryd:serve"}
"""How the sessions of instances are known to each other."""


@pytest.mark.timeout(120)
async def test_beyond_its_lease(house: House) -> None:
    """W2: an instance that was frozen beyond its lease sends nothing new when it wakes."""
    house.transport["max_connections"] = CONNECTIONS
    frozen, _ = [await house.start() for _ in range(2)]
    await house.sink.do("slow", ms=5)
    asked = await house.producer.ask(asks.send(asks.people(NUMBER)))
    await house.sink.stored(500)
    frozen.pause()
    completed = await house.events.completed(asked.job, seconds=60)
    assert completed.data["counts"]["sent"] == NUMBER
    before = len(house.sink.copies)
    frozen.resume()
    await frozen.ready()
    after = await house.producer.ask(asks.send(["after@there.test"]))
    await house.events.completed(after.job)
    assert len(house.sink.copies) <= before + 1 + CONNECTIONS
    await house.judge()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("phase", BEFORE)
async def test_before_its_dot(house: House, phase: str) -> None:
    """W2: whatever phase it froze in, it is relieved without a doubt, and sends nothing on waking.

    The relay has answered meanwhile, and would take the mail.
    """
    frozen = await house.start(intake__max_parcel="8MiB")
    where: dict[str, Any] = {"bytes": 5000} if phase == "body" else {}
    await house.sink.do("mode", phase=phase, act="stall", seconds=1, times=1, **where)
    person = {"address": "p@there.test", "override": _LARGE if phase == "body" else {}}
    asked = await house.producer.ask(asks.send([person]))
    await until(lambda: house.sink.has_played(phase))
    frozen.pause()
    await house.start()
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == 1
    frozen.resume()
    await until(lambda: len(list(frozen.lines("life.begins"))) == 2, seconds=30)
    await frozen.ready()
    assert house.events.number("delivery.in_doubt") == 0
    assert len(house.sink.copies) == 1
    await house.judge()


@pytest.mark.timeout(120)
async def test_behind_its_dot(house: House) -> None:
    """W2: what a frozen instance waited for is in doubt meanwhile; the reply it wakes to ends that.

    The relay has taken the mail and said so to nobody who could hear it. Nobody sends it again.
    """
    frozen = await house.start()
    held = {"delivery": {"doubt": "hold"}}
    asked = await house.producer.ask(asks.send(["stall-at-dot-2+p@there.test"], **held))
    await house.sink.stored(1)
    frozen.pause()
    await house.start()
    await house.events.count("delivery.in_doubt", 1, asked.job)
    frozen.resume()
    completed = await house.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == 1
    assert len(house.sink.copies) == 1
    await house.judge()


@pytest.mark.timeout(120)
async def test_within_a_statement(house: House) -> None:
    """W2: who froze between two halves of a statement holds everybody up for seconds only.

    Here it is a session like an instance's. For the rest the server would wait for ever.
    """
    daemon = await house.start()
    due = {"delivery": {"not_before": asks.later(2)}}
    asked = await house.producer.ask(asks.send(asks.people(3), **due))
    frozen = await asyncpg.connect(house.dsn, timeout=10, server_settings=_INSTANCE)
    try:
        await frozen.execute("BEGIN; SELECT FROM job FOR UPDATE")
        await frozen.prepare("SELECT $1::integer")
        completed = await house.events.completed(asked.job, seconds=30)
        assert completed.data["counts"]["sent"] == 3
        await daemon.waits("sessions.ended")
        assert frozen.is_closed()
    finally:
        frozen.terminate()
    await house.judge()
