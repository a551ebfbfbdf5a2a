"""Octets of frames that the broker sent, as our data. Pure, and total: no producer can break it.

pamqp refuses properties that aren't UTF-8 and years that don't exist, and with them the connection.
The broker lets both through, so here they are read anyway.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from struct import Struct
from typing import Any

from pamqp import decode as pamqp

from daemon.broker.parcel import Parcel

_METHOD_START = 4
_FLAGS_START = 12
_PROPERTIES_START = 14
_ACK = 80

_short = Struct(">H").unpack_from
_long = Struct(">I").unpack_from
_longlong = Struct(">Q").unpack_from
_confirm = Struct(">HQB").unpack_from

_UNREADABLE = (ValueError, ArithmeticError, OSError, RecursionError, struct.error)
"""What pamqp raises on tables with strange keys, years, decimals or a thousand levels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """basic.ack or basic.nack of what we published: this tag, or all up to it."""

    tag: int
    multiple: bool
    taken: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Farewell:
    """connection.close or channel.close: why the broker ends it."""

    code: int
    text: str


def confirm(method: bytes) -> Confirm:
    """From the payload of a method frame, ack or nack."""
    number, tag, bits = _confirm(method, 2)
    return Confirm(tag=tag, multiple=bool(bits & 1), taken=number == _ACK)


def farewell(method: bytes) -> Farewell:
    """From the payload of connection.close or channel.close."""
    return Farewell(code=_short(method, _METHOD_START)[0], text=_text(method, 6)[0])


def blocked(method: bytes) -> str:
    """The reason in connection.blocked, as the broker words it ("low on disk")."""
    return _text(method, _METHOD_START)[0]


def message_id(header: bytes) -> str:
    """The id of a message that came back, from the payload of its header frame."""
    return str(_properties(header).get("message_id", ""))


def parcel(method: bytes, header: bytes, body: bytes, *, queue: str, session: int) -> Parcel:
    """From the payloads of basic.deliver and of the content that followed it."""
    _, at = _text(method, _METHOD_START)  # the consumer's tag: there is one consumer per channel
    _, key_at = _text(method, at + 9)  # the exchange
    found = _properties(header)
    headers = found.setdefault("headers", {})
    count = headers.get("x-delivery-count", 0)
    return Parcel(
        body=body,
        size=body_size(header),
        queue=queue,
        session=session,
        tag=_longlong(method, at)[0],
        redelivered=bool(method[at + 8] & 1),
        routing_key=_text(method, key_at)[0],
        delivery_count=count if isinstance(count, int) else 0,
        **found,
    )


def body_size(header: bytes) -> int:
    """Octets of the body that follows this header frame."""
    size: int = _longlong(header, 4)[0]
    return size


def _properties(header: bytes) -> dict[str, Any]:
    """Those that a parcel keeps, by name."""
    flags = _short(header, _FLAGS_START)[0]
    at = _PROPERTIES_START
    found: dict[str, Any] = {}
    for flag, name, read in _ORDER:
        if flags & flag:
            value, at = read(header, at)
            if name:
                found[name] = value
    return found


def _text(octets: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + octets[at]
    return octets[at + 1 : end].decode("utf-8", "backslashreplace"), end


def _octet(octets: bytes, at: int) -> tuple[int, int]:
    return octets[at], at + 1


def _seconds(octets: bytes, at: int) -> tuple[int, int]:
    return _longlong(octets, at)[0], at + 8


def _table(octets: bytes, at: int) -> tuple[dict[str, Any], int]:
    end = at + 4 + _long(octets, at)[0]
    try:
        return dict(pamqp.field_table(octets[at:end])[1]), end
    except _UNREADABLE:
        return {}, end


_ORDER: tuple[tuple[int, str, Callable[[bytes, int], tuple[Any, int]]], ...] = (
    (0x8000, "content_type", _text),
    (0x4000, "content_encoding", _text),
    (0x2000, "headers", _table),
    (0x1000, "", _octet),  # delivery-mode
    (0x0800, "", _octet),  # priority
    (0x0400, "correlation_id", _text),
    (0x0200, "reply_to", _text),
    (0x0100, "", _text),  # expiration
    (0x0080, "message_id", _text),
    (0x0040, "timestamp", _seconds),
    (0x0020, "type", _text),
    (0x0010, "user_id", _text),
)
"""Flag, name in a parcel, reader: in the order in which they stand (AMQP 0-9-1, class basic)."""
