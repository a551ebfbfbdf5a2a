"""Publishing to a real broker: what became of every message, whatever happens meanwhile."""

import asyncio

from aio_pika.abc import AbstractChannel
from pamqp import commands, frame

from daemon.broker import publisher
from daemon.broker.confirms import Fate
from daemon.broker.connection import Link
from daemon.broker.parcel import Outgoing


async def ids(broker: AbstractChannel, queue: str) -> list[str]:
    """Everything that waits in a queue, in its order, taken out of it."""
    handle, found = await broker.get_queue(queue, ensure=False), []
    while message := await handle.get(fail=False, no_ack=True, timeout=10):
        found.append(message.message_id)
    return found


async def test_a_batch(link: Link, names, broker, requests) -> None:
    """500 messages in one write are all confirmed, each there once, in order."""
    sender = publisher.BatchPublisher(link)
    published = await sender.publish(names.requests, requests(500), seconds=10)
    assert published.fates == (Fate.CONFIRMED,) * 500
    assert await ids(broker, names.normal) == [f"m{number}" for number in range(500)]


async def test_what_a_message_carries(link: Link, names, broker) -> None:
    """Body, properties and headers arrive as given, and the message survives a restart."""
    item = Outgoing(
        routing_key="request.urgent",
        body=b"\0" * 300_000,
        message_id="m",
        type="send",
        content_type="text/plain",
        correlation_id="c",
        headers={"reason": "too large", "size": 7},
        expiration=60,
    )
    sender = publisher.BatchPublisher(link)
    assert await sender.publish_one(names.requests, item, seconds=10) == Fate.CONFIRMED
    queue = await broker.get_queue(names.urgent, ensure=False)
    message = await queue.get(no_ack=True, timeout=10)
    assert (message.body, message.type, message.delivery_mode) == (item.body, "send", 2)
    assert (message.content_type, message.correlation_id) == ("text/plain", "c")
    assert message.headers.items() >= item.headers.items()
    assert message.expiration == 60


async def test_many_batches_under_way(link: Link, names, broker, requests) -> None:
    """Batches of several tasks on one channel each get their own answer, and nothing is lost."""
    sender = publisher.BatchPublisher(link)
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(
                sender.publish(names.requests, requests(50, start=50 * n), seconds=10), name=f"{n}"
            )
            for n in range(10)
        ]
    assert all(task.result().all_taken for task in tasks)
    assert sorted(await ids(broker, names.normal)) == sorted(f"m{n}" for n in range(500))


async def test_nobody_is_bound(link: Link, names, broker, requests) -> None:
    """What no queue wants is returned, and the rest of its batch confirmed."""
    sender = publisher.BatchPublisher(link)
    items = [*requests(2), *requests(1, start=2, routing_key="nobody"), *requests(1, start=3)]
    published = await sender.publish(names.requests, items, seconds=10)
    assert published.fates == (Fate.CONFIRMED, Fate.CONFIRMED, Fate.RETURNED, Fate.CONFIRMED)
    assert published.all_taken


async def test_the_alternate_exchange(link: Link, names, broker, requests) -> None:
    """E2: an event that nobody is bound to is confirmed, and kept where operators can see it."""
    sender = publisher.BatchPublisher(link)
    items = requests(3, routing_key="delivery.sent.1")
    published = await sender.publish(names.events, items, seconds=10)
    assert published.fates == (Fate.CONFIRMED,) * 3
    assert await ids(broker, names.unrouted) == ["m0", "m1", "m2"]


async def test_an_answer_that_nobody_waits_for(link: Link, requests) -> None:
    """A reply queue that is gone is no error: the answer comes back, and that is all."""
    sender = publisher.BatchPublisher(link)
    (item,) = requests(1, routing_key="a reply queue that is gone")
    assert await sender.publish_one("", item, seconds=10) == Fate.RETURNED


async def test_a_full_queue(link: Link, names, broker, requests) -> None:
    """A queue that rejects publishes gives nacks, item by item, and holds nobody else up."""
    name = f"{names.requests}.full"
    arguments = {"x-max-length": 3, "x-overflow": "reject-publish"}
    await broker.declare_queue(name, durable=True, arguments=arguments)
    try:
        sender = publisher.BatchPublisher(link)
        published = await sender.publish("", requests(10, routing_key=name), seconds=10)
        assert published.fates == (Fate.CONFIRMED,) * 3 + (Fate.NACKED,) * 7
        assert published.taken_in_order == 3
        assert (await sender.publish(names.requests, requests(5), seconds=10)).all_taken
    finally:
        await broker.queue_delete(name)


