"""`send`: what, to whom, when. The canonical form every dialect maps to (requirements 2.1).

This daemon serves the fields that stand here. The other fields of version 1 are refused by name, so
that nobody waits for an effect that doesn't come. `track_open` and `track_click` are the exception:
on by default (Q21), they are kept with the job for the tracking that reads them.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, Field, SkipValidation

from daemon.mail.plan import Wish
from daemon.mail.refusal import Code
from daemon.mail.request import recipients, times
from daemon.mail.request.commands import FORM, Command
from daemon.mail.request.kinds import (
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
from daemon.mail.request.recipients import Reading, Recipient, Recipients
from daemon.mail.request.rules import DAY, Class, Doubt, Purpose, Setting
from daemon.mail.request.windows import SendWindow

TERMS = 100
"""Terms of an audience at most."""
_TERM = frozenset({"type", "items"})


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
class Message:
    """One e-mail's content. Subject, text, html and the author's name are templates."""

    __pydantic_config__: ClassVar[ConfigDict] = FORM

    ref: Line | None = None
    """The sender's own word for it."""
    subject: Subject | None = None
    text: Content | None = None
    html: Content | None = None
    from_: Annotated[From | None, Field(alias="from")] = None
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
    doubt: Doubt = Doubt.RESEND
    transport: Transport = Transport(default=True)
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
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Send(Command):
    """A send request."""

    dry_run: Flag = False
    """Check, expand and count; store nothing. `validate` is this."""
    dialect: Annotated[str, AfterValidator(_native)] = "native"
    name: Name | None = None
    """What people call the mailing."""
    purpose: Purpose = Purpose.TRANSACTIONAL
    class_: Annotated[Class, Field(alias="class")] = Class.NORMAL
    audience: SkipValidation[tuple[Recipients, ...]]
    messages: tuple[Message, ...]
    """Exactly one."""
    delivery: Delivery = Delivery()
    open: Flag = False
    """Whether `extend` adds recipients until `close`."""

    @property
    def recipients(self) -> Iterator[Recipient]:
        """Everyone the parcel itself names, in order."""
        return (recipient for term in self.audience for recipient in term.items)

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
    if "audience" in fields:
        fields["audience"] = _audience(fields["audience"], reading)
    named = [recipient for term in fields.get("audience", ()) for recipient in term.items]
    is_open = fields.get("open") is True
    if "audience" in fields and not (named or is_open or reading.findings):
        advice = "must hold at least one recipient, or the job be open"
        reading.findings.add(Code.AUDIENCE_EMPTY, ("audience",), advice)
    if isinstance(messages := fields.get("messages"), list):
        fields["messages"] = _only(messages, [] if is_open else named, reading)
    _fill(fields, reading.setting, count=len(named), is_open=is_open)
    _check_transport(fields["delivery"], reading)
    times.resolve(fields["delivery"], reading)


def _audience(terms: object, reading: Reading) -> tuple[Recipients, ...]:
    if not isinstance(terms, list):
        reading.findings.invalid("must be a list of terms", "audience")
        return ()
    if len(terms) > TERMS:
        reading.findings.add(Code.TOO_LARGE, ("audience",), f"must hold at most {TERMS} terms")
        return ()
    read = tuple(_term(term, number, reading) for number, term in enumerate(terms))
    recipients.check_size(sum(len(term.items) for term in read), reading, "audience")
    return read


def _term(term: object, number: int, reading: Reading) -> Recipients:
    """One term; a kind that isn't served, or isn't known, yields nobody."""
    if not isinstance(term, dict):
        reading.findings.invalid("must be an object", "audience", number)
        return Recipients(items=())
    kind = term.get("type")
    if kind is None:
        reading.findings.add(Code.PARAM_MISSING, ("audience", number, "type"), "is required")
    elif kind != "recipients":
        advice = "must be 'recipients', the one kind of term that this daemon serves"
        reading.findings.invalid(advice, "audience", number, "type")
    else:
        return _recipients(term, number, reading)
    return Recipients(items=())


def _recipients(term: dict[str, Any], number: int, reading: Reading) -> Recipients:
    for name in islice((name for name in term if name not in _TERM), recipients.UNKNOWN_LIMIT):
        reading.findings.unknown(name, _TERM, "audience", number)
    if term.get("items") is None:
        reading.findings.add(Code.PARAM_MISSING, ("audience", number, "items"), "is required")
        return Recipients(items=())
    return Recipients(items=recipients.read(term["items"], reading, "audience", number, "items"))


def _only(messages: list[Any], named: list[Recipient], reading: Reading) -> list[Any]:
    """The one message. Without subject or body it stands only if every recipient brings his own."""
    if len(messages) != 1:
        reading.findings.invalid("must hold exactly one message", "messages")
    elif isinstance(messages[0], dict):
        for parts in (("subject",), ("text", "html")):
            if messages[0].keys().isdisjoint(parts) and not _all_bring(named, parts):
                instead = "".join(f" or `{part}`," for part in parts[:-1])
                advice = (
                    f"is required,{instead} in the message or as an override of every recipient"
                )
                reading.findings.add(Code.PARAM_MISSING, ("messages", 0, parts[-1]), advice)
    return messages[:1]


def _all_bring(named: list[Recipient], parts: tuple[str, ...]) -> bool:
    """Whether there are recipients, each with its own of one of these parts."""
    return bool(named) and all(
        any(getattr(recipient.override, part, None) is not None for part in parts)
        for recipient in named
    )


def _fill(fields: dict[str, Any], setting: Setting, *, count: int, is_open: bool) -> None:
    is_marketing = fields.get("purpose") == Purpose.MARKETING
    purpose = Purpose.MARKETING if is_marketing else Purpose.TRANSACTIONAL
    large = is_open or count > setting.rules.bulk_above
    fields.setdefault("class", setting.class_of(purpose, large=large))
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
