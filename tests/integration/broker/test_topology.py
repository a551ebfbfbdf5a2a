"""The topology at a real broker: made once, compared by name, never fought over."""

from aio_pika.abc import AbstractChannel

from daemon.broker import declare, topology
from daemon.broker.declare import Difference


async def test_from_nothing(url: str, prefix: str) -> None:
    """Everything that is missing is named, made, and then no longer different."""
    missing = await declare.check(url, prefix)
    count = len(topology.exchanges(prefix)) + len(topology.queues(prefix))
    assert len(missing) == count
    assert {each.found for each in missing} == {"missing"}
    applied = await declare.apply(url, prefix)
    assert len(applied.created) == count
    assert applied.differences == ()
    assert await declare.check(url, prefix) == []


async def test_again(url: str, prefix: str) -> None:
    """Applying twice changes nothing."""
    await declare.apply(url, prefix)
    assert await declare.apply(url, prefix) == declare.Applied(created=(), differences=())


async def test_a_queue_with_another_argument(
    url: str, prefix: str, broker: AbstractChannel
) -> None:
    """A queue that exists with another limit is named with both values, and left as it is."""
    name = topology.names(prefix)
    arguments = dict(topology.queues(prefix)[2].arguments) | {"x-delivery-limit": 3}
    await broker.declare_queue(name.normal, durable=True, arguments=arguments)
    drifted = Difference(
        kind="queue", name=name.normal, argument="x-delivery-limit", wanted="20", found="3"
    )
    assert drifted in await declare.check(url, prefix)
    applied = await declare.apply(url, prefix)
    assert applied.differences == (drifted,)
    assert f"queue {name.urgent}" in applied.created
    await broker.declare_queue(name.normal, durable=True, arguments=arguments)


async def test_a_classic_queue(url: str, prefix: str, broker: AbstractChannel) -> None:
    """A18: a classic queue where a quorum queue is wanted is named as that."""
    name = topology.names(prefix)
    await broker.declare_queue(name.dead, durable=True)
    (drifted,) = (each for each in await declare.check(url, prefix) if each.argument)
    assert (drifted.name, drifted.argument) == (name.dead, "x-queue-type")
    assert str(drifted).startswith(f"queue {name.dead}: x-queue-type is ")
    assert str(drifted).endswith(", should be quorum")


async def test_an_exchange_of_another_kind(url: str, prefix: str, broker: AbstractChannel) -> None:
    """An exchange that routes in another way is named too."""
    await broker.declare_exchange(prefix, "direct", durable=True)
    (drifted,) = (each for each in await declare.check(url, prefix) if each.argument)
    assert (drifted.kind, drifted.argument) == ("exchange", "type")
    assert (drifted.wanted, drifted.found) == ("topic", "direct")


async def test_an_exchange_without_its_alternate(
    url: str, prefix: str, broker: AbstractChannel
) -> None:
    """Events that nobody is bound to would vanish: a missing alternate exchange is seen."""
    await broker.declare_exchange(f"{prefix}.events", "topic", durable=True)
    (drifted,) = (each for each in await declare.check(url, prefix) if each.argument)
    assert drifted.argument == "alternate-exchange"
    assert (drifted.wanted, drifted.found) == (f"{prefix}.unrouted", "none")
