"""The reader of replies: slices don't matter, bounds hold, nothing is read two ways."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.delivery import replies
from daemon.delivery.replies import Garbled, Parser
from daemon.mail.reply import TEXT_LIMIT, Reply

CODES = st.from_regex(rb"[2-5][0-5][0-9]", fullmatch=True)
TEXTS = st.binary(max_size=60).map(lambda text: text.replace(b"\n", b" ").replace(b"\r", b" "))


@st.composite
def wholes(draw: st.DrawFn) -> bytes:
    """The octets of one lawful reply."""
    code, texts = draw(CODES), draw(st.lists(TEXTS, min_size=1, max_size=4))
    *middle, last = texts
    return b"".join(code + b"-" + text + b"\r\n" for text in middle) + code + b" " + last + b"\r\n"


def read(pieces: list[bytes]) -> list[Reply | Garbled]:
    """All that a fresh parser makes of the pieces."""
    parser = Parser()
    return [reply for piece in pieces for reply in parser.feed(piece)]


@given(st.lists(wholes(), max_size=6), st.data())
def test_slices_do_not_matter(said: list[bytes], data: st.DataObject) -> None:
    """However the network cuts it, the same replies come out, one for each that went in."""
    stream = b"".join(said)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=12)))
    pieces = [stream[a:b] for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    found = read(pieces)
    assert [reply.code for reply in found if isinstance(reply, Reply)] == [int(s[:3]) for s in said]
    assert found == read([stream])


@given(st.lists(st.binary(max_size=40), max_size=8))
def test_noise_never_raises_and_ends_at_the_first_garble(pieces: list[bytes]) -> None:
    """Whatever comes, the parser gives replies and at most one Garbled, which is the last."""
    found = read(pieces)
    assert all(isinstance(reply, Reply) for reply in found[:-1])


@given(wholes(), st.binary(min_size=1, max_size=200))
def test_nothing_is_read_after_a_garble(whole: bytes, noise: bytes) -> None:
    """A 250 behind what is no reply is no 250."""
    parser = Parser()
    assert parser.feed(b"hello?\r\n") == [Garbled(why="no reply code")]
    assert parser.feed(whole + noise + whole) == []


@pytest.mark.parametrize(
    ("stream", "code", "enhanced", "text"),
    [
        (b"250 2.1.0 Ok\r\n", 250, "2.1.0", "Ok"),
        (b"250\r\n", 250, None, ""),
        (b"250 \r\n", 250, None, ""),
        (b"354 End data with <CR><LF>.<CR><LF>\r\n", 354, None, "End data with <CR><LF>.<CR><LF>"),
        (b"550-5.1.1 No such\r\n550 5.1.1 user\r\n", 550, "5.1.1", "No such user"),
        (b"250-one\r\n250\r\n", 250, None, "one"),
        (b"451 4.7.1 nul\x00esc\x1b[31m\r\n", 451, "4.7.1", "nul esc [31m"),
        (b"550 caf\xe9\r\n", 550, None, "caf\ufffd"),
        (b"250 a\rb\r\n", 250, None, "a b"),
    ],
)
def test_lawful_replies(stream: bytes, code: int, enhanced: str | None, text: str) -> None:
    """Code, enhanced code and clean text of what servers really say."""
    assert read([stream]) == [Reply(code=code, enhanced=enhanced, text=text)]


@pytest.mark.parametrize(
    ("stream", "why"),
    [
        (b"2500 too long\r\n", "no reply code"),
        (b"25 too short\r\n", "no reply code"),
        (b"250\tx\r\n", "no reply code"),
        (b"650 no such class\r\n", "no reply code"),
        (b"260 no such group\r\n", "no reply code"),
        (b"\r\n", "no reply code"),
        (b"250-one\r\n550 two\r\n", "two codes in one reply"),
        (b"250-one\r\n550-two\r\n", "two codes in one reply"),
        (b"250-one\r\nhello\r\n", "no reply code"),
        (b"550 no\n250 yes\r\n", "bare line feed"),
        (b"250-no\n250 yes\r\n", "bare line feed"),
        (b"250 " + b"x" * replies.LINE_LIMIT + b"\r\n", "line too long"),
        (b"x" * (replies.LINE_LIMIT + 1), "line too long"),
        (b"250-x\r\n" * 10_000, "reply too long"),
        ((b"250-" + b"x" * 1000 + b"\r\n") * 70, "reply too long"),
    ],
)
def test_what_is_no_reply(stream: bytes, why: str) -> None:
    """D19: what could be read two ways, or without end, is not read at all."""
    assert read([stream]) == [Garbled(why=why)]


def test_a_thousand_lines_are_still_a_reply() -> None:
    """D19: long is not endless."""
    assert [type(reply) for reply in read([b"250-x\r\n" * 999 + b"250 x\r\n"])] == [Reply]


def test_a_giant_reply_is_told_cut_short() -> None:
    """E8: of a giant text the beginning is kept, with a mark that it was cut; a MB ends it."""
    (reply,) = read([(b"550-" + b"x" * 1000 + b"\r\n") * 60 + b"550 end\r\n"])
    assert isinstance(reply, Reply)
    assert reply.text == "x" * (TEXT_LIMIT - 1) + "…"
    assert read([(b"550-" + b"x" * 1000 + b"\r\n") * 1000]) == [Garbled(why="reply too long")]


def test_an_unfinished_reply_shows() -> None:
    """Octets beyond the last reply are noticed before they make a line."""
    parser = Parser()
    parser.feed(b"250 ok\r\n")
    assert not parser.has_begun
    parser.feed(b"2")
    assert parser.has_begun
    parser.feed(b"50-ok\r\n")
    assert parser.has_begun
