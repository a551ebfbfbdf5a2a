"""What a send names that brings something to its message: a sender of the customer's.

What the send says itself comes first; only what it leaves open is supplied, at its accept and never
again: a later try is the same mail, whatever has become of the sender.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from daemon.mail import template
from daemon.mail.refusal import Code, Fault
from daemon.mail.request.send import From, Message, Send, Transport
from daemon.mail.template import Unfit
from daemon.store import door, senders
from daemon.store.senders import Sender

_SENDER = "messages[0].sender_id"
_NO_SENDER = "names no sender"
_SENDER_IS_OFF = "names a sender that isn't active"
_UNFIT_NAME = "names a sender whose name is no template"


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What was found."""

    sender: Sender | None = None


async def supply(session: door.Session, acting: int, send: Send) -> tuple[Fault, ...] | Supply:
    """What a send names, of the customer in whose name it speaks; or what there isn't."""
    number = send.messages[0].sender_id
    if number is None:
        return Supply()
    sender = await senders.one(session, number)
    if sender is None or sender.customer != acting:
        return (Fault(code=Code.NOT_FOUND, field=_SENDER, message=_NO_SENDER),)
    return tuple(_wrong(sender)) or Supply(sender=sender)


def supplied(send: Send, found: Supply) -> Send:
    """The send with what it left open."""
    if found.sender is None:
        return send
    delivery = send.delivery
    if delivery.transport is None and found.sender.transport is not None:
        delivery = replace(delivery, transport=Transport(id=found.sender.transport))
    message = _signed(send.messages[0], found.sender)
    return replace(send, messages=(message,), delivery=delivery)


def _wrong(sender: Sender) -> Iterator[Fault]:
    if not sender.active:
        yield Fault(code=Code.STATE_CONFLICT, field=_SENDER, message=_SENDER_IS_OFF)
    if isinstance(template.parse(sender.name), Unfit):  # an import takes any
        yield Fault(code=Code.STATE_CONFLICT, field=_SENDER, message=_UNFIT_NAME)


def _signed(message: Message, sender: Sender) -> Message:
    """The message from a sender, by another name where it says one."""
    name = message.from_ and message.from_.name
    author = From(address=sender.address, name=name or sender.name or None)
    return replace(message, from_=author, reply_to=message.reply_to or sender.reply_to)
