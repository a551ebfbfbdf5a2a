"""All that came back: answers, events and copies, sorted by the request that they belong to."""

import asyncio
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from .follower import Event
from .mailbox import Copy
from .samples import Sample


@dataclass(slots=True, kw_only=True)
class Tale:
    """What came back for one request."""

    sample: Sample
    answers: list[bytes] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    """Each once, in the order in which they came."""
    copies: list[Copy] = field(default_factory=list)
    count: Counter[str] = field(default_factory=Counter)
    """Events by type."""

    @property
    def is_over(self) -> bool:
        """Whether at least as much came back as must.

        A job's last events may come after its `job.completed`: so the deliveries' are counted.
        """
        sample, count = self.sample, self.count
        if len(self.answers) < sample.times:
            return False
        if sample.faults:
            return count["request.rejected"] > 0
        settled = count["delivery.sent"] + count["delivery.bounced"] >= sample.queued
        return settled and count["job.completed"] > 0 and len(self.copies) >= len(sample.mails)


class Seen:
    """The tales of all requests of this run."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.tales = {sample.name: Tale(sample=sample) for sample in samples}
        self.log: list[tuple[str, Event]] = []
        """All events with the name of their request, in the order in which they came."""
        self.deliveries: dict[int, Event] = {}
        """The latest event of each delivery, the freshest last."""
        self.over = asyncio.Event()
        """Set once at least as much came back, for every request, as must."""
        self._keys = {sample.key: sample.name for sample in samples}
        self._owners = {one: sample.name for sample in samples for one in sample.addresses}
        self._jobs: dict[str, str] = {}
        self._waiting: dict[str, list[Event]] = defaultdict(list)
        self._ids: set[str] = set()

    def answered(self, name: str, body: bytes) -> None:
        """An answer, by the correlation id that it brought back."""
        if name in self.tales:
            self.tales[name].answers.append(body)
            self._look()

    def arrived(self, copy: Copy) -> None:
        """A copy at the server; those of another run are passed over."""
        if name := self._owners.get(copy.address):
            self.tales[name].copies.append(copy)
            self._look()

    def happened(self, event: Event) -> None:
        """An event; one told again is passed over, one of another run too."""
        if event.id in self._ids:
            return
        self._ids.add(event.id)
        job, name = event.data.get("job_id"), self._owner(event)
        if name is None:
            self._waiting[job or ""].append(event)  # its job may become known
            return
        self._note(name, event)
        if job and job not in self._jobs:
            self._jobs[job] = name
            for earlier in self._waiting.pop(job, ()):
                self._note(name, earlier)

    def _owner(self, event: Event) -> str | None:
        """Streams are not ordered among each other: any event of a job may be its first."""
        data = event.data
        known = self._jobs.get(data.get("job_id") or "")
        by_key = self._keys.get(data.get("request_id") or "")
        return known or by_key or self._owners.get(data.get("address") or "")

    def _note(self, name: str, event: Event) -> None:
        tale = self.tales[name]
        tale.events.append(event)
        tale.count[event.type] += 1
        self.log.append((name, event))
        if number := event.data.get("delivery_id"):
            self.deliveries.pop(number, None)
            self.deliveries[number] = event
        self._look()

    def _look(self) -> None:
        if all(tale.is_over for tale in self.tales.values()):
            self.over.set()
