"""What came back, in words and numbers for a line or a cell. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from .follower import Event
from .seen import Tale


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """The numbers of one request: as published, as answered, as told, and as the server has it."""

    asked: int
    dropped: int
    refused: int
    bounced: int
    sent: int
    copies: int
    events: int


def figures(tale: Tale) -> Figures:
    """How a request stands now. What is dropped is told by `job.accepted`."""
    asked, count = tale.sample.asked, tale.count
    accepted = [event.data["counts"] for event in tale.events if event.type == "job.accepted"]
    return Figures(
        asked=asked,
        dropped=sum(asked - counts["queued"] for counts in accepted[:1]),
        refused=asked if count["request.rejected"] else 0,
        bounced=count["delivery.bounced"],
        sent=count["delivery.sent"],
        copies=len(tale.copies),
        events=len(tale.events),
    )


def state(tale: Tale, now: datetime) -> str:
    """What a request is doing."""
    count, due = tale.count, tale.sample.not_before
    if count["request.rejected"]:
        return f"refused, {len(tale.sample.faults)} faults"
    if count["job.completed"]:
        return "completed"
    if count["delivery.sent"]:
        return "under way"
    if count["job.accepted"] and due and due > now:
        return f"due in {(due - now).total_seconds():.1f} s"
    return "accepted" if count["job.accepted"] else "published"


def detail(event: Event) -> str:
    """What an event tells."""
    data = event.data
    if event.type == "request.rejected":
        errors = data["errors"]
        return f"{len(errors)} faults: {', '.join(error['field'] for error in errors)}"
    if "counts" in data:
        return numbers(data["counts"])
    if "address" in data:
        return printable(f"{data['address']}  {reply(event)}")
    return ""


def reply(event: Event) -> str:
    """What the server said, and what follows."""
    data = event.data
    words = [str(data[name]) for name in ("code", "enhanced", "text") if name in data]
    if again := data.get("next_attempt_at"):
        wait = (datetime.fromisoformat(again) - event.at).total_seconds()
        words.append(f"(again in {wait:.1f} s)")
    return printable(" ".join(words))


def numbers(counts: Mapping[str, int | None]) -> str:
    """The numbers that aren't zero."""
    return ", ".join(f"{number} {name}" for name, number in counts.items() if number)


def clock(at: datetime) -> str:
    """The local time, to the millisecond."""
    return f"{at.astimezone():%H:%M:%S.%f}"[:-3]


def printable(text: str) -> str:
    """Without control characters: a server's words must not speak to the terminal."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)
