"""What a well-behaved sink says, command by command."""

import base64

import pytest

from daemon.sink import behaviour
from daemon.sink.answer import End
from daemon.sink.behaviour import Act, Deed
from daemon.sink.dialogue import Dialogue, Expects
from daemon.sink.sink import Settings, Sink
from daemon.sink.visit import Visit


class _Witness:
    """Remembers what it is told."""

    def __init__(self):
        self.records, self.refusals = [], []

    def stored(self, record, content):
        self.records.append((record, content))

    def refused(self, refusal):
        self.refusals.append(refusal)


class _Talk:
    """A dialogue with all that it touches."""

    def __init__(self, **settings):
        self.witness = _Witness()
        self.sink = Sink(settings=Settings(**settings), witnesses=(self.witness,))
        self.dialogue = Dialogue(self.sink, Visit(self.sink, self.sink.tally.opened()))

    def codes(self, *lines):
        return [self.say(line).code for line in lines]

    def say(self, line, *, more=False):
        return self.dialogue.line(line, more=more)

    def mail(self, *recipients, raw=b"hi\r\n", sender=b"s@x"):
        self.codes(b"EHLO c", b"MAIL FROM:<" + sender + b">")
        self.codes(*(b"RCPT TO:<" + recipient + b">" for recipient in recipients))
        assert self.say(b"DATA").code == 354
        return self.dialogue.finish(raw, oversize=False)


def test_one_mail():
    """The usual conversation stores one message with its envelope."""
    talk = _Talk()
    assert talk.dialogue.greet().code == 220
    assert talk.mail(b"a@x", b"b@y").code == 250
    ((record, content),) = talk.witness.records
    assert (record.mail_from, record.rcpt, record.helo, content) == (
        "s@x",
        ("a@x", "b@y"),
        "c",
        b"hi\r\n",
    )
    assert talk.sink.tally.count() == {"messages": 1, "distinct": 1, "copies": 2}
    assert talk.say(b"QUIT").end is End.BYE


def test_ehlo_announces_what_is_offered():
    """Only what can be had is announced: no AUTH without users, no STARTTLS without certificate."""
    plain = _Talk().say(b"EHLO c").said
    assert b"250-PIPELINING\r\n" in plain
    assert b"250-SIZE 33554432\r\n" in plain
    assert b"AUTH" not in plain
    assert b"STARTTLS" not in plain
    assert plain.splitlines()[-1].startswith(b"250 ")
    assert b"250-AUTH PLAIN LOGIN\r\n" in _Talk(users={"a": "b"}).say(b"EHLO c").said


@pytest.mark.parametrize(
    ("lines", "codes"),
    [
        ([b"MAIL FROM:<a@x>"], [503]),
        ([b"EHLO"], [501]),
        ([b"EHLO a b"], [501]),
        ([b"HELO c", b"MAIL FROM:<a@x> SIZE=1"], [250, 555]),
        ([b"EHLO c", b"RCPT TO:<a@x>"], [250, 503]),
        ([b"EHLO c", b"DATA"], [250, 503]),
        ([b"EHLO c", b"MAIL FROM:<a@x>", b"DATA"], [250, 250, 554]),
        ([b"EHLO c", b"MAIL FROM:<a@x>", b"MAIL FROM:<a@x>"], [250, 250, 503]),
        ([b"EHLO c", b"MAIL FROM:<a@x>", b"RSET", b"RCPT TO:<a@x>"], [250, 250, 250, 503]),
        ([b"EHLO c", b"MAIL FROM:<a@x>", b"EHLO c", b"RCPT TO:<a@x>"], [250, 250, 250, 503]),
        ([b"EHLO c", b"MAIL FROM:<a@x> NEW=1"], [250, 555]),
        ([b"EHLO c", b"MAIL FROM:<a@x> SIZE=33554433"], [250, 552]),
        ([b"EHLO c", b"MAIL FROM:<a@x> SIZE=x"], [250, 501]),
        ([b"EHLO c", b"MAIL FROM:<a@x> BODY=9BIT"], [250, 501]),
        ([b"EHLO c", "MAIL FROM:<ä@x>".encode()], [250, 553]),
        ([b"EHLO c", "MAIL FROM:<ä@x> SMTPUTF8".encode()], [250, 250]),
        ([b"EHLO c", b"MAIL FROM:<a@x>", "RCPT TO:<ä@x>".encode()], [250, 250, 553]),
        ([b"EHLO c", b"MAIL FROM:<a>"], [250, 501]),
        ([b"EHLO c", b"MAIL FROM:<>", b"RCPT TO:<Postmaster>"], [250, 250, 250]),
        ([b"EHLO c", b"MAIL FROM:<>", b"RCPT TO:<a@x> NOTIFY=NEVER"], [250, 250, 555]),
        ([b"NOOP", b"VRFY a", b"HELP", b"EXPN a", b"TURN", b""], [250, 252, 214, 500, 500, 500]),
        ([b"STARTTLS", b"AUTH PLAIN"], [502, 502]),
        ([b"mail from:<a@x>", b"nOOp"], [503, 250]),
    ],
)
def test_replies(lines, codes):
    """Order, arguments and parameters are judged as RFC 5321 and its extensions say."""
    assert _Talk().codes(*lines) == codes


