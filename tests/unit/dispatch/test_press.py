"""The press: plans are kept while there is room, and a fault of ours stays with its message."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
import structlog

from daemon.compose import letter
from daemon.delivery.courier import Reason, ailment
from daemon.dispatch import press
from daemon.dispatch.held import Claim, Held
from daemon.dispatch.press import Press
from daemon.mail.attempt import Attempt
from daemon.mail.outcome import Deferred
from daemon.store import claims, lanes

LANE = lanes.Lane(
    id=1, customer_id=1, transport_id=1, name="t", host="h", port=25, sender="", site="*",
    max_connections=1, max_per_second=0, kind="smtp", tls="none", username=None,
)  # fmt: skip


def held(message: int, text: str = "Hello") -> Held:
    """A delivery of a message, with its permit."""
    author: dict[str, Any] = {"address": "story@sender.test"}
    spec = {"from": author, "subject": "s", "text": text, "message_domain": "m.test"}
    claim = Claim(batch_id=message, retry_id=None, epoch=1, outstanding=1)
    return Held(
        delivery=claims.Delivery(
            id=message * 512, address="a@there.test", supp="a@there.test", name=None, variables={},
            override=None,
        ),
        job_id=UUID(int=message), customer_id=1, message_id=message, spec=spec, attempt=1,
        epoch=1, claim=claim, klass=1, date=datetime(2026, 11, 25, tzinfo=UTC),
    )  # fmt: skip


def test_large_plans_leave_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plans are kept by their size, the latest used ones, and one however large it is."""
    monkeypatch.setattr(press, "_ROOM", 50_000)
    kept = Press(key=b"k")
    for message in (1, 2, 3, 1, 4):
        assert isinstance(kept.attempt(held(message, "x" * 10_000), LANE), Attempt)
    assert list(kept._plans) == [3, 1, 4]
    kept.attempt(held(5, "x" * 100_000), LANE)
    assert list(kept._plans) == [5]
    kept.attempt(held(6), LANE)
    assert list(kept._plans) == [6]


def test_a_fault_of_ours_puts_off_its_own_message(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is logged, tried again later and holds up neither the lane nor the others."""
    compose = letter.compose

    def broken(plan: Any, addressee: letter.Addressee, **more: Any) -> Any:
        if addressee.delivery_id == 512:
            raise ZeroDivisionError
        return compose(plan, addressee, **more)

    monkeypatch.setattr(letter, "compose", broken)
    mixed = Press(key=b"k")
    with structlog.testing.capture_logs() as lines:
        outcome = mixed.attempt(held(1), LANE)
    assert outcome == Deferred(reason=Reason.COMPOSING)
    assert isinstance(outcome, Deferred)
    assert not ailment(outcome)
    assert [line["event"] for line in lines] == ["compose.failed"]
    assert isinstance(mixed.attempt(held(2), LANE), Attempt)
