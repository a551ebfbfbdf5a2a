"""What the sink says: one connection's conversation, command by command, without I/O.

A well-behaved server (RFC 5321, 1870, 2920, 3207, 4954, 6152, 6531) with one place, `_judge`, where
it asks whether it should misbehave.
"""

import enum
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, TypeAlias

from daemon.sink import answer, login, transaction
from daemon.sink.answer import Answer, Claim, End
from daemon.sink.behaviour import Phase
from daemon.sink.login import Login
from daemon.sink.sink import Sink
from daemon.sink.transaction import Transaction
from daemon.sink.visit import Visit


class Expects(enum.Enum):
    """What the client's next bytes are, when they are no command."""

    BODY = enum.auto()
    SECRET = enum.auto()
    TLS = enum.auto()


_LAST_IN_GROUP = frozenset(
    (b"EHLO", b"HELO", b"DATA", b"NOOP", b"VRFY", b"EXPN", b"STARTTLS", b"AUTH")
)
"""Nothing may be sent behind these before their reply (RFC 2920 3.1)."""

_OK = answer.yes(250, "2.0.0 Ok")
_VRFY = answer.yes(252, "2.0.0 Try it and see")
_HELP = answer.yes(214, "2.0.0 RFC 5321, and `--behaviours` for more")
_BYE = Answer(said=answer.reply(221, "2.0.0 Bye"), end=End.BYE)
_GO_AHEAD = answer.yes(354, "End with <CRLF>.<CRLF>")
_TLS_READY = answer.yes(220, "2.0.0 Ready for TLS")
_SILENCE = Answer(said=b"")
_UNKNOWN = answer.no(500, "5.5.2 Command not recognized")
_NOT_OFFERED = answer.no(502, "5.5.1 Not offered")
_ORDER = answer.no(503, "5.5.1 Bad sequence of commands")
_ARGUMENT = answer.no(501, "5.5.4 Malformed argument")
_MECHANISM = answer.no(504, "5.5.4 Mechanism not offered")
_AUTH_FIRST = answer.no(530, "5.7.0 Authentication required")
_NOBODY = answer.no(554, "5.5.1 No valid recipients")
_TOO_MANY = answer.no(452, "4.5.3 Too many recipients")
_TOO_BIG = answer.no(552, "5.3.4 Message too big")
_WAS_EARLY = answer.no(451, "4.3.0 The 250 came before the dot, nothing is stored")
_BUSY = answer.no(421, "4.7.0 Too many connections", end=End.BYE)
_ENOUGH = answer.no(421, "4.7.0 Enough messages for one connection", end=End.BYE)
_GO_ON = 334


@dataclass(frozen=True, slots=True, kw_only=True)
class Interruption:
    """What happens within a body."""

    after: int
    """Bytes of the body before it."""
    answer: Answer


