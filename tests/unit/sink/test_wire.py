"""Paths and parameters, strictly."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.sink import wire


@pytest.mark.parametrize(
    ("rest", "expected"),
    [
        (b"FROM:<a@x.test>", ("a@x.test", {})),
        (b"from:<>", ("", {})),
        (b"FROM:<a@x> SIZE=12 BODY=8BITMIME", ("a@x", {"SIZE": "12", "BODY": "8BITMIME"})),
        (b"FROM:<a@x> smtputf8", ("a@x", {"SMTPUTF8": ""})),
        (b'FROM:<"a >b\\""@x>', ('"a >b\\""@x', {})),
        (b"FROM:<@relay,@other:a@x>", ("a@x", {})),
        ("FROM:<jörg@x>".encode(), ("jörg@x", {})),
    ],
)
def test_a_lawful_path(rest, expected):
    """What RFC 5321 and 6531 allow is read."""
    assert wire.path(b"FROM", rest) == expected


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"FROM:a@x",
        b"FROM: <a@x>",
        b"FROM :<a@x>",
        b"TO:<a@x>",
        b"FROM:<a@x",
        b"FROM:<a@x>SIZE=1",
        b"FROM:<a@x>  SIZE=1",
        b"FROM:<a@x> SIZE=",
        b"FROM:<a@x> SIZE=1 SIZE=2",
        b"FROM:<a@x> =1",
        b"FROM:<a b@x>",
        b"FROM:<a\tb@x>",
        b"FROM:<a@x>\xff",
        b"FROM:<\xff@x>",
    ],
)
def test_an_unlawful_path(rest):
    """What they don't is refused, blanks around the colon included."""
    assert wire.path(b"FROM", rest) is None


@given(st.binary(max_size=300))
def test_a_path_never_raises(rest):
    """Any bytes are a path or none."""
    assert wire.path(b"TO", b"TO:<" + rest) is None or rest


def test_a_hostile_path_takes_no_time():
    """No input makes the pattern try twice."""
    assert wire.path(b"TO", b"TO:<" + b'a"b' * 4000) is None


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("a@x", True),
        ("Postmaster", True),
        ("a", False),
        ("@x", False),
        ("a@", False),
        ("a" * 65 + "@x", False),
        ("ä" * 33 + "@x", False),
        ("a@" + "x" * 253, False),
    ],
)
def test_what_is_a_mailbox(address, expected):
    """Both sides of the at, in lengths counted in octets."""
    assert wire.is_mailbox(address) is expected
