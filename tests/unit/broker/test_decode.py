"""What the broker sends, as parcels: nothing that a producer writes breaks the reading."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pamqp import commands, header

from daemon.broker import decode
from daemon.broker.parcel import Parcel

texts = st.text(max_size=60)
keys = st.text(max_size=30)
"""A field's name has 128 octets at most."""
SECOND = datetime(2026, 3, 1, tzinfo=UTC)


def read(properties: bytes, *, method: bytes | None = None, octets: bytes = b"body") -> Parcel:
    """A parcel out of what the broker would send."""
    delivery = commands.Basic.Deliver("tag", 7, redelivered=True, exchange="x", routing_key="key")
    return decode.parcel(
        method or b"\0\x3c\0\x3c" + delivery.marshal(), properties, octets, queue="q", session=3
    )


def packed(**properties: object) -> bytes:
    """The payload of a header frame, by pamqp."""
    said = commands.Basic.Properties(**properties)
    return header.ContentHeader(body_size=4, properties=said).marshal()


def short(raw: bytes) -> bytes:
    """A short string as it stands in a frame."""
    return bytes((len(raw),)) + raw


@given(
    texts.filter(bool),
    st.dictionaries(keys, st.booleans() | texts | st.integers(-(2**31), 2**31 - 1), max_size=5),
    st.integers(0, 9),
)
def test_every_property_that_a_parcel_keeps(text: str, headers: dict, priority: int) -> None:
    """Each property arrives under its own name, whichever others stand around it."""
    parcel = read(
        packed(
            content_type=text, content_encoding="gzip", headers=headers, delivery_mode=2,
            priority=priority, correlation_id="c" + text, reply_to="r", expiration="9",
            message_id="m" + text, timestamp=SECOND, message_type="t", user_id="u", app_id="a",
        )
    )  # fmt: skip
    assert (parcel.content_type, parcel.content_encoding) == (text, "gzip")
    assert (parcel.correlation_id, parcel.message_id) == ("c" + text, "m" + text)
    assert (parcel.reply_to, parcel.type, parcel.user_id) == ("r", "t", "u")
    assert parcel.timestamp == int(SECOND.timestamp())
    assert parcel.headers == headers


def test_where_it_came_from() -> None:
    """A parcel carries what its acknowledgement needs, and that it came before."""
    parcel = read(packed(headers={"x-delivery-count": 4}))
    assert (parcel.queue, parcel.session, parcel.tag) == ("q", 3, 7)
    assert (parcel.routing_key, parcel.redelivered, parcel.delivery_count) == ("key", True, 4)
    assert parcel.body == b"body"


def test_without_any_property() -> None:
    """What the producer left out is None, and there are no headers."""
    parcel = read(packed())
    assert parcel.message_id is None
    assert parcel.user_id is None
    assert parcel.headers == {}
    assert parcel.delivery_count == 0


def test_a_text_that_is_not_utf8() -> None:
    """Octets that are no UTF-8 are shown as such, and the properties behind them still read."""
    flags = b"\x04\x80"  # correlation id and message id
    parcel = read(b"\0\x3c\0\0" + bytes(8) + flags + short(b"a\xff") + short(b"good"))
    assert parcel.correlation_id == "a\\xff"
    assert parcel.message_id == "good"


@pytest.mark.parametrize(
    "table",
    [
        b"\0\0\0\x03\x01\xffV",  # a key that isn't UTF-8
        b"\0\0\0\x0b\x01kT" + b"\xff" * 8,  # a year that doesn't exist
        b"\0\0\0\x03\x01k?",  # an unknown kind of value
        b"\0\0\0\x03\x09kV",  # a key longer than the table
        b"\0\0\0\x02\x01k",  # a key without a value
    ],
)
def test_a_table_that_can_not_be_read(table: bytes) -> None:
    """Headers that make no sense count as none, and the parcel still arrives."""
    parcel = read(b"\0\x3c\0\0" + bytes(8) + b"\x20\x80" + table + short(b"good"))
    assert parcel.message_id == "good"
    assert parcel.headers in ({}, {"k": None})


def test_a_table_within_a_thousand_tables() -> None:
    """Depth is no way to break the reading either."""
    table = b""
    for _ in range(5000):
        inner = b"\x01kF" + (table or bytes(4))
        table = len(inner).to_bytes(4) + inner
    assert read(b"\0\x3c\0\0" + bytes(8) + b"\x20\0" + table).headers == {}


def test_a_moment_far_away() -> None:
    """A timestamp is a number and stays one, however large."""
    assert read(b"\0\x3c\0\0" + bytes(8) + b"\0\x40" + b"\xff" * 8).timestamp == 2**64 - 1


@given(st.integers(1, 2**63 - 1), st.booleans(), st.booleans())
def test_a_confirm(tag: int, multiple: bool, taken: bool) -> None:
    """Ack and nack are told apart, single ones and ranges too."""
    kind = commands.Basic.Ack if taken else commands.Basic.Nack
    octets = kind.index.to_bytes(4) + kind(tag, multiple).marshal()
    assert decode.confirm(octets) == decode.Confirm(tag=tag, multiple=multiple, taken=taken)


def test_what_the_broker_says_of_the_connection() -> None:
    """A farewell carries code and text, a block its reason."""
    close = commands.Connection.Close(320, "CONNECTION_FORCED", 0, 0)
    told = decode.farewell(close.index.to_bytes(4) + close.marshal())
    assert told == decode.Farewell(code=320, text="CONNECTION_FORCED")
    blocked = commands.Connection.Blocked("low on disk")
    assert decode.blocked(blocked.index.to_bytes(4) + blocked.marshal()) == "low on disk"
