"""What came back against what was demanded: every difference is a sentence. Pure."""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

from . import mailbox
from .follower import Event
from .mailbox import Copy
from .samples import Mail, Sample
from .seen import Tale

FAMILY = "delivery."


def differences(tales: Iterable[Tale]) -> dict[str, list[str]]:
    """All that is not as it must be, by the name of the request; empty when everything is."""
    found = {tale.sample.name: [*_answers(tale), *_copies(tale), *_events(tale)] for tale in tales}
    return {name: texts for name, texts in found.items() if texts}


def _answers(tale: Tale) -> Iterator[str]:
    sample, answers = tale.sample, tale.answers
    if len(answers) != sample.times:
        yield f"{len(answers)} answers to {sample.times} parcels"
    if len(set(answers)) > 1:
        yield "the same request was answered differently"
    for answer in answers[:1]:
        document = json.loads(answer)
        if sample.faults:
            yield from _refusal(sample, document.get("errors", ()), "the answer")
        elif sample.kind:
            yield from _foreign_answer(document, tale)
        else:
            yield from _acceptance(sample, document)


def _acceptance(sample: Sample, answer: dict[str, Any]) -> Iterator[str]:
    if answer.get("ok") is not True or answer.get("request_id") != sample.key:
        yield f"not accepted: {answer}"
    yield from _numbers(answer.get("counts", {}), _asked(sample), "the answer")


def _foreign_answer(answer: dict[str, Any], tale: Tale) -> Iterator[str]:
    """The vendor's own form, with the number by which the events call the delivery."""
    numbers = {event.data["delivery_id"] for event in tale.events if event.type == "delivery.sent"}
    wanted = [{"status": "OK", "result": {"email_id": number}} for number in numbers]
    if answer not in wanted:
        yield f"answered {answer}, its deliveries are {sorted(numbers)}"


def _refusal(sample: Sample, errors: Iterable[dict[str, str]], where: str) -> Iterator[str]:
    named = Counter((error["field"], error["code"]) for error in errors)
    if named != Counter(sample.faults.items()):
        yield f"{where} names the faults {sorted(named.elements())}"


def _copies(tale: Tale) -> Iterator[str]:
    sample = tale.sample
    received: dict[str, list[Copy]] = defaultdict(list)
    for copy in tale.copies:
        received[copy.address].append(copy)
    for address in sorted(sample.addresses):
        wanted, copies = sample.mails.get(address), received[address]
        if len(copies) != (1 if wanted else 0):
            yield f"{address} has received {len(copies)} copies"
        for copy in copies:
            yield from _mail(wanted, copy) if wanted else ()
            yield from _time(sample, copy)


def _mail(wanted: Mail, copy: Copy) -> Iterator[str]:
    mail = copy.mail
    if mail["subject"] != wanted.subject:
        yield f"{copy.address} has received “{mail['subject']}” instead of “{wanted.subject}”"
    if mail["to"] is None or copy.address not in mail["to"]:
        yield f"{copy.address} has received a mail to {mail['to']}"
    parts = {part.get_content_type(): part for part in mail.walk() if not part.is_multipart()}
    for kind, phrase in wanted.phrases.items():
        if kind not in parts or phrase not in mailbox.visible(parts[kind]):
            yield f"{copy.address} has received {kind} without “{phrase}”"


def _time(sample: Sample, copy: Copy) -> Iterator[str]:
    if sample.not_before and copy.at < sample.not_before.timestamp():
        early = sample.not_before.timestamp() - copy.at
        yield f"{copy.address} has received its mail {early:.3f} s too early"


def _events(tale: Tale) -> Iterator[str]:
    sample, told = tale.sample, _by_type(tale.events)
    if told.keys() - {"job.started"} != _types(sample):
        yield f"told {sorted(told)} instead of {sorted(_types(sample))}"
    for kind, events in told.items():
        if not kind.startswith(FAMILY) and len(events) > 1:
            yield f"{kind} was told {len(events)} times"
        for event in events:
            yield from _content(sample, event)
    for kind, addresses in _expected(sample).items():
        yield from _deliveries(kind, Counter(addresses), told.get(kind, ()))


def _by_type(events: Iterable[Event]) -> dict[str, list[Event]]:
    told = defaultdict(list)
    for event in events:
        told[event.type].append(event)
    return dict(told)


def _content(sample: Sample, event: Event) -> Iterator[str]:
    """The faults of a refusal, the numbers of a job."""
    match event.type:
        case "request.rejected":
            yield from _refusal(sample, event.data["errors"], event.type)
        case "job.accepted":
            yield from _numbers(event.data["counts"], _asked(sample), event.type)
        case "job.completed":
            wanted = _asked(sample) | _settled(sample)
            yield from _numbers(event.data["counts"], wanted, event.type)


def _types(sample: Sample) -> set[str]:
    """What must be told; `job.started` only of a job that is more than one batch."""
    if sample.faults:
        return {"request.rejected"}
    kinds = {kind for kind, addresses in _expected(sample).items() if addresses}
    return {"job.accepted", "job.completed"} | kinds


def _expected(sample: Sample) -> dict[str, Iterable[str]]:
    return {
        "delivery.sent": sample.mails.keys(),
        "delivery.bounced": sample.bounced,
        "delivery.deferred": sample.deferred,
    }


def _deliveries(kind: str, wanted: Counter[str], events: Iterable[Event]) -> Iterator[str]:
    told = Counter(event.data["address"] for event in events)
    for address, number in (told - wanted).items():
        yield f"{kind} of {address} was told {number} times too often"
    for address in wanted - told:
        yield f"{kind} of {address} was not told"


def _asked(sample: Sample) -> Counter[str]:
    """The first half of the accounting law: who was asked for, and what became of them."""
    return Counter(requested=sample.asked, queued=sample.queued) | Counter(sample.dropped)


def _settled(sample: Sample) -> Counter[str]:
    """The second half: what became of those who were queued."""
    return Counter(sent=len(sample.mails), bounced=len(sample.bounced))


def _numbers(told: dict[str, int | None], wanted: Counter[str], where: str) -> Iterator[str]:
    """Every number, and no other; what is zero need not be named."""
    found = {name: number for name, number in told.items() if number}
    if found != dict(+wanted):
        yield f"{where} says {found} instead of {dict(+wanted)}"
