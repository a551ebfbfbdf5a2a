"""What may not pile up without end: work that waits, and events that nobody takes."""

import asyncio

import aio_pika
import pytest

from daemon.broker import topology
from tests.stories import asks
from tests.stories import broker_troubles as troubles
from tests.stories.house import House
from tests.stories.servers import PATIENCE

MOST = 40
URGENT = "request.urgent"


async def _is_left_alone(house: House, queue: str) -> None:
    """Returns once nobody consumes from a queue."""
    async with (
        asyncio.timeout(PATIENCE),
        await aio_pika.connect(house.url, timeout=PATIENCE) as connection,
    ):
        channel = await connection.channel()
        consumers = 1
        while consumers:
            await asyncio.sleep(0.05)  # the broker gives no sign
            found = await channel.declare_queue(queue, passive=True)
            consumers = found.declaration_result.consumer_count or 0


@pytest.mark.timeout(120)
async def test_too_much_waits(house: House) -> None:
    """Parcels stay on their queue until less waits; what is urgent is taken a little longer.

    Nothing is refused, handed back or lost, and the queue shows its producer how things stand.
    """
    house.sections["intake"] = {**house.sections["intake"], "max_waiting": MOST}
    daemon = await house.start()
    later = asks.send(asks.people(MOST + 5), delivery={"not_before": asks.later(3600)})
    piled = await house.producer.ask(later)
    await daemon.names("backlog", f"{MOST + 5} deliveries wait, {MOST} may")
    await _is_left_alone(house, topology.names(house.prefix).normal)
    left = await house.producer.tell(asks.send(["left@there.test"]), wants_answer=True)
    urgent = await house.producer.ask(asks.send(["urgent@there.test"]), key=URGENT)
    await house.events.completed(urgent.job)
    assert left.answer is None
    now = asks.command("reschedule", job=piled.job, not_before=asks.later(0))
    assert (await house.producer.ask(now, key=URGENT)).done["moved"] == MOST + 5
    await house.producer.answered(left, seconds=PATIENCE)
    for asked in (piled, left):
        await house.events.completed(asked.job)
    assert not list(daemon.lines("parcel.dead"))
    await house.judge()


@pytest.mark.timeout(120)
async def test_too_much_is_untold(house: House) -> None:
    """While nobody takes our events nothing new is sent, though it is accepted; then it is."""
    house.sections["events"] = {**house.sections["events"], "max_untold": MOST}
    daemon = await house.start()
    events = topology.names(house.prefix).events
    heard = f"{house.prefix}.heard"
    async with troubles.without_exchange(events, heard=heard, house=house):
        first = await house.producer.ask(asks.send(asks.people(2 * MOST)))
        await daemon.names("dispatch", "events are untold")
        await house.sink.stored(2 * MOST)
        second = await house.producer.ask(asks.send(["second@there.test"]), key=URGENT)
        await daemon.names("events", "no exchange")
        assert len(house.sink.copies) == 2 * MOST
    for asked in (first, second):
        await house.events.completed(asked.job)
    await house.judge()
