"""Limits."""

from tests.checker.evidence import Limits
from tests.stories import asks
from tests.stories.house import House

RATE = 20.0
CONNECTIONS = 3


async def test_rate_and_connections(house: House) -> None:
    """Two instances together keep a transport's messages per second and its connections."""
    house.transport |= {"max_per_second": RATE, "max_connections": CONNECTIONS}
    for _ in range(2):
        await house.start()
    asked = await house.producer.ask(asks.send(asks.people(80)))
    await house.events.completed(asked.job)
    times = sorted(copy.time for copy in house.sink.copies)
    taken = times[-1] - times[0]
    assert 79 / RATE * 0.9 <= taken <= 79 / RATE * 1.5, f"{taken:.2f} s"
    await house.judge(limits=Limits(connections=CONNECTIONS, per_second=RATE))


async def test_messages_per_connection(house: House) -> None:
    """A connection is renewed after as many messages as its transport says."""
    house.transport |= {"messages_per_connection": 10, "max_connections": CONNECTIONS}
    await house.start()
    asked = await house.producer.ask(asks.send(asks.people(100)))
    await house.events.completed(asked.job)
    used = [copy.connection for copy in house.sink.copies]
    assert max(used.count(connection) for connection in used) <= 10
    await house.judge(limits=Limits(connections=CONNECTIONS))
