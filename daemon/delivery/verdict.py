"""What a refusal means for the attempt, by the command that it answers.

The same code means different things at different places: a 5xx to MAIL speaks of the sender, one
to RCPT or to the final dot of the recipient; 552 to RCPT is the old word for too many recipients
and passes (RFC 5321 4.5.3.1.10), to MAIL or to the final dot it is the message's size and stays.
"""

from daemon.delivery.courier import Reason
from daemon.mail import hint
from daemon.mail.outcome import Bounced, Deferred, Outcome, Sent
from daemon.mail.reply import Reply

_NOT_LET_IN = frozenset({530, 535})
_TOO_BIG = 552


def of_mail(reply: Reply, relay: str, tls: str = "") -> Outcome:
    """A refusal of the sender, or of the size that was announced with it (RFC 1870 6.1)."""
    if reply.closes:
        # said of the connection: nothing of this attempt was looked at
        return Deferred(reason=Reason.CLOSING, reply=reply, relay=relay, tls=tls, counts=False)
    if reply.code == _TOO_BIG:
        return Bounced(reply=reply, relay=relay, tls=tls)
    if reply.is_permanent and reply.code not in _NOT_LET_IN:
        return Deferred(reason=Reason.SENDER, reply=reply, relay=relay, tls=tls)
    return _refusal(reply, relay, tls)


def of_rcpt(reply: Reply, relay: str, tls: str = "") -> Outcome:
    """A refusal of the recipient."""
    if reply.code == _TOO_BIG:
        return Deferred(reason=Reason.REFUSED, reply=reply, relay=relay, tls=tls)
    return _refusal(reply, relay, tls)


def of_data(reply: Reply, relay: str, tls: str = "") -> Outcome:
    """A refusal of DATA, whose sender and recipient had been accepted."""
    return _refusal(reply, relay, tls)


def of_dot(reply: Reply, relay: str, tls: str = "") -> Outcome:
    """The reply to the final dot: whatever it says, there is no doubt any more."""
    if reply.is_positive:
        return Sent(reply=reply, relay=relay, tls=tls)
    return _refusal(reply, relay, tls)


def _refusal(reply: Reply, relay: str, tls: str = "") -> Outcome:
    if reply.is_permanent and reply.code not in _NOT_LET_IN:
        return Bounced(reply=reply, relay=relay, tls=tls)
    reason = Reason.REFUSED
    if reply.closes:
        reason = Reason.CLOSING
    elif reply.code in _NOT_LET_IN:
        reason = Reason.AUTH
    return Deferred(
        reason=reason, reply=reply, relay=relay, tls=tls, retry_after=hint.retry_after(reply)
    )
