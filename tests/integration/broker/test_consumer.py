"""Taking parcels off a real queue: in groups, each until it is acknowledged."""

import asyncio

import pytest
import structlog

from daemon.broker import consumer, encode, publisher
from daemon.broker.connection import Link
from daemon.broker.parcel import Outgoing


@pytest.fixture
async def source(link: Link, names):
    """A consumer of the normal requests."""
    source = consumer.Consumer(link, names.normal, prefetch=100)
    yield source
    await source.aclose()


@pytest.fixture
async def send(link: Link, names, requests):
    """Puts so many requests onto the queue."""
    sender = publisher.BatchPublisher(link)

    async def sent(count: int, *, start: int = 0) -> None:
        items = requests(count, start=start)
        assert (await sender.publish(names.requests, items, seconds=10)).all_taken

    return sent


async def taken(source: consumer.Consumer, count: int, *, limit: int = 1000) -> list:
    """So many parcels, however they are grouped; not acknowledged."""
    found = []
    async with asyncio.timeout(10):
        while len(found) < count:
            found += await source.take(limit)
    return found


async def test_groups_in_order(source, send) -> None:
    """Every parcel comes once, in the queue's order, in groups no larger than asked for."""
    await send(250)
    found: list[str] = []
    async with asyncio.timeout(10):
        while len(found) < 250:
            group = await source.take(30)
            assert 0 < len(group) <= 30
            assert source.ack(group) == len(group)
            found += [parcel.message_id for parcel in group]
    assert found == [f"m{number}" for number in range(250)]


async def test_no_more_than_the_prefetch(link: Link, names, send) -> None:
    """What isn't acknowledged bounds what comes: the rest stays at the broker."""
    source = consumer.Consumer(link, names.normal, prefetch=30)
    await send(60)
    group = await taken(source, 30)
    assert len(group) == 30
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await source.take(1)
    source.ack(group[:1])
    assert len(await taken(source, 1)) == 1
    await source.aclose()


async def test_many_light_ones(source, send) -> None:
    """It begins with a few; once they have turned out light, as many as are wanted may be here."""
    await send(400)
    found: list = []
    async with asyncio.timeout(10):
        while len(found) < 400:
            found += await source.take(1000)
            source.ack(found[:-90])  # so many stay, and others come all the same
    assert [parcel.message_id for parcel in found] == [f"m{number}" for number in range(400)]


