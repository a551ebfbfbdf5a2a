"""How things stand while they are settled: rows read under their locks, as plain values.

A fact is what an instance knows of one delivery; it settles against these.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from daemon.mail import ids, window
from daemon.mail.outcome import Outcome, Withheld
from daemon.mail.state import State
from daemon.mail.window import Spans


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """What became of one delivery in one attempt, told by whoever held it."""

    delivery_id: int
    job_id: UUID
    customer_id: int
    message_id: int
    address: str
    attempt: int
    """The number of the try that this is about, from 1."""
    epoch: int
    """The epoch under which the teller held the batch, or the retry row."""
    retry_id: int | None
    """The retry row it was held by; None = the batch."""
    outcome: Outcome | Withheld
    took: float = 0.0
    """Seconds from taking the attempt to its outcome."""
    path: Mapping[str, Any] | None = None
    """By which way its recipient came into the audience."""

    @property
    def place(self) -> tuple[int, int]:
        """Batch id and position."""
        return ids.place_of(self.delivery_id)

    @property
    def how(self) -> dict[str, object]:
        """What its event says beside its reply: how he came in, how long, which TLS, and why."""
        said: dict[str, object] = {"path": self.path}
        if not isinstance(self.outcome, Withheld):
            said["took"] = round(self.took, 3)
            said |= {name: getattr(self.outcome, name, "") for name in ("tls", "why")}
        return {name: value for name, value in said.items() if value}


@dataclass(slots=True, kw_only=True)
class BatchNow:
    """A locked batch. `letters` changes while facts settle."""

    id: int
    job_id: UUID
    job_on: date
    lane_id: int
    klass: int
    epoch: int
    letters: list[str]

    def at(self, position: int) -> State:
        """Where the delivery at a position stands."""
        return State(self.letters[position])

    @property
    def is_done(self) -> bool:
        """Nothing in it waits for the batch any more."""
        return State.WAITING not in self.letters and State.UNDER_WAY not in self.letters


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryNow:
    """A locked retry row."""

    id: int
    epoch: int


@dataclass(slots=True, kw_only=True)
class JobNow:
    """A locked job. `numbers` change while facts settle."""

    id: UUID
    customer_id: int
    state: str
    open: bool
    doubt: str
    parts: int
    expires_at: datetime
    windows: Spans | None = None
    """When it may start anything; None = at any time."""
    numbers: dict[str, int | None]
    price: Decimal | None = None
    """Of an e-mail; None = nobody pays."""
    changes: dict[str, int] = field(default_factory=dict)
    begins: bool = False
    """Whether its first outcome is among what settles here."""

    @property
    def is_moved(self) -> bool:
        """Whether anything of it is to be written."""
        return self.begins or bool(self.changes)

    def count(self, change: Mapping[str, int]) -> None:
        """Books a move: into the numbers, and into what will be written."""
        for name, by in change.items():
            self.changes[name] = self.changes.get(name, 0) + by
            self.numbers[name] = (self.numbers.get(name) or 0) + by

    def opening(self, at: datetime) -> datetime | None:
        """When something may start that is due then; None = not before its expiry."""
        found = window.opening(self.windows, at)
        return found if found is not None and found < self.expires_at else None

    @property
    def remaining(self) -> int:
        """What is still to come, after what was booked here."""
        settled = ("sent", "delivered", "bounced", "failed", "expired", "canceled",
                   "suppressed_late", "in_doubt")  # fmt: skip
        return (self.numbers["queued"] or 0) - sum(self.numbers[name] or 0 for name in settled)

    @property
    def is_complete(self) -> bool:
        """Whether every delivery is final and no more can come."""
        return not self.open and self.remaining == 0 and not self.numbers["in_doubt"]
