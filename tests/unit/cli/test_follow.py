"""A job is followed to its last delivery's event, not only to `job.completed`."""

from itertools import permutations
from typing import Any

import pytest

from daemon.cli import follow
from daemon.cli.follow import Follow

JOB = "01890a5d-ac96-774b-bcce-b302099a8057"


def event(kind: str, **data: Any) -> dict[str, Any]:
    """An event as the exchange carries it."""
    return {"type": kind, "time": "2026-11-21T10:00:00+00:00", "data": {"job_id": JOB, **data}}


SENT = event("delivery.sent", delivery_id=1)
BOUNCED = event("delivery.bounced", delivery_id=2)
CANCELED = event("job.canceled", canceled=3)
COMPLETED = event(
    "job.completed", counts={"queued": 5, "sent": 1, "bounced": 1, "canceled": 3, "failed": 0}
)


ORDERS = list(permutations([SENT, BOUNCED, CANCELED, COMPLETED]))


@pytest.mark.parametrize("order", ORDERS)
def test_over_when_all_are_heard(order: tuple[dict[str, Any], ...]) -> None:
    """In whatever order events come, it is over with the last one and not before."""
    followed = Follow(JOB)
    for told in order:
        assert not followed.is_over
        assert followed.take(told)
    assert followed.is_over
    assert not followed.all_sent


def test_repeats_change_nothing() -> None:
    """The same event twice counts once."""
    followed = Follow(JOB)
    for told in (SENT, SENT, event("job.completed", counts={"queued": 2, "sent": 2})):
        followed.take(told)
    assert not followed.is_over
    followed.take(event("delivery.sent", delivery_id=7))
    assert followed.is_over
    assert followed.all_sent


def test_nobody_is_not_all() -> None:
    """A job for whose only recipient nothing could be queued has sent nothing: exit 1."""
    followed = Follow(JOB)
    followed.end({"requested": 1, "queued": 0, "invalid": 1})
    assert followed.is_over
    assert not followed.all_sent


def test_other_jobs_are_not_ours() -> None:
    """Another job's events pass by."""
    assert not Follow("other").take(COMPLETED)


@pytest.mark.parametrize(
    ("numbers", "is_well"),
    [
        ({"queued": 2, "sent": 1, "delivered": 1}, True),
        ({"queued": 2, "sent": 1, "remaining": 1}, False),
        ({"queued": 1, "sent": 1, "invalid": 1}, False),
        ({"queued": 1, "sent": 1, "no_address": 1}, False),
        ({"queued": 1, "sent": 1, "not_found": 1}, False),
        ({"queued": 1, "sent": 1, "duplicate": 1, "excluded": 1, "suppressed": 1}, True),
        ({"queued": 0, "suppressed": 1}, False),
        ({"queued": 0}, False),
        ({}, False),
    ],
)
def test_whether_all_were_sent(numbers: dict[str, int], is_well: bool) -> None:
    """Whoever waits hears yes only if somebody got a mail, and nobody who should missed it."""
    assert follow.all_sent(numbers) is is_well


def test_ended_elsewhere() -> None:
    """A job whose numbers are known from elsewhere is over without a single event."""
    followed = Follow(JOB)
    followed.end(None)
    assert not followed.is_over
    followed.end({"queued": 1, "sent": 1})
    assert followed.is_over


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (event("delivery.sent", address="a@b.example", code=250, text="ok"), "250 ok"),
        (
            event("delivery.failed", address="a@b.example", reason="doubt"),
            "given up, as nobody knows whether it was taken",
        ),
        (COMPLETED, "5 queued, 1 sent, 1 bounced, 3 canceled"),
        (event("request.rejected", errors=[{"field": "v", "code": "x"}]), "v x"),
    ],
)
def test_lines(told: dict[str, Any], said: str) -> None:
    """An event's line ends with what was said, or with the numbers, or with our word for it."""
    line = follow.line(told)
    assert line.startswith(f"2026-11-21T10:00:00Z  {told['type']}  ")
    assert line.endswith(f"  {said}")
