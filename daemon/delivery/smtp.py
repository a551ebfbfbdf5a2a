"""The courier that hands to a relay by SMTP.

`run` is one connection's life, in which the connection may be replaced: when the server closed it
while it was idle, when it was closed by a 421 or lost before anything was said of the attempt at
hand, or when it had carried as many messages as it should. Whatever else goes wrong ends the run:
how soon to try again is for the lane to decide.
"""

from daemon.delivery import connect
from daemon.delivery.courier import Reason, Source, Unwitnessed, Witness
from daemon.delivery.relay import Relay
from daemon.delivery.session import Session
from daemon.mail.attempt import Attempt
from daemon.mail.outcome import Deferred


class SmtpCourier:
    """One relay. Any number of runs may go on at once."""

    def __init__(self, relay: Relay, witness: Witness | None = None) -> None:
        """Reads the certificates of the authorities, so it belongs at the start of things."""
        self._relay = relay
        self._witness = witness or Unwitnessed()
        self._context = connect.tls_context(relay)
        self._sessions: set[Session] = set()

    async def run(self, source: Source) -> None:
        """Delivers what the source gives, until it says None or the connection has failed."""
        attempt = await source.take()
        while attempt is not None:
            session = await self._open(source, attempt)
            if session is None:
                return
            self._sessions.add(session)
            try:
                attempt = await session.serve(attempt)
            finally:
                self._sessions.discard(session)
            if attempt is None and session.is_spent:
                attempt = await source.take()

    def abandon(self) -> None:
        """Breaks off every connection that is still open."""
        for session in tuple(self._sessions):
            session.abandon()

    async def _open(self, source: Source, attempt: Attempt) -> Session | None:
        """A session for this attempt; None: there is none, and the attempt is settled with why."""
        try:
            opened = await connect.connect(self._relay, self._context, self._witness)
        except BaseException:
            stopped = Deferred(reason=Reason.STOPPED, relay=self._relay.label, counts=False)
            source.settle(attempt, stopped)
            raise
        if isinstance(opened, Deferred):
            source.settle(attempt, opened)
            return None
        return Session(opened, self._relay, source, self._witness)
