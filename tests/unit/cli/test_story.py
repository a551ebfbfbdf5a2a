"""Events as sentences."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from daemon.cli import story
from daemon.delivery.courier import Reason
from daemon.mail.event import Type
from daemon.store.operator import Fact

AT = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)


def fact(kind: str, **fields: Any) -> Fact:
    """An event on record."""
    about = {
        "attempt": None, "code": None, "enhanced": None, "text": None, "relay": None,
        "next_at": None, "data": {}, "is_told": True,
    }  # fmt: skip
    return Fact(id=UUID(int=1), at=AT, type=kind, **(about | fields))


@pytest.mark.parametrize("kind", Type)
def test_every_type_has_a_sentence(kind: Type) -> None:
    """There is no event, however bare, that can't be told."""
    assert story.sentence(fact(kind))


def test_an_attempt_with_its_reply() -> None:
    """An attempt says its number, the relay, the server's words, and when it is tried again."""
    told = fact(
        Type.DELIVERY_DEFERRED,
        attempt=2,
        code=451,
        enhanced="4.7.1",
        text="Greylisted",
        relay="relay.example:25",
        next_at=AT,
    )
    assert story.sentence(told) == (
        "attempt 2: deferred by relay.example:25: 451 4.7.1 Greylisted;"
        " next try at 2026-11-21 10:00:00Z"
    )


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"took": 0.042, "tls": "TLSv1.3"}, ", under TLSv1.3, in 42 ms"),
        ({"took": 12.3}, ", in the clear, in 12.3 s"),
        ({}, ""),
    ],
)
def test_how_it_was_said(data: dict[str, Any], said: str) -> None:
    """A try says under which TLS it was made and how long it took, where that is on record."""
    told = fact(Type.DELIVERY_SENT, attempt=1, code=250, text="Ok", relay="mx:25", data=data)
    assert story.sentence(told) == f"attempt 1: handed to mx:25: 250 Ok{said}"


def test_our_own_word_where_nobody_replied() -> None:
    """Without a reply the reason is told."""
    told = fact(Type.DELIVERY_DEFERRED, attempt=1, data={"reason": "connect"})
    assert story.sentence(told) == "attempt 1: deferred: no connection"


def test_numbers() -> None:
    """A job's numbers leave out what is 0, but for who was asked for and queued."""
    assert story.numbers({"requested": 2, "queued": 0, "invalid": 2, "sent": 0}) == (
        "2 requested, 0 queued, 2 invalid"
    )
    assert story.numbers({"requested": None, "queued": 5}) == "5 queued"


def test_what_the_world_knows() -> None:
    """An event is told, not told yet, or never told at all."""
    assert story.told(fact(Type.DELIVERY_SENT)) == "told"
    assert story.told(fact(Type.DELIVERY_SENT, is_told=False)) == "not told yet"
    assert story.told(fact(Type.DELIVERY_REPEATED)) == "never told"


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({"reason": "connect", "why": "connection refused", "took": 0.002},
         "no connection: connection refused, in 2 ms"),
        ({"reason": "dns", "why": "name or service not known", "took": 0.002},
         "its name isn't found: name or service not known, in 2 ms"),
        ({"reason": "connect", "took": 0.002}, "no connection, in 2 ms"),
        ({"reason": "timeout", "took": 3.0}, "it took too long, in the clear, in 3.0 s"),
        ({"reason": "dropped", "took": 3.0, "tls": "TLSv1.3"},
         "the connection broke, under TLSv1.3, in 3.0 s"),
        ({"reason": "of a newer program"}, "of a newer program"),
    ],
)  # fmt: skip
def test_why_there_was_no_connection(data: dict[str, Any], said: str) -> None:
    """What never was a connection says why, and nothing of what it was under."""
    told = fact(Type.DELIVERY_DEFERRED, attempt=1, relay="mx:25", data=data)
    assert story.sentence(told) == f"attempt 1: deferred by mx:25: {said}"


def test_a_job_of_which_nothing_is_sent() -> None:
    """An audience that can't be found or paid says why; one that was found says how many it is."""
    error = {"code": "internal", "field": "", "message": "its audience could not be found"}
    gone = fact(Type.JOB_CANCELED, data={"canceled": 0, "errors": [error]})
    assert story.sentence(gone) == "nothing of it is sent: its audience could not be found"
    counts = {"requested": 3, "queued": 2}
    found = fact(Type.JOB_EXPANDED, data={"counts": counts})
    assert story.sentence(found) == "audience found: 3 requested, 2 queued"
    closed = fact(Type.JOB_EXPANDED, data={"counts": counts, "closed_by": "sender"})
    assert story.sentence(closed) == "closed: 3 requested, 2 queued"


@pytest.mark.parametrize("reason", [*Reason, "died", "doubt"])
def test_every_reason_is_told_in_words(reason: str) -> None:
    """No reason for which there is no reply is shown as the code that programs read."""
    with_reply = {Reason.CLOSING, Reason.SENDER, Reason.REFUSED}
    if reason not in with_reply:
        assert " " in story.cause({"reason": reason})
