"""What came of a command that changes something, in a sentence."""

from typing import Any

import pytest

from daemon.cli import deeds, send

JOB = {"command": "cancel", "job": "j"}


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (JOB | {"canceled": 3, "already_gone": 0}, "canceled: 3 deliveries of job j taken back"),
        (
            JOB | {"canceled": 1, "already_gone": 2},
            "canceled: 1 delivery of job j taken back; 2 deliveries had gone their way already",
        ),
        (JOB | {"canceled": 3, "unchanged": True}, "nothing changed: job j was canceled already"),
        (
            {"command": "cancel", "delivery": 7, "canceled": 1},
            "canceled: delivery 7 is taken back",
        ),
        (
            {"command": "cancel", "job": "j", "customer": 7, "canceled": 2},
            "canceled: 2 deliveries of job j at customer 7 and below taken back",
        ),
        (
            {"command": "reschedule", "job": "j", "customer": 7, "moved": 2},
            "rescheduled: 2 deliveries of job j at customer 7 and below",
        ),
        ({"command": "pause", "customer": 7}, "paused: nothing more of customer 7 starts"),
        (
            {"command": "resume", "job": "j", "unchanged": True},
            "nothing changed: job j wasn't paused",
        ),
        (
            {"command": "doubt.resolve", "resend": 0, "more": False, "unchanged": True},
            "nothing changed: nothing of it is in doubt",
        ),
        (
            {"command": "doubt.resolve", "give_up": 2, "more": True},
            "2 deliveries given up, and counted as failed; there may be more: ask again",
        ),
        ({"command": "unsubscribe"}, "unsubscribe: done"),
        (
            {"command": "senders.put", "sender": 5, "address": "a@x.test"},
            "put: sender 5, a@x.test",
        ),
        (
            {"command": "senders.put", "sender": 5, "address": "a@x.test", "unchanged": True},
            "nothing changed: sender 5 says that already",
        ),
        (
            {"command": "campaigns.deactivate", "campaign": 8},
            "off: campaign 8; what was accepted goes on",
        ),
        (
            {"command": "campaigns.activate", "campaign": 8, "unchanged": True},
            "nothing changed: campaign 8 was on already",
        ),
    ],
)
def test_said(answer: dict[str, Any], said: str) -> None:
    """Each deed has its sentence; one that found nothing to do says so."""
    assert deeds.said(answer) == said


def test_a_repeat_is_called_one() -> None:
    """Who sends the same again is told that nothing more was sent."""
    answer = {"ok": True, "command": "send", "job": "j", "ticket": "t", "counts": {"queued": 2}}
    first, again = send.view(answer)[0], send.view(answer | {"repeated": True})[0]
    assert str(first).startswith("accepted as job j")
    assert str(again).startswith("a repeat, of which nothing is sent again: accepted before")
