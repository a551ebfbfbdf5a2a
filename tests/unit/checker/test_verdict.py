"""The oracle itself: it passes a story in which all is well, and finds every planted fault."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from tests.checker import verdict
from tests.checker.books import NUMBERS
from tests.checker.evidence import (
    Books,
    Copy,
    DeadLetter,
    Delivery,
    Entry,
    Event,
    Evidence,
    Job,
    Limits,
    Request,
    Vitals,
)

JOB = "01890a5d-ac96-774b-bcce-b302099a8057"
PREFIX = UUID("5f3fbce6-1266-4e5f-8000-000000000000").int
NOW = 1_800_000_000.0

Fault = Callable[[Evidence], Evidence]


def event(number: int, kind: str, *, delivery: int | None = None, **data: Any) -> Event:
    """Event number so-and-so of the one stream."""
    name = str(UUID(int=PREFIX | number))
    payload = {
        "v": 1,
        "event_id": name,
        "occurred_at": "2027-01-15T08:00:00+00:00",
        "customer_id": 1,
        "job_id": None if kind == "request.rejected" else JOB,
        **({} if delivery is None else {"delivery_id": delivery, "attempt": 1, "step": 5}),
        **data,
    }
    return Event(
        document={
            "specversion": "1.0",
            "id": name,
            "type": kind,
            "time": payload["occurred_at"],
            "subject": payload["job_id"],
            "data": payload,
        },
        routing_key=f"{kind}.1",
        message_id=name,
        content_type="application/cloudevents+json",
        received=NOW,
    )


def copy(delivery: int, address: str, name: str) -> Copy:
    """A copy at the sink, in order."""
    return Copy(
        time=NOW + 10,
        came=NOW + 9,
        began=NOW + 9,
        connection=1,
        rcpt=(address,),
        message_id=f"<{delivery}.ab12@story.test>",
        sha256=f"{delivery:064d}",
        subject=f"Hello {name}",
        violations={},
    )


def request(body: dict[str, Any] | bytes, **more: Any) -> Request:
    """A request that was confirmed and asked for no answer."""
    common = {"message_id": "m", "kind": None, "confirmed": NOW, "wants_answer": False}
    return Request(body=body, **(common | {"answer": None, "answered": None} | more))


def numbers(**more: int) -> dict[str, int | None]:
    """A job's numbers, of which most are nothing."""
    return dict.fromkeys(NUMBERS, 0) | more


def ledger(events: list[Event]) -> list[Entry]:
    """The events as the ledger has them."""
    return [Entry(id=one.id, type=one.type, job=one.job, delivery=one.delivery) for one in events]


@pytest.fixture
def sound() -> Evidence:
    """Three asked for: one sent, one bounced, one that is no address; and a dead letter."""
    counts = numbers(requested=3, queued=2, invalid=1, sent=1, bounced=1)
    events = [
        event(1, "job.accepted", counts={}),
        event(2, "delivery.sent", delivery=512),
        event(3, "delivery.bounced", delivery=513),
        event(4, "job.completed", counts=counts),
        event(5, "request.rejected", request_id="dead", command=None),
    ]
    send = {
        "v": 1,
        "command": "send",
        "request_id": "one",
        "audience": [
            {
                "type": "recipients",
                "items": [
                    {"address": "ann@There.test", "name": "Ann"},
                    {"address": "bob@there.test", "name": "Bob"},
                    {"address": "nobody"},
                ],
            }
        ],
        "messages": [{"subject": "Hello {{ name }}", "text": "x"}],
        "delivery": {"not_before": "2027-01-15T08:00:05+00:00"},
    }
    job = Job(
        id=JOB, request_id="one", customer=1, purpose="transactional", state="completed",
        is_finished=True, open=False, accepted=NOW, due=NOW + 5, expires=NOW + 500, numbers=counts,
    )  # fmt: skip
    return Evidence(
        requests=[request(send), request(b"{", message_id="dead")],
        copies=[copy(512, "ann@there.test", "Ann")],
        events=events,
        dead=[DeadLetter(message_id="dead", body=b"{", reason="bad_json")],
        books=Books(
            jobs=[job],
            deliveries=[
                Delivery(id=512, job=JOB, address="ann@there.test", state="sent"),
                Delivery(id=513, job=JOB, address="bob@there.test", state="bounced"),
            ],
            dropped=[(JOB, "invalid")],
            entries=ledger(events),
            status={JOB: {"state": "completed", "counts": counts}},
            audit={"balanced": True},
        ),
        limits=Limits(connections=2, per_second=5.0, transactions=2),
        peak_connections=2,
        vitals=[
            Vitals(process="one", resource="descriptors", baseline=40, now=44),
            Vitals(process="one", resource="memory", baseline=90e6, now=98e6),
        ],
    )