def test_a_withdrawn_capability_is_no_longer_understood():
    """What EHLO doesn't announce is refused as unknown."""
    talk = _Talk()
    talk.sink.mode.capabilities = frozenset()
    said = talk.say(b"EHLO c").said
    assert said == b"250-sink.test\r\n250 ENHANCEDSTATUSCODES\r\n"
    assert talk.codes(b"MAIL FROM:<a@x> SIZE=1", b"MAIL FROM:<a@x> BODY=7BIT") == [555, 555]


def test_too_many_recipients():
    """Above the limit a recipient is told to come again, the others stay."""
    talk = _Talk(max_recipients=1)
    talk.codes(b"EHLO c", b"MAIL FROM:<a@x>")
    assert talk.codes(b"RCPT TO:<a@x>", b"RCPT TO:<b@x>", b"DATA") == [250, 452, 354]
    assert [refusal.recipient for refusal in talk.witness.refusals] == ["b@x"]


def test_an_oversize_body_is_refused_and_the_transaction_over():
    """552, nothing stored, and the next transaction begins afresh."""
    talk = _Talk()
    talk.codes(b"EHLO c", b"MAIL FROM:<a@x>", b"RCPT TO:<a@x>", b"DATA")
    assert talk.dialogue.finish(b"", oversize=True).code == 552
    assert talk.codes(b"RCPT TO:<a@x>") == [503]
    assert talk.sink.tally.messages == 0


@pytest.mark.parametrize("bad", [b"NO\0OP", b"NO\nOP", b"NO\rOP"])
def test_bare_controls_in_a_command_are_refused(bad):
    """A bare CR, LF or NUL is no part of a command, and is counted."""
    talk = _Talk()
    assert talk.say(bad).code == 500
    assert talk.sink.tally.violations == {"bare-control-in-command": 1}


def test_talk_before_the_reply_is_counted():
    """What must end a group (RFC 2920) and doesn't goes on record with the message."""
    talk = _Talk()
    talk.say(b"EHLO c", more=True)
    talk.say(b"MAIL FROM:<a@x>", more=True)
    talk.say(b"RCPT TO:<a@x>", more=True)
    talk.say(b"DATA", more=True)
    talk.dialogue.finish(b"", oversize=False)
    assert talk.witness.records[0][0].violations == {"early-talk": 2}


def test_pipelining_unannounced_is_counted():
    """Without PIPELINING any command may only follow the reply to the last."""
    talk = _Talk()
    talk.sink.mode.capabilities = frozenset()
    talk.say(b"EHLO c")
    talk.say(b"MAIL FROM:<a@x>", more=True)
    assert talk.sink.tally.violations == {"early-talk": 1}


def test_count_only_looks_into_nothing():
    """Counting alone tells no witness of messages and finds no violations."""
    talk = _Talk(count_only=True)
    talk.mail(b"a@x", raw=b"\n\r\n")
    assert talk.witness.records == []
    assert talk.sink.tally.messages == 1
    assert not talk.sink.tally.violations


