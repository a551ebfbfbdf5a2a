"""The seam of the room: where attempts come from, who delivers them, who bears witness.

Two couriers fill it: `smtp.SmtpCourier` and `file.FileCourier`. Both keep one promise: every
attempt that was taken gets exactly one outcome, whatever the world does.
"""

from enum import StrEnum
from typing import Protocol

from daemon.mail.attempt import Attempt
from daemon.mail.outcome import Deferred, Outcome
from daemon.mail.reply import Reply


class Reason(StrEnum):
    """Why an attempt ended without a final reply that settles it: the words of `outcome.reason`."""

    DNS = "dns"
    """The relay's name did not resolve."""
    CONNECT = "connect"
    """No TCP connection: refused, no route, no answer in time."""
    GREETING = "greeting"
    """A connection, but no 220, or neither EHLO nor HELO accepted."""
    TLS = "tls"
    """TLS was not offered, was refused, failed, or the certificate did not verify."""
    AUTH = "auth"
    """The credentials were not accepted; the reply tells a 535 from a passing 454."""
    CLOSING = "closing"
    """421: the server closes the connection."""
    DROPPED = "dropped"
    """The connection was lost."""
    TIMEOUT = "timeout"
    """A phase, or the whole attempt, took longer than it may."""
    GARBLED = "garbled"
    """A reply that is none, or that fits nothing we asked."""
    EARLY = "early"
    """A reply to something that we hadn't said yet."""
    SENDER = "sender-refused"
    """5xx to MAIL FROM: the sender's trouble, not the recipient's."""
    REFUSED = "refused"
    """4xx to MAIL, RCPT, DATA or the final dot."""
    FENCED = "fenced"
    """The witness forbade the final dot: the lease has ended."""
    STOPPED = "stopped"
    """We are shutting down."""
    FILE = "file"
    """The file could not be written."""
    ADDRESS = "address"
    """The recipient's address can't be put on the wire as it is."""
    SENDER_ADDRESS = "sender-address"
    """The sender's address can't be put on the wire as it is."""
    CONTENT = "content"
    """Not a message as the wire needs it: bare CR or LF, NUL, no CRLF at the end."""
    COMPOSING = "composing"
    """A fault of ours while it was composed."""
    EIGHT_BIT = "8bit"
    """Octets above 127, and the server doesn't offer 8BITMIME."""


OF_THE_RELAY = {
    Reason.DNS: "its name isn't found",
    Reason.CONNECT: "no connection",
    Reason.GREETING: "no greeting",
    Reason.TLS: "no TLS that we trust",
    Reason.AUTH: "it takes no login of ours",
    Reason.CLOSING: "it closes connections",
}
"""Reasons that say nothing of the recipient, and how people are told: the lane rests on them."""

OF_A_PERSON = frozenset({Reason.TLS, Reason.AUTH})
"""Those of them that pass when somebody has looked, and hardly before."""


def ailment(outcome: Outcome) -> str:
    """What the outcome tells of the relay's own trouble, for which the whole lane should hold back.

    Empty: nothing.
    """
    if not isinstance(outcome, Deferred) or outcome.reason not in OF_THE_RELAY:
        return ""
    said = str(outcome.reply or outcome.why)
    return ": ".join(filter(None, (outcome.relay, OF_THE_RELAY[Reason(outcome.reason)], said)))


def wants_person(outcome: Outcome) -> bool:
    """Whether trying again soon is of no use, or does harm: accounts are locked by it."""
    return isinstance(outcome, Deferred) and outcome.reason in OF_A_PERSON


class Source(Protocol):
    """Where a connection takes its attempts from, and gives their outcomes to."""

    def take_nowait(self) -> Attempt | None:
        """The next attempt that may start right now, or None."""

    async def take(self) -> Attempt | None:
        """The next attempt, waited for. None: close this connection (idle over, stop, shrink)."""

    async def renew(self, attempt: Attempt) -> bool:
        """Whether the attempt may still start, although opening a connection came between.

        A permit is void after its window (design 2.6), and connecting may take longer. False: the
        source has taken the attempt back and wants no outcome for it.
        """

    def settle(self, attempt: Attempt, outcome: Outcome) -> None:
        """The outcome of a taken attempt, exactly once. Never blocks, never raises."""


class Witness(Protocol):
    """Who remembers, outside this process's memory, which dots left and which replies came."""

    def dot(self, attempt: Attempt) -> bool:
        """Called right before the write that contains the final dot. False: it must not leave."""

    def reply(self, attempt: Attempt, reply: Reply) -> None:
        """Called with the reply to the final dot as soon as it is parsed, before any await."""


class Unwitnessed:
    """A witness that allows everything and remembers nothing: for dry runs and tests."""

    def dot(self, attempt: Attempt) -> bool:  # noqa: ARG002 it allows every attempt
        """Always allowed."""
        return True

    def reply(self, attempt: Attempt, reply: Reply) -> None:
        """Forgets it."""


class Courier(Protocol):
    """One way out. `run` may be called many times at once: each call is one connection's life."""

    async def run(self, source: Source) -> None:
        """Delivers what the source gives, until it says None or the connection has failed.

        Connects when the first attempt is there. Cancelled, it lets an attempt whose final dot has
        left wait for its reply, gives every other one back as deferred, and only then raises.
        """

    def abandon(self) -> None:
        """Breaks off what is still under way, when a stop can wait no longer.

        An attempt whose final dot has left and that has no reply ends in doubt.
        """
