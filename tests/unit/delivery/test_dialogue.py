"""Whom a reply belongs to, and what it means when the conversation breaks off: phase by phase."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.delivery.courier import Reason
from daemon.delivery.dialogue import Break, Dialogue, Phase, Transaction
from daemon.delivery.envelope import Commands
from daemon.mail.outcome import Bounced, Deferred, InDoubt, Outcome, Sent
from tests.unit.delivery import scripted

LINES = Commands(mail=b"", rcpt=b"")
GOOD = {Phase.MAIL: b"250 ok\r\n", Phase.RCPT: b"250 ok\r\n", Phase.DATA: b"354 go\r\n"}


def transaction(number: int = 1) -> Transaction:
    """A new one."""
    return Transaction(scripted.attempt(number), LINES, "relay:25", is_first=number == 1)


def at(phase: Phase) -> tuple[Dialogue, Transaction]:
    """A dialogue whose only transaction has come this far, the rest of its replies owed."""
    dialogue, one = Dialogue(scripted.Notes()), transaction()
    dialogue.expect(one, 3)
    for reply in GOOD.values():
        if one.phase is phase:
            break
        dialogue.feed(reply)
    if phase is Phase.DOT:
        one.phase = Phase.DOT
        dialogue.expect(one)
    assert one.phase is phase
    return dialogue, one


REPLIES = {
    "421": b"421 4.3.2 bye\r\n",
    "4xx": b"451 4.3.0 later\r\n",
    "5xx": b"554 5.0.0 never\r\n",
    "3xx": b"334 what?\r\n",
    "garbage": b"hello\r\n",
    "bare lf": b"250 ok\n250 ok\r\n",
}
LOSSES = {"drop": Reason.DROPPED, "timeout": Reason.TIMEOUT}
CLOSING, REFUSED = (Deferred, "closing"), (Deferred, "refused")
GARBLED, EARLY = (Deferred, "garbled"), (Deferred, "early")
DROPPED, TIMEOUT = (Deferred, "dropped"), (Deferred, "timeout")
BOUNCED = (Bounced, None)
ENVELOPE = [CLOSING, REFUSED, BOUNCED, GARBLED, GARBLED, GARBLED, DROPPED, TIMEOUT]
SENDER = (Deferred, "sender-refused")
TABLE = {
    Phase.MAIL: [CLOSING, REFUSED, SENDER, GARBLED, GARBLED, GARBLED, DROPPED, TIMEOUT],
    Phase.RCPT: ENVELOPE,
    Phase.DATA: ENVELOPE,
    Phase.OPEN: [CLOSING, EARLY, EARLY, EARLY, GARBLED, GARBLED, DROPPED, TIMEOUT],
    Phase.DOT: [
        *(CLOSING, REFUSED, BOUNCED),
        *((InDoubt, reason) for reason in ("garbled", "garbled", "garbled", "dropped", "timeout")),
    ],
}
CASES = [
    pytest.param(phase, fault, *expected, id=f"{phase.name}-{fault}")
    for phase, row in TABLE.items()
    for fault, expected in zip([*REPLIES, *LOSSES], row, strict=True)
]


@pytest.mark.parametrize(("phase", "fault", "kind", "reason"), CASES)
def test_every_fault_in_every_phase(
    phase: Phase, fault: str, kind: type[Outcome], reason: str | None
) -> None:
    """Before the final dot a fault defers or refuses; after it, what is no reply is a doubt."""
    dialogue, one = at(phase)
    if fault in REPLIES:
        dialogue.feed(REPLIES[fault])
    else:
        dialogue.end(LOSSES[fault])
    dialogue.end(Reason.DROPPED)
    assert dialogue.broken is not None
    outcome = one.end(dialogue.broken)
    assert type(outcome) is kind
    assert getattr(outcome, "reason", None) == reason


@pytest.mark.parametrize("fault", ["421", "garbage", "3xx", "bare lf"])
@pytest.mark.parametrize("phase", TABLE)
def test_after_such_a_reply_the_connection_is_unusable(phase: Phase, fault: str) -> None:
    """D19: a 421, or what is no answer to anything, ends the dialogue; a refusal doesn't."""
    dialogue, _ = at(phase)
    dialogue.feed(REPLIES[fault])
    assert dialogue.broken is not None
    refused, _ = at(phase)
    refused.feed(REPLIES["4xx"])
    assert (refused.broken is None) == (phase is not Phase.OPEN)


def test_a_250_to_data_is_no_success() -> None:
    """DATA is answered by 354 or a refusal: anything else is no answer."""
    dialogue, one = at(Phase.DATA)
    dialogue.feed(b"250 delivered, believe me\r\n")
    assert dialogue.broken == Break(reason=Reason.GARBLED, reply=dialogue.broken.reply)  # type: ignore[union-attr]
    assert isinstance(one.end(dialogue.broken), Deferred)


