"""The requests about what belongs to customers: one's own, or a customer's below."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import Field, SkipValidation

from daemon.mail.directory import cells
from daemon.mail.request.commands import Command, PageSize
from daemon.mail.request.contacts import Contacts
from daemon.mail.request.kinds import (
    Addressee,
    Author,
    Content,
    Flag,
    Id,
    Line,
    Mailbox,
    OptionalId,
    OptionalMailbox,
    Subject,
)

SuppressionKind = Literal["unsubscribe", "hard_bounce", "complaint", "manual"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionsList(Command):
    """Who isn't written to, and why."""

    customer: Id | None = None
    """None = the asker's own; so in all of these."""
    address: Addressee | None = None
    kind: SuppressionKind | None = None
    lifted: Flag = False
    """Those too that hold no more."""
    page: Line | None = None
    limit: PageSize = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionsAdd(Command):
    """Nothing more to an address: of a list's mail, or of everything."""

    customer: Id | None = None
    address: Addressee
    kind: SuppressionKind = "manual"
    list: Id | None = None
    reason: Line | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SuppressionsLift(Command):
    """One of them, of whatever kind, holds no more."""

    suppression: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class ListsCreate(Command):
    """A new list of contacts; its name is the only one of the customer's."""

    customer: Id | None = None
    name: Annotated[Line, Field(min_length=1)]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListsImport(Command):
    """Contacts into a list: new ones, and those who are there already brought up to date."""

    list: Id
    contacts: SkipValidation[Contacts]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListsList(Command):
    """The customer's lists."""

    customer: Id | None = None
    page: Line | None = None
    limit: PageSize = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ListsMembers(Command):
    """The contacts of a list."""

    list: Id
    page: Line | None = None
    limit: PageSize = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class ListsDelete(Command):
    """Takes a list away, and what was unsubscribed from it; its contacts stay."""

    list: Id


EntityName = Literal["customer", "person", "billing_contact", "agent", "plan", "role"]
Row = Annotated[Mapping[str, Any], Field(min_length=1, max_length=64)]


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryGet(Command):
    """One row of the directory; an agent is named by his person, beside the customer."""

    entity: EntityName
    id: Id
    customer: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryList(Command):
    """The rows of a customer; of customers, those directly below."""

    entity: EntityName
    customer: Id | None = None
    page: Line | None = None
    limit: PageSize = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryPut(Command):
    """Enters a row, or changes what it says of one that is there."""

    entity: EntityName
    row: Row
    """As an import reads it; what it doesn't speak of stays as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryDelete(Command):
    """One row goes; customers and people are marked as gone."""

    entity: EntityName
    id: Id
    customer: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendersList(Command):
    """The customer's senders."""

    customer: Id | None = None
    page: Line | None = None
    limit: PageSize = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class SendersGet(Command):
    """One sender."""

    sender: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class SendersPut(Command):
    """A new sender, or another name or address for one that is there."""

    sender: Id | None = None
    """None = a new one. Of one that is there stays what isn't given."""
    customer: Id | None = None
    """Whose a new one is."""
    name: Author | None = None
    """What is displayed beside the address; a template, as everywhere."""
    address: Mailbox | None = None
    reply_to: OptionalMailbox | None = None
    transport: OptionalId | None = None
    """By which its mail goes out, unless a send says otherwise."""
    active: Flag | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SendersDelete(Command):
    """A sender goes; mail that was accepted from it goes out as it is."""

    sender: Id


CampaignType = Literal["simple", "other"]


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignsList(Command):
    """The customer's campaigns, without their content."""

    customer: Id | None = None
    active: Flag | None = None
    """None = those that are on, and those that are off."""
    page: Line | None = None
    limit: PageSize = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignsGet(Command):
    """One campaign."""

    campaign: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignsCreate(Command):
    """A new campaign: what its sends leave open, it supplies."""

    customer: Id | None = None
    name: Annotated[Line, Field(min_length=1)]
    type: CampaignType = "simple"
    active: Flag = True
    subject: Subject | None = None
    html: Annotated[Content, Field(max_length=cells.LONGEST_TEXT)] | None = None
    """As long as a file may have it."""
    sender: Id | None = None
    transport: Id | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignsActivate(Command):
    """Sends may be booked under it, from now on."""

    campaign: Id


@dataclass(frozen=True, slots=True, kw_only=True)
class CampaignsDeactivate(Command):
    """No sends any more; what was accepted under it goes on."""

    campaign: Id


Keyed = (
    ListsCreate
    | ListsImport
    | ListsDelete
    | SendersPut
    | SendersDelete
    | CampaignsCreate
    | CampaignsActivate
    | CampaignsDeactivate
)
"""What is carried out once for each key: done twice, or late, it would come to something else."""