async def test_a_missing_exchange(link: Link, names, requests) -> None:
    """An exchange that was deleted leaves everything unknown, in the broker's words, until back."""
    sender = publisher.BatchPublisher(link)
    published = await sender.publish("nowhere", requests(2), seconds=10)
    assert published.fates == (Fate.UNKNOWN, Fate.UNKNOWN)
    assert "no exchange 'nowhere'" in published.why
    assert (await sender.publish(names.requests, requests(5), seconds=10)).all_taken


async def test_cut_under_the_confirms(road, fragile: Link, names, broker, requests) -> None:
    """A connection lost before the confirms leaves them unknown at once; a repeat goes through."""
    sender = publisher.BatchPublisher(fragile)
    assert (await sender.publish(names.requests, requests(1), seconds=10)).all_taken
    road.freeze()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(
            sender.publish(names.requests, requests(100), seconds=30), name="publishing"
        )
        await asyncio.sleep(0)
        road.cut()
    assert task.result().fates == (Fate.UNKNOWN,) * 100
    assert task.result().why
    road.thaw()
    again = await sender.publish(names.requests, requests(100), seconds=10)
    assert again.all_taken
    assert set(await ids(broker, names.normal)) == {f"m{number}" for number in range(100)}


async def test_a_frozen_broker(road, fragile: Link, names, broker, requests) -> None:
    """Silence ends in unknown, not in a cancelled task; when it is over, on we go."""
    sender = publisher.BatchPublisher(fragile)
    assert (await sender.publish(names.requests, requests(1), seconds=10)).all_taken
    road.freeze()
    published = await sender.publish(names.requests, requests(3), seconds=0.3)
    assert (published.fates, published.why) == ((Fate.UNKNOWN,) * 3, "no answer within 0.3 s")
    # past the moment in which the heartbeat gives the connection up under a waiting publish
    assert not (await sender.publish(names.requests, requests(3), seconds=10)).all_taken
    road.thaw()
    assert (await sender.publish(names.requests, requests(3), seconds=10)).all_taken


async def test_a_blocked_connection(road, fragile: Link, names, broker, requests, until) -> None:
    """While the broker blocks us nothing is written, so nothing comes twice when it is over."""
    sender = publisher.BatchPublisher(fragile)
    assert (await sender.publish(names.requests, requests(1), seconds=10)).all_taken
    road.say(frame.marshal(commands.Connection.Blocked("low on disk"), 0))
    await until(lambda: fragile.blocked)
    published = await sender.publish(names.requests, requests(3), seconds=0.3)
    assert published.fates == (Fate.UNKNOWN,) * 3
    assert fragile.blocked == "low on disk"
    assert fragile.is_up
    road.say(frame.marshal(commands.Connection.Unblocked(), 0))
    assert (await sender.publish(names.requests, requests(3), seconds=10)).all_taken
    assert fragile.blocked == ""
    assert await ids(broker, names.normal) == ["m0", "m0", "m1", "m2"]


async def test_a_caller_that_gives_up(link: Link, names, broker, requests) -> None:
    """Cancelling a publish at any moment harms neither the channel nor another's count."""
    sender = publisher.BatchPublisher(link)
    for turns in range(6):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(
                sender.publish(names.requests, requests(20), seconds=10), name="given up"
            )
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
        assert task.cancelled() or turns  # a broker that is quicker than we are has done it all
        published = await sender.publish(names.requests, requests(20, start=100), seconds=10)
        assert published.fates == (Fate.CONFIRMED,) * 20
    found = await ids(broker, names.normal)
    assert found.count("m100") == 6
    assert found.count("m0") == found.count("m19")


async def test_nothing_to_publish(link: Link, names) -> None:
    """An empty batch is taken at once."""
    sender = publisher.BatchPublisher(link)
    assert (await sender.publish(names.requests, [], seconds=1)).all_taken
