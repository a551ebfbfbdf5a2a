"""One connection as it is remembered: who came, what was stored, what was refused."""

from daemon.sink import body, record
from daemon.sink.answer import Answer, End
from daemon.sink.record import Record, Refusal
from daemon.sink.sink import Sink
from daemon.sink.transaction import Transaction


class Visit:
    """Keeps one connection's books: tells the tally and the witnesses."""

    __slots__ = ("_number", "_sink", "_violations", "heard", "helo", "messages", "tls", "user")

    def __init__(self, sink: Sink, number: int) -> None:
        self._sink = sink
        self._number = number
        self._violations: dict[str, int] = {}
        self.heard = 0.0
        """When the latest octets came, looked at or not, in Unix seconds."""
        self.helo = ""
        """What the client calls itself; empty before it said so."""
        self.tls: str | None = None
        """The version of TLS, None in clear."""
        self.user: str | None = None
        """Who authenticated."""
        self.messages = 0
        """Messages stored."""

    def store(self, mail: Transaction, raw: bytes) -> None:
        """Count a message, put it on record, show it."""
        sink = self._sink
        self.messages += 1
        if sink.settings.count_only:
            sink.tally.stored(copies=len(mail.rcpt))
            return
        content, unlawful = body.examine(raw, eight_bit=mail.eight_bit)
        for kind, number in unlawful.items():
            self.violate(kind, number)
        stored = self._record(mail, content)
        for witness in sink.witnesses:
            witness.stored(stored, content)
        key = (stored.message_id, stored.rcpt) if stored.message_id else None
        sink.tally.stored(copies=len(mail.rcpt), key=key)

    def violate(self, kind: str, number: int = 1) -> None:
        """Count something unlawful; it goes on record with the next message."""
        self._violations[kind] = self._violations.get(kind, 0) + number
        self._sink.tally.violations[kind] += number

    def note(self, phase: str, answered: Answer, mail: Transaction | None) -> None:
        """Put on record what was not carried out, or was played."""
        self._sink.tally.refused += not answered.done
        if not self._sink.witnesses:
            return
        refusal = Refusal(
            kind=_kind(answered),
            time=self._sink.clock(),
            connection=self._number,
            phase=phase,
            code=answered.code,
            words=answered.words,
            recipient=answered.address,
            mail_from=mail.sender if mail else "",
        )
        for witness in self._sink.witnesses:
            witness.refused(refusal)

    def _record(self, mail: Transaction, content: bytes) -> Record:
        message_id, subject = record.headers(content, "message-id", "subject")
        violations, self._violations = self._violations, {}
        return Record(
            time=self._sink.clock(),
            came=mail.came,
            began=mail.began,
            connection=self._number,
            helo=self.helo,
            tls=self.tls,
            user=self.user,
            mail_from=mail.sender,
            rcpt=tuple(mail.rcpt),
            message_id=message_id,
            sha256=record.digest(content),
            size=len(content),
            subject=subject,
            violations=violations,
        )


def _kind(answered: Answer) -> str:
    if answered.end in (End.DROP, End.RESET):
        return "dropped"
    return "played" if answered.done else "refused"
