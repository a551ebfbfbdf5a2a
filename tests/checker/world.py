"""The witnesses laid side by side: which request made which job, whose copy is which."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tests.checker import asked
from tests.checker.evidence import Copy, Delivery, Event, Evidence, Job, Request


@dataclass(frozen=True, kw_only=True)
class World:
    """A story's evidence with its threads drawn."""

    evidence: Evidence

    @cached_property
    def jobs(self) -> dict[str, Job]:
        """By id."""
        return {job.id: job for job in self.evidence.books.jobs}

    @cached_property
    def deliveries(self) -> dict[int, Delivery]:
        """By id."""
        return {delivery.id: delivery for delivery in self.evidence.books.deliveries}

    @cached_property
    def deliveries_of(self) -> dict[str, list[Delivery]]:
        """By job."""
        return _grouped(self.evidence.books.deliveries, lambda delivery: delivery.job)

    @cached_property
    def copies_of(self) -> dict[int | None, list[Copy]]:
        """By delivery; None: of nobody knows what."""
        return _grouped(self.evidence.copies, lambda copy: copy.delivery)

    @cached_property
    def first(self) -> dict[str, Event]:
        """Each event as it was received for the first time, in that order."""
        first: dict[str, Event] = {}
        for event in self.evidence.events:
            first.setdefault(event.id, event)
        return first

    @cached_property
    def of_delivery(self) -> dict[int, list[Event]]:
        """Each delivery's events, by attempt and step."""
        found = _grouped(
            (event for event in self.first.values() if event.delivery is not None),
            lambda event: event.delivery,
        )
        return {
            number: sorted(events, key=lambda one: one.step) for number, events in found.items()
        }

    @cached_property
    def of_job(self) -> dict[str, list[Event]]:
        """The events of each job as a whole."""
        events = (event for event in self.first.values() if event.delivery is None and event.job)
        return _grouped(events, lambda event: event.job)

    def told(self, job: str, kind: str) -> list[Event]:
        """The events of one type about a job as a whole."""
        return [event for event in self.of_job.get(job, ()) if event.type == kind]

    def doubts(self, delivery: int) -> int:
        """How often this delivery was told to be in doubt."""
        return sum(
            event.type == "delivery.in_doubt" for event in self.of_delivery.get(delivery, ())
        )

    @cached_property
    def sends(self) -> dict[str, list[Request]]:
        """The sends that have a key, by it, in the order in which they were published."""
        sends = [one for one in self.evidence.requests if one.stores and one.key]
        return _grouped(sends, lambda one: one.key)

    def commands(self, name: str) -> list[Request]:
        """All requests with a command that were carried out as far as we know."""
        return [
            one
            for one in self.evidence.requests
            if one.command == name and (one.is_positive or not one.wants_answer)
        ]

    @cached_property
    def origin(self) -> dict[str, Request]:
        """The send that each job stems from: by key, else by the answer."""
        answered = {self._answered(one): one for one in self.evidence.requests if one.is_positive}
        found = {}
        for job in self.jobs.values():
            request = self._first_of(job) if job.request_id else answered.get(job.id)
            if request is not None:
                found[job.id] = request
        return found

    @cached_property
    def orders(self) -> dict[str, asked.Asked]:
        """What the send of each job asks for."""
        return {job: asked.of(request) for job, request in self.origin.items()}

    @cached_property
    def recipients(self) -> dict[str, list[asked.Recipient]]:
        """Everyone whom each job's send and its frames name."""
        return {job: self._named(job) for job in self.origin}

    def _named(self, job: str) -> list[asked.Recipient]:
        send = self.origin[job]
        named = list(self.orders[job].recipients)
        seen = set()
        for extend in self.commands("extend"):
            number = extend.fields["frame"]
            if extend.fields["request_id"] == send.key and number not in seen:
                seen.add(number)
                named.extend(asked.frame(extend, send))
        return named

    def _first_of(self, job: Job) -> Request | None:
        """Of several with one key the one that was accepted: it says so, else it was the first."""
        same = self.sends.get(job.request_id or "", [])
        return next((one for one in same if one.is_positive), same[0] if same else None)

    def _answered(self, request: Request) -> str | None:
        """The job that an answer names, by itself or by its only delivery."""
        answer = request.answer or {}
        if "job" in answer:
            return str(answer["job"])
        delivery = self.deliveries.get((answer.get("result") or {}).get("email_id") or 0)
        return delivery.job if delivery else None


def _grouped(values: Any, key: Any) -> dict[Any, list[Any]]:
    groups: dict[Any, list[Any]] = defaultdict(list)
    for value in values:
        groups[key(value)].append(value)
    return dict(groups)


def shown(values: Sequence[object], most: int = 5) -> str:
    """Some of many, for a person."""
    some = ", ".join(map(str, values[:most]))
    return f"{some} and {len(values) - most} more" if len(values) > most else some
