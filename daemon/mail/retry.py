"""When a refused delivery is tried again: a growing delay with jitter, within a time budget.

The budget is the job's expiry, not a count. A server's own wish is honoured within bounds.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """Delays in seconds."""

    first: float = 60.0
    factor: float = 2.0
    cap: float = 4 * 3600.0
    jitter: float = 0.2
    """Share of the delay by which it is spread, both ways: 0.2 means 0.8 to 1.2 times."""
    hint_min: float = 10.0
    hint_max: float = 4 * 3600.0

    def delay(self, tries: int, hint: float | None, chance: float) -> float:
        """Seconds until the next try after `tries` made (at least 1); `chance` is in [0, 1)."""
        if hint is not None:
            return min(max(hint, self.hint_min), self.hint_max) * (1 + self.jitter * chance)
        exponent = min(max(tries, 1) - 1, 64)  # beyond it a float would overflow before the cap
        grown = min(self.first * self.factor**exponent, self.cap)
        return grown * (1 - self.jitter + 2 * self.jitter * chance)

    def next_at(
        self, tries: int, hint: float | None, *, now: datetime, expires: datetime, chance: float
    ) -> datetime | None:
        """When to try again; None when that would be at the expiry or later."""
        due = now + timedelta(seconds=self.delay(tries, hint, chance))
        return due if due < expires else None
