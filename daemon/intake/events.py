"""What intake tells the world, as values."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from daemon.intake.ask import Ask, Dead, Turned
from daemon.mail import counts, settle
from daemon.mail.event import Event, Type
from daemon.mail.refusal import NotARequest, Notice, Refused
from daemon.mail.request import answers
from daemon.mail.request.rules import Class
from daemon.mail.standing import JobNow
from daemon.store import accepting

CLASSES = tuple(str(name) for name in Class)
"""Priority classes, the most pressing first: the place of each is its number in the database."""


def accepted(
    ask: Ask, job: accepting.Job, stored: accepting.Stored, numbers: Mapping[str, int | None]
) -> Event:
    """A send that is stored, with how many of whom it found."""
    due, expiry = stored.not_before, stored.expires_at
    return Event(
        type=Type.JOB_ACCEPTED,
        customer_id=job.customer_id,
        job_id=job.id,
        message_id=stored.message_id,
        data={
            "request_id": job.request_id,
            "dialect": job.dialect,
            "ticket": job.ticket,
            "name": job.name,
            "purpose": job.purpose,
            "class": CLASSES[job.klass],
            "open": job.open,
            "not_before": due and due.isoformat(),
            "expires_at": expiry and expiry.isoformat(),
            "counts": dict(numbers),
            "warnings": warnings(ask.decoded.notices),
            "coercions": job.coercions,
        },
    )


def rejected(ask: Ask, refused: Refused) -> Event:
    """A request that can't be done, with everything that is wrong with it."""
    return _rejected(
        refused,
        customer=ask.customer.id,
        dialect=ask.back.speaks,
        command=ask.request.command,
        request_id=ask.request_id,
    )


def turned_away(turned: Turned | Dead) -> Event:
    """The same, of what didn't even become a request."""
    reason = turned.refused if isinstance(turned, Turned) else turned.reason
    return _rejected(
        reason,
        customer=turned.customer_id,
        dialect=turned.back.speaks,
        command=getattr(reason, "command", None),
        request_id=turned.request_id,
    )


def expanded(job: JobNow, *, closed_by: str) -> Event:
    """An open job is closed, by its sender or by us: from now on it is known whom it reaches."""
    return Event(
        type=Type.JOB_EXPANDED,
        customer_id=job.customer_id,
        job_id=job.id,
        data={"closed_by": closed_by, "counts": asked(job.numbers)},
    )


def found(job: accepting.Job, numbers: Mapping[str, int | None], costs: Mapping[str, str]) -> Event:
    """The audience of a job was found: from now on it is known whom it reaches."""
    return Event(
        type=Type.JOB_EXPANDED,
        customer_id=job.customer_id,
        job_id=job.id,
        data={"counts": dict(numbers), **costs},
    )


def unfound(job: JobNow, reason: Refused) -> Event:
    """The audience of a job can't be found, or not be paid: nothing of it is sent."""
    return Event(
        type=Type.JOB_CANCELED,
        customer_id=job.customer_id,
        job_id=job.id,
        data={"canceled": 0, "errors": answers.errors(reason)},
    )


def completed(job: JobNow) -> Event:
    """Nothing is left to come."""
    return settle.completed(job)


def of_job(kind: Type, customer: int, job: UUID | None, /, **data: Any) -> Event:
    """A command about a job was carried out."""
    return Event(type=kind, customer_id=customer, job_id=job, data=data)


def asked(numbers: Mapping[str, int | None]) -> dict[str, int | None]:
    """The first half of the accounting law: who was asked for, and what became of them."""
    return {name: numbers.get(name, 0) for name in ("requested", "queued", *counts.DROPPED)}


def warnings(notices: Iterable[Notice]) -> list[dict[str, str]]:
    """What a sender should know though the request was accepted."""
    return [{"field": notice.field, "message": notice.message} for notice in notices]


def _rejected(
    reason: Refused | NotARequest,
    *,
    customer: int,
    dialect: str,
    command: str | None,
    request_id: str | None,
) -> Event:
    return Event(
        type=Type.REQUEST_REJECTED,
        customer_id=customer,
        data={
            "request_id": request_id,
            "dialect": dialect,
            "command": command,
            "errors": answers.errors(reason),
        },
    )