async def test_few_heavy_ones(link: Link, source, names) -> None:
    """Of heavy parcels only a few are here at once, whatever else lies on the queue."""
    heavy = [
        Outgoing(routing_key="request.normal", body=b"x" * 2**20, message_id=f"m{number}", type="")
        for number in range(120)
    ]
    sender = publisher.BatchPublisher(link)
    assert (await sender.publish(names.requests, heavy, seconds=30)).all_taken
    groups: list[list] = []
    async with asyncio.timeout(30):
        while sum(map(len, groups)) < 120:
            groups.append(await source.take(1000))
            source.ack(groups[-1])
    assert max(map(len, groups)) <= consumer.FIRST
    assert max(map(len, groups[len(groups) // 2 :])) <= consumer.ROOM // 2**20


async def test_what_can_not_leave_is_not_acknowledged(source, send) -> None:
    """On a socket that has closed, before anybody was told: they come again, and nothing fails."""
    await send(3)
    group = await taken(source, 3)
    source._session._channel._writer.transport.abort()
    assert source.ack(group) == 0
    assert not source.nack(group[0])
    again = await taken(source, 3)
    assert [parcel.redelivered for parcel in again] == [True] * 3
    assert source.ack(again) == 3


async def test_what_was_acknowledged_is_gone(link: Link, names, send) -> None:
    """What was acked doesn't come back to the next consumer, and what wasn't does, marked so."""
    first = consumer.Consumer(link, names.normal, prefetch=100)
    await send(10)
    group = await taken(first, 10)
    assert not group[0].redelivered
    assert first.ack(group[:4] + group[6:7]) == 5
    await first.aclose()
    assert await first.take(1) == []
    second = consumer.Consumer(link, names.normal, prefetch=100)
    again = await taken(second, 5)
    assert sorted(parcel.message_id for parcel in again) == ["m4", "m5", "m7", "m8", "m9"]
    assert all(parcel.redelivered and parcel.delivery_count == 1 for parcel in again)
    await second.aclose()


async def test_late_acknowledgements(source, send) -> None:
    """A16: acks of a lost channel are dropped; the next stays open, and the parcels come again."""
    await send(3)
    old = await taken(source, 3)
    channel = source._session._channel
    nowhere = Outgoing(routing_key="", body=b"", message_id="m", type="t")
    channel.write(
        encode.publishes(
            [nowhere], exchange="nowhere", channel=channel.number, frame_max=channel.frame_max
        )
    )
    new = await taken(source, 3)
    assert source.ack(old) == 0
    assert source.ack(new) == 3
    assert await source.confirm_acks() == new[0].session
    assert new[0].session != old[0].session


async def test_acks_that_have_arrived(source, send, names, link: Link) -> None:
    """The answer to a question behind the acks says which session's acks are known."""
    assert await source.confirm_acks() == 0
    await send(1)
    (parcel,) = await taken(source, 1)
    source.ack([parcel])
    assert await source.confirm_acks() == parcel.session


async def test_rejected_and_given_back(source, send, names, link: Link) -> None:
    """A rejected parcel is a dead letter with its routing key; one given back comes again."""
    await send(2)
    bad, good = await taken(source, 2)
    assert source.reject(bad)
    assert source.nack(good)
    (again,) = await taken(source, 1)
    assert (again.message_id, again.redelivered) == ("m1", True)
    source.ack([again])
    letters = consumer.Consumer(link, names.dead, prefetch=1)
    (letter,) = await taken(letters, 1)
    assert (letter.message_id, letter.routing_key) == ("m0", "request.normal")
    await letters.aclose()


async def test_a_cut_connection(road, fragile: Link, names, send) -> None:
    """When the connection comes back, so do the parcels that weren't acknowledged."""
    source = consumer.Consumer(fragile, names.normal, prefetch=10)
    await send(2)
    old = await taken(source, 2)
    road.cut()
    again = await taken(source, 2)
    assert source.ack(old) == 0
    assert source.ack(again) == 2
    await source.aclose()


async def test_a_deleted_queue(source, send, names, broker, until) -> None:
    """A17: a deleted queue is said and seen, never made by us, and resumed when it is back."""
    await send(1)
    source.ack(await taken(source, 1))
    assert source.is_up
    arguments = {"x-queue-type": "quorum"}
    with structlog.testing.capture_logs() as lines:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(source.take(1), name="waiting")
            await broker.queue_delete(names.normal)
            await until(lambda: not source.is_up)
            await until(lambda: "NOT_FOUND" in source.why_down)
            queue = await broker.declare_queue(names.normal, durable=True, arguments=arguments)
            await queue.bind(names.requests, "request.normal")
            await send(1, start=7)
    assert [parcel.message_id for parcel in waiting.result()] == ["m7"]
    assert source.is_up
    assert source.why_down == ""
    assert [line["event"] for line in lines].count("consumer.down") == 2


async def test_resting(source, send, broker, names) -> None:
    """Who rests gets no more and can acknowledge what he has; nothing goes back and forth."""
    await send(5)
    group = await taken(source, 5)
    await source.rest()
    await send(3, start=5)
    assert source.ack(group) == 5
    assert await source.confirm_acks() == group[0].session
    queue = await broker.declare_queue(names.normal, passive=True)
    assert queue.declaration_result.message_count == 3
    assert source.is_up
    await source.wake()
    rest = await taken(source, 3)
    assert [parcel.message_id for parcel in rest] == ["m5", "m6", "m7"]
    assert not any(parcel.redelivered for parcel in rest)
    assert await source.confirm_acks() == group[0].session


async def test_resting_while_the_link_is_lost(
    road, fragile: Link, names, send, broker, until
) -> None:
    """Whoever rests while his connection is renewed goes on resting, until he is woken."""
    source = consumer.Consumer(fragile, names.normal, prefetch=10)
    await send(1)
    source.ack(await taken(source, 1))
    await source.rest()
    await send(1, start=1)
    async with asyncio.TaskGroup() as group:
        waiting = group.create_task(source.take(1), name="waiting")
        road.cut()
        await until(lambda: not fragile.is_up)
        await until(lambda: fragile.is_up)
        queue = await broker.declare_queue(names.normal, passive=True)
        assert queue.declaration_result.message_count == 1
        await source.wake()
    assert [parcel.message_id for parcel in waiting.result()] == ["m1"]
    await source.aclose()


async def test_a_parcel_that_is_no_text(source, send, link: Link, names) -> None:
    """A producer's property that isn't UTF-8 neither closes the channel nor counts for others."""
    await send(1)
    sender = publisher.BatchPublisher(link)
    strange = Outgoing(routing_key="request.normal", body=b"b", message_id="STRANGE", type="t")
    outlet = await sender._ready()
    channel = outlet._channel
    octets = encode.publishes(
        [strange], exchange=names.requests, channel=channel.number, frame_max=channel.frame_max
    )
    channel.write(octets.replace(b"STRANGE", b"\xff\xfeRANGE"))
    first, second = await taken(source, 2)
    assert (first.message_id, second.message_id) == ("m0", r"\xff\xfeRANGE")
    assert (first.session, first.delivery_count) == (second.session, 0)
    source.ack([first, second])


async def test_a_large_parcel(source, link: Link, names) -> None:
    """A body of many frames arrives whole."""
    octets = bytes(range(256)) * 4096
    item = Outgoing(routing_key="request.normal", body=octets, message_id="m", type="t")
    sender = publisher.BatchPublisher(link)
    await sender.publish_one(names.requests, item, seconds=10)
    (parcel,) = await taken(source, 1)
    assert parcel.body == octets


async def test_giving_up_waiting(source, send) -> None:
    """A `take` that is cancelled loses nothing."""
    for number in range(5):
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(source.take(1), name="given up")
            await asyncio.sleep(0)
            waiting.cancel()
        await send(1, start=number)
    assert len(await taken(source, 5)) == 5
