"""What a refusal means, by the command that it answers."""

from collections.abc import Callable

import pytest

from daemon.delivery import verdict
from daemon.mail.outcome import Bounced, Deferred, Outcome, Sent
from daemon.mail.reply import Reply

Meaning = Callable[[Reply, str], Outcome]
MAIL, RCPT, DATA, DOT = verdict.of_mail, verdict.of_rcpt, verdict.of_data, verdict.of_dot


@pytest.mark.parametrize(
    ("meaning", "code", "kind", "reason"),
    [
        (MAIL, 421, Deferred, "closing"),
        (MAIL, 451, Deferred, "refused"),
        (MAIL, 530, Deferred, "auth"),
        (MAIL, 550, Deferred, "sender-refused"),
        (MAIL, 553, Deferred, "sender-refused"),
        (MAIL, 552, Bounced, None),
        (RCPT, 421, Deferred, "closing"),
        (RCPT, 450, Deferred, "refused"),
        (RCPT, 452, Deferred, "refused"),
        (RCPT, 552, Deferred, "refused"),
        (RCPT, 530, Deferred, "auth"),
        (RCPT, 550, Bounced, None),
        (RCPT, 551, Bounced, None),
        (RCPT, 554, Bounced, None),
        (DATA, 421, Deferred, "closing"),
        (DATA, 451, Deferred, "refused"),
        (DATA, 554, Bounced, None),
        (DOT, 250, Sent, None),
        (DOT, 251, Sent, None),
        (DOT, 421, Deferred, "closing"),
        (DOT, 451, Deferred, "refused"),
        (DOT, 552, Bounced, None),
        (DOT, 554, Bounced, None),
    ],
)
def test_table(meaning: Meaning, code: int, kind: type[Outcome], reason: str | None) -> None:
    """Permanent and passing refusals are told apart, and the reply is kept word for word."""
    reply = Reply(code=code, text="as it was said")
    outcome = meaning(reply, "relay:25")
    assert type(outcome) is kind
    assert getattr(outcome, "reason", None) == reason
    assert (outcome.relay, outcome.reply) == ("relay:25", reply)  # type: ignore[union-attr]


def test_a_421_to_mail_says_nothing_of_the_attempt() -> None:
    """The try doesn't count; anywhere later it does."""
    reply = Reply(code=421)
    counts = [meaning(reply, "r") for meaning in (MAIL, RCPT, DATA, DOT)]
    assert [outcome.counts for outcome in counts if isinstance(outcome, Deferred)] == [
        False,
        True,
        True,
        True,
    ]


def test_the_wish_of_a_greylist_is_passed_on() -> None:
    """A wait that the server names is in the outcome."""
    outcome = RCPT(Reply(code=451, text="Greylisted, try again in 300 seconds"), "r")
    assert isinstance(outcome, Deferred)
    assert outcome.retry_after == 300.0
