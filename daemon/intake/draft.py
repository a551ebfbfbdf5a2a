"""A send as the job and the message that it shall be stored as."""

from datetime import datetime
from random import Random
from typing import Any

from daemon.intake import events
from daemon.intake.ask import Ask
from daemon.mail import ids
from daemon.mail.request.send import Message, Send
from daemon.store.accepting import Job

_JOB_BITS, _TICKET_BITS = 74, 52


def job(ask: Ask, send: Send, now: datetime, chance: Random, *, message_domain: str) -> Job:
    """The job, with an identity of its own; one without a name is called by its ticket.

    `message_domain` ends its Message-IDs: kept with it, so that a later try has the same one.
    """
    ticket = ids.ticket(chance.getrandbits(_TICKET_BITS))
    delivery = send.delivery
    return Job(
        id=ids.job_id(now, chance.getrandbits(_JOB_BITS)),
        ticket=ticket,
        customer_id=ask.customer.id,
        dialect=ask.back.speaks,
        request_id=ask.request_id,
        body_hash=ask.body_hash,
        name=send.name or ticket,
        purpose=send.purpose,
        klass=events.CLASSES.index(send.class_),
        doubt=delivery.doubt,
        transport_id=delivery.transport.id,
        open=send.open,
        not_before=delivery.not_before,
        not_before_raw=delivery.not_before_raw,
        expires_after=delivery.expires_after,
        settings={"track_open": delivery.track_open, "track_click": delivery.track_click},
        coercions=[],
        spec=_spec(send.messages[0]) | {"message_domain": message_domain},
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
