"""What a run has shown, and what may be said of it: rates, ratios, and whether it counts at all.

The machine's speed changes by the minute, so a rate alone says nothing. It stands beside what
`smtp-source` brought to the same sink just before and just after; if these two differ too much,
the machine was another one at the end, and the run is void.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

APART = 0.20
"""By how much more than the slower the faster of two references may bring."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One timed run: how long it took, what was counted, and who worked for how long."""

    recipients: int
    seconds: float
    first: float | None
    """Seconds to the first mail that the sink took; None when it took none."""
    delivered: int
    """Mails, by the sink's own count."""
    events: int
    """Different ones, off the exchange."""
    lost: int
    """Recipients without a mail or without `delivery.sent`, whatever is more."""
    duplicates: int
    """Mails and events beyond what there had to be."""
    cpu: Mapping[str, float]
    """Seconds of CPU by who used them."""
    rss: int
    """Octets: the most that the largest daemon process ever had in memory."""
    own: Mapping[str, Any] = field(default_factory=dict)
    """What this case tells beside, for its document."""

    @property
    def flaws(self) -> list[str]:
        """What is wrong with it."""
        found = {"are lost": self.lost, "came twice": self.duplicates}
        return [f"{number:,} {what}" for what, number in found.items() if number]

    @property
    def rate(self) -> float:
        """Recipients per second."""
        return self.recipients / self.seconds

    @property
    def cpu_us(self) -> dict[str, float]:
        """Microseconds of CPU per recipient."""
        return {who: round(used / self.recipients * 1e6, 1) for who, used in self.cpu.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A run between its two references."""

    case: str
    run: Run
    before: float
    """Mails per second of the first reference."""
    after: float
    processes: int = 1

    @property
    def reference_rate(self) -> float:
        """The mean of both."""
        return (self.before + self.after) / 2

    @property
    def ratio(self) -> float:
        """What is left of the machine's speed when the mail is queued, stored and told of."""
        return self.run.rate / self.reference_rate

    @property
    def is_void(self) -> bool:
        """Whether the machine was another one at the end."""
        slower, faster = sorted((self.before, self.after))
        return faster > slower * (1 + APART)

    @property
    def document(self) -> dict[str, Any]:
        """For a program."""
        return {
            "case": self.case,
            "recipients": self.run.recipients,
            "rate": round(self.run.rate, 1),
            "reference_rate": round(self.reference_rate, 1),
            "ratio": round(self.ratio, 4),
            "delivered": self.run.delivered,
            "events": self.run.events,
            "lost": self.run.lost,
            "duplicates": self.run.duplicates,
            "cpu_us": self.run.cpu_us,
            "rss_mb": round(self.run.rss / 2**20, 1),
            **self.run.own,
        }


def quantile(values: Sequence[float], share: float) -> float:
    """The smallest value that so large a share of them does not exceed."""
    ranked = sorted(values)
    return ranked[max(0, math.ceil(share * len(ranked)) - 1)]