@pytest.mark.parametrize("early", [b"250 ok\r\n", b"250 o", b"2", b"250-ok\r\n", b"\r\n"])
def test_what_comes_before_the_dot_is_never_a_success(early: bytes) -> None:
    """Even one octet that nobody asked for ends the dialogue before the content is written."""
    dialogue, one = Dialogue(scripted.Notes()), transaction()
    dialogue.expect(one, 3)
    dialogue.feed(b"".join(GOOD.values()) + early)
    assert dialogue.broken is not None
    assert isinstance(one.end(dialogue.broken), Deferred)


def test_a_refused_recipient_whose_data_went_ahead_needs_a_lone_dot() -> None:
    """The recipient's refusal is the outcome; what the server says to the lone dot isn't."""
    dialogue, one = at(Phase.RCPT)
    dialogue.feed(b"550 5.1.1 no such user\r\n354 go\r\n")
    assert one.phase is Phase.VOID
    dialogue.expect(one)
    dialogue.feed(b"250 2.0.0 stored for nobody\r\n")
    assert (one.phase, dialogue.broken) == (Phase.OVER, None)
    assert isinstance(one.outcome, Bounced)
    assert one.outcome.reply.enhanced == "5.1.1"


def test_a_refusal_that_was_heard_outlives_the_connection() -> None:
    """A 550 to RCPT is the recipient's fate, even if the connection is lost before DATA's reply."""
    dialogue, one = at(Phase.RCPT)
    dialogue.feed(b"550 5.1.1 no such user\r\n")
    dialogue.end(Reason.DROPPED)
    assert isinstance(one.end(Break(reason=Reason.DROPPED)), Bounced)


def test_the_first_refusal_is_the_outcome() -> None:
    """503 to DATA only follows from what was said to RCPT."""
    dialogue, one = at(Phase.RCPT)
    dialogue.feed(b"451 4.7.1 later\r\n503 5.5.1 no recipient\r\n")
    assert isinstance(one.outcome, Deferred)
    assert (one.phase, dialogue.broken) == (Phase.OVER, None)


@pytest.mark.parametrize("reason", [Reason.STOPPED, Reason.FENCED])
def test_what_we_break_off_ourselves_counts_for_nobody(reason: Reason) -> None:
    """A stop or a lost lease burns no try."""
    _, one = at(Phase.OPEN)
    outcome = one.end(Break(reason=reason))
    assert isinstance(outcome, Deferred)
    assert not outcome.counts


def test_the_witness_hears_exactly_the_final_replies() -> None:
    """What answers a final dot is written down, whatever it says; nothing else is."""
    notes = scripted.Notes()
    dialogue, one, two = Dialogue(notes), transaction(1), transaction(2)
    for each, final in ((one, b"250 2.0.0 yes\r\n"), (two, b"554 5.0.0 no\r\n")):
        dialogue.expect(each, 3)
        dialogue.feed(b"".join(GOOD.values()))
        each.phase = Phase.DOT
        dialogue.expect(each)
        dialogue.feed(final)
    assert notes.replies == [(1, 250), (2, 554)]


def test_no_reply_is_written_down_for_what_is_none() -> None:
    """A 354 to the final dot is a doubt, not a fact."""
    notes = scripted.Notes()
    dialogue, one = Dialogue(notes), transaction()
    one.phase = Phase.DOT
    dialogue.expect(one)
    dialogue.feed(b"354 more?\r\n")
    assert notes.replies == []
    assert isinstance(one.end(Break(reason=Reason.GARBLED)), InDoubt)


def test_a_witness_that_fails_does_not_lose_the_reply() -> None:
    """The surprise ends the conversation, but what the server said is the outcome."""

    class Full(scripted.Notes):
        def reply(self, *_: object) -> None:
            raise OSError("no space")

    dialogue, one = Dialogue(Full()), transaction()
    one.phase = Phase.DOT
    dialogue.expect(one)
    with pytest.raises(OSError, match="no space"):
        dialogue.feed(b"250 ok\r\n")
    assert isinstance(one.outcome, Sent)


STREAM = st.lists(
    st.sampled_from(
        [*REPLIES.values(), b"250 ok\r\n", b"250-ok\r\n", b"354 go\r\n", b"25", b"\r\n", b"\xff"]
    ),
    max_size=10,
)


@given(STREAM, st.data())
def test_no_success_without_a_250_after_the_dot(stream: list[bytes], data: st.DataObject) -> None:
    """D19: random replies in random slices: Sent needs a 2xx heard after the dot was written."""
    dialogue, one = Dialogue(scripted.Notes()), transaction()
    dialogue.expect(one, 3)
    written = False
    octets = b"".join(stream)
    while octets and dialogue.broken is None:
        if one.phase is Phase.OPEN and not written:
            written, one.phase = True, Phase.DOT
            dialogue.expect(one)
        cut = data.draw(st.integers(1, len(octets)))
        piece, octets = octets[:cut], octets[cut:]
        dialogue.feed(piece)
        if isinstance(one.outcome, Sent):
            assert written
            assert one.outcome.reply.is_positive
    outcome = one.end(dialogue.broken or Break(reason=Reason.DROPPED))
    assert isinstance(outcome, InDoubt | Sent | Bounced | Deferred)
    assert not isinstance(outcome, InDoubt) or written
