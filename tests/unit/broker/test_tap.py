"""The ear on the stream: however it is cut, what is ours is heard and the rest is passed on."""

import asyncio
import itertools

from hypothesis import given
from hypothesis import strategies as st
from pamqp import body, commands, frame, header, heartbeat

from daemon.broker.tap import Tap

OURS, OTHERS = 1, 2


class Heard:
    """A listener that writes down."""

    limit = 1000

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.confirms = 0

    def content(self, method: bytes, header: bytes, body: bytes) -> None:
        """A delivery or a return."""
        self.bodies.append(body)

    def confirm(self, method: bytes) -> None:
        """An ack or a nack."""
        self.confirms += 1

    def lost(self, why: str) -> None:
        """Never here."""


def delivery(pieces: list[bytes], *, channel: int = OURS) -> list[bytes]:
    """The frames of one parcel."""
    size = sum(map(len, pieces))
    parts = [
        commands.Basic.Deliver("c", 1, exchange="x", routing_key="k"),
        header.ContentHeader(body_size=size, properties=commands.Basic.Properties()),
        *map(body.ContentBody, pieces),
    ]
    return [frame.marshal(part, channel) for part in parts]


def tapped(chunks: list[bytes]) -> tuple[Heard, bytes, Tap]:
    """What is heard and what is passed on when these octets come in."""

    async def listen() -> tuple[Heard, bytes, Tap]:
        tap, heard = Tap(asyncio.get_running_loop()), Heard()
        tap.listen(OURS, heard)
        for chunk in chunks:
            tap.feed_data(chunk)
        tap.feed_eof()
        return heard, await tap.read(), tap

    return asyncio.run(listen())


def cut(octets: bytes, at: list[int]) -> list[bytes]:
    """The same octets in several pieces."""
    edges = sorted({0, len(octets), *(position % (len(octets) + 1) for position in at)})
    return [octets[start:end] for start, end in itertools.pairwise(edges)]


@given(
    st.lists(st.lists(st.binary(min_size=1, max_size=9), max_size=3), min_size=1, max_size=4),
    st.lists(st.integers(0, 10**6), max_size=12),
)
def test_cuts_anywhere(parcels: list[list[bytes]], at: list[int]) -> None:
    """Where the network cuts makes no difference to what is heard, or to what aiormq gets."""
    beat = frame.marshal(heartbeat.Heartbeat(), 0)
    qos = frame.marshal(commands.Basic.QosOk(), OURS)
    foreign = b"".join(delivery([b"theirs"], channel=OTHERS))
    mine = b"".join(b"".join(delivery(pieces)) for pieces in parcels)
    ack = frame.marshal(commands.Basic.Ack(5, True), OURS)
    heard, passed, _ = tapped(cut(beat + mine + foreign + ack + qos, at))
    assert heard.bodies == [b"".join(pieces) for pieces in parcels]
    assert heard.confirms == 1
    assert passed.replace(beat, b"") == foreign + qos


def test_a_sign_of_life() -> None:
    """A stream of nothing but parcels still shows aiormq that the broker lives."""
    _, passed, _ = tapped(delivery([b"x"]))
    assert passed == frame.marshal(heartbeat.Heartbeat(), 0)


def test_a_broken_frame_is_aiormqs() -> None:
    """A frame without its end is passed on, so that aiormq hangs up."""
    broken = bytearray(frame.marshal(commands.Basic.Ack(5, True), OURS))
    broken[-1] = 0
    heard, passed, _ = tapped([bytes(broken)])
    assert heard.confirms == 0
    assert passed == bytes(broken)


def test_the_end_in_the_middle_of_a_frame() -> None:
    """What is no whole frame when the connection ends is aiormq's too, and told once."""
    whole = frame.marshal(commands.Basic.QosOk(), OURS)
    _, passed, tap = tapped([whole, whole[:-3]])
    tap.feed_eof()
    assert passed == whole + whole[:-3]


def test_blocked_and_unblocked() -> None:
    """An alarm of the broker stops the flow until it is over; the end frees whoever waits."""
    alarm = frame.marshal(commands.Connection.Blocked("low on memory"), 0)
    over = frame.marshal(commands.Connection.Unblocked(), 0)

    async def listen() -> None:
        tap = Tap(asyncio.get_running_loop())
        tap.feed_data(alarm)
        assert (tap.blocked, tap.flowing.is_set()) == ("low on memory", False)
        tap.feed_data(over)
        assert (tap.blocked, tap.flowing.is_set()) == ("", True)
        tap.feed_data(alarm)
        tap.feed_eof()
        assert tap.flowing.is_set()

    asyncio.run(listen())


def test_forgetting() -> None:
    """A channel's number that is already another listener's stays with that one."""

    async def listen() -> None:
        tap, older, newer = Tap(asyncio.get_running_loop()), Heard(), Heard()
        tap.listen(OURS, older)
        tap.listen(OURS, newer)
        tap.forget(OURS, older)
        tap.feed_data(b"".join(delivery([b"for the newer"])))
        assert (older.bodies, newer.bodies) == ([], [b"for the newer"])

    asyncio.run(listen())


def test_what_is_too_long_is_never_held() -> None:
    """A10: of a body above the limit nothing is kept, and the next one is heard as ever."""
    long, short = delivery([b"x" * 600, b"y" * 401]), delivery([b"z" * 1000])
    heard, _, _ = tapped([*long, *short])
    assert heard.bodies == [b"", b"z" * 1000]


def test_a_closed_channel_is_known_at_once() -> None:
    """Before aiormq hears of it, and agrees: from then on nothing may be written there."""
    close = frame.marshal(commands.Channel.Close(403, "ACCESS_REFUSED - no", 60, 40), OURS)
    told: list[str] = []

    async def listen() -> bytes:
        tap = Tap(asyncio.get_running_loop())
        tap.listen(OURS, Heard(), told.append)
        tap.feed_data(close)
        assert told == ["ACCESS_REFUSED - no"]
        tap.feed_eof()
        return await tap.read()

    assert asyncio.run(listen()) == close
