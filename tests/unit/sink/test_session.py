"""One connection fed by hand: slices, stalls, ends."""

import asyncio
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.sink.behaviour import Act, Deed
from daemon.sink.session import Session
from daemon.sink.sink import Sink


class _Wire(asyncio.Transport):
    """A transport that remembers what is written to it and how it ends."""

    def __init__(self):
        super().__init__()
        self.writes, self.ends, self.paused = [], [], False

    def write(self, data):
        self.writes.append(data)

    def close(self):
        self.ends.append("close")

    def abort(self):
        self.ends.append("abort")

    def can_write_eof(self):
        return True

    def write_eof(self):
        self.ends.append("eof")

    def pause_reading(self):
        self.paused = True

    def resume_reading(self):
        self.paused = False

    @property
    def codes(self):
        lines = b"".join(self.writes).splitlines()
        return [int(line[:3]) for line in lines if line[3:4] == b" "]


class _Kept:
    """A witness of contents."""

    def __init__(self):
        self.contents = []

    def stored(self, record, content):
        self.contents.append(content)

    def refused(self, refusal):
        pass


async def converse(chunks, sink=None):
    """A session after these bytes, and its wire."""
    wire = _Wire()
    async with asyncio.TaskGroup() as tasks:
        session = Session(sink or Sink(), set(), tasks)
        session.connection_made(wire)
        for chunk in chunks:
            session.data_received(chunk)
    return session, wire


CONVERSATION = (
    b"EHLO c\r\n"
    b"MAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nRCPT TO:<reject-550+c@x>\r\nDATA\r\n"
    b"one\r\n..\r\n.\r\n"
    b"MAIL FROM:<a@x>\r\nRCPT TO:<d@x>\r\nDATA\r\n"
    b".\r\n"
    b"NOOP\r\nWHAT\r\nQUIT\r\n"
)
CODES = [220, 250, 250, 250, 550, 354, 250, 250, 250, 354, 250, 250, 500, 221]


@given(st.lists(st.integers(0, len(CONVERSATION)), max_size=12).map(sorted))
def test_slices_make_no_difference(cuts):
    """However the bytes of a conversation are cut into segments, the replies are the same."""
    kept = _Kept()
    edges = [0, *cuts, len(CONVERSATION)]
    chunks = [CONVERSATION[a:b] for a, b in itertools.pairwise(edges) if a < b]
    _, wire = asyncio.run(converse(chunks, Sink(witnesses=(kept,))))
    assert wire.codes == CODES
    assert kept.contents == [b"one\r\n.\r\n", b""]
    assert wire.ends == ["eof"]


async def test_one_segment_is_answered_in_one_write():
    """A group of commands costs one write, after the banner's."""
    _, wire = await converse([b"EHLO c\r\nMAIL FROM:<a@x>\r\nRCPT TO:<b@x>\r\nDATA\r\n"])
    assert len(wire.writes) == 2


async def test_a_line_without_end_is_not_kept_for_ever():
    """Whoever sends no CRLF is told to go."""
    _, wire = await converse([b"x" * 10_000, b"x" * 10_000, b"NOOP\r\n"])
    assert wire.codes == [220, 500]
    assert wire.ends == ["eof"]


async def test_nothing_is_answered_after_the_end():
    """What follows a QUIT is read and thrown away."""
    _, wire = await converse([b"QUIT\r\nNOOP\r\n", b"NOOP\r\n"])
    assert wire.codes == [220, 221]


async def test_a_stall_without_end_says_nothing_more():
    """Behind a stall for ever all commands wait, and what floods in stops being read."""
    sink = Sink()
    sink.mode.add(Act(phase="mail", deed=Deed.STALL, number=float("inf"), word="m"))
    _, wire = await converse([b"EHLO c\r\nMAIL FROM:<a@x>\r\n", b"x" * 300_000], sink)
    assert wire.codes == [220, 250]
    assert wire.paused


async def test_a_lost_connection_counts_no_more():
    """However a connection ends, it is counted out once."""
    sink = Sink()
    session, _ = await converse([b"QUIT\r\n"], sink)
    assert sink.tally.now == 0
    session.connection_lost(None)
    assert session.gone.is_set()
    assert (sink.tally.now, sink.tally.peak, sink.tally.total) == (0, 1, 1)


@pytest.mark.parametrize("number", [0, 4, 12, 14, 15, 16])
async def test_a_drop_in_the_body(number):
    """It drops after N bytes whatever arrives together; a shorter body is stored."""
    body = b"0123456789\r\n.\r\n"
    lines = b"EHLO c\r\nMAIL FROM:<a@x>\r\nRCPT TO:<drop-in-body-%d@x>\r\nDATA\r\n" % number
    _, wire = await converse([lines, body[:3], body[3:] + b"NOOP\r\n"])
    dropped = number < len(body)
    assert wire.codes == [220, 250, 250, 250, 354] + ([] if dropped else [250, 250])
    assert wire.ends == (["close"] if dropped else [])
