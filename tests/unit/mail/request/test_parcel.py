"""From bytes to a JSON object: reliability A6, A7, A9, A10."""

import gzip
import json
import tracemalloc
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.mail.refusal import Code, NotARequest
from daemon.mail.request import parcel
from daemon.mail.request.parcel import Label
from tests.forms import form

LIMIT = 100_000
ZIPPED = gzip.compress(b"{}", mtime=0)


def code_of(body: bytes, **label: str | None) -> Code | None:
    """Why a body is no JSON object, or None."""
    found = parcel.read(body, Label(**label), limit=LIMIT)
    return found.code if isinstance(found, NotARequest) else None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"{]",
        b'{"a":1,}',
        b"{'a':1}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":1e400}',
        b'{"a":' + b"1" * 50_000 + b"}",
        b'{"a":01}',
        b'{"a":+1}',
        b'{"a":0x1}',
        b'{"a":.5}',
        b'{"a":"\x01"}',
        b'{"a":"\n"}',
        b'{"a":"\\x41"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00\\ud800"}',
        b'{"a":"\xff"}',
        b'{"a":"\xc0\xaf"}',
        b'{"a":"\xed\xa0\x80"}',
        b"\xef\xbb\xbf{}",
        '{"a":1}'.encode("utf-16"),
        b'{"a":1} {"b":2}',
        b'{"a":1}\x00',
        b"//c\n{}",
        b"[]",
        b'"text"',
        b"1",
        b"null",
        b"true",
        b"[" * 100 + b"]" * 100,
        b"[" * 2000 + b"]" * 2000,
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
    ],
)
def test_what_is_no_json_object_is_named_so(body: bytes) -> None:
    """A6: malformed JSON, hostile numbers, wrong encodings and other top types are `bad_json`."""
    assert code_of(body) is Code.BAD_JSON


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**40), 2**40)
    | st.floats(allow_nan=False)
    | st.text(),
    lambda some: st.lists(some, max_size=3) | st.dictionaries(st.text(), some, max_size=3),
    max_leaves=6,
)
_SPOILT = st.sampled_from(
    [*b'{}[]:,"\\/-+.eEuxtfn0123456789 \t\r\n\f\x00\x1f\x7f\x80\xc0\xed\xef\xff']
)
"""Octets that mean something in JSON, or nothing in UTF-8."""


_CHANGES = st.tuples(st.integers(0, 200), st.integers(0, 2), st.lists(_SPOILT, max_size=2))
"""Where, how many octets go, and which come instead."""


@settings(deadline=None, max_examples=form(300, 10_000))
@given(
    st.dictionaries(st.text(), _VALUES, max_size=4), st.booleans(), st.lists(_CHANGES, max_size=3)
)
def test_what_is_spoilt_is_read_as_another_decoder_reads_it(
    document: dict[str, Any], is_ascii: bool, changes: list[tuple[int, int, list[int]]]
) -> None:
    """A6: JSON with some octets put in, taken out or changed means what it says, or is refused.

    The second opinion is the standard library's, held to the letter of RFC 8259.
    """
    body = bytearray(json.dumps(document, ensure_ascii=is_ascii).encode())
    for place, gone, come in changes:
        at = place % (len(body) + 1)
        body[at : at + gone] = bytes(come)
    found = parcel.parse(bytes(body))
    assert found == _strictly(bytes(body)) or isinstance(found, NotARequest)
    if isinstance(found, NotARequest):
        assert found.code is Code.BAD_JSON
        assert _strictly(bytes(body)) is None


def _strictly(body: bytes) -> dict[str, Any] | None:
    """What the standard library reads; None if it isn't an object, or no number is so large."""

    def refuse(word: str) -> None:
        raise ValueError(word)

    try:
        found = json.loads(body.decode("utf-8"), parse_constant=refuse)
        json.dumps(found, ensure_ascii=False, allow_nan=False).encode("utf-8")
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def test_of_a_repeated_name_the_last_counts() -> None:
    """A6: duplicate names are read as every decoder of our senders reads them."""
    assert parcel.parse(b'{"a":1,"a":2}') == {"a": 2}


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "application/json",
        "Application/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
    ],
)
def test_json_is_taken_however_it_is_declared(content_type: str | None) -> None:
    """A content type that says JSON in UTF-8, or says nothing, is read."""
    assert code_of(b"{}", content_type=content_type) is None


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "application/json; charset=latin-1", "json"]
)
def test_other_content_types_are_refused(content_type: str) -> None:
    """What is declared as something else isn't guessed at."""
    assert code_of(b"{}", content_type=content_type) is Code.BAD_ENCODING


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", " gzip "])
def test_gzip_is_unpacked(encoding: str) -> None:
    """A declared gzip body is honoured."""
    found = parcel.read(gzip.compress(b'{"a":1}'), Label(content_encoding=encoding), limit=LIMIT)
    assert found == {"a": 1}


@pytest.mark.parametrize("encoding", ["", "identity", "utf-8", "UTF8"])
def test_encodings_that_change_nothing_are_taken(encoding: str) -> None:
    """Some clients name the charset as the content encoding."""
    assert code_of(b"{}", content_encoding=encoding) is None


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"{}", "gzip"),
        (ZIPPED[:-3], "gzip"),
        (ZIPPED + b"x", "gzip"),
        (ZIPPED * 2, "gzip"),
        (b"", "gzip"),
        (b"{}", "br"),
        (b"{}", "deflate"),
    ],
)
def test_a_body_that_is_not_as_declared_is_refused(body: bytes, encoding: str) -> None:
    """Broken, cut or doubled gzip, and encodings we don't read, are `bad_encoding`."""
    assert code_of(body, content_encoding=encoding) is Code.BAD_ENCODING


def test_oversize_is_refused_before_it_is_read() -> None:
    """A body above the limit is `too_large`, whatever it holds."""
    assert code_of(b"[" * (LIMIT + 1)) is Code.TOO_LARGE
    assert code_of(b"{" + b" " * (LIMIT - 2) + b"}") is None


def test_a_bomb_is_unpacked_no_further_than_the_limit() -> None:
    """A small gzip body of a huge document costs no more memory than the limit."""
    bomb = gzip.compress(b" " * 50_000_000)
    assert len(bomb) < LIMIT
    tracemalloc.start()
    try:
        assert code_of(bomb, content_encoding="gzip") is Code.TOO_LARGE
        assert tracemalloc.get_traced_memory()[1] < 10 * LIMIT
    finally:
        tracemalloc.stop()