def test_limits_of_connections_and_messages():
    """Above the limits 421 4.7.0 is said, at the banner and at MAIL."""
    talk = _Talk()
    talk.sink.mode.connections = 0
    assert talk.dialogue.greet().said.startswith(b"421 4.7.0")
    talk.sink.mode.per_connection = 1
    talk.mail(b"a@x")
    refused = talk.say(b"MAIL FROM:<a@x>")
    assert (refused.code, refused.end) == (421, End.BYE)


def _b64(text):
    return base64.b64encode(text)


@pytest.mark.parametrize(
    ("lines", "codes"),
    [
        ([b"AUTH PLAIN " + _b64(b"\0anna\0pw")], [235]),
        ([b"AUTH PLAIN", _b64(b"\0anna\0pw")], [334, 235]),
        ([b"auth plain", _b64(b"\0anna\0wrong")], [334, 535]),
        ([b"AUTH PLAIN", _b64(b"anna")], [334, 501]),
        ([b"AUTH PLAIN", b"***"], [334, 501]),
        ([b"AUTH PLAIN", b"*"], [334, 501]),
        ([b"AUTH PLAIN ="], [501]),
        ([b"AUTH LOGIN", _b64(b"anna"), _b64(b"pw")], [334, 334, 235]),
        ([b"AUTH LOGIN " + _b64(b"anna"), _b64(b"pw")], [334, 235]),
        ([b"AUTH LOGIN", _b64(b"nobody"), _b64(b"pw")], [334, 334, 535]),
        ([b"AUTH LOGIN", _b64(b"\xff"), _b64(b"\xff")], [334, 334, 535]),
        ([b"AUTH CRAM-MD5"], [504]),
        ([b"AUTH PLAIN " + _b64(b"\0anna\0pw"), b"AUTH PLAIN"], [235, 503]),
    ],
)
def test_auth(lines, codes):
    """PLAIN and LOGIN, with and without initial response, right and wrong."""
    talk = _Talk(users={"anna": "pw"}, require_auth=True)
    assert talk.codes(b"EHLO c", b"MAIL FROM:<a@x>") == [250, 530]
    assert talk.codes(*lines) == codes
    assert talk.dialogue.expects is None
    assert talk.codes(b"MAIL FROM:<a@x>") == [250 if 235 in codes else 530]


def test_the_user_is_on_record():
    """Who authenticated is part of the record."""
    talk = _Talk(users={"anna": "pw"})
    talk.codes(b"EHLO c", b"AUTH PLAIN " + _b64(b"\0anna\0pw"))
    talk.mail(b"a@x")
    assert talk.witness.records[0][0].user == "anna"


def test_a_password_that_changes():
    """The old one is refused from then on, the new one taken, and who is logged in stays so."""
    talk = _Talk(users={"anna": "old"}, require_auth=True)
    old, new = (b"AUTH PLAIN " + _b64(b"\0anna\0" + word) for word in (b"old", b"new"))
    assert talk.codes(b"EHLO c", old) == [250, 235]
    talk.sink.mode.passwords["anna"] = "new"
    assert talk.codes(b"MAIL FROM:<a@x>", b"RSET") == [250, 250]
    talk.dialogue.secured("TLSv1.3")
    assert talk.codes(b"EHLO c", old, new) == [250, 535, 235]


def test_starttls_forgets_what_was_said_before():
    """After the handshake EHLO is due again and TLS no longer offered."""
    talk = _Talk()
    talk.sink.certificate.context = object()
    assert b"250-STARTTLS\r\n" in talk.say(b"EHLO c").said
    assert talk.say(b"STARTTLS").code == 220
    assert talk.dialogue.expects is Expects.TLS
    talk.dialogue.secured("TLSv1.3")
    assert talk.codes(b"MAIL FROM:<a@x>") == [503]
    assert b"STARTTLS" not in talk.say(b"EHLO c").said
    talk.mail(b"a@x")
    assert talk.witness.records[0][0].tls == "TLSv1.3"


