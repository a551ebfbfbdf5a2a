"""A send as the job and the message that it shall be stored as, and what is read of it later."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from random import Random
from typing import Any

from daemon.intake import events
from daemon.intake.ask import Ask
from daemon.mail import ids
from daemon.mail.plan import Plan, Unfit, Wish
from daemon.mail.request import windows
from daemon.mail.request.send import Delivery, Message, Send
from daemon.store.accepting import Job

_JOB_BITS, _TICKET_BITS = 74, 52


def job(
    ask: Ask, send: Send, planned: Plan | Unfit, now: datetime, chance: Random, message_domain: str
) -> Job:
    """The job, with an identity of its own; one without a name is called by its ticket.

    `message_domain` ends its Message-IDs: kept with it, so that a later try has the same one.
    """
    ticket = ids.ticket(chance.getrandbits(_TICKET_BITS))
    delivery = send.delivery
    spans = planned.windows if isinstance(planned, Plan) else None
    return Job(
        id=ids.job_id(now, chance.getrandbits(_JOB_BITS)),
        ticket=ticket,
        customer_id=ask.customer.id,
        acting_id=send.act_as_customer,
        person_id=ask.person_id,
        campaign_id=send.campaign_id,
        dialect=ask.back.speaks,
        request_id=ask.request_id,
        body_hash=ask.body_hash,
        name=send.name or ticket,
        purpose=send.purpose,
        klass=events.CLASSES.index(send.class_),
        doubt=delivery.doubt,
        transport_id=_transport(delivery),
        open=send.open,
        not_before=delivery.not_before,
        not_before_raw=delivery.not_before_raw,
        opens_at=planned.due_at if isinstance(planned, Plan) and spans else None,
        expires_after=_patience(delivery, planned, now),
        too_late=delivery.too_late,
        windows=spans,
        spread=planned.spread if isinstance(planned, Plan) else None,
        local_dues=_local(planned),
        settings=_settings(delivery),
        coercions=[],
        spec=_spec(send.messages[0]) | {"message_domain": message_domain},
    )


def completed(job: Job, send: Send) -> Job:
    """The job of a send that was completed with what it left open."""
    spec = _spec(send.messages[0]) | {"message_domain": job.spec["message_domain"]}
    return replace(job, transport_id=_transport(send.delivery), spec=spec)


def _transport(delivery: Delivery) -> int | None:
    return delivery.transport.id if delivery.transport else None


def _settings(delivery: Delivery) -> dict[str, Any]:
    """What is kept of how it was asked for; `wish` reads it."""
    window = delivery.send_window
    return _given(
        {
            "track_open": delivery.track_open,
            "track_click": delivery.track_click,
            "too_late": delivery.too_late,
            "spread_over": delivery.spread_over,
            "send_window": window.stored if window else None,
            "recipient_local": delivery.recipient_local or None,
        }
    )


def _patience(delivery: Delivery, planned: Plan | Unfit, now: datetime) -> float:
    """Seconds from the due time; where that is another one in each zone, until the last of them."""
    if isinstance(planned, Unfit) or planned.local is None:
        return delivery.expires_after
    return (planned.expires_at - max(delivery.not_before or now, now)).total_seconds()


def _local(planned: Plan | Unfit) -> dict[str, str] | None:
    """When it is due in every zone, as it is kept with the job."""
    if isinstance(planned, Unfit) or planned.local is None:
        return None
    return {name: due.isoformat() for name, due in planned.local.items()}


def wish(settings: Mapping[str, Any], not_before: datetime, expires_after: float) -> Wish:
    """When a job that is stored shall go out, had it been asked for with another due time."""
    window = settings.get("send_window")
    return Wish(
        not_before=not_before,
        expires_after=expires_after,
        too_late=settings.get("too_late"),
        window=windows.kept(window).window if window else None,
        spread_over=settings.get("spread_over"),
    )


def _spec(message: Message) -> dict[str, Any]:
    """The content as it is stored; what wasn't given isn't there."""
    author = message.from_
    return _given(
        {
            "subject": message.subject,
            "text": message.text,
            "html": message.html,
            "reply_to": message.reply_to,
            "from": _given({"address": author.address, "name": author.name}) if author else None,
        }
    )


def _given(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
