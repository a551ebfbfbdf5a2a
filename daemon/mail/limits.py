"""What a plan allows: how many recipients a job, and how much in a minute, a day, a month. Pure.

What no waiting would help is `forbidden.plan`; what the next period allows is `rate.limited`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from daemon.mail.refusal import Code, Fault

MINUTE, DAY, MONTH = "minute", "day", "month"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Those of a customer's plan; None = none."""

    per_job: int | None = None
    """Recipients that a job may be asked for."""
    requests_per_minute: int | None = None
    per_day: int | None = None
    """Recipients that are queued."""
    per_month: int | None = None

    def __bool__(self) -> bool:
        """Whether there are any."""
        return self.per_job is not None or any(self.periods)

    @property
    def periods(self) -> Iterator[str]:
        """The periods whose usage counts."""
        if self.requests_per_minute is not None:
            yield MINUTE
        for period, most in self.of_recipients:
            if most is not None:
                yield period

    @property
    def of_recipients(self) -> tuple[tuple[str, int | None], ...]:
        """How many may be queued, by period."""
        return (DAY, self.per_day), (MONTH, self.per_month)


NONE = Limits()


@dataclass(slots=True, kw_only=True)
class Usage:
    """What a customer has used of a period that runs; locked. It grows while uses are judged."""

    requests: int
    recipients: int
    ends: datetime


class Use(NamedTuple):
    """A send, or a frame of an open job."""

    job: UUID
    customer: int
    limits: Limits
    asked: int
    """Recipients that the job was asked for, with this one."""
    queued: int
    """How many of them this one brings who are to get mail."""
    is_request: bool
    """Whether it counts as a request: a frame doesn't."""


Used = Mapping[tuple[int, str], Usage]


def refusal(use: Use, used: Used) -> Fault | None:
    """Why the plan doesn't allow it, or not now; None when it does."""
    return _forbidden(use) or _limited(use, used)


def count(use: Use, used: Used) -> None:
    """Counts what was allowed, and is stored."""
    for period in use.limits.periods:
        usage = used[use.customer, period]
        usage.requests += use.is_request
        usage.recipients += use.queued


def _forbidden(use: Use) -> Fault | None:
    limits = use.limits
    if limits.per_job is not None and use.asked > limits.per_job:
        return _no(f"the plan allows {limits.per_job} recipients in a job")
    for period, most in limits.of_recipients:
        if most is not None and use.queued > most:
            return _no(f"the plan allows {most} recipients a {period}")
    return None


def _limited(use: Use, used: Used) -> Fault | None:
    limits = use.limits
    if use.is_request and limits.requests_per_minute is not None:
        usage = used[use.customer, MINUTE]
        if usage.requests >= limits.requests_per_minute:
            return _later(f"{limits.requests_per_minute} requests a minute", usage)
    for period, most in limits.of_recipients:
        if most is not None:
            usage = used[use.customer, period]
            if usage.recipients + use.queued > most:
                left = max(most - usage.recipients, 0)
                return _later(f"{most} recipients a {period}, {left} more", usage)
    return None


def _no(message: str) -> Fault:
    return Fault(code=Code.FORBIDDEN_PLAN, message=message)


def _later(allowed: str, usage: Usage) -> Fault:
    ends = f"{usage.ends:%Y-%m-%dT%H:%M:%SZ}"
    return Fault(code=Code.RATE_LIMITED, message=f"the plan allows {allowed} until {ends}")