def test_words_of_one_recipient_leave_the_others_alone():
    """Of three recipients the second is refused, the message is stored for the others."""
    talk = _Talk()
    talk.codes(b"EHLO c", b"MAIL FROM:<a@x>")
    codes = talk.codes(b"RCPT TO:<a@x>", b"RCPT TO:<reject-550+b@x>", b"RCPT TO:<c@x>", b"DATA")
    assert codes == [250, 550, 250, 354]
    talk.dialogue.finish(b"", oversize=False)
    assert talk.witness.records[0][0].rcpt == ("a@x", "c@x")
    (refusal,) = talk.witness.refusals
    assert (refusal.kind, refusal.phase, refusal.code) == ("refused", "rcpt", 550)
    assert (refusal.words, refusal.recipient) == (("reject-550",), "reject-550+b@x")


def test_an_address_is_the_same_in_any_case():
    """Tries are counted for the recipient, however it is spelled."""
    talk = _Talk()
    talk.codes(b"EHLO c", b"MAIL FROM:<a@x>")
    assert talk.codes(b"RCPT TO:<Greylist-1+B@x>", b"RCPT TO:<greylist-1+b@X>") == [451, 250]


def test_the_sender_may_ask_for_the_mail_phase():
    """`mail` words are read in the sender's address, and in no recipient's."""
    talk = _Talk()
    assert talk.codes(b"EHLO c", b"MAIL FROM:<mail-450+a@x>") == [250, 450]
    assert talk.codes(b"MAIL FROM:<rcpt-550@x>", b"RCPT TO:<mail-450@x>") == [250, 250]


def test_an_early_250_is_taken_back():
    """The 250 stands behind the 354, the dot is refused, nothing is stored; once is once."""
    talk = _Talk()
    talk.codes(b"EHLO c", b"MAIL FROM:<a@x>", b"RCPT TO:<early-250-once+a@x>")
    assert talk.say(b"DATA").said.splitlines()[1].startswith(b"250 ")
    assert talk.dialogue.finish(b"", oversize=False).code == 451
    assert talk.sink.tally.messages == 0
    assert talk.mail(b"early-250-once+a@x").code == 250


def test_modes_count_their_strikes_and_compose_in_order():
    """The first mode refuses twice, then the second has its turn."""
    talk = _Talk()
    mode = talk.sink.mode
    mode.add(Act(phase="rcpt", deed=Deed.REFUSE, code=451, times=2, word=mode.next_word("refuse")))
    mode.add(Act(phase="rcpt", deed=Deed.REFUSE, code=550, word=mode.next_word("refuse")))
    talk.codes(b"EHLO c", b"MAIL FROM:<a@x>")
    assert talk.codes(*(b"RCPT TO:<%d@x>" % number for number in range(4))) == [451, 451, 550, 550]
    assert [refusal.recipient for refusal in talk.witness.refusals] == ["0@x", "1@x", "2@x", "3@x"]
    mode.clear()
    assert talk.codes(b"RCPT TO:<a@x>") == [250]


@pytest.mark.parametrize(
    ("phase", "lines"),
    [
        ("ehlo", [b"EHLO c"]),
        ("mail", [b"EHLO c", b"MAIL FROM:<a@x>"]),
        ("rcpt", [b"EHLO c", b"MAIL FROM:<a@x>", b"RCPT TO:<a@x>"]),
        ("data", [b"EHLO c", b"MAIL FROM:<a@x>", b"RCPT TO:<a@x>", b"DATA"]),
        ("auth", [b"EHLO c", b"AUTH PLAIN " + _b64(b"\0anna\0pw")]),
    ],
)
def test_a_mode_strikes_in_its_phase(phase, lines):
    """Each phase can be refused for everybody; nothing before it is touched."""
    talk = _Talk(users={"anna": "pw"})
    talk.sink.mode.add(Act(phase=phase, deed=Deed.REFUSE, code=454, word="m"))
    codes = talk.codes(*lines)
    assert codes[-1] == 454
    assert all(code < 400 for code in codes[:-1])
    assert talk.witness.refusals[-1].phase == phase


def test_phases_are_known_by_name():
    """A phase that isn't one is named with those that are."""
    assert behaviour.phase_of("dot") == "dot"
    with pytest.raises(ValueError, match="not a phase: tod"):
        behaviour.phase_of("tod")
