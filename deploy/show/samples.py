"""The requests that the demo publishes, and what each of them demands.

Every run has a mail domain and request ids of its own, so that nothing that an interrupted run has
left in the database can be taken for this run's.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

AHEAD = timedelta(seconds=5)
"""How far the scheduled request lies ahead."""
TOKEN = "demo-token"
"""The token of `config.toml`."""
SHOP = {"address": "shop@example.com", "name": "The Shop"}
NAMES = ("Ann", "Bohdan", "Zoë", "O'Neil", "Ann & <Bob>", "Łucja", "王芳", "Mikita")

Addresses = frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """What one address must receive: the subject, and a phrase of every part of the body."""

    subject: str
    phrases: Mapping[str, str]
    """By media type; of HTML what a reader sees."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One request, and all that may follow from it."""

    name: str
    title: str
    """What is special about it, in at most 22 characters."""
    key: str
    """The parcel's `message_id`, and the request id of the native ones."""
    body: bytes
    addresses: Addresses
    """All that it names; whoever is not among `mails` must receive nothing."""
    kind: str | None = None
    """The parcel's `type`: the name of a dialect."""
    times: int = 1
    """How often it is published."""
    asked: int = 1
    """Recipients that it names."""
    mails: Mapping[str, Mail] = field(default_factory=dict)
    """Who must receive exactly one copy, of what."""
    bounced: Addresses = frozenset()
    """Whom the server refuses for good."""
    deferred: Addresses = frozenset()
    """Whom the server refuses once, and takes then."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """How many are not delivered to, and why."""
    faults: Mapping[str, str] = field(default_factory=dict)
    """Fields that are wrong, with the code of the fault; the request must be refused."""
    not_before: datetime | None = None

    @property
    def queued(self) -> int:
        """Deliveries that it makes."""
        return len(self.mails) + len(self.bounced)


def cast(run: str, recipients: int, now: datetime) -> tuple[Sample, ...]:
    """All of them, in the order in which they are published."""
    domain = f"{run}.example"
    return (
        _plain(run, f"ann@{domain}"),
        _campaign(run, domain, recipients),
        _scheduled(run, f"sam@{domain}", now + AHEAD),
        _wrong(run, f"nobody@{domain}"),
        _twice(run, f"tom@{domain}"),
        _foreign(run, f"eve@{domain}"),
    )


def _plain(run: str, address: str) -> Sample:
    text = "It is on its way."
    return _letter("plain", f"{run}-plain", address, subject="Your order", text=text)


def _scheduled(run: str, address: str, due: datetime) -> Sample:
    title, text = f"scheduled {AHEAD.seconds} s ahead", f"Due at {due:%H:%M:%S} UTC."
    subject = "Not before its time"
    return _letter(title, f"{run}-scheduled", address, subject=subject, text=text, due=due)


def _twice(run: str, address: str) -> Sample:
    """A producer that saw no confirm publishes again, under the same id."""
    title, text = "published twice", "Published twice, sent once."
    once = _letter(title, f"{run}-twice", address, subject="Only once", text=text)
    return replace(once, times=2)


def _campaign(run: str, domain: str, size: int) -> Sample:
    """Each has a mail of his own. Four are special: see `_items`."""
    key = f"{run}-campaign"
    items = list(_items(domain, size))
    greylisted, bouncing = (items[place]["address"] for place in (1, 2))
    reached = [item for item in items[:-2] if item["address"] != bouncing]
    message = {
        "subject": "{{ first_name }}, spring is here",
        "text": "Hello {{ first_name }},\n\nyou have {{ points }} points.\n",
        "html": "<p>Hello <b>{{ first_name }}</b>,</p><p>you have {{ points }} points.</p>",
        "from": {"address": "news@example.com", "name": "Example News"},
    }
    return Sample(
        name="campaign",
        title=f"{size} with merge fields",
        key=key,
        body=_body(key, items, message, name="Spring news", purpose="marketing"),
        addresses=frozenset(item["address"] for item in items),
        asked=size,
        mails={item["address"]: _merged(**item["vars"]) for item in reached},
        bounced=frozenset({bouncing}),
        deferred=frozenset({greylisted}),
        dropped={"invalid": 1, "duplicate": 1},
    )


def _items(domain: str, size: int) -> Iterator[dict[str, Any]]:
    """Recipients; the second is greylisted once, the third refused for good, the last two dropped.

    The development server does what the front of an address says.
    """
    fronts = {1: "greylist-1+", 2: "rcpt-550+"}
    for number in range(size - 2):
        address = f"{fronts.get(number, '')}reader-{number + 1:03}@{domain}"
        yield _item(address, number)
    yield _item(f"no address at {domain}", size - 2)
    yield _item(f"reader-001@{domain}", size - 1)


def _item(address: str, number: int) -> dict[str, Any]:
    name = NAMES[number % len(NAMES)]
    return {"address": address, "vars": {"first_name": name, "points": 10 + number}}


def _merged(first_name: str, points: int) -> Mail:
    """The mail with its fields filled in, in HTML too as they were given: so escaped there."""
    return Mail(
        subject=f"{first_name}, spring is here",
        phrases={
            "text/plain": f"Hello {first_name},\n\nyou have {points} points.",
            "text/html": f"Hello {first_name},you have {points} points.",
        },
    )


def _wrong(run: str, address: str) -> Sample:
    """Wrong in three ways: all three are named at once, and nothing is stored."""
    key = f"{run}-wrong"
    message = {"subject": "Never sent", "text": "Hello", "replyto": "shop@example.com"}
    return Sample(
        name="wrong",
        title="wrong in three ways",
        key=key,
        body=_body(
            key,
            [{"address": address}],
            message,
            purpose="fun",
            delivery={"not_before": "tomorrow"},
        ),
        addresses=frozenset({address}),
        faults={
            "messages[0].replyto": "param.invalid",
            "purpose": "param.invalid",
            "delivery.not_before": "param.invalid",
        },
    )


def _foreign(run: str, address: str) -> Sample:
    """In the words of another vendor's interface: `type` says whose."""
    text = "Said in another dialect."
    fields = {
        "method": "sendEmail",
        "token": TOKEN,
        "sender_email": "shop@example.com",
        "sender_name": "The Shop",
        "subject": "From a foreigner",
        "message": f"<p>{text}</p>",
        "email": address,
    }
    mail = Mail(subject="From a foreigner", phrases={"text/html": text})
    return Sample(
        name="smsby",
        title="in the sms.by dialect",
        key=f"{run}-smsby",
        body=json.dumps(fields).encode(),
        kind="smsby",
        addresses=frozenset({address}),
        mails={address: mail},
    )


def _letter(
    title: str, key: str, address: str, *, subject: str, text: str, due: datetime | None = None
) -> Sample:
    """One mail to one address."""
    message = {"subject": subject, "text": text, "from": SHOP}
    when = {"delivery": {"not_before": due.isoformat()}} if due else {}
    return Sample(
        name=key.rpartition("-")[2],
        title=title,
        key=key,
        body=_body(key, [{"address": address}], message, **when),
        addresses=frozenset({address}),
        mails={address: Mail(subject=subject, phrases={"text/plain": text})},
        not_before=due,
    )


def _body(key: str, items: list[dict[str, Any]], message: dict[str, Any], **more: object) -> bytes:
    """A send request in the native form: see daemon/mail/request/README.md."""
    request = {
        "v": 1,
        "command": "send",
        "request_id": key,
        "audience": [{"type": "recipients", "items": items}],
        "messages": [message],
        **more,
    }
    return json.dumps(request).encode()
