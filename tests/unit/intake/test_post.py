"""Answers as what is published."""

from daemon.dialects import DIALECTS
from daemon.intake import post
from daemon.intake.ask import Back, Verdict
from daemon.mail.refusal import Code, refused
from daemon.mail.request.answers import Done

_DONE = Verdict(result="answered", answer=Done(command="resume"))


def test_nobody_waits_for_it() -> None:
    """Without a place to send it to, or with nothing to say yet, there is no letter."""
    assert post.letter(Back(), _DONE) is None
    assert post.letter(Back(reply_to="me"), Verdict(result="kept")) is None


def test_the_first_answer_again() -> None:
    """A repeat is the same octets; that it is one stands beside them."""
    letter = post.letter(Back(reply_to="me"), Verdict(result="repeated", repeated=b"{}"))
    assert letter is not None
    assert (letter.text, letter.headers) == (b"{}", {"repeated": True})
    first = post.letter(Back(reply_to="me"), _DONE)
    assert first is not None
    assert first.headers is None


def test_a_dialect_has_a_status() -> None:
    """A foreigner's answer carries the status that it would have over HTTP."""
    verdict = Verdict(result="refused", answer=refused(Code.AUTH_INVALID, "no"))
    letter = post.letter(Back(reply_to="me", dialect=DIALECTS["smsby"]), verdict)
    assert letter is not None
    assert letter.headers == {"http_status": 401}
    assert b'"status":"error"' in letter.text
