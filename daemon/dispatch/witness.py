"""Who watches over the final dot: none is written once our own lease has ended (promise 2)."""

from daemon.crashpoints import reach
from daemon.dispatch.lease import Lease
from daemon.mail.attempt import Attempt
from daemon.mail.reply import Reply


class LeaseWitness:
    """Allows a dot while the lease lasts. What it would remember is the journal's to keep."""

    def __init__(self, lease: Lease) -> None:
        self._lease = lease

    def dot(self, attempt: Attempt) -> bool:  # noqa: ARG002  every attempt is judged alike
        """Whether the final dot may leave."""
        return self._lease.is_alive

    def reply(self, attempt: Attempt, reply: Reply) -> None:
        """The reply is parsed; the group commit follows at once."""
        del attempt, reply
        reach("C17")
