"""Whom each reply belongs to: the state of one connection without its socket.

Replies come in the order of the commands (RFC 2920 3.1), so what is owed is a queue, and each
reply goes to its head: there is no other way to attribute one. A reply that nobody is owed, one of
a class that fits no answer, or one that is none, ends the dialogue: from there on nothing that
comes is believed, least of all a 250 that was said before the final dot had been written.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from daemon import crashpoints
from daemon.delivery import verdict
from daemon.delivery.courier import Reason, Witness
from daemon.delivery.envelope import Commands
from daemon.delivery.replies import Garbled, Parser
from daemon.mail.attempt import Attempt
from daemon.mail.outcome import Deferred, InDoubt, Outcome
from daemon.mail.reply import Reply

_GO_AHEAD = 354


class Phase(Enum):
    """How far a transaction has come: whose reply is owed next, or what may be written next."""

    MAIL = auto()
    RCPT = auto()
    DATA = auto()
    OPEN = auto()
    """354 was heard: content may be written, and its final dot has not been."""
    DOT = auto()
    """The final dot may have left: from here only a reply can tell."""
    VOID = auto()
    """354 for a refused envelope: a lone dot ends it, its reply means nothing (RFC 2920 3.1)."""
    OVER = auto()


_MAIL, _RCPT, _DATA, _OPEN, _DOT, _VOID, _OVER = Phase  # an enum's attribute is slow to look up


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """Why the connection is of no more use."""

    reason: Reason
    reply: Reply | None = None

    @property
    def is_ours(self) -> bool:
        """Whether we broke it off ourselves, so that nothing is to be held against anyone."""
        return self.reason in (Reason.STOPPED, Reason.FENCED)


class Transaction:
    """One attempt's way through MAIL, RCPT, DATA and the final dot."""

    __slots__ = ("_relay", "_tls", "attempt", "is_first", "lines", "outcome", "phase")

    def __init__(
        self,
        attempt: Attempt,
        lines: Commands,
        relay: str,
        *,
        tls: str = "",
        is_first: bool = False,
    ) -> None:
        self.attempt = attempt
        self.lines = lines
        self.phase = _MAIL
        self.outcome: Outcome | None = None
        """What it came to, once that is known; the replies still owed then change nothing."""
        self.is_first = is_first
        """Whether the connection was opened for it."""
        self._relay = relay
        self._tls = tls

    @property
    def is_untouched(self) -> bool:
        """Whether the server has said nothing of this attempt yet."""
        return self.phase is _MAIL

    def hear(self, reply: Reply) -> bool:
        """Takes the next reply that is owed to it. False: no server may answer so."""
        if reply.closes:
            self._close(reply)
        elif self.phase is _DATA:
            return self._hear_data(reply)
        elif reply.is_intermediate:
            return False
        elif self.phase is _MAIL:
            self.phase = _RCPT
            self._note(reply, verdict.of_mail)
        elif self.phase is _RCPT:
            self.phase = _DATA
            self._note(reply, verdict.of_rcpt)
            crashpoints.reach("C12")
        else:
            if self.phase is _DOT:
                self.outcome = verdict.of_dot(reply, self._relay, self._tls)
            self.phase = _OVER
        return True

    def end(self, fault: Break) -> Outcome:
        """What it comes to when the connection ends here: a reply that was heard still holds."""
        if self.outcome is None:
            reason, reply = fault.reason, fault.reply
            if self.phase is _DOT:
                return InDoubt(reason=reason, relay=self._relay, tls=self._tls)
            counts = not fault.is_ours and (self.is_first or not self.is_untouched)
            return Deferred(
                reason=reason, reply=reply, relay=self._relay, tls=self._tls, counts=counts
            )
        return self.outcome

    def _note(self, reply: Reply, meaning: Callable[[Reply, str, str], Outcome]) -> None:
        """A refusal is the outcome, unless an earlier one is: the rest only follows from that."""
        if not reply.is_positive and self.outcome is None:
            self.outcome = meaning(reply, self._relay, self._tls)

    def _hear_data(self, reply: Reply) -> bool:
        if reply.code == _GO_AHEAD:
            self.phase = _OPEN if self.outcome is None else _VOID
            crashpoints.reach("C13")
            return True
        if reply.is_positive or reply.is_intermediate:
            return False
        self._note(reply, verdict.of_data)
        self.phase = _OVER
        return True

    def _close(self, reply: Reply) -> None:
        """421: the phase stays, it tells whether anything but this was said."""
        self._note(reply, verdict.of_mail if self.phase is _MAIL else verdict.of_dot)


class Dialogue:
    """One connection's replies: what is owed, to whom, and whether they can be trusted."""

    def __init__(self, witness: Witness) -> None:
        self._witness = witness
        self._parser = Parser()
        self._owed: deque[Transaction | None] = deque()
        self.broken: Break | None = None

    @property
    def is_quiet(self) -> bool:
        """Whether there is nothing to wait for: all that is owed was heard, or none will be."""
        return not self._owed or self.broken is not None

    def expect(self, transaction: Transaction | None, count: int = 1) -> None:
        """Says, as it is written, what will be answered: to a transaction, or to nobody (RSET)."""
        self._owed.extend([transaction] * count)

    def feed(self, data: bytes) -> None:
        """What came from the server."""
        for reply in self._parser.feed(data):
            if self.broken is None:
                self._hear(reply)
        if not self._owed and self._parser.has_begun:
            self.end(Reason.EARLY)

    def end(self, reason: Reason, reply: Reply | None = None) -> None:
        """Nothing more will be believed; the first reason stays."""
        if self.broken is None:
            self.broken = Break(reason=reason, reply=reply)

    def _hear(self, reply: Reply | Garbled) -> None:
        if isinstance(reply, Garbled):
            self.end(Reason.GARBLED)
        elif not self._owed:
            self.end(Reason.CLOSING if reply.closes else Reason.EARLY, reply)
        else:
            fits = self._attribute(self._owed.popleft(), reply)
            if reply.closes or not fits:
                self.end(Reason.CLOSING if reply.closes else Reason.GARBLED, reply)

    def _attribute(self, transaction: Transaction | None, reply: Reply) -> bool:
        if transaction is None:
            return reply.is_positive
        if transaction.phase is not _DOT:
            return transaction.hear(reply)
        crashpoints.reach("C16")
        try:
            if not reply.is_intermediate:
                self._witness.reply(transaction.attempt, reply)
        finally:
            # even if the witness fails: what the server said is known, and is no doubt
            fits = transaction.hear(reply)
        return fits
