"""Audiences that are found later: whoever freezes over it, or leaves meanwhile.

Whoever is killed over it: `test_crashpoints`, C5 to C7.
"""

import asyncio

import asyncpg
import pytest
import pytest_asyncio

from tests.stories import asks
from tests.stories import branch as branches
from tests.stories.house import House
from tests.waiting import until

PEOPLE = 60
EVERYONE = asks.people(PEOPLE)
_SETTINGS = {"intake__inline_limit": "10", "instance__lease": "2s"}
LEASE = 20.0
"""Seconds until what a dead instance was at is another's, as it comes."""
_HELD_UP = """
SELECT count(*) FROM pg_stat_activity
WHERE wait_event_type = 'Lock' AND datname = current_database()
"""


@pytest_asyncio.fixture
async def branch(house: House) -> House:
    """Sixty people below customer 1: more than an accept finds here by itself."""
    await branches.peopled(house, EVERYONE)
    return house


@pytest.mark.timeout(120)
@pytest.mark.parametrize("lease", ["2s", "20s"], ids=["lease-lost", "lease-held"])
async def test_frozen_while_it_is_found(branch: House, lease: str) -> None:
    """W2: who freezes in his search is relieved within the lease, and changes nothing on waking."""
    settings = {**_SETTINGS, "instance__lease": lease}
    frozen = await branch.start(**settings)
    connection = await asyncpg.connect(branch.dsn, timeout=10)
    async with connection.transaction():
        await connection.execute("LOCK TABLE contact")
        asked = await branch.producer.tell(
            asks.send([], audience=branches.TERMS), wants_answer=True, meant=EVERYONE
        )
        await until(lambda: connection.fetchval(_HELD_UP), seconds=10)
        frozen.pause()
    await connection.close()
    await branch.start(**settings)
    await branch.producer.answered(asked, seconds=LEASE)
    await branch.events.completed(asked.job)
    frozen.resume()
    await frozen.waits("expander.waits")
    await frozen.ready()
    again = await branch.producer.ask(asks.send([], audience=branches.TERMS), meant=EVERYONE)
    for one in (asked, again):
        assert one.done["counts"]["queued"] == PEOPLE
        completed = await branch.events.completed(one.job)
        assert completed.data["counts"]["sent"] == PEOPLE
        await branch.events.count("job.expanded", 1, one.job)
    assert len(branch.sink.copies) == 2 * PEOPLE
    await branch.judge()


@pytest.mark.timeout(120)
async def test_what_takes_too_long_is_named(branch: House) -> None:
    """An audience that nobody can find in time says so wherever one looks, and is found later."""
    daemon = await branch.start(**_SETTINGS, intake__expand_timeout="1s")
    body = asks.send([], audience=branches.TERMS)
    connection = await asyncpg.connect(branch.dsn, timeout=10)
    async with connection.transaction():
        await connection.execute("LOCK TABLE contact")
        asked = await branch.producer.tell(body, wants_answer=True, meant=EVERYONE)
        await daemon.names("audiences", "in vain: no answer in time")
        status, story = await branch.typed("trace", body["request_id"])
        assert (status, story["job"]["state"]) == (0, "expanding")
        assert "wasn't found in" in story["words"][0]
    await connection.close()
    await branch.producer.answered(asked, seconds=60)  # the pauses grow
    await daemon.recovers()
    completed = await branch.events.completed(asked.job)
    assert completed.data["counts"]["sent"] == PEOPLE
    await branch.judge()


@pytest.mark.timeout(120)
async def test_two_at_once_and_somebody_leaves(branch: House) -> None:
    """Two searches by two instances; who has unsubscribed by then, acknowledged, gets neither."""
    for _ in range(2):
        await branch.start(**_SETTINGS)
    ask, due = branch.producer.ask, asks.later(4)
    news = [
        asks.send([], audience=branches.TERMS, purpose="marketing", delivery={"not_before": due})
        for _ in range(2)
    ]
    async with asyncio.TaskGroup() as tasks:
        both = [tasks.create_task(ask(one, meant=EVERYONE), name="ask") for one in news]
        tasks.create_task(ask(asks.command("unsubscribe", address="P7@there.test")), name="leave")
    for asked in both:
        completed = await branch.events.completed(asked.result().job, seconds=30)
        numbers = completed.data["counts"]
        assert numbers["sent"] == PEOPLE - 1
        assert numbers["suppressed"] + numbers["suppressed_late"] == 1
