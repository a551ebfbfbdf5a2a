"""`send`: what, to whom, when. The canonical form every dialect maps to (requirements 2.1).

This daemon serves the fields that stand here. The other fields of version 1 are refused by name, so
that nobody waits for an effect that doesn't come. `track_open` and `track_click` are the exception:
on by default (Q21), they are kept with the job for the tracking that reads them.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, ClassVar, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, ConfigDict, Field, SkipValidation, Strict

from daemon.mail.plan import Wish
from daemon.mail.refusal import Code
from daemon.mail.request import audience, times
from daemon.mail.request.audience import Term
from daemon.mail.request.commands import FORM, Command
from daemon.mail.request.kinds import (
    Addressee,
    Author,
    Content,
    Due,
    Flag,
    Id,
    Line,
    Mailbox,
    Name,
    Seconds,
    Subject,
)
from daemon.mail.request.recipients import Reading, Recipient
from daemon.mail.request.rules import DAY, Class, Doubt, Purpose, Setting
from daemon.mail.request.windows import SendWindow


def _native(value: str) -> str:
    """A dialect's request comes as a parcel of the dialect's type, not as a field."""
    if value != "native":
        raise ValueError("must be 'native'; a dialect is named by the parcel's type")
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class From:
    """Who a message is from; what is missing the transport supplies."""

    __pydantic_config__: ClassVar[ConfigDict] = FORM

    address: Mailbox | None = None
    name: Author | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Agent:
    """Somebody who writes for the customer, by exactly one of both."""

    __pydantic_config__: ClassVar[ConfigDict] = FORM

    person_id: Id | None = None
    address: Addressee | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One e-mail's content. Subject, text, html and the author's name are templates."""

    __pydantic_config__: ClassVar[ConfigDict] = FORM

    ref: Line | None = None
    """The sender's own word for it."""
    subject: Subject | None = None
    text: Content | None = None
    html: Content | None = None
    from_: Annotated[From | None, Field(alias="from")] = None
    sender_id: Id | None = None
    """A sender: its address, and as far as they aren't given its name and Reply-To."""
    author: Agent | None = None
    """The owner or an agent: where there is no sender his name, and answers go to him (Q12)."""
    reply_to: Mailbox | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transport:
    """Which way out: one by its id, or the customer's default."""

    __pydantic_config__: ClassVar[ConfigDict] = FORM

    id: Id | None = None
    default: Flag = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """When and how it goes out."""

    __pydantic_config__: ClassVar[ConfigDict] = FORM

    mode: Literal["individual"] = "individual"
    not_before: Due | None = None
    """None, or in the past: at once."""
    not_before_raw: Line | None = None
    """The time as it was received, where that said less than an instant."""
    timezone: times.Zone | None = None
    """Where a `not_before` without offset was read from the clock on the wall."""
    expires_after: Seconds = 5 * DAY
    """Seconds from when it may go, after which it isn't tried any more."""
    too_late: Seconds | None = None
    """Seconds from the time asked for, after which it isn't sent at all; None = it never is."""
    send_window: SendWindow | None = None
    """When it may go; None = at any time."""
    spread_over: Seconds | None = None
    """Seconds over which deliveries fall due one after the other; None = all at once."""
    recipient_local: Flag = False
    """Whether `not_before` is read in the zone of each contact that has one."""
    doubt: Doubt = Doubt.RESEND
    transport: Transport | None = None
    """None = the sender's or the campaign's, if one has any, else the customer's default."""
    track_open: Flag = True
    track_click: Flag = True

    @property
    def wish(self) -> Wish:
        """When it shall go out."""
        return Wish(
            not_before=self.not_before,
            expires_after=self.expires_after,
            too_late=self.too_late,
            window=self.send_window.window if self.send_window else None,
            spread_over=self.spread_over,
            local=self.local,
        )

    @property
    def local(self) -> datetime | None:
        """The time on the wall that is meant wherever somebody is; None = one instant for all."""
        if not (self.recipient_local and self.not_before and self.timezone):
            return None
        return self.not_before.astimezone(ZoneInfo(self.timezone)).replace(tzinfo=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateList:
    """The list into which whoever is meant is entered."""

    __pydantic_config__: ClassVar[ConfigDict] = FORM

    name: Annotated[Line, Field(min_length=1)]
    """One that the customer has takes them in as well (Q19)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explain:
    """What a dry run shall say of its audience besides the counts."""

    __pydantic_config__: ClassVar[ConfigDict] = FORM

    address: Line | None = None
    """Why this one is in, or out."""
    sample: Annotated[int, Strict(), Field(ge=0, le=1000)] = 0
    """How many of those who would get a mail are named."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Send(Command):
    """A send request."""

    dry_run: Flag = False
    """Check, expand and count; store nothing. `validate` is this."""
    explain: Explain | None = None
    """With `dry_run`: how the audience comes about."""
    dialect: Annotated[str, AfterValidator(_native)] = "native"
    name: Name | None = None
    """What people call the mailing."""
    campaign_id: Id | None = None
    """What it is booked under, and what supplies that it leaves open (Q11)."""
    act_as_customer: Id | None = None
    """In whose name: his people, lists, transports and suppressions. None = his who asks (Q9)."""
    purpose: Purpose = Purpose.TRANSACTIONAL
    class_: Annotated[Class, Field(alias="class")] = Class.NORMAL
    audience: SkipValidation[tuple[Term, ...]]
    exclude: SkipValidation[tuple[Term, ...]] = ()
    """Whoever these yield is left out."""
    create_list: CreateList | None = None
    """Where those who are meant are kept as contacts."""
    expand: Literal["early", "late"] = "early"
    """Whether it is found out who is meant when it is accepted, or when it is due (Q30)."""
    messages: tuple[Message, ...]
    """Exactly one."""
    delivery: Delivery = Delivery()
    open: Flag = False
    """Whether `extend` adds recipients until `close`."""

    @property
    def recipients(self) -> Iterator[Recipient]:
        """Everyone the parcel itself names, in order."""
        return (recipient for term in audience.named(self.audience) for recipient in term.items)

    @property
    def due(self) -> datetime | None:
        """The time asked for; None = at once."""
        return self.delivery.not_before


def prepare(fields: dict[str, Any], reading: Reading) -> None:
    """What must come before the fields are checked one by one.

    The audience is read, and the defaults that depend on other fields are filled in.
    """
    if fields["command"] == "validate":
        fields["dry_run"] = True
    for name in ("audience", "exclude"):
        if name in fields:
            fields[name] = audience.read(fields[name], reading, name)
    terms: tuple[Term, ...] = fields.get("audience", ())
    named = [recipient for term in audience.named(terms) for recipient in term.items]
    is_open = fields.get("open") is True
    is_literal = audience.is_literal(terms)
    if "audience" in fields and is_literal and not (named or is_open or reading.findings):
        advice = "must hold at least one recipient, or the job be open"
        reading.findings.add(Code.AUDIENCE_EMPTY, ("audience",), advice)
    if is_open and fields.get("exclude"):
        advice = "must not be given for an open job: frames leave out whom they don't name"
        reading.findings.invalid(advice, "exclude")
    _check_together(fields, reading, is_open=is_open)
    is_supplied = "campaign_id" in fields
    if is_supplied:
        fields.setdefault("messages", [{}])
    if isinstance(messages := fields.get("messages"), list):
        _check_author(messages, reading)
        bringing = named if is_literal and not is_open else []
        fields["messages"] = _only(messages, bringing, reading, is_supplied=is_supplied)
    many = is_open or audience.may_be_many(terms) or len(named) > reading.setting.rules.bulk_above
    _fill(fields, reading.setting, is_large=many)
    _check_transport(fields["delivery"], reading)
    times.resolve(fields["delivery"], reading)


def _check_together(fields: dict[str, Any], reading: Reading, *, is_open: bool) -> None:
    """What may not stand beside each other."""
    if fields.get("explain") and fields.get("dry_run") is not True:
        reading.findings.invalid("goes with `dry_run: true` only", "explain")
    if is_open and fields.get("expand") == "late":
        advice = "must be 'early' for an open job: frames are taken as they come"
        reading.findings.invalid(advice, "expand")
    if fields.get("create_list") and (is_open or fields.get("expand") == "late"):
        advice = "must not be given for an open job, nor with `expand: late`: it is made at once"
        reading.findings.invalid(advice, "create_list")


def _only(
    messages: list[Any], named: list[Recipient], reading: Reading, *, is_supplied: bool
) -> list[Any]:
    """The one message; what it lacks a campaign may supply."""
    if len(messages) != 1:
        reading.findings.invalid("must hold exactly one message", "messages")
    elif isinstance(messages[0], dict) and not is_supplied:
        for part, advice in lacking(messages[0].keys(), named):
            reading.findings.add(Code.PARAM_MISSING, ("messages", 0, part), advice)
    return messages[:1]


def lacking(given: AbstractSet[str], named: list[Recipient]) -> Iterator[tuple[str, str]]:
    """What a message lacks that has the `given` fields, with advice.

    Without subject or body it stands only if every one of the `named` brings his own.
    """
    for parts in (("subject",), ("text", "html")):
        if given.isdisjoint(parts) and not _all_bring(named, parts):
            instead = "".join(f" or `{part}`," for part in parts[:-1])
            advice = f"is required,{instead} in the message or as an override of every recipient"
            yield parts[-1], advice


def _check_author(messages: list[Any], reading: Reading) -> None:
    match messages:
        case [{"sender_id": _, "from": {"address": _}}]:
            advice = "must not stand beside `sender_id`, which brings it"
            reading.findings.invalid(advice, "messages", 0, "from", "address")
    match messages:
        case [{"author": dict() as author}] if len(author.keys() & {"person_id", "address"}) != 1:
            advice = "must hold either `person_id` or `address`"
            reading.findings.invalid(advice, "messages", 0, "author")


def _all_bring(named: list[Recipient], parts: tuple[str, ...]) -> bool:
    """Whether there are recipients, each with its own of one of these parts."""
    return bool(named) and all(
        any(getattr(recipient.override, part, None) is not None for part in parts)
        for recipient in named
    )


def _fill(fields: dict[str, Any], setting: Setting, *, is_large: bool) -> None:
    is_marketing = fields.get("purpose") == Purpose.MARKETING
    purpose = Purpose.MARKETING if is_marketing else Purpose.TRANSACTIONAL
    fields.setdefault("class", setting.class_of(purpose, large=is_large))
    delivery = fields.setdefault("delivery", {})
    if isinstance(delivery, dict):
        rules = setting.rules
        given = {"doubt": rules.doubt[purpose], "expires_after": rules.expires_after}
        fields["delivery"] = given | delivery


def _check_transport(delivery: object, reading: Reading) -> None:
    match delivery:
        case {"transport": dict() as transport} if ("id" in transport) == bool(
            transport.get("default")
        ):
            advice = "must hold either `id` or `default: true`"
            reading.findings.invalid(advice, "delivery", "transport")
