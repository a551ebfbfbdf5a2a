"""Records, refusals and the lines that people read."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.sink import client, record, show
from daemon.sink.record import Record, Recorder, Refusal
from daemon.sink.show import Show

RECORD = Record(
    time=1_700_000_000.5,
    came=1_700_000_000.125,
    began=1_700_000_000.25,
    connection=3,
    helo="c",
    tls="TLSv1.3",
    user=None,
    mail_from="a@x",
    rcpt=("b@x", "jörg@x"),
    message_id="<1@x>",
    sha256="00",
    size=2048,
    subject="=?utf-8?q?Gr=C3=BC=C3=9Fe?=",
    violations={"bare-lf": 1},
)
REFUSAL = Refusal(
    kind="refused",
    time=1.0,
    connection=3,
    phase="rcpt",
    code=451,
    words=("greylist-1",),
    recipient="greylist-1@x",
)


def test_what_is_recorded_is_read_back(tmp_path):
    """A record comes back equal, with its content when that is kept."""
    path = tmp_path / "record.jsonl"
    for keep in (True, False):
        recorder = Recorder(path, keep_bytes=keep)
        recorder.stored(RECORD, b"\xff\0")
        recorder.refused(REFUSAL)
        recorder.close()
    first, second = client.records(path)
    assert first.content == b"\xff\0"
    assert second == RECORD
    assert client.refusals(path) == [REFUSAL, REFUSAL]


def test_a_line_being_written_is_left_out(tmp_path):
    """A reader that comes in the middle of a write sees the whole lines only."""
    path = tmp_path / "record.jsonl"
    recorder = Recorder(path)
    recorder.stored(RECORD, b"")
    recorder.close()
    whole = path.read_bytes()
    path.write_bytes(whole + whole[: len(whole) // 2])
    assert client.records(path) == [RECORD]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"Subject: a\r\nMessage-ID: <1@x>\r\n\r\nMessage-ID: <2@x>\r\n", ("<1@x>", "a")),
        (b"message-id:\r\n <1@x>\r\nSUBJECT:  a\r\n b\tc \r\n\r\n", ("<1@x>", "a b\tc")),
        (b"X-Subject: a\r\n\r\n", ("", "")),
        (b"\r\nSubject: a\r\n", ("", "")),
        (b"Subject: a", ("", "a")),
        (b"", ("", "")),
        ("Subject: ä\r\n\r\n".encode(), ("", "ä")),
    ],
)
def test_headers_are_found(content, expected):
    """The first header of a name, unfolded, and none from the body."""
    assert record.headers(content, "Message-ID", "Subject") == expected


@given(st.binary(max_size=200))
def test_headers_never_raise(content):
    """Any bytes have a subject or none."""
    assert isinstance(record.headers(b"Subject:" + content, "subject")[0], str)


def test_a_mail_is_shown_on_one_line():
    """Time, sender, recipients, decoded subject, size, attachments; no control characters."""
    out = io.StringIO()
    content = (
        b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nhi\r\n"
        b'--b\r\nContent-Disposition: attachment; filename="a\x1b.pdf"\r\n\r\n\r\n--b--\r\n'
    )
    Show(out).stored(RECORD, content)
    line = out.getvalue()
    assert line.endswith("  a@x → b@x, jörg@x  “Grüße”  2.0 kB  a\N{REPLACEMENT CHARACTER}.pdf\n")
    assert line.count("\n") == 1


def test_a_refusal_is_shown_on_one_line():
    """What was refused, where, whom, and why."""
    out = io.StringIO()
    Show(out).refused(REFUSAL)
    assert out.getvalue().endswith("refused 451 at rcpt  greylist-1@x  greylist-1\n")


@pytest.mark.parametrize("header", ["=?nonsense?q?a?=", "=?utf-8?b?a?=", "plain"])
def test_a_subject_that_cannot_be_decoded_stays(header):
    """Showing a mail never fails."""
    assert show.decoded(header)


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (2_500_000, "2.5 MB")]
)
def test_sizes_are_readable(size, text):
    """Octets in the unit a person would take."""
    assert show.readable(size) == text
