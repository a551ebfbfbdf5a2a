"""What a fact says of its try beside the reply."""

from dataclasses import replace
from uuid import UUID

from daemon.mail import outcome
from daemon.mail.reply import Reply
from daemon.mail.standing import Fact

SENT = Fact(
    delivery_id=512, job_id=UUID(int=1), customer_id=1, message_id=1, address="a@b.example",
    attempt=1, epoch=1, retry_id=None, took=0.04212,
    outcome=outcome.Sent(reply=Reply(code=250, enhanced=None, text="Ok"), relay="r:25",
                         tls="TLSv1.3"),
)  # fmt: skip


def test_how_a_try_went() -> None:
    """Its event says how long it took and under which TLS, where that is known."""
    assert SENT.how == {"took": 0.042, "tls": "TLSv1.3"}
    clear = replace(SENT, outcome=outcome.Failed(reason="8bit"), took=0.0)
    assert clear.how == {}


def test_what_was_never_tried_says_nothing() -> None:
    """A delivery that was withheld has no try to speak of."""
    withheld = outcome.Withheld(verdict=outcome.Verdict.EXPIRED)
    assert replace(SENT, outcome=withheld).how == {}
