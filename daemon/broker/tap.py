"""The ear on one connection: hears what comes in thousands before aiormq decodes it.

Deliveries, returns and confirms of our channels are taken off the stream here and handed on at
once, as octets; everything else goes on to aiormq, unchanged. aiormq would spend a queue, a task
and three objects on each parcel (140 µs), and would close the connection over a property that isn't
UTF-8, so that one bad parcel would count against every parcel around it.
"""

import asyncio
from collections.abc import Callable, Iterable
from struct import Struct
from typing import Protocol, SupportsIndex

from daemon.broker import decode

_METHOD, _HEADER = 1, 2
_START, _END = 7, 0xCE
_OVERHEAD = 8
"""Kind, channel and size before a frame's payload; one octet behind it."""
_HEARTBEAT = b"\x08\0\0\0\0\0\0\xce"

_DELIVER, _RETURN = b"\0\x3c\0\x3c", b"\0\x3c\0\x32"
_ACK, _NACK = b"\0\x3c\0\x50", b"\0\x3c\0\x78"
_CHANNEL_CLOSE = b"\0\x14\0\x28"
_CLOSE, _BLOCKED, _UNBLOCKED = b"\0\x0a\0\x32", b"\0\x0a\0\x3c", b"\0\x0a\0\x3d"

_frame = Struct(">BHI").unpack_from


class Listener(Protocol):
    """Whoever has a channel, and hears what comes on it from within the read: it never waits."""

    @property
    def limit(self) -> int:
        """Octets of the longest body that is wanted; of a longer one nothing is kept."""

    def content(self, method: bytes, header: bytes, body: bytes) -> None:
        """A delivery or a return is complete; payloads of its frames."""

    def confirm(self, method: bytes) -> None:
        """The broker answered what was published: payload of basic.ack or basic.nack."""

    def lost(self, why: str) -> None:
        """The channel is gone, or the queue that was consumed from; nothing more will come."""


class Tap(asyncio.StreamReader):
    """aiormq's stream of octets, with ours taken out of it."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._clock = loop.time
        self._alive_at = 0.0
        self._rest = b""
        self._ears: dict[int, _Ear] = {}
        self.farewell: decode.Farewell | None = None
        self.blocked = ""
        """Why the broker takes no publishes at the moment, or empty."""
        self.flowing = asyncio.Event()
        self.flowing.set()

    def listen(
        self, channel: int, listener: Listener, gone: Callable[[str], None] | None = None
    ) -> None:
        """From now on what comes on this channel is the listener's.

        `gone` hears at once that the broker closes it, and why. aiormq agrees to that when its
        turn comes, and what is written on the channel from then on costs the whole connection.
        """
        self._ears[channel] = _Ear(listener, gone)

    def forget(self, channel: int, listener: Listener) -> None:
        """The channel is closed; its number may already be another listener's."""
        ear = self._ears.get(channel)
        if ear and ear.listener is listener:
            del self._ears[channel]

    def feed_data(self, data: Iterable[SupportsIndex]) -> None:
        """Called by the transport with whatever octets arrived, frames cut anywhere."""
        data = self._rest + bytes(data)
        at, end, passed = 0, len(data), []
        while end - at >= _OVERHEAD:
            kind, channel, size = _frame(data, at)
            after = at + size + _OVERHEAD
            if after > end:
                break
            if not self._heard(kind, channel, data[at + _START : after - 1], data[after - 1]):
                passed.append(data[at:after])
            at = after
        self._rest = data[at:]
        self._pass(b"".join(passed), taken=at > 0)

    def feed_eof(self) -> None:
        """The end, perhaps told twice; what is left is no whole frame, and aiormq says so."""
        rest, self._rest = self._rest, b""
        if rest:
            super().feed_data(rest)
        self.flowing.set()
        super().feed_eof()

    def set_exception(self, exc: Exception) -> None:
        """The end, by an error; who waits for the broker to unblock must hear of it too."""
        self.flowing.set()
        super().set_exception(exc)

    def _heard(self, kind: int, channel: int, payload: bytes, end: int) -> bool:
        """Whether this frame was ours; a broken one goes to aiormq, which hangs up."""
        if channel == 0:
            self._overhear(payload)
            return False
        ear = self._ears.get(channel)
        return ear is not None and end == _END and ear.take(kind, payload)

    def _overhear(self, payload: bytes) -> None:
        """What the broker says about the connection as a whole; aiormq acts on it as well."""
        method = payload[:4]
        if method == _BLOCKED:
            self.blocked = decode.blocked(payload) or "blocked"
            self.flowing.clear()
        elif method == _UNBLOCKED:
            self.blocked = ""
            self.flowing.set()
        elif method == _CLOSE:
            self.farewell = decode.farewell(payload)

    def _pass(self, octets: bytes, *, taken: bool) -> None:
        """What is left for aiormq. A busy broker sends no heartbeats: what was taken is a sign."""
        if not octets and taken and self._clock() - self._alive_at >= 1:
            octets = _HEARTBEAT
        if octets:
            self._alive_at = self._clock()
            super().feed_data(octets)


class _Ear:
    """Puts the frames of one channel together: method, header, then as many bodies as it takes."""

    __slots__ = ("_gone", "_header", "_is_wanted", "_method", "_missing", "_pieces", "listener")

    def __init__(self, listener: Listener, gone: Callable[[str], None] | None) -> None:
        self.listener = listener
        self._gone = gone
        self._method = b""
        self._header = b""
        self._pieces: list[bytes] = []
        self._missing = 0
        self._is_wanted = True

    def take(self, kind: int, payload: bytes) -> bool:
        """Whether it was one of ours."""
        if kind == _METHOD:
            return self._take_method(payload)
        if not self._method:
            return False
        if kind == _HEADER:
            self._header, self._missing = payload, decode.body_size(payload)
            self._is_wanted = self._missing <= self.listener.limit
        else:
            if self._is_wanted:
                self._pieces.append(payload)
            self._missing -= len(payload)
        if self._missing <= 0:
            self._complete()
        return True

    def _take_method(self, payload: bytes) -> bool:
        method = payload[:4]
        if method in (_DELIVER, _RETURN):
            self._method = payload
            return True
        if method in (_ACK, _NACK):
            self.listener.confirm(payload)
            return True
        if method == _CHANNEL_CLOSE and self._gone is not None:
            self._gone(decode.farewell(payload).text)
        return False

    def _complete(self) -> None:
        method, header, body = self._method, self._header, b"".join(self._pieces)
        self._method = b""
        self._pieces.clear()
        self.listener.content(method, header, body)
