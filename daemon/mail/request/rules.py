"""What the configuration may decide about requests: limits, and defaults where none was asked for.

These bound the work that a stranger can ask of us before anybody has said yes (reliability A10,
A11). What a standard fixes, such as the length of a header line, stands beside the field it is for.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

DAY = 86_400
"""Seconds."""


class Purpose(StrEnum):
    """Why it is sent; decides which suppressions hold it back (requirements Q3)."""

    TRANSACTIONAL = "transactional"
    MARKETING = "marketing"


class Class(StrEnum):
    """Priority class, the most pressing first."""

    URGENT = "urgent"
    NORMAL = "normal"
    BULK = "bulk"


class Doubt(StrEnum):
    """What happens to a delivery of which nobody knows whether it was taken (design promise 2)."""

    RESEND = "resend"
    HOLD = "hold"
    GIVE_UP = "give_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """Limits and defaults; those of design and requirements unless the configuration differs."""

    body: int = 40 * 2**20
    """Octets of a parcel's body, packed and unpacked alike."""
    recipients: int = 5_000
    """Literal recipients in one parcel (design 2.3)."""
    bulk_above: int = 1_000
    """A send to more recipients than this is bulk when it names no class (Q3)."""
    variables: int = 30
    """Variables of one recipient."""
    horizon: timedelta = timedelta(days=366)
    """How far ahead something may be scheduled (Q16)."""
    needs_dot: bool = True
    """Whether the domain of an address must have a dot (Q6)."""
    expires_after: int = 5 * DAY
    """Seconds until a delivery is given up, when the request doesn't say."""
    doubt: Mapping[Purpose, Doubt] = field(
        default_factory=lambda: {
            Purpose.TRANSACTIONAL: Doubt.RESEND,
            Purpose.MARKETING: Doubt.HOLD,
        }
    )
    """The doubt policy, when the request doesn't say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """In what circumstances a request is read."""

    now: datetime
    """The time, with its zone."""
    urgent: bool = False
    """Whether it came by the urgent queue."""
    rules: Rules = Rules()

    def class_of(self, purpose: Purpose, *, large: bool) -> Class:
        """The class of a send that names none (Q3); `large`: open, or to many recipients."""
        if self.urgent:
            return Class.URGENT
        return Class.BULK if large or purpose == Purpose.MARKETING else Class.NORMAL
