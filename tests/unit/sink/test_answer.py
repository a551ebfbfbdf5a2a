"""What acts make of an answer."""

import math

import pytest

from daemon.sink import answer, behaviour
from daemon.sink.answer import End

OK = answer.yes(250, "2.1.5 Ok")


def _composed(*words, ok=OK, address="a@x", spent=()):
    claims = [(address, behaviour.act(word)) for word in words]
    return answer.compose(ok, claims, strikes=lambda _, act: act.word not in spent)


def test_without_acts_the_answer_stays():
    """Nobody asks for anything: the very same answer."""
    assert _composed() is OK


@pytest.mark.parametrize(
    ("word", "said", "done", "end"),
    [
        ("rcpt-550", b"550 5.1.1 <a@x> No such recipient\r\n", False, None),
        ("rcpt-450-4.2.1", b"450 4.2.1 <a@x> Mailbox busy\r\n", False, None),
        ("rcpt-251", b"251 2.0.0 <a@x> As asked\r\n", True, None),
        ("mail-550", b"550 5.7.1 <a@x> Sender refused\r\n", False, None),
        ("dot-552", b"552 5.3.4 <a@x> Message too big\r\n", False, None),
        ("421-at-rcpt", b"421 4.3.2 Closing the connection\r\n", False, End.BYE),
        ("drop-at-rcpt", b"", False, End.DROP),
        ("drop-after-dot", b"", True, End.RESET),
        ("discard-after-dot", b"", False, End.RESET),
        ("garbage-at-rcpt", answer.GARBAGE, False, None),
        ("extra-reply", OK.said + answer.EXTRA, True, None),
        ("early-250", OK.said + answer.EARLY, True, None),
        ("latin1-at-rcpt", b"250 2.1.5 Ok f\xfcr Empf\xe4nger\r\n", True, None),
    ],
)
def test_each_deed(word, said, done, end):
    """Every deed says what it should, is done or not, and ends the connection or not."""
    found = _composed(word)
    assert (found.said, found.done, found.end) == (said, done, end)
    assert (found.words, found.address) == ((word,), "a@x")


def test_a_long_reply_is_one_lawful_reply():
    """All its lines but the last carry a hyphen, all carry the same code."""
    lines = _composed("long-reply").said.splitlines(keepends=True)
    assert len(lines) == 1000
    assert all(line.startswith(b"250-") and len(line) <= 512 for line in lines[:-1])
    assert lines[-1] == OK.said


def test_the_first_refusal_decides():
    """A later refusal isn't even struck, so it isn't used up."""
    struck = []
    claims = [("a@x", behaviour.act(word)) for word in ("greylist-1", "rcpt-550")]
    found = answer.compose(OK, claims, strikes=lambda _, act: struck.append(act.word) or True)
    assert found.code == 451
    assert struck == ["greylist-1"]


def test_what_is_spent_is_passed_over():
    """Once the greylisting is over the next word has its turn."""
    assert _composed("greylist-1", "rcpt-550", spent={"greylist-1"}).code == 550


def test_bending_applies_to_a_refusal_too():
    """A stall delays whatever comes after it, a bent reply bends a refusal."""
    found = _composed("stall-at-rcpt-2", "rcpt-550", "latin1-at-rcpt", "stall-at-rcpt-1")
    assert found.wait == 3
    assert found.said == b"550 5.1.1 <a@x> No such recipient f\xfcr Empf\xe4nger\r\n"
    assert not found.done


def test_nothing_happens_after_the_end():
    """Once the connection is to end, later words don't strike."""
    assert _composed("drop-at-rcpt", "stall-at-rcpt-2").words == ("drop-at-rcpt",)


def test_garbage_and_silence_have_no_code():
    """Only a reply has a code."""
    assert _composed("garbage-at-rcpt").code is None
    assert _composed("drop-at-rcpt").code is None
    assert math.isinf(answer.Answer(said=b"", wait=math.inf).wait)
