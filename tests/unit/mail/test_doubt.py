"""A doubt ends by decision."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from daemon.mail import doubt
from daemon.mail.event import Type
from daemon.mail.settle import Settlement
from daemon.mail.standing import BatchNow, JobNow

_JOB = UUID(int=1)
_NOW = datetime(2030, 1, 1, tzinfo=UTC)


def _resolved(
    letters: str, action: doubt.Action, positions: range
) -> tuple[Settlement, BatchNow, JobNow]:
    batch = BatchNow(
        id=3, job_id=_JOB, job_on=date(2030, 1, 1), lane_id=1, klass=1, epoch=1,
        letters=list(letters),
    )  # fmt: skip
    job = JobNow(
        id=_JOB, customer_id=1, state="running", open=False, doubt="hold", parts=1,
        expires_at=_NOW + timedelta(days=1),
        numbers={"queued": len(letters), "in_doubt": letters.count("q"), "sent": letters.count("s")}
        | dict.fromkeys(
            ("delivered", "bounced", "failed", "expired", "canceled", "suppressed_late"), 0
        ),
    )  # fmt: skip
    doubts = [
        doubt.Open(
            delivery_id=3 * 512 + position, job_id=_JOB, customer_id=1, message_id=1,
            address="a@x.test", attempt=2,
        )
        for position in positions
    ]  # fmt: skip
    settlement = doubt.resolved(doubts, action, batches={3: batch}, jobs={_JOB: job}, now=_NOW)
    return settlement, batch, job


def test_resend() -> None:
    """It is deferred, due at once, with its tries counted; the job goes on."""
    settlement, batch, job = _resolved("qs", "resend", range(1))
    assert "".join(batch.letters) == "ds"
    [row] = settlement.retries
    assert (row.position, row.due_at, row.attempt) == (0, _NOW, 2)
    assert (job.numbers["in_doubt"], job.remaining) == (0, 1)
    assert settlement.completed == []
    assert [event.type for event in settlement.events] == [Type.DELIVERY_DEFERRED]


def test_give_up() -> None:
    """It has failed for that reason, not charged; the last one ends the job."""
    settlement, batch, job = _resolved("qs", "give_up", range(1))
    assert "".join(batch.letters) == "fs"
    assert job.changes == {"in_doubt": -1, "failed": 1, "released": 1}
    assert settlement.completed == [_JOB]
    assert [event.type for event in settlement.events] == [
        Type.DELIVERY_FAILED,
        Type.JOB_COMPLETED,
    ]


def test_what_has_ended_is_let_be() -> None:
    """A late reply was quicker: nothing is decided any more."""
    settlement, batch, job = _resolved("ss", "give_up", range(2))
    assert "".join(batch.letters) == "ss"
    assert (settlement.events, settlement.resolved, job.changes) == ([], [], {})
