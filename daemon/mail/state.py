"""The states of a delivery, and the only moves between them (requirements 2.6).

A delivery's state is one letter in its batch's `state` text, so that an operator can read a batch
with the naked eye. Nothing outside this table decides whether a move is legal; the database checks
that every letter is a known one.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class State(StrEnum):
    """Where a delivery stands. The members' order is the step that events carry and sort by."""

    WAITING = "w"
    """Stored or due, not permitted. Held by the batch."""
    UNDER_WAY = "u"
    """Permitted from its batch: an attempt may be running. Held by the batch."""
    RETRYING = "r"
    """Permitted from its retry row. Held by that row."""
    DEFERRED = "d"
    """Refused for now; its retry row knows when to try again. Held by that row."""
    IN_DOUBT = "q"
    """The final dot may have left and no reply is on record."""
    SENT = "s"
    """Accepted by the next hop."""
    DELIVERED = "v"
    """A positive delivery report came."""
    BOUNCED = "b"
    """Refused for good, at once or by a later report."""
    FAILED = "f"
    """We could not compose it or hand it over, or a doubt was given up."""
    EXPIRED = "e"
    """Its expiry or its retry budget passed."""
    SUPPRESSED = "p"
    """Found suppressed when it was about to start."""
    CANCELED = "c"
    """Taken back before it started."""

    @property
    def step(self) -> int:
        """The state's place in the table: a later fact of the same attempt has a higher step."""
        return _STEP[self]

    @property
    def is_open(self) -> bool:
        """Whether the delivery still waits for something to happen (it counts as `remaining`)."""
        return self in OPEN


_AFTER_A_PERMIT = frozenset(
    {
        State.SENT,
        State.BOUNCED,
        State.FAILED,
        State.DEFERRED,
        State.IN_DOUBT,
        State.CANCELED,
        State.EXPIRED,
        State.SUPPRESSED,
    }
)

MOVES: Mapping[State, frozenset[State]] = MappingProxyType(
    {
        State.WAITING: frozenset(
            {State.UNDER_WAY, State.CANCELED, State.EXPIRED, State.SUPPRESSED, State.FAILED}
            # a mixed batch's full lane, or the rescheduling of one recipient: it leaves its batch
            | {State.DEFERRED}
        ),
        # back to waiting: paused at its permit, or rescued undelivered
        State.UNDER_WAY: _AFTER_A_PERMIT | {State.WAITING},
        State.RETRYING: _AFTER_A_PERMIT,
        State.DEFERRED: frozenset(
            {State.RETRYING, State.SENT, State.CANCELED, State.EXPIRED, State.SUPPRESSED}
        ),
        State.IN_DOUBT: frozenset({State.SENT, State.BOUNCED, State.DEFERRED, State.FAILED}),
        State.SENT: frozenset({State.DELIVERED, State.BOUNCED}),
        State.DELIVERED: frozenset({State.BOUNCED}),
        State.BOUNCED: frozenset(),
        State.FAILED: frozenset(),
        State.EXPIRED: frozenset(),
        State.SUPPRESSED: frozenset(),
        State.CANCELED: frozenset(),
    }
)

OPEN = frozenset({State.WAITING, State.UNDER_WAY, State.RETRYING, State.DEFERRED})
"""States that count as `remaining` in the accounting law (design 5)."""

HAS_RETRY_ROW = frozenset({State.DEFERRED, State.RETRYING})
"""Exactly these deliveries have a retry row, and exactly one."""

_STEP = {state: place for place, state in enumerate(State)}
