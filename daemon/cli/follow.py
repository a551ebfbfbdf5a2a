"""Following one job through its events, until everything that it queued has come to its end. Pure.

`job.completed` may overtake the last deliveries' events, so the end is known by counting to the
numbers that it carries. A repeat of an event changes nothing.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from daemon.cli import story
from daemon.mail.event import Type

_ENDS = {
    Type.DELIVERY_SENT: "sent",
    Type.DELIVERY_BOUNCED: "bounced",
    Type.DELIVERY_FAILED: "failed",
    Type.DELIVERY_EXPIRED: "expired",
    Type.DELIVERY_SUPPRESSED: "suppressed_late",
    Type.DELIVERY_CANCELED: "canceled",
}

_UNFIT = ("invalid", "no_address", "not_found")
"""Reasons for which someone is left out that only a mistake can be behind."""


class Follow:
    """What has been heard of one job so far."""

    def __init__(self, job: str) -> None:
        self._job = job
        self._ends: dict[int, str] = {}
        self._canceled = 0
        self._is_told = False
        self.numbers: Mapping[str, Any] | None = None
        """The final numbers, once they are known."""

    def take(self, event: Mapping[str, Any]) -> bool:
        """Hears an event; whether it is about this job."""
        data = event["data"]
        if data.get("job_id") != self._job:
            return False
        kind = event["type"]
        if kind in _ENDS:
            self._ends[data["delivery_id"]] = _ENDS[kind]
        elif kind == Type.JOB_CANCELED:
            self._canceled = data.get("canceled") or 0
        elif kind == Type.JOB_COMPLETED:
            self.numbers = data["counts"]
        return True

    def end(self, numbers: Mapping[str, Any] | None) -> None:
        """Learns from elsewhere that the job has ended with these numbers; None = it hasn't."""
        if numbers is not None:
            self.numbers = numbers
            self._is_told = True

    @property
    def is_over(self) -> bool:
        """Whether the numbers are known and every end that they count has been heard."""
        if self.numbers is None or self._is_told:
            return self._is_told
        heard = Counter(self._ends.values())
        heard["canceled"] += self._canceled
        return all(heard[name] >= (self.numbers.get(name) or 0) for name in _ENDS.values())

    @property
    def all_sent(self) -> bool:
        """Whether it was as whoever waits for it hopes."""
        return all_sent(self.numbers or {})


def all_sent(numbers: Mapping[str, Any]) -> bool:
    """Whether somebody was queued, everyone who was is handed over, and nobody was unfit for it.

    Whom the sender excluded or named twice is as he wanted it; who is suppressed or inactive is as
    it must be. But an address that is none is a person who gets no mail.
    """
    handed = (numbers.get("sent") or 0) + (numbers.get("delivered") or 0)
    unfit = any(numbers.get(reason) for reason in _UNFIT)
    return handed > 0 and handed == numbers.get("queued") and not unfit


def line(event: Mapping[str, Any]) -> str:
    """An event as a line: when, what, about whom, and what was said."""
    data = event["data"]
    about = data.get("address") or data.get("job_id") or ""
    time = str(event["time"]).replace("+00:00", "Z")
    return "  ".join(part for part in (time, event["type"], str(about), _said(data)) if part)


def _said(data: Mapping[str, Any]) -> str:
    """The server's words, else numbers, else what was wrong, else our own word for it."""
    reply = " ".join(str(data[name]) for name in ("code", "enhanced", "text") if data.get(name))
    if reply:
        return reply
    if data.get("counts"):
        return story.numbers(data["counts"])
    if data.get("errors"):
        return ", ".join(f"{error['field']} {error['code']}".strip() for error in data["errors"])
    return story.cause(data)
