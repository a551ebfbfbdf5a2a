"""What an attempt came to: a courier always answers with one of these.

It never raises for the world's faults. The difference between `Deferred` and `InDoubt` matters
most: before the final dot a mail is certainly not delivered, after it only a reply can tell
(promise 2).
"""

from dataclasses import dataclass
from enum import StrEnum

from daemon.mail.reply import Reply


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """The next hop answered 2xx to the final dot: it is theirs now."""

    reply: Reply
    relay: str
    """host:port that we handed it to."""
    tls: str = ""
    """The version of TLS that it was said under; empty = in the clear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deferred:
    """Certainly not delivered, and worth another try."""

    reason: str
    """A word for metrics and for `trace`: `refused`, `connect`, `timeout`, `dropped`, `tls` …"""
    reply: Reply | None = None
    """What the server said, when it said something."""
    why: str = ""
    """What the system said, when no server did: `connection refused`."""
    relay: str | None = None
    tls: str = ""
    retry_after: float | None = None
    """Seconds the server asked us to wait, when it did."""
    counts: bool = True
    """Whether the try counts: not when the fault was the connection's and nothing was said of us
    (an idle connection found closed, a 421 for the connection, a full lane)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounced:
    """Refused for good: a 5xx to RCPT or to the final dot."""

    reply: Reply
    relay: str | None = None
    tls: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """We could not compose it, or no server can take it as it is (8-bit without 8BITMIME)."""

    reason: str
    relay: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class InDoubt:
    """The final dot may have left and no reply came: dropped, timed out, garbage, or we died."""

    reason: str
    relay: str | None = None
    tls: str = ""


Outcome = Sent | Deferred | Bounced | Failed | InDoubt


class Verdict(StrEnum):
    """What a permit says of one delivery."""

    GO = "go"
    CANCELED = "canceled"
    EXPIRED = "expired"
    SUPPRESSED = "suppressed"
    PAUSED = "paused"
    """Not now: its job is paused or was put off; it goes back to where it waited."""
    CLOSED = "closed"
    """Not now: its window has closed; it goes back, and waits until that opens again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Withheld:
    """Certainly not started: the permit refused it, or what was permitted was given back."""

    verdict: Verdict
