"""The accounting law (design 5): which counter each state fills, and the sums that must hold.

requested = queued + no_address + invalid + excluded + duplicate + suppressed + not_found + inactive
queued    = sent + delivered + bounced + failed + expired + canceled + suppressed_late + in_doubt
            + remaining
"""

import functools
from collections.abc import Mapping
from types import MappingProxyType

from daemon.mail.state import State

DROPPED = (
    "no_address",
    "invalid",
    "excluded",
    "duplicate",
    "suppressed",
    "not_found",
    "inactive",
)
"""Why someone who was asked for is not delivered to; each under exactly one of these."""

COUNTER: Mapping[State, str] = MappingProxyType(
    {
        State.SENT: "sent",
        State.DELIVERED: "delivered",
        State.BOUNCED: "bounced",
        State.FAILED: "failed",
        State.EXPIRED: "expired",
        State.CANCELED: "canceled",
        State.SUPPRESSED: "suppressed_late",
        State.IN_DOUBT: "in_doubt",
    }
)
"""The counter of each state; the states that aren't here are counted by `remaining`."""

SETTLED = tuple(COUNTER.values())
ALL = ("requested", "queued", *DROPPED, *SETTLED, "remaining")
"""Every number of a job, in the order in which they are shown."""

_HANDED = frozenset({State.SENT, State.DELIVERED})
_FINAL_WITHOUT = frozenset(
    {State.BOUNCED, State.FAILED, State.EXPIRED, State.CANCELED, State.SUPPRESSED}
)


@functools.cache
def deltas(was: State, became: State) -> Mapping[str, int]:
    """How one move changes a job's counters; `handed` and `released` only ever grow."""
    change: dict[str, int] = {}
    if was in COUNTER:
        change[COUNTER[was]] = -1
    if became in COUNTER:
        change[COUNTER[became]] = change.get(COUNTER[became], 0) + 1
    if became in _HANDED and was not in _HANDED:
        change["handed"] = 1
    if became in _FINAL_WITHOUT and was not in _HANDED:
        change["released"] = 1
    return MappingProxyType(change)


def is_balanced(numbers: Mapping[str, int | None]) -> bool:
    """Whether a job's numbers keep both sums; `requested` may be unknown yet."""
    requested, queued = numbers["requested"], numbers["queued"] or 0
    dropped = sum(numbers[reason] or 0 for reason in DROPPED)
    settled = sum(numbers[name] or 0 for name in SETTLED) + (numbers["remaining"] or 0)
    return requested in (None, queued + dropped) and queued == settled
