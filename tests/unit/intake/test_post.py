"""Answers and dead letters as what is published."""

from daemon.broker.parcel import Parcel
from daemon.dialects import DIALECTS
from daemon.intake import post
from daemon.intake.ask import Back, Verdict
from daemon.mail.refusal import Code, NotARequest, refused
from daemon.mail.request.answers import Done

_DONE = Verdict(result="answered", answer=Done(command="resume"))


def test_nobody_waits_for_it() -> None:
    """Without a place to send it to, or with nothing to say yet, there is no letter."""
    assert post.letter(Back(), _DONE) is None
    assert post.letter(Back(reply_to="me"), Verdict(result="kept")) is None


def test_the_first_answer_again() -> None:
    """A repeat is the same octets."""
    letter = post.letter(Back(reply_to="me"), Verdict(result="repeated", repeated=b"{}"))
    assert letter is not None
    assert letter.text == b"{}"


def test_a_dialect_has_a_status() -> None:
    """A foreigner's answer carries the status that it would have over HTTP."""
    verdict = Verdict(result="refused", answer=refused(Code.AUTH_INVALID, "no"))
    letter = post.letter(Back(reply_to="me", dialect=DIALECTS["smsby"]), verdict)
    assert letter is not None
    assert letter.headers == {"http_status": 401}
    assert b'"status":"error"' in letter.text


def test_a_dead_letter_can_be_put_back() -> None:
    """Body, key, type and id are as they were, the reason stands beside them."""
    parcel = Parcel(
        body=b"{", queue="q", session=1, tag=1, routing_key="request.normal", redelivered=False,
        headers={}, message_id="m1", type="smsby", reply_to="me", correlation_id="é" * 300,
    )  # fmt: skip
    reason = NotARequest(code=Code.BAD_JSON, message="no JSON")
    outgoing = post._dead_letter(parcel, reason)
    assert (outgoing.body, outgoing.routing_key) == (b"{", "request.normal")
    assert (outgoing.message_id, outgoing.type) == ("m1", "smsby")
    assert outgoing.headers == {
        "reason": "bad_json", "detail": "no JSON", "queue": "q", "reply_to": "me",
    }  # fmt: skip
    assert len((outgoing.correlation_id or "").encode()) <= 255
