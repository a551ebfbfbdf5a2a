"""The demo's judge: silent about what is right, and never about what is wrong."""

import html
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest

from deploy.show import samples, verdict
from deploy.show.follower import Event
from deploy.show.mailbox import Copy
from deploy.show.samples import Mail, Sample
from deploy.show.seen import Tale

NOW = datetime(2030, 6, 1, 12, 0, tzinfo=UTC)
CAST = {sample.name: sample for sample in samples.cast("bcdf", 12, NOW)}
LATER = NOW + timedelta(minutes=1)


def mail(address: str, wanted: Mail) -> Copy:
    """The copy that an address must receive."""
    letter = EmailMessage()
    letter["Subject"], letter["To"] = wanted.subject, address
    first, *others = [written(kind, phrase) for kind, phrase in wanted.phrases.items()]
    letter.set_content(first[0], subtype=first[1])
    for text, subtype in others:
        letter.add_alternative(text, subtype=subtype)
    return Copy(at=LATER.timestamp(), address=address, content=bytes(letter))


def unescape(content: bytes) -> bytes:
    """The mail as it would be if names were put into HTML as they are."""
    return content.replace(b"&lt;", b"<").replace(b"&gt;", b">")


def written(kind: str, phrase: str) -> tuple[str, str]:
    """A body in which a reader sees the phrase, and its subtype."""
    subtype = kind.partition("/")[2]
    return (html.escape(phrase) if subtype == "html" else phrase), subtype


def counts(sample: Sample, **settled: int) -> dict[str, int]:
    """The numbers of a job as they must be told."""
    return {"requested": sample.asked, "queued": sample.queued, **sample.dropped, **settled}


def told(sample: Sample) -> list[tuple[str, dict[str, object]]]:
    """The events that must be told, by type and data."""
    if sample.faults:
        return [("request.rejected", {"errors": errors(sample)})]
    places = {address: number for number, address in enumerate(sorted(sample.addresses))}
    expected = {
        "delivery.deferred": sample.deferred,
        "delivery.sent": sample.mails,
        "delivery.bounced": sample.bounced,
    }
    settled = {"sent": len(sample.mails), "bounced": len(sample.bounced)}
    return [
        ("job.accepted", {"counts": counts(sample)}),
        *(
            (kind, {"address": address, "delivery_id": 512 + places[address]})
            for kind, addresses in expected.items()
            for address in addresses
        ),
        ("job.completed", {"counts": counts(sample, **settled)}),
    ]


def errors(sample: Sample) -> list[dict[str, str]]:
    """The faults as an answer names them."""
    return [{"field": field, "code": code} for field, code in sample.faults.items()]


def answer(sample: Sample) -> bytes:
    """What must be answered."""
    if sample.faults:
        document: dict[str, object] = {"ok": False, "errors": errors(sample)}
    elif sample.kind:
        document = {"status": "OK", "result": {"email_id": 512}}
    else:
        document = {"ok": True, "request_id": sample.key, "counts": counts(sample)}
    return json.dumps(document).encode()


def tale(name: str) -> Tale:
    """A request of which everything came back that must."""
    sample = CAST[name]
    return Tale(
        sample=sample,
        answers=[answer(sample)] * sample.times,
        events=[
            Event(id=f"{name}-{number}", type=kind, at=LATER, data=data)
            for number, (kind, data) in enumerate(told(sample))
        ],
        copies=[mail(address, wanted) for address, wanted in sample.mails.items()],
    )


@pytest.mark.parametrize("name", CAST)
def test_what_is_right_is_passed(name: str) -> None:
    """A request of which exactly what must came back has no differences."""
    assert verdict.differences([tale(name)]) == {}


def _copy_twice(tale: Tale) -> None:
    tale.copies.append(tale.copies[0])


def _copy_lost(tale: Tale) -> None:
    tale.copies.pop()


def _copies_swapped(tale: Tale) -> None:
    first, second, *rest = tale.copies
    swapped = (replace(first, content=second.content), replace(second, content=first.content))
    tale.copies[:] = [*swapped, *rest]


def _copy_to_the_refused(tale: Tale) -> None:
    [address] = tale.sample.addresses
    tale.copies.append(mail(address, Mail(subject="Never sent", phrases={"text/plain": "Hello"})))


def _unescaped(tale: Tale) -> None:
    tale.copies[:] = [replace(copy, content=unescape(copy.content)) for copy in tale.copies]


def _early(tale: Tale) -> None:
    tale.copies[:] = [replace(copy, at=NOW.timestamp()) for copy in tale.copies]


def _answered_once(tale: Tale) -> None:
    tale.answers.pop()


def _answered_otherwise(tale: Tale) -> None:
    tale.answers[-1] = tale.answers[-1].replace(b"true", b"false")


def _event_lost(tale: Tale) -> None:
    tale.events.pop(1)


def _event_twice(tale: Tale) -> None:
    tale.events.append(replace(tale.events[1], id="again"))


def _strange_event(tale: Tale) -> None:
    tale.events.append(replace(tale.events[0], type="delivery.failed"))


def _fault_unnamed(tale: Tale) -> None:
    fewer = errors(tale.sample)[1:]
    tale.answers[:] = [json.dumps({"ok": False, "errors": fewer}).encode()]


def _number_wrong(tale: Tale) -> None:
    last = tale.events[-1]
    wrong = {**last.data["counts"], "sent": 0}
    tale.events[-1] = replace(last, data={"counts": wrong})


def _other_number(tale: Tale) -> None:
    tale.answers[:] = [b'{"status":"OK","result":{"email_id":1}}']


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("plain", _copy_twice),
        ("plain", _copy_lost),
        ("campaign", _copies_swapped),
        ("campaign", _unescaped),
        ("campaign", _event_lost),
        ("campaign", _event_twice),
        ("campaign", _number_wrong),
        ("scheduled", _early),
        ("scheduled", _strange_event),
        ("wrong", _copy_to_the_refused),
        ("wrong", _fault_unnamed),
        ("twice", _answered_once),
        ("twice", _answered_otherwise),
        ("twice", _copy_twice),
        ("smsby", _other_number),
    ],
)
def test_what_is_wrong_is_named(name: str, wrong: Callable[[Tale], None]) -> None:
    """Whatever is not exactly as demanded is a difference."""
    one = tale(name)
    wrong(one)
    assert verdict.differences([one]).keys() == {name}
