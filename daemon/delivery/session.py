"""The conversation on one open connection: one round trip per message where the server pipelines.

Steady state (RFC 2920 3.1 lets DATA end one group and its content begin the next):

    we write   content i CRLF . CRLF   MAIL i+1   RCPT i+1   DATA
    we hear    250 to the dot of i     250        250        354

Correctness comes first: content is written only after its own 354, the dot only after the witness
has allowed it, and every transaction that was begun is settled exactly once, whichever way the
conversation ends.
"""

import asyncio
from collections import deque

from daemon import crashpoints
from daemon.delivery import envelope
from daemon.delivery.connect import Connection
from daemon.delivery.courier import Reason, Source, Witness
from daemon.delivery.dialogue import Phase, Transaction
from daemon.delivery.envelope import Commands
from daemon.delivery.relay import Relay
from daemon.mail.attempt import Attempt
from daemon.mail.outcome import Deferred

CHUNK = 64 * 1024
"""Octets of content written at once; until its last chunk a message is certainly undelivered."""

_RESET = b"RSET\r\n"
_TLS_OVERHEAD = 256
"""More octets than TLS adds to the few that follow a final dot."""


class Session:
    """One connection's conversation, from its first MAIL to its end."""

    def __init__(
        self, connection: Connection, relay: Relay, source: Source, witness: Witness
    ) -> None:
        self._wire = connection.wire
        self._dialogue = connection.wire.dialogue
        self._offered = connection.offered
        self._tls = connection.tls
        self._relay = relay
        self._label = relay.label
        self._source = source
        self._witness = witness
        self._loop = asyncio.get_running_loop()
        self._live: deque[Transaction] = deque()
        """Begun and not settled: at most one with content, and the one that follows it."""
        self._begun = 0
        self._needs_reset = False

    @property
    def is_spent(self) -> bool:
        """Whether as many messages were begun as one connection is meant to carry."""
        return 0 < self._relay.messages_per_connection <= self._begun

    async def serve(self, attempt: Attempt | None) -> Attempt | None:
        """Delivers this attempt and all that the source gives, until one of them has no more.

        Gives back an attempt that has not begun, or of which the server has said nothing on a
        connection that had served before: it may be tried once on a new one (reliability D22).
        """
        again: Attempt | None = None
        try:
            again = await self._serve(attempt)
        finally:
            # a cancellation and a surprise end the conversation as well: all get their outcome
            self._dialogue.end(Reason.STOPPED)
            self._settle()
            await self._close(again)
        return again

    async def _close(self, again: Attempt | None) -> None:
        """Closes the connection; whoever is stopped meanwhile tries nothing once more."""
        try:
            await self._wire.close()
        except BaseException:
            if again is not None:
                self._source.settle(again, self._stopped)
            raise

    @property
    def _stopped(self) -> Deferred:
        """Of an attempt that was taken and not begun: it burns no try."""
        return Deferred(reason=Reason.STOPPED, relay=self._label, counts=False)

    def abandon(self) -> None:
        """Breaks the connection off: an attempt whose final dot has left is in doubt then."""
        self._wire.abandon()

    async def _serve(self, first: Attempt | None) -> Attempt | None:
        transaction = await self._renew(first) if first is not None else None
        while True:
            if transaction is None:
                attempt = None if self.is_spent else await self._source.take()
                if attempt is None:
                    await self._quit()
                    return None
                if not self._wire.is_open:
                    return attempt
                transaction = self._begin(attempt)
            else:
                transaction = await self._carry(transaction)
                if self._dialogue.broken is not None:
                    return self._pop_untouched()
                self._settle()

    async def _renew(self, attempt: Attempt) -> Transaction | None:
        """Begins the attempt that the connection was opened for, if that didn't take too long."""
        try:
            may_start = await self._source.renew(attempt)
        except BaseException:
            self._source.settle(attempt, self._stopped)
            raise
        return self._begin(attempt) if may_start else None

    def _begin(self, attempt: Attempt) -> Transaction | None:
        """Writes what opens the transaction; None: it can't be sent here, and is settled."""
        transaction = self._admit(attempt)
        if transaction is not None:
            self._wire.write(self._opening(transaction))
        return transaction

    def _admit(self, attempt: Attempt) -> Transaction | None:
        lines = envelope.commands(attempt, self._offered, self._label)
        if not isinstance(lines, Commands):
            self._source.settle(attempt, lines)
            return None
        transaction = Transaction(
            attempt, lines, self._label, tls=self._tls, is_first=not self._begun
        )
        self._begun += 1
        self._live.append(transaction)
        return transaction

    def _opening(self, transaction: Transaction) -> bytes:
        """The octets that open it, their replies expected: to be written before anything else."""
        lines = transaction.lines
        if not self._offered.pipelining:
            self._dialogue.expect(transaction)
            return lines.mail
        reset = b""
        if self._needs_reset:
            self._needs_reset = False
            self._dialogue.expect(None)
            reset = _RESET
        self._dialogue.expect(transaction, 3)
        return reset + lines.mail + lines.rcpt + lines.data

    async def _carry(self, transaction: Transaction) -> Transaction | None:
        """Brings a transaction to its end; gives the one that was opened with its final dot."""
        deadline = self._loop.time() + self._relay.timeouts.attempt
        if not (self._offered.pipelining and self._dialogue.is_quiet):
            await self._envelope(transaction, deadline)
        if self._dialogue.broken is not None:
            return None
        if transaction.phase is Phase.OPEN:
            return await self._content(transaction, deadline)
        if transaction.phase is Phase.VOID:
            self._dialogue.expect(transaction)
            self._wire.write(b".\r\n")
            await self._heard(self._relay.timeouts.dot, deadline)
        elif self._offered.pipelining:
            self._needs_reset = True
        else:
            self._dialogue.expect(None)
            self._wire.write(_RESET)
            await self._heard(self._relay.timeouts.mail, deadline)
        return None

    async def _envelope(self, transaction: Transaction, deadline: float) -> None:
        """Hears the replies to MAIL, RCPT and DATA, in lock-step if the server wants it so."""
        timeouts = self._relay.timeouts
        if self._offered.pipelining:
            await self._heard(timeouts.envelope, deadline)
            return
        await self._heard(timeouts.mail, deadline)
        for line, limit in (
            (transaction.lines.rcpt, timeouts.rcpt),
            (transaction.lines.data, timeouts.data),
        ):
            if self._dialogue.broken is not None or transaction.outcome is not None:
                return
            self._dialogue.expect(transaction)
            self._wire.write(line)
            await self._heard(limit, deadline)

    async def _content(self, transaction: Transaction, deadline: float) -> Transaction | None:
        """Sends the content and waits for the reply to its final dot."""
        octets = transaction.attempt.content.stuffed()
        last = await self._all_but_the_last(octets, deadline) if len(octets) > CHUNK else octets
        if not self._wire.is_open:
            self._dialogue.end(Reason.DROPPED)
            return None
        following = self._follow()
        if not self._witness.dot(transaction.attempt):
            self._dialogue.end(Reason.FENCED)
            return None
        # before the write: from here on the dot may have left
        transaction.phase = Phase.DOT
        self._dialogue.expect(transaction)
        opening = self._opening(following) if following is not None else b""
        self._wire.write(last + opening)
        crashpoints.reach("C15")
        await self._final(transaction, len(opening))
        return following

    async def _all_but_the_last(self, octets: bytes, deadline: float) -> bytes:
        """Writes chunk after chunk, each when the one before has left us; gives the last one."""
        last = (len(octets) - len(b"\r\n.\r\n")) // CHUNK * CHUNK
        for start in range(0, last, CHUNK):
            self._wire.write(octets[start : start + CHUNK])
            crashpoints.reach("C14")
            limit = self._loop.time() + self._relay.timeouts.body
            await self._wire.drained(min(limit, deadline))
            if not self._wire.is_open:
                break
        return octets[last:]

    def _follow(self) -> Transaction | None:
        """The transaction that can be opened in the same write, if one may start right now."""
        while self._offered.pipelining and not self.is_spent:
            attempt = self._source.take_nowait()
            if attempt is None:
                break
            if (transaction := self._admit(attempt)) is not None:
                return transaction
        return None

    async def _final(self, transaction: Transaction, tail: int) -> None:
        """Nothing cancels an attempt between its final dot and the reply, not even a stop."""
        deadline = self._loop.time() + self._relay.timeouts.dot
        stop: asyncio.CancelledError | None = None
        while transaction.phase is Phase.DOT and self._dialogue.broken is None:
            try:
                await self._wire.news(deadline)
            except asyncio.CancelledError as cancelled:
                stop = cancelled
        if transaction.phase is Phase.DOT and self._wire.unsent > tail + _TLS_OVERHEAD:
            transaction.phase = Phase.OPEN  # the dot is among what never left
        if stop is not None:
            raise stop

    async def _heard(self, limit: float, deadline: float) -> None:
        await self._wire.heard(min(self._loop.time() + limit, deadline))

    async def _quit(self) -> None:
        """Says goodbye; whatever comes of it means nothing any more."""
        if self._wire.is_open:
            self._dialogue.expect(None)
            self._wire.write(b"QUIT\r\n")
            await self._wire.heard(self._loop.time() + self._relay.timeouts.quit)

    def _settle(self) -> None:
        """Tells what is decided: once the conversation has ended, that is everything."""
        while self._live:
            transaction, broken = self._live[0], self._dialogue.broken
            outcome = transaction.end(broken) if broken is not None else transaction.outcome
            if outcome is None:
                return
            self._live.popleft()
            self._source.settle(transaction.attempt, outcome)

    def _pop_untouched(self) -> Attempt | None:
        """The attempt to try once more: begun last, not first here, and nothing was said of it."""
        broken = self._dialogue.broken
        if not self._live or broken is None or broken.is_ours:
            return None
        last = self._live[-1]
        if last.is_first or not last.is_untouched:
            return None
        return self._live.pop().attempt
