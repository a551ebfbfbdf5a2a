"""Who watches over the final dot: noted before it leaves, and never after our lease (promise 2)."""

from daemon.crashpoints import reach
from daemon.dispatch.journal import Journal
from daemon.dispatch.lease import Lease
from daemon.mail.attempt import Attempt
from daemon.mail.reply import Reply


class JournalWitness:
    """Allows a dot that is noted while the lease lasts; notes the reply. One for each relay."""

    def __init__(self, lease: Lease, journal: Journal, *, relay: str) -> None:
        self._lease = lease
        self._journal = journal
        self._relay = relay

    def dot(self, attempt: Attempt) -> bool:
        """Whether the final dot may leave."""
        if not self._lease.is_alive or not self._journal.dot(attempt):
            return False
        # looked at again: whoever was frozen before the note might be rescued without it by now
        return self._lease.is_alive

    def reply(self, attempt: Attempt, reply: Reply) -> None:
        """The reply is parsed: noted before anything else is done with it."""
        self._journal.reply(attempt, reply, self._relay)
        reach("C17")