def _books(found: Evidence, **changes: Any) -> Evidence:
    return replace(found, books=replace(found.books, **changes))


def _job(found: Evidence, **changes: Any) -> Evidence:
    return _books(found, jobs=[replace(found.books.jobs[0], **changes)])


def _asked(found: Evidence, *requests: Request) -> Evidence:
    return replace(found, requests=[*found.requests, *requests])


def _copies(found: Evidence, *copies: Copy) -> Evidence:
    return replace(found, copies=[*copies])


def _events(found: Evidence, *events: Event) -> Evidence:
    return replace(found, events=[*events])


def _more(found: Evidence, *events: Event) -> Evidence:
    """These events are told as well, and in the ledger."""
    told = [*found.events, *events]
    return _books(replace(found, events=told), entries=ledger(told))


def _again(found: Evidence, *, told: bool, **changes: Any) -> Evidence:
    """A second copy of Ann's mail, with or without a doubt on record."""
    first = found.copies[0]
    doubted = event(6, "delivery.in_doubt", delivery=512, attempt=0)
    twice = _copies(found, first, replace(first, **changes))
    return _more(twice, doubted) if told else twice


def _late(found: Evidence, command: str, **fields: Any) -> Evidence:
    """A command whose answer came well before the copy did."""
    body = {"v": 1, "command": command, **fields}
    done = request(body, answer={"ok": True}, answered=NOW + 2, wants_answer=True)
    return _asked(found, done)


FAULTS: dict[str, tuple[str, Fault]] = {
    "a request is lost": (
        "I1", lambda found: _asked(found, request({"command": "send", "request_id": "two"})),
    ),
    "a dead letter is lost": ("I1", lambda found: replace(found, requests=[], dead=[*found.dead])),
    "a dead letter was changed": (
        "I1",
        lambda found: replace(found, dead=[replace(found.dead[0], body=b"}")]),
    ),
    "nobody was answered": (
        "I1",
        lambda found: replace(
            found, requests=[replace(one, wants_answer=True) for one in found.requests]
        ),
    ),
    "a job from nowhere": ("I1", lambda found: _job(found, request_id="else")),
    "a delivery is stuck": (
        "I2",
        lambda found: _books(
            found, deliveries=[replace(one, state="deferred") for one in found.books.deliveries]
        ),
    ),
    "a retry row is left": ("I2", lambda found: _books(found, retries=[512])),
    "a number is wrong": (
        "I2",
        lambda found: _job(found, numbers=found.books.jobs[0].numbers | {"sent": 2}),
    ),
    "somebody isn't listed": ("I2", lambda found: _books(found, dropped=[])),
    "a stranger gets a delivery": (
        "I2",
        lambda found: _books(
            found,
            deliveries=[
                replace(found.books.deliveries[0], address="eve@there.test"),
                found.books.deliveries[1],
            ],
        ),
    ),
    "status says something else": (
        "I2",
        lambda found: _books(found, status={JOB: {"state": "running", "counts": {}}}),
    ),
    "audit finds something": ("I2", lambda found: _books(found, audit={"balanced": False})),
    "no end was told": ("I2", lambda found: _events(found, *found.events[:3], found.events[4])),
    "found twice": ("I2", lambda found: _more(found, *(event(n, "job.expanded") for n in (6, 7)))),
    "sent, and not at the sink": ("I3", _copies),
    "bounced, and at the sink": (
        "I3",
        lambda found: _copies(found, *found.copies, copy(513, "bob@there.test", "Bob")),
    ),
    "a second copy without a doubt": ("I4", lambda found: _again(found, told=False)),
    "an event is missing": ("I5", lambda found: _events(found, *found.events[1:])),
    "an event is invented": (
        "I5",
        lambda found: _books(found, entries=ledger([*found.events])[:-1]),
    ),
    "events are out of order": (
        "I5",
        lambda found: _events(found, found.events[1], found.events[0], *found.events[2:]),
    ),
    "one id, two contents": (
        "I5",
        lambda found: _events(found, *found.events, event(2, "delivery.sent", delivery=513)),
    ),
    "keyed by something else": (
        "I5",
        lambda found: _events(
            found, replace(found.events[0], routing_key="job.accepted"), *found.events[1:]
        ),
    ),
    "unsubscribed, and written to": (
        "I6",
        lambda found: _late(
            _job(found, purpose="marketing"), "unsubscribe", address="Ann@there.test"
        ),
    ),
    "rubbish came to nothing": ("I1", lambda found: _asked(found, request(b"[", message_id="x"))),
    "canceled, and sent": ("I6", lambda found: _late(found, "cancel", job=JOB)),
    "too many connections": ("I7", lambda found: replace(found, peak_connections=3)),
    "too many a second": ("I7", lambda found: _copies(found, *found.copies * 7)),
    "three mails at once where two may be": (
        "I7",
        lambda found: _copies(
            found,
            *found.copies * 2,
            replace(found.copies[0], began=NOW + 9.5, time=NOW + 9.9),
        ),
    ),
    "descriptors were lost": (
        "I8",
        lambda found: replace(found, vitals=[replace(found.vitals[0], now=45)]),
    ),
    "memory grew": (
        "I8",
        lambda found: replace(found, vitals=[replace(found.vitals[1], now=99.1e6)]),
    ),
    "somebody else's mail": (
        "I9",
        lambda found: _copies(found, replace(found.copies[0], subject="Hello Bob")),
    ),
    "other bytes the second time": ("I11", lambda found: _again(found, told=True, sha256="0")),
    "to somebody else": (
        "D2",
        lambda found: _copies(found, replace(found.copies[0], rcpt=("eve@there.test",))),
    ),
    "early": ("D4", lambda found: _copies(found, replace(found.copies[0], time=NOW + 4.9))),
    "expired": ("D4", lambda found: _copies(found, replace(found.copies[0], time=NOW + 600))),
    "unlawful SMTP": (
        "D8",
        lambda found: _copies(found, replace(found.copies[0], violations={"early-talk": 1})),
    ),
    "a mail from nowhere": (
        "D8",
        lambda found: _copies(found, *found.copies, copy(9999, "ann@there.test", "Ann")),
    ),
}  # fmt: skip


