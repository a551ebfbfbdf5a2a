"""Acknowledgements by range: every tag once, whatever is acked in whatever order."""

from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, frame, header

from daemon.broker import consumer
from daemon.broker.parcel import Parcel


class Wrote:
    """A channel that a broker's books stand behind."""

    number = 4

    def __init__(self, tags: range) -> None:
        self.open = set(tags)
        self.frames = 0

    def write(self, octets: bytes) -> None:
        """Answers as a broker reads them: an unknown tag would close the channel."""
        while octets:
            size, _, answer = frame.unmarshal(octets)
            octets = octets[size:]
            self.frames += 1
            tag = answer.delivery_tag
            meant = {one for one in self.open if one <= tag} if answer.multiple else {tag}
            assert meant
            assert meant <= self.open
            self.open -= meant


def consuming(count: int) -> tuple[consumer.Consumer, Wrote, list[Parcel]]:
    """A consumer with so many parcels delivered and taken."""
    session, channel = consumer.Session("q"), Wrote(range(1, count + 1))
    session._channel = channel
    properties = header.ContentHeader(properties=commands.Basic.Properties()).marshal()
    for tag in range(1, count + 1):
        method = commands.Basic.Deliver("c", tag, exchange="x", routing_key="k")
        session.content(method.index.to_bytes(4) + method.marshal(), properties, b"")
    source = consumer.Consumer(None, "q", prefetch=count)
    source._session = session
    return source, channel, list(session._waiting)


@given(
    st.integers(1, 30).flatmap(lambda n: st.tuples(st.just(n), st.permutations(range(n)))),
    st.data(),
)
def test_every_tag_once(order: tuple[int, list[int]], data: st.DataObject) -> None:
    """Groups in any order and of any size leave nothing open and answer nothing twice."""
    count, positions = order
    source, channel, parcels = consuming(count)
    while positions:
        size = data.draw(st.integers(1, len(positions)))
        group, positions = positions[:size], positions[size:]
        chosen = [parcels[at] for at in group]
        assert source.ack(chosen) == size
        assert source.ack(chosen) == 0
    assert channel.open == set()


def test_a_group_is_one_frame() -> None:
    """What was taken together is acknowledged by one range."""
    source, channel, parcels = consuming(200)
    assert source.ack(parcels[:150]) == 150
    assert channel.frames == 1
    assert channel.open == set(range(151, 201))


def test_an_open_parcel_before_a_group() -> None:
    """A range never covers a parcel that isn't done."""
    source, channel, parcels = consuming(5)
    source.ack(parcels[1:])
    assert channel.open == {1}


def test_late_answers() -> None:
    """What was taken in a session that is lost, or in another, is dropped without a word."""
    source, channel, parcels = consuming(3)
    other, other_channel, _ = consuming(3)
    assert other.ack(parcels) == 0
    assert not other.reject(parcels[0])
    assert other_channel.frames == 0
    source._session.lost("gone")
    assert source.ack(parcels) == 0
    assert not source.nack(parcels[0])
    assert channel.frames == 0


def test_the_first_parcel_tells_the_weight() -> None:
    """Whoever begins anew among heavy parcels asks for no crowd of them until it has learnt."""
    session = consumer.Session("q")
    properties = header.ContentHeader(properties=commands.Basic.Properties()).marshal()
    method = commands.Basic.Deliver("c", 1, exchange="x", routing_key="k")
    session.content(method.index.to_bytes(4) + method.marshal(), properties, b"x" * 160_000)
    assert session.weight == 160_000