class Dialogue:
    """One connection's state and answers."""

    __slots__ = ("_login", "_mail", "_offered", "_sink", "_visit", "expects")

    def __init__(self, sink: Sink, visit: Visit) -> None:
        self._sink = sink
        self._visit = visit
        self._offered: frozenset[str] = frozenset()
        self._login: Login | None = None
        self._mail: Transaction | None = None
        self.expects: Expects | None = None

    def greet(self) -> Answer:
        """The banner."""
        limit = self._sink.mode.connections
        banner = Answer(said=f"220 {self._sink.settings.hostname} ESMTP sink\r\n".encode())
        full = limit is not None and self._sink.tally.now > limit
        return self._noted("banner", _BUSY if full else self._judge("banner", banner))

    def line(self, line: bytes, *, more: bool) -> Answer:
        """The answer to one line without its CRLF; `more` when bytes stand behind it already."""
        if self.expects is not None:
            return self._noted("auth", self._secret(line))
        if b"\n" in line or b"\r" in line or b"\0" in line:
            self._visit.violate("bare-control-in-command")
            return self._noted("unknown", _UNKNOWN)
        word, _, rest = line.partition(b" ")
        verb = word.upper()
        if more and (verb in _LAST_IN_GROUP or "pipelining" not in self._offered):
            self._visit.violate("early-talk")
        play = self._VERBS.get(verb)
        if play is None:
            return self._noted("unknown", _UNKNOWN)
        return self._noted(verb, play(self, rest))

    def finish(self, raw: bytes, *, oversize: bool) -> Answer:
        """The answer to a body as it was on the wire; it is stored when that says so."""
        self.expects = None
        mail = self._running()
        answered = self._dot(mail, oversize=oversize)
        if answered.done:
            self._visit.store(mail, raw)
        self._noted("dot", answered)
        self._mail = None
        return answered

    def interruption(self) -> Interruption | None:
        """What is to happen within the body that comes now, None for nothing."""
        asked = self._running().claims
        if not asked and not self._sink.mode.acts:
            return None
        claims = self._claims("body", asked)
        answered = self._noted("body", self._judge("body", _SILENCE, claims))
        if not answered.words:
            return None
        first = next(act for _, act in claims if act.word == answered.words[0])
        return Interruption(after=first.after, answer=answered)

    def secured(self, version: str) -> None:
        """TLS is up: all that was said before is forgotten (RFC 3207 4.2)."""
        self._visit.tls, self._visit.helo, self._visit.user = version, "", None
        self._offered = frozenset()
        self.expects = None

    # the verbs: each from the bytes behind it to its answer

    def _ehlo(self, rest: bytes) -> Answer:
        offered = self._sink.offered(tls=self._visit.tls is not None)
        return self._hello(rest, self._sink.announcement(offered), offered)

    def _helo(self, rest: bytes) -> Answer:
        return self._hello(rest, f"250 {self._sink.settings.hostname}\r\n".encode(), frozenset())

    def _hello(self, rest: bytes, said: bytes, offered: frozenset[str]) -> Answer:
        if not rest.isascii() or rest.split() != [rest]:
            return _ARGUMENT
        answered = self._judge("ehlo", Answer(said=said))
        if answered.done:
            self._visit.helo = rest.decode()
            self._offered = offered
            self._mail = None
        return answered

    def _starttls(self, rest: bytes) -> Answer:
        if "starttls" not in self._offered:
            return _NOT_OFFERED
        if rest or self._mail:
            return _ARGUMENT if rest else _ORDER
        answered = self._judge("starttls", _TLS_READY)
        if answered.done:
            self.expects = Expects.TLS
        return answered

    def _auth(self, rest: bytes) -> Answer:
        if "auth" not in self._offered:
            return _NOT_OFFERED
        if self._visit.user is not None or self._mail:
            return _ORDER
        mechanism, _, initial = rest.partition(b" ")
        if mechanism.upper() not in login.PROMPTS:
            return _MECHANISM
        self._login = Login(mechanism.upper(), self._sink.users)
        self.expects = Expects.SECRET
        return self._secret(initial) if initial else self._login.prompt()

    def _secret(self, line: bytes) -> Answer:
        if self._login is None:
            raise RuntimeError("a response outside of AUTH")
        answered = self._login.respond(line)
        if answered.code == _GO_ON:
            return answered
        self.expects = None
        if answered.done:
            answered = self._judge("auth", answered)
        self._visit.user = self._login.user if answered.done else None
        return answered

    def _begin(self, rest: bytes) -> Answer:
        if not self._visit.helo or self._mail:
            return _ORDER
        limit = self._sink.mode.per_connection
        if limit is not None and self._visit.messages >= limit:
            return _ENOUGH
        settings = self._sink.settings
        if settings.require_auth and self._visit.user is None:
            return _AUTH_FIRST
        begun = transaction.begin(rest, offered=self._offered, max_size=settings.max_size)
        if isinstance(begun, Answer):
            return begun
        begun.came, begun.began = self._visit.heard, self._sink.clock()
        answered = self._judge("mail", transaction.SENDER_OK, transaction.claims(begun.sender))
        self._mail = begun if answered.done else None
        return answered

    def _rcpt(self, rest: bytes) -> Answer:
        mail = self._mail
        if mail is None:
            return _ORDER
        address = transaction.recipient(rest, smtputf8=mail.smtputf8)
        if isinstance(address, Answer):
            return address
        if len(mail.rcpt) >= self._sink.settings.max_recipients:
            return replace(_TOO_MANY, address=address)
        claims = transaction.claims(address)
        answered = self._judge("rcpt", transaction.RECIPIENT_OK, claims)
        if answered.done:
            mail.accept(address, claims)
        # the mode's acts are nobody's, so the recipient that was refused is named here
        return (
            answered if answered is transaction.RECIPIENT_OK else replace(answered, address=address)
        )

    def _data(self, rest: bytes) -> Answer:
        mail = self._mail
        if rest:
            return _ARGUMENT
        if mail is None or not mail.rcpt:
            return _NOBODY if mail else _ORDER
        answered = self._judge("data", _GO_AHEAD, mail.claims)
        mail.early = answered.early
        if answered.done:
            self.expects = Expects.BODY
        return answered

    def _rset(self, rest: bytes) -> Answer:
        self._mail = None if not rest else self._mail
        return _ARGUMENT if rest else _OK

    def _noop(self, _rest: bytes) -> Answer:
        return _OK

    def _vrfy(self, rest: bytes) -> Answer:
        return _VRFY if rest else _ARGUMENT

    def _help(self, _rest: bytes) -> Answer:
        return _HELP

    def _quit(self, rest: bytes) -> Answer:
        return _ARGUMENT if rest else _BYE

    _VERBS: ClassVar["dict[bytes, _Verb]"] = {
        b"EHLO": _ehlo,
        b"HELO": _helo,
        b"STARTTLS": _starttls,
        b"AUTH": _auth,
        b"MAIL": _begin,
        b"RCPT": _rcpt,
        b"DATA": _data,
        b"RSET": _rset,
        b"NOOP": _noop,
        b"VRFY": _vrfy,
        b"HELP": _help,
        b"QUIT": _quit,
    }

    # what the verbs share

    def _running(self) -> Transaction:
        if self._mail is None:
            raise RuntimeError("a body outside of a transaction")
        return self._mail

    def _claims(self, phase: Phase, claims: Sequence[Claim]) -> list[Claim]:
        everybody = [("", act) for act in self._sink.mode.acts]
        return [claim for claim in (*everybody, *claims) if claim[1].phase == phase]

    def _judge(self, phase: Phase, ok: Answer, claims: Sequence[Claim] = ()) -> Answer:
        """`ok`, or what the mode and these claims make of it in this phase."""
        mode = self._sink.mode
        if claims or mode.acts:
            relevant = self._claims(phase, claims)
            return answer.compose(ok, relevant, strikes=self._sink.memory.strikes)
        return ok

    def _dot(self, mail: Transaction, *, oversize: bool) -> Answer:
        if oversize:
            return _TOO_BIG
        if mail.early:
            return _WAS_EARLY
        # the number in the reply is the line in the count: who reads it knows which copy is meant
        ok = Answer(said=b"250 2.0.0 Ok %d\r\n" % (self._sink.tally.messages + 1))
        return self._judge("dot", ok, mail.claims)

    def _noted(self, phase: bytes | str, answered: Answer) -> Answer:
        if not answered.done or answered.words:
            name = phase if isinstance(phase, str) else phase.decode().lower()
            self._visit.note(name, answered, self._mail)
        return answered


_Verb: TypeAlias = Callable[[Dialogue, bytes], Answer]
