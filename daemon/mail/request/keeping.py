"""The requests about what belongs to customers: one's own, or a customer's below."""

from dataclasses import dataclass
from typing import Literal

from daemon.mail.request.commands import Command, PageSize
from daemon.mail.request.kinds import Addressee, Flag, Id, Line

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
