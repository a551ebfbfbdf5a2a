"""What a send names that completes it: a sender, an author, a campaign (Q11, Q12).

What the send says itself comes first, then the sender that it names, then its campaign, then the
campaign's sender; where there is no sender at all its author signs. It is taken at the accept and
never again: a later try is the same mail, whatever has become of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from daemon.mail import template
from daemon.mail.refusal import Code, Fault
from daemon.mail.request import audience, send
from daemon.mail.request.send import Agent, From, Message, Send, Transport
from daemon.mail.template import Unfit
from daemon.store import campaigns, door, senders
from daemon.store.campaigns import Campaign
from daemon.store.senders import Author, Sender

_SENDER, _CAMPAIGN = "messages[0].sender_id", "campaign_id"
_AUTHOR = "messages[0].author"
_NO_AUTHOR = "names neither the owner nor an agent"
_NO_SENDER = "names no sender"
_NO_CAMPAIGN = "names no campaign"
_SENDER_IS_OFF = "names a sender that isn't active"
_CAMPAIGN_IS_OFF = "names a campaign that isn't active"
_OTHER = "names a campaign that isn't of the type 'simple'"
_ITS_SENDER_IS_OFF = "names a campaign whose sender isn't active"
_ITS_TEMPLATE = "names a campaign with a template, which this daemon doesn't support"
_UNFIT = "brings a text that is no template"


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """What was found."""

    sender: Sender | None = None
    """The one that the send names, else its campaign's."""
    campaign: Campaign | None = None
    author: Author | None = None


async def supply(session: door.Session, acting: int, wanted: Send) -> tuple[Fault, ...] | Supply:
    """What a send names, of the customer in whose name it speaks; or all that is wrong with it."""
    found = await _found(session, acting, wanted)
    return tuple(_wrong(wanted, found)) or found


def supplied(wanted: Send, found: Supply) -> Send:
    """The send with what it left open."""
    if found == Supply():
        return wanted
    message, delivery = wanted.messages[0], wanted.delivery
    if found.campaign is not None:
        message = _filled(message, found.campaign)
    if found.sender is not None:
        message = _signed(message, found.sender)
    elif found.author is not None:
        message = _written(message, found.author)
    if delivery.transport is None and (transport := _transport(message, found)):
        delivery = replace(delivery, transport=Transport(id=transport))
    return replace(wanted, messages=(message,), delivery=delivery)


async def _found(session: door.Session, acting: int, wanted: Send) -> Supply:
    """What there is of it, and is of this customer."""
    campaign = sender = None
    message, author = wanted.messages[0], wanted.messages[0].from_
    if wanted.campaign_id is not None:
        # whoever switches it off is answered once nothing more can be booked under it
        campaign = await campaigns.hold(session, wanted.campaign_id)
        campaign = campaign if campaign and campaign.customer == acting else None
    number = message.sender_id
    if number is None and campaign is not None and not (author and author.address):
        number = campaign.sender
    if number is not None:
        sender = await senders.one(session, number)
        sender = sender if sender and sender.customer == acting else None
    by = await _author(session, acting, message.author) if message.author else None
    return Supply(sender=sender, campaign=campaign, author=by)


async def _author(session: door.Session, acting: int, agent: Agent) -> Author | None:
    return await senders.author(session, acting, person=agent.person_id, address=agent.address)


def _wrong(wanted: Send, found: Supply) -> Iterator[Fault]:
    """All that isn't there, or can't be used."""
    yield from _wrong_campaign(wanted, found)
    yield from _wrong_sender(wanted, found)
    if wanted.messages[0].author is not None:
        if found.author is None:
            yield Fault(code=Code.PARAM_INVALID, field=_AUTHOR, message=_NO_AUTHOR)
        else:
            yield from _unfit(_AUTHOR, found.author.name)


def _wrong_campaign(wanted: Send, found: Supply) -> Iterator[Fault]:
    if found.campaign is not None:
        yield from _unusable(found.campaign, wanted.messages[0])
        yield from _lacking(wanted, found.campaign)
    elif wanted.campaign_id is not None:
        yield Fault(code=Code.NOT_FOUND, field=_CAMPAIGN, message=_NO_CAMPAIGN)


def _wrong_sender(wanted: Send, found: Supply) -> Iterator[Fault]:
    is_named = wanted.messages[0].sender_id is not None
    if is_named and found.sender is None:
        yield Fault(code=Code.NOT_FOUND, field=_SENDER, message=_NO_SENDER)
    elif found.sender is not None:
        field = _SENDER if is_named else _CAMPAIGN
        if not found.sender.active:
            yield _conflict(field, _SENDER_IS_OFF if is_named else _ITS_SENDER_IS_OFF)
        yield from _unfit(field, found.sender.name)


def _unusable(campaign: Campaign, message: Message) -> Iterator[Fault]:
    if not campaign.active:
        yield _conflict(_CAMPAIGN, _CAMPAIGN_IS_OFF)
    if campaign.type != "simple":
        yield _conflict(_CAMPAIGN, _OTHER)
    if campaign.template is not None and not _has_body(message):
        yield _conflict(_CAMPAIGN, _ITS_TEMPLATE)
    yield from _unfit(_CAMPAIGN, campaign.subject, campaign.html)


def _lacking(wanted: Send, campaign: Campaign) -> Iterator[Fault]:
    """What the message needs, and the campaign doesn't have either."""
    message = _filled(wanted.messages[0], campaign)
    parts = ("subject", "text", "html")
    given = {part for part in parts if getattr(message, part) is not None}
    is_whole = audience.is_literal(wanted.audience) and not wanted.open
    for part, advice in send.lacking(given, list(wanted.recipients) if is_whole else []):
        told = f"{advice}: the campaign has none"
        yield Fault(code=Code.PARAM_MISSING, field=f"messages[0].{part}", message=told)


def _unfit(field: str, *texts: str | None) -> Iterator[Fault]:
    """What an import has brought is any text."""
    if any(isinstance(template.parse(text), Unfit) for text in texts if text):
        yield _conflict(field, _UNFIT)


def _conflict(field: str, message: str) -> Fault:
    return Fault(code=Code.STATE_CONFLICT, field=field, message=message)


def _has_body(message: Message) -> bool:
    return message.text is not None or message.html is not None


def _filled(message: Message, campaign: Campaign) -> Message:
    """The message with the campaign's subject and content, as far as it has none."""
    subject = campaign.subject if message.subject is None else message.subject
    html = message.html if _has_body(message) else campaign.html
    return replace(message, subject=subject, html=html)


def _signed(message: Message, sender: Sender) -> Message:
    """The message from a sender, by another name where it says one."""
    name = message.from_ and message.from_.name
    author = From(address=sender.address, name=name or sender.name or None)
    return replace(message, from_=author, reply_to=message.reply_to or sender.reply_to)


def _written(message: Message, author: Author) -> Message:
    """The message by its author: never from his address, for which nobody has vouched (Q12)."""
    said = message.from_ or From()
    by = From(address=said.address, name=said.name or author.name)
    return replace(message, from_=by, reply_to=message.reply_to or author.address)


def _transport(message: Message, found: Supply) -> int | None:
    """By which it goes out when the send doesn't say."""
    named = found.sender.transport if found.sender else None
    booked = found.campaign.transport if found.campaign else None
    return (named or booked) if message.sender_id is not None else (booked or named)
