"""Batches as octets: whatever pamqp reads out of them is what was put in."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import body, commands, frame, header

from daemon.broker import encode
from daemon.broker.parcel import Outgoing

FRAME_MAX = 4096

texts = st.text(min_size=1, max_size=60)
keys = st.text(min_size=1, max_size=30)
"""A field's name has 128 octets at most."""
outgoing = st.builds(
    Outgoing,
    routing_key=texts,
    body=st.binary(max_size=3 * FRAME_MAX),
    message_id=texts,
    type=texts,
    content_type=texts,
    correlation_id=st.none() | texts,
    headers=st.none() | st.dictionaries(keys, st.integers(-(2**31), 2**31 - 1) | texts),
    expiration=st.none() | st.floats(min_value=0, max_value=1e6),
    content_encoding=st.none() | texts,
    reply_to=st.none() | texts,
    timestamp=st.none() | st.integers(0, 2**31),
    user_id=st.none() | texts,
)


def frames(octets: bytes, *, channel: int) -> list[object]:
    """What a broker reads."""
    found = []
    while octets:
        size, number, one = frame.unmarshal(octets)
        assert number == channel
        assert size <= FRAME_MAX
        found.append(one)
        octets = octets[size:]
    return found


def rebuilt(read: list[object]) -> list[Outgoing]:
    """The messages that frames carry."""
    found: list[Outgoing] = []
    while read:
        publish, head = read[:2]
        assert isinstance(publish, commands.Basic.Publish)
        assert isinstance(head, header.ContentHeader)
        assert publish.mandatory
        assert head.properties.delivery_mode == 2
        pieces, at = b"", 2
        while at < len(read) and isinstance(read[at], body.ContentBody):
            pieces += read[at].value
            at += 1
        assert len(pieces) == head.body_size
        found.append(_outgoing(publish, head.properties, pieces))
        read = read[at:]
    return found


def _outgoing(publish: commands.Basic.Publish, said: commands.Basic.Properties, octets: bytes):
    return Outgoing(
        routing_key=publish.routing_key,
        body=octets,
        message_id=said.message_id,
        type=said.message_type,
        content_type=said.content_type,
        correlation_id=said.correlation_id,
        headers=said.headers,
        expiration=None if said.expiration is None else int(said.expiration) / 1000,
        content_encoding=said.content_encoding,
        reply_to=said.reply_to,
        timestamp=None if said.timestamp is None else int(said.timestamp.timestamp()),
        user_id=said.user_id,
    )


@given(st.lists(outgoing, max_size=5), st.integers(1, 65535))
def test_a_batch_reads_back_as_it_was(items: list[Outgoing], channel: int) -> None:
    """Every message comes out with text, properties and in order, in frames of legal size."""
    octets = encode.publishes(items, exchange="x", channel=channel, frame_max=FRAME_MAX)
    for was, read in zip(items, rebuilt(frames(octets, channel=channel)), strict=True):
        assert (read.body, read.routing_key) == (was.body, was.routing_key)
        assert (read.message_id, read.type) == (was.message_id, was.type)
        assert (read.correlation_id, read.content_type) == (was.correlation_id, was.content_type)
        assert (read.headers or None) == (was.headers or None)
        assert read.expiration == pytest.approx(was.expiration, abs=0.001)
        assert (read.content_encoding, read.reply_to) == (was.content_encoding, was.reply_to)
        assert (read.timestamp, read.user_id) == (was.timestamp, was.user_id)


@pytest.mark.parametrize("size", [0, 1, FRAME_MAX - 8, FRAME_MAX - 7, 2 * (FRAME_MAX - 8)])
def test_bodies_around_the_largest_frame(size: int) -> None:
    """A body fills frames up to the last octet, and an empty one has no body frame."""
    item = Outgoing(routing_key="k", body=b"b" * size, message_id="m", type="t")
    octets = encode.publishes([item], exchange="", channel=1, frame_max=FRAME_MAX)
    bodies = [one for one in frames(octets, channel=1) if isinstance(one, body.ContentBody)]
    assert sum(len(one) for one in bodies) == size
    assert len(bodies) == -(-size // (FRAME_MAX - 8))


def test_a_text_that_amqp_has_no_room_for() -> None:
    """More than 255 octets is a ValueError, before anything is written."""
    item = Outgoing(routing_key="k", body=b"", message_id="ä" * 128, type="t")
    with pytest.raises(ValueError, match="range"):
        encode.publishes([item], exchange="", channel=1, frame_max=FRAME_MAX)


def test_answers_to_deliveries() -> None:
    """Ack, reject and nack say what they are called, and nothing else."""
    octets = encode.methods(
        7, [encode.ack(3), encode.ack(9, multiple=True), encode.reject(4), encode.nack(5)]
    )
    one, run, reject, nack = frames(octets, channel=7)
    assert (one.name, one.delivery_tag, one.multiple) == ("Basic.Ack", 3, False)
    assert (run.name, run.delivery_tag, run.multiple) == ("Basic.Ack", 9, True)
    assert (reject.name, reject.delivery_tag, reject.requeue) == ("Basic.Reject", 4, False)
    assert (nack.delivery_tag, nack.multiple, nack.requeue) == (5, False, True)
