"""The broker is restarted."""

import asyncio

import pytest

from tests.forms import form
from tests.stories import asks, broker_troubles
from tests.stories.house import House
from tests.stories.servers import Pair

CAMPAIGN = form(1000, 4000)
MEANWHILE = form(300, 60_000)
"""Mails that are sent while it is away: a hundred a second, at most."""
NUMBER = 300


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kill", [False, True], ids=["stopped", "killed"])
async def test_broker_restarted(breakable: House, pair: Pair, *, kill: bool) -> None:
    """E1: a broker that goes away and comes back costs no request and no event; mail goes on."""
    house = breakable
    daemon = await house.start()
    await house.sink.do("slow", ms=20)
    asked = await house.producer.ask(asks.send(asks.people(1500)))
    await house.sink.stored(50)
    async with asyncio.TaskGroup() as group:
        group.create_task(pair.restart("rabbitmq", kill=kill), name="restart")
        for number in range(20):
            body = asks.send([f"meanwhile-{number}@there.test"])
            group.create_task(house.producer.tell(body), name=f"ask {number}")
    assert daemon.is_running
    await house.sink.do("slow", ms=0)
    completed = await house.events.completed(asked.job, seconds=60)
    assert completed.data["counts"]["sent"] == 1500
    await house.events.count("job.completed", 21, seconds=60)
    assert daemon.repetitions == []
    await house.judge()


@pytest.mark.timeout(form(180, 1500))
async def test_broker_away_for_long(breakable: House, pair: Pair) -> None:
    """E1: as long as it is away mail goes on and events wait; then all are told, in their order."""
    house, campaigns = breakable, MEANWHILE // CAMPAIGN + 1
    daemon = await house.start(log__delivery_sample="0")
    await house.sink.do("slow", ms=100)
    asked = [await house.producer.ask(asks.send(asks.people(CAMPAIGN))) for _ in range(campaigns)]
    await house.sink.stored(50)
    async with broker_troubles.gone(pair):
        await house.sink.more(MEANWHILE, seconds=form(30, 1200))
    await house.sink.do("slow", ms=0)
    for one in asked:
        completed = await house.events.completed(one.job, seconds=form(30, 120))
        assert completed.data["counts"]["sent"] == CAMPAIGN
    assert daemon.repetitions == []
    await house.judge(seconds=form(30, 120))


@pytest.mark.timeout(180)
async def test_mails_go_out_meanwhile(breakable: House, pair: Pair) -> None:
    """T093: mails go out while the broker is away; each event comes once it is back, and once.

    Those of a delivery sort by attempt and step: it was deferred twice, and then sent.
    """
    house = breakable
    await house.start()
    await house.sink.do("slow", ms=20)
    people = asks.people(NUMBER, words="greylist-2+") + asks.people(NUMBER)
    asked = await house.producer.ask(asks.send(people))
    await house.sink.stored(20)
    async with broker_troubles.gone(pair):
        told = len(house.events.first)
        await house.sink.stored(2 * NUMBER)
        assert len(house.events.first) == told
    await house.events.completed(asked.job, seconds=60)
    sent = await house.events.count("delivery.sent", 2 * NUMBER, asked.job)
    assert len({event.id for event in sent}) == 2 * NUMBER
    heard = list(reversed(house.events.first.values()))
    for event in sent:
        his = [one for one in heard if one.delivery == event.delivery]
        steps = sorted(his, key=lambda one: one.step)
        kinds = ["delivery.deferred"] * (event.data["attempt"] - 1) + ["delivery.sent"]
        assert [one.type for one in steps] == kinds
    assert sorted(event.data["attempt"] for event in sent) == [1] * NUMBER + [3] * NUMBER
    await house.judge()
