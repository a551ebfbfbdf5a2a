"""The end of a message, its dots, and what is unlawful in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.sink import body
from daemon.sink.body import Body

NASTY = st.lists(
    st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"..", b"\r\n.", b"\n.\n", b"\0", b"a", b"\xff"])
    | st.binary(max_size=8),
    max_size=30,
).map(b"".join)
SLICES = st.lists(st.integers(1, 9), min_size=1, max_size=20)


def stuffed(content):
    """A message as a lawful client sends it, with its end."""
    return (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"


def fed(wire, sizes=(10**9,), limit=10**6):
    """A body fed in slices of these sizes, over and over, and what stood behind its end."""
    taken, at, turn = Body(limit=limit), 0, 0
    while at < len(wire):
        size = sizes[turn % len(sizes)]
        rest = taken.feed(wire[at : at + size])
        at, turn = at + size, turn + 1
        if rest is not None:
            return taken, rest + wire[at:]
    return taken, None


@given(content=NASTY, sizes=SLICES, behind=NASTY)
def test_any_message_round_trips(content, sizes, behind):
    """Whatever the content and the slices, it comes out as meant, what follows untouched."""
    content = content + b"\r\n" if content else b""
    taken, rest = fed(stuffed(content) + behind, sizes)
    assert body.unstuff(taken.raw) == content
    assert body.examine(taken.raw, eight_bit=True)[0] == content
    assert rest == behind


@pytest.mark.parametrize(
    "end", [b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\r\n.\0\r\n", b"\r\n.\r\r\n"]
)
def test_only_crlf_dot_crlf_ends_data(end):
    """Every other spelling of the end is content: nothing can be smuggled behind it."""
    smuggled = b"a" + end + b"MAIL FROM:<b@x>\r\nb\r\n"
    taken, rest = fed(smuggled + b".\r\nQUIT\r\n")
    assert taken.raw == smuggled
    assert rest == b"QUIT\r\n"


@pytest.mark.parametrize("sizes", [(1,), (2,), (3, 1), (100,)])
def test_an_empty_message(sizes):
    """A dot right behind DATA is a message of no bytes, however it arrives."""
    taken, rest = fed(b".\r\nQUIT\r\n", sizes)
    assert taken.raw == b""
    assert rest == b"QUIT\r\n"


@given(sizes=SLICES, extra=st.integers(1, 300))
def test_what_is_too_big_is_read_to_its_end(sizes, extra):
    """An oversize message is thrown away as it comes, and its end is still found."""
    taken, rest = fed(b"x" * (100 + extra) + b"\r\n.\r\nQUIT\r\n", sizes, limit=100)
    assert taken.oversize
    assert rest == b"QUIT\r\n"


def test_a_message_of_the_limit_is_taken():
    """The limit itself is not too big."""
    taken, _ = fed(b"x" * 98 + b"\r\n.\r\n", limit=100)
    assert not taken.oversize


def test_came_counts_what_was_fed():
    """An interruption within the body finds its place, even in one that is thrown away."""
    taken = Body(limit=10)
    for _ in range(5):
        taken.feed(b"x" * 7)
    assert taken.came == 35


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        (b"fine\r\n", {}),
        (b"a\nb\n\r\n", {"bare-lf": 2}),
        (b"a\rb\r\n", {"bare-cr": 1}),
        (b"a\0\0\r\n", {"nul": 2}),
        (b".a\r\n..b\r\n.c\r\n", {"unstuffed-dot": 2}),
        (b"..\r\n", {}),
        (b"x" * 998 + b"\r\n", {}),
        (b"x" * 999 + b"\r\n", {"long-line": 1}),
        (b"\xc3\xa4\r\n", {"undeclared-8bit": 1}),
    ],
)
def test_what_is_unlawful_is_counted(raw, found):
    """Each kind of violation is named with its number."""
    assert body.examine(raw, eight_bit=False)[1] == found


def test_declared_8bit_is_lawful():
    """BODY=8BITMIME allows what it says."""
    assert body.examine(b"\xc3\xa4\r\n", eight_bit=True)[1] == {}
