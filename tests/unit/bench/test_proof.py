"""The second run allows less than the laws do: here nothing comes twice, and nothing is missing."""

from typing import Any
from uuid import UUID

from tests.bench import proof
from tests.checker.evidence import Books, Copy, Delivery, Entry, Event, Evidence

IDS = [str(UUID(int=number)) for number in range(1, 4)]


def copy(delivery: int) -> Copy:
    """A mail of that delivery."""
    return Copy(
        time=1, came=1, began=1, connection=0, rcpt=("a@x.test",), sha256="", subject="",
        message_id=f"<{delivery}.abc@bench.test>", violations={},
    )  # fmt: skip


def event(number: str) -> Event:
    """An event with that id."""
    document = {"id": number, "type": "delivery.sent", "data": {}}
    return Event(
        document=document, routing_key="", message_id=number, content_type=None, received=1
    )


def evidence(**other: Any) -> Evidence:
    """Three deliveries, a mail and an event of each."""
    deliveries = [Delivery(id=one, job="j", address="a@x.test", state="sent") for one in (1, 2, 3)]
    entries = [Entry(id=one, type="delivery.sent", job="j", delivery=1) for one in IDS]
    usual: dict[str, Any] = {
        "requests": [],
        "copies": [copy(one) for one in (1, 2, 3)],
        "events": [event(one) for one in IDS],
        "dead": [],
        "books": Books(deliveries=deliveries, entries=entries),
    }
    return Evidence(**(usual | other))


def test_all_is_well() -> None:
    """Each Message-ID once, each event's id the ledger's."""
    assert proof.exact(evidence()) == []


def test_two_for_one_and_none_for_another_is_found() -> None:
    """Which a count would not tell."""
    flaws = proof.exact(evidence(copies=[copy(1), copy(1), copy(3)]))
    assert [flaw.split(":")[0] for flaw in flaws] == [
        "1 Message-IDs came twice",
        "1 deliveries have no mail",
    ]


def test_an_event_twice_and_one_missing_is_found() -> None:
    """The same of events."""
    flaws = proof.exact(evidence(events=[event(IDS[0]), event(IDS[0]), event(IDS[2])]))
    assert [flaw.split(":")[0] for flaw in flaws] == [
        "1 events came twice",
        "1 events are told or booked only",
    ]
