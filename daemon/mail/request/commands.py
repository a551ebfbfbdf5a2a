"""The requests of version 1 in their canonical form, but for `send`, which has its own file.

Each class is what the rest of the daemon works with and, by its annotations, what pydantic checks:
there is no second description that could differ. None stands for a field that wasn't given.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, SkipValidation

from daemon.mail.request.kinds import Addressee, Amount, Count, Due, Flag, Id, Key, Line, Moment
from daemon.mail.request.recipients import Recipient
from daemon.mail.state import State

FORM = ConfigDict(extra="forbid", hide_input_in_errors=True)
"""What pydantic makes of these classes: unknown fields are faults."""

MANY = 1_000
"""Ids in one request at most, and rows of one page."""

Ticket = Annotated[Key, Field(pattern=r"^email_[0-9a-f]{13}$")]
PageSize = Annotated[Count, Field(le=MANY)]


def _some(ids: tuple[int, ...]) -> tuple[int, ...]:
    """At least one; pydantic's own lower bound would also complain of a single wrong one."""
    if not ids:
        raise ValueError("must hold at least one id")
    return ids


Ids = Annotated[tuple[Id, ...], Field(max_length=MANY), AfterValidator(_some)]

_STATES = {state.name.lower(): state for state in State}


def _state(value: object) -> State:
    """A state by its name, as answers write it."""
    if not isinstance(value, str) or value not in _STATES:
        raise ValueError(f"must be one of {', '.join(_STATES)}")
    return _STATES[value]


@dataclass(frozen=True, slots=True, kw_only=True)
class Principal:
    """Who asks, by the word of the parcel; intake decides whether to believe it (design 7)."""

    __pydantic_config__: ClassVar = FORM

    customer_id: Id
    person_id: Id | None = None
    api_key_id: Id | None = None
    scheme: Literal[
        "password", "token", "key_pair", "form_token", "basic", "bearer", "ticket", "internal"
    ] = "internal"


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What every request has around its arguments."""

    __pydantic_config__: ClassVar = FORM

    command: str
    request_id: Key | None = None
    """The key of a request that stores something, unique per customer for a day (design 2.2)."""
    principal: Principal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extend(Command):
    """One frame of an open job: more recipients (design 2.3)."""

    request_id: Key
    """The key of the `send`."""
    frame: Count
    """From 1, each number once, in any order."""
    items: SkipValidation[tuple[Recipient, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Close(Command):
    """The end of an open job, once that many different frames are in."""

    request_id: Key
    frames: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(Command):
    """How one job stands, by exactly one of its names, or all jobs of a campaign."""

    job: UUID | None = None
    ticket: Ticket | None = None
    message: Id | None = None
    delivery: Id | None = None
    campaign: Id | None = None
    """All jobs that are booked under it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries(Command):
    """The deliveries of a job or of one message, page by page, or whoever was dropped."""

    job: UUID | None = None
    message: Id | None = None
    state: Annotated[State, BeforeValidator(_state, json_schema_input_type=str)] | None = None
    dropped: Flag = False
    """Whether to list those who were asked for and are not delivered to."""
    page: Line | None = None
    """Where to go on, as the last answer said; None = from the first."""
    limit: PageSize = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel(Command):
    """Take back what has no permit yet, of a job or of one delivery."""

    job: UUID | None = None
    customer: Id | None = None
    """Of the job only whoever was found at this customer or below him; None = all of it."""
    delivery: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause(Command):
    """Start nothing more of a job, or of a customer, until `resume`."""

    job: UUID | None = None
    customer: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume(Command):
    """The end of a `pause`."""

    job: UUID | None = None
    customer: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reschedule(Command):
    """Another due time for what has no permit yet."""

    job: UUID | None = None
    customer: Id | None = None
    """As in `Cancel`."""
    delivery: Id | None = None
    not_before: Due


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe(Command):
    """No more marketing to an address, from anything of the customer."""

    address: Addressee
    reason: Line | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe(Command):
    """Lifts unsubscriptions of every scope; never bounces, complaints or manual blocks (Q23)."""

    address: Addressee


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtList(Command):
    """The deliveries in doubt that wait for a decision."""

    job: UUID | None = None
    page: Line | None = None
    limit: PageSize = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DoubtResolve(Command):
    """The decision over the doubts of a job, or over those of some deliveries."""

    job: UUID | None = None
    deliveries: Ids | None = None
    action: Literal["resend", "give_up"]


@dataclass(frozen=True, slots=True, kw_only=True)
class EventsReplay(Command):
    """Tell events again, under the same ids: of a time, of a job, or of a stream."""

    from_: Annotated[Moment | None, Field(alias="from")] = None
    to: Moment | None = None
    job: UUID | None = None
    stream: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditGet(Command):
    """How an account of credit stands: one's own, or that of a customer below."""

    customer: Id | None = None
    """None = the asker's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreditTopup(Command):
    """Pays in. Once for a key, for ever; not for oneself, unless the configuration trusts him."""

    customer: Id | None = None
    amount: Amount