def test_all_is_well(sound: Evidence) -> None:
    """A story without a fault passes, and every law but those of repeats looks at something."""
    judged = verdict.of(sound)
    judged.demand()
    assert judged.closing.endswith(", 0 failed")
    idle = {check.invariant for check in judged.checks if not check.held and not check.flaws}
    assert idle <= {"I1", "I6", "I11"}


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_found(sound: Evidence, name: str) -> None:
    """A story with one fault fails, under the invariant that it breaks."""
    invariant, fault = FAULTS[name]
    judged = verdict.of(fault(sound))
    assert invariant in {check.invariant for check in judged.checks if check.flaws}, judged.table
    with pytest.raises(AssertionError, match=f"{invariant} "):
        judged.demand()


def test_a_doubt_allows_a_second_copy(sound: Evidence) -> None:
    """Two copies of the same bytes are no fault when a doubt of that delivery was told."""
    judged = verdict.of(_again(sound, told=True))
    assert [check.promise for check in judged.checks if check.flaws] == []


def test_a_storm_may_bury_twice(sound: Evidence) -> None:
    """A dead letter that came twice is a fault in peace, and none where somebody was cut."""
    newer = request({"v": 2, "command": "send"}, message_id="newer")
    letter = DeadLetter(message_id="newer", body=b"", reason="unsupported.version")
    told = event(6, "request.rejected", request_id="newer", command="send")
    once = replace(_asked(_more(sound, told), newer), dead=[*sound.dead, letter])
    twice = replace(once, dead=[*once.dead, letter])
    assert not verdict.of(once).flaws
    assert not verdict.of(replace(twice, was_stormy=True)).flaws
    assert verdict.of(twice).flaws


def test_what_follows_at_once_is_no_crowd(sound: Evidence) -> None:
    """A mail that begins the moment another one ends is under way alone."""
    first = sound.copies[0]
    after = replace(first, began=first.time, time=first.time + 1)
    judged = verdict.of(_copies(sound, first, first, after, after))
    assert "I7" not in {check.invariant for check in judged.checks if check.flaws}
