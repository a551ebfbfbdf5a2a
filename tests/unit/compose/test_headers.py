"""Header fields as lines."""

import email
import email.policy
import re
from datetime import UTC, datetime, timedelta, timezone
from email.header import decode_header, make_header
from email.utils import parseaddr

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.compose import headers

ANY = st.text(max_size=200) | st.text(alphabet=' aZ?=_"\\<>,;:@.()é\u20ac😀\u202e', max_size=200)


def cleaned(text, *, also=""):
    """What a reader should be shown, told apart from the way the daemon does it."""
    spaced = "".join(
        " "
        if ord(letter) < 0x20
        or 0x7F <= ord(letter) < 0xA0
        or letter in "\u2028\u2029"
        or 0xD800 <= ord(letter) < 0xE000
        else letter
        for letter in text
        if letter not in also
    )
    return re.sub(" +", " ", spaced).strip(" ")


def decoded(raw):
    """A header's value by the standard library's words."""
    return str(make_header(decode_header(raw)))


def unfolded(lines, name):
    """The value behind the name, after checking that the lines are lawful."""
    assert re.fullmatch(rf"{name}:(?: [^\r\n]+)?\r\n(?: [^\r\n]*[^\r\n ][^\r\n]*\r\n)*", lines)
    return lines.removeprefix(f"{name}:").replace("\r\n", "").lstrip(" ")


@given(ANY)
@settings(deadline=None)
def test_unstructured(text):
    """Any text arrives as it was, apart from separators and space around it, in short lines."""
    lines = headers.unstructured("Subject", text)
    assert lines.isascii()
    assert max(map(len, lines.split("\r\n"))) <= 78
    message = email.message_from_string(lines + "\r\n", policy=email.policy.default)
    assert message.keys() == ["Subject"]
    assert re.sub(" +", " ", message["Subject"]) == cleaned(text)


@given(ANY)
@settings(deadline=None)
def test_mailbox(display):
    """Any display name arrives as it was, and never touches the address."""
    lines = headers.mailbox("To", display, "ann@x.example")
    assert lines.isascii()
    assert max(map(len, lines.split("\r\n"))) <= 78
    name, address = parseaddr(unfolded(lines, "To"))
    assert address == "ann@x.example"
    reordering = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
    assert re.sub(" +", " ", decoded(name)) == cleaned(display, also=reordering)


def test_spaces_inside_are_kept():
    """Folding adds and drops no space, even in a long text full of them."""
    text = "a  b   " + "word  " * 30 + "end"
    assert unfolded(headers.unstructured("Subject", text), "Subject") == text


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("Hello", "Subject: Hello\r\n"),
        ("", "Subject:\r\n"),
        ("Rechnung für Ann Lee", "Subject: =?utf-8?q?Rechnung_f=C3=BCr_Ann_Lee?=\r\n"),
        ("Привет", "Subject: =?utf-8?b?0J/RgNC40LLQtdGC?=\r\n"),
    ],
)
def test_spelling(text, line):
    """What can be read as it is stays so, and the shorter spelling is taken where it can't."""
    assert headers.unstructured("Subject", text) == line


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("", "To: a@x.example\r\n"),
        ("Ann O'Neil-Jones", "To: Ann O'Neil-Jones <a@x.example>\r\n"),
        ('J. "X" \\ Doe', 'To: "J. \\"X\\" \\\\ Doe" <a@x.example>\r\n'),
        ("evil@x.example", 'To: "evil@x.example" <a@x.example>\r\n'),
    ],
)
def test_names(name, line):
    """A name is written bare when it is one, else in quotes."""
    assert headers.mailbox("To", name, "a@x.example") == line


@pytest.mark.parametrize(
    "form", ["=?utf-8?q?=0D=0ABcc:_v@x.example?=", "=?utf-8?b?DQpCY2M6IHZAeC5leGFtcGxl?=", "=?x"]
)
def test_encoded_words_are_letters(form):
    """An encoded word in the input is shown as its letters; nobody decodes it to what it hides."""
    for lines, name in (
        (headers.unstructured("Subject", form), "Subject"),
        (headers.mailbox("To", form, "a@x.example"), "To"),
    ):
        assert form not in lines
        value = email.message_from_string(lines + "\r\n", policy=email.policy.compat32)[name]
        assert decoded(value.removesuffix(" <a@x.example>")) == form


def test_words_are_whole():
    """No encoded word is longer than 75 columns or cuts a character in two."""
    for text in ("é" * 300 + "a", "a" * 90 + "é" + "b" * 90, "😀a" * 100):
        lines = headers.unstructured("Subject", text)
        words = re.findall(r"=\?[^ \r]+\?=", lines)
        assert len(words) > 1
        assert all(len(word) <= 75 and decoded(word) for word in words)
        assert decoded(unfolded(lines, "Subject")) == text


NAMES = ("From", "Subject")


@pytest.mark.parametrize(
    ("block", "is_sound"),
    [
        (b"From: a\r\nSubject: b\r\n\r\n", True),
        (b"From: a\r\nSubject:\r\n\r\n", True),
        (b"From: a\r\n b\r\nSubject: b\r\n c\r\n\r\n", True),
        (b"From: a\r\nSubject: b\r\nBcc: c\r\n\r\n", False),
        (b"From: a\r\nFrom: a\r\nSubject: b\r\n\r\n", False),
        (b"Subject: b\r\nFrom: a\r\n\r\n", False),
        (b"From: a\r\nSubject: b\nBcc: c\r\n\r\n", False),
        (b"From: a\r\nSubject: b\rBcc: c\r\n\r\n", False),
        (b"From: a\r\nSubject: b\0\r\n\r\n", False),
        (b"From: a\r\n  \r\nSubject: b\r\n\r\n", False),
        (b"From: a\r\n\r\nSubject: b\r\n\r\n", False),
        (b"From: a\r\nSubject: b\r\n", False),
        (b"From: " + b"a" * 997 + b"\r\nSubject: b\r\n\r\n", False),
    ],
)
def test_are_sound(block, is_sound):
    """A header passes only with its own fields, in order, each a line or folded lawfully."""
    assert headers.are_sound(block, NAMES) is is_sound


def test_date():
    """A date is written in UTC whatever its zone, and one without a zone is refused."""
    date = datetime(2026, 2, 3, 1, 0, tzinfo=timezone(timedelta(hours=3)))
    assert headers.date_line(date) == "Date: Mon, 02 Feb 2026 22:00:00 +0000\r\n"
    assert headers.date_line(date.astimezone(UTC)) == headers.date_line(date)
    with pytest.raises(ValueError, match="zone"):
        headers.date_line(datetime(2026, 2, 3))  # noqa: DTZ001 - the very thing
